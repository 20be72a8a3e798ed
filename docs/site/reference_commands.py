"""The page of the command line: what `--help` says of every command."""

from __future__ import annotations

from collections.abc import Iterator

import click

from vreid_bench.cli.main import main

WIDTH = 100


def commands_page() -> str:
    """A section for each command with its help, as the terminal shows it."""
    text = [
        "# Command line",
        "The help of every command, as `--help` shows it. A mistake in what was given ends a command with exit code 2, "
        "any other failure with 1; each with one sentence.",
    ]
    for path, command in commands(main, "vreid-bench"):
        context = click.Context(command, info_name=path, max_content_width=WIDTH, terminal_width=WIDTH)
        level = "#" * min(1 + len(path.split()), 4)
        text.append(f"{level} `{path}`\n\n```text\n{command.get_help(context).rstrip()}\n```")
    return "\n\n".join(text) + "\n"


def commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    """Each command under its whole name: a group before its members."""
    yield path, command
    if isinstance(command, click.Group):
        for name in sorted(command.commands):
            if not command.commands[name].hidden:
                yield from commands(command.commands[name], f"{path} {name}")
