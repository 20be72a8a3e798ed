"""Completion of names in the shell: of kinds, of all that plugins provide, and of finished runs.

Which option takes which names is decided here, once for all commands. Names are looked up only for a word that
has to be completed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import get_args

import click
from click.shell_completion import CompletionItem

from vreid_bench.ops.metric import Metric
from vreid_bench.records.run_directory import RunDirectory
from vreid_bench.system.errors import InputError

KIND = "kind"  # stands for the names of the kinds themselves
# option or argument -> kinds of the names that it takes
TAKES = {
    "--plugin": ("methods", "encoders", "aggregators", "matchers", "losses"),
    "--protocol": ("protocols",),
    "--layout": ("datasets",),
    "--accept-withdrawn": ("datasets",),
    "--matcher": ("matchers",),
    "--rerank": ("rerankers",),
    "--tracker": ("trackers",),
    "--executor": ("executors",),
    "--convention": ("conventions",),
    "method": ("methods", "encoders"),
    "kind": (KIND,),
    "checked": ("methods", "encoders", "aggregators", "matchers", "losses", "augmentations", "datasets", "protocols"),
    "dataset": ("datasets",),
}

WORDS = {"--metric": get_args(Metric), "--device": ("auto", "cpu", "cuda")}  # option -> words that it takes
RUNS = ("--from", "run", "group", "--with")  # options and arguments that take a finished run, by id or folder


class InstalledName(click.types.StringParamType):
    """A text that is completed to the installed names of some kinds."""

    def __init__(self, kinds: tuple[str, ...]) -> None:
        self.kinds = kinds

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The names that begin with `incomplete`, each with its first sentence for shells that show it."""
        try:
            return [CompletionItem(name, help=text) for name, text in self._list_names() if name.startswith(incomplete)]
        except InputError:  # a broken plugin: the command itself reports it
            return []

    def _list_names(self) -> Iterator[tuple[str, str]]:
        from vreid_bench.registry.entry import KINDS

        if self.kinds == (KIND,):
            yield from ((kind, f"every {one}") for kind, one in KINDS.items())
            return
        from vreid_bench.registry.registry import Registry
        from vreid_bench.reporting.terminal_tables import first_sentence

        registry = Registry.installed()
        for kind in self.kinds:
            yield from ((entry.name, first_sentence(entry.summary)) for entry in registry.entries(kind))


class Word(click.types.StringParamType):
    """A text that is completed to some words; the command itself says which it takes."""

    def __init__(self, words: Sequence[str]) -> None:
        self.words = words

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The words that begin with `incomplete`."""
        return [CompletionItem(word) for word in self.words if word.startswith(incomplete)]


class RunName(click.Path):
    """A path that is completed to the ids of the finished runs, and to files."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The ids in the folder that `--runs` names; the shell adds its own files."""
        runs = RunDirectory.list_in(ctx.params.get("runs") or Path("runs"))
        ids = [run.path.name for run in runs if run.is_finished and run.path.name.startswith(incomplete)]
        # bash drops what stands before the files, and shows them where nothing follows
        return [CompletionItem(incomplete, type="file"), *map(CompletionItem, ids)]


def complete_names(group: click.Group) -> None:
    """Let every option and argument under `group` that takes names, runs or words be completed.

    One with choices of its own keeps them: click completes these.
    """
    for command in group.commands.values():
        for parameter in command.params:
            if isinstance(parameter.type, click.Choice):
                continue
            if any(word in RUNS for word in (*parameter.opts, parameter.name)):
                parameter.type = RunName()
            if words := next((WORDS[word] for word in parameter.opts if word in WORDS), None):
                parameter.type = Word(words)
            kinds = next((TAKES[word] for word in (*parameter.opts, parameter.name) if word in TAKES), None)
            if kinds is None and parameter.name == "name" and not parameter.opts[0].startswith("-"):
                # the NAME of `protocols show` and `methods show`; the latter shows parts, too
                kinds = TAKES["--plugin"] if group.name == "methods" else (str(group.name),)
            if kinds is not None:
                parameter.type = InstalledName(kinds)
        if isinstance(command, click.Group):
            complete_names(command)
