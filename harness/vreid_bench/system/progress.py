"""What long work tells on stderr while it goes on: progress bars, lines between them, and what is told once."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import click
from tqdm import tqdm

SILENT = ContextVar("silent", default=False)  # whether bars are hidden, whoever makes them
TOLD = "vreid_bench.told"  # key in click's `meta`: the lines that a command has told


def bar(total: int, title: str, unit: str, *, done: int = 0, quiet: bool = False) -> Any:
    """A tqdm bar with the time left. In a file or a pipe it writes one line every ten seconds, not ten per second."""
    interval = 0.1 if sys.stderr.isatty() else 10.0
    hidden = quiet or SILENT.get()
    return tqdm(total=total, initial=done, desc=title, unit=unit, disable=hidden, mininterval=interval)


@contextmanager
def silence() -> Iterator[None]:
    """Show no bar in the block, not even those of a plugin's code."""
    token = SILENT.set(True)
    try:
        yield
    finally:
        SILENT.reset(token)


def write_line(line: str, *, quiet: bool = False) -> None:
    """Print a line above the bars that are shown."""
    if not quiet:
        tqdm.write(line, file=sys.stderr)


def tell_once(text: str) -> None:
    """Print a text to stderr, unless the running command has told it before; a command can do several runs."""
    context = click.get_current_context(silent=True)
    told: set[str] = set() if context is None else context.meta.setdefault(TOLD, set())
    if text not in told:
        told.add(text)
        click.echo(text, err=True)
