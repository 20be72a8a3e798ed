"""What long work tells on stderr while it goes on: progress bars, lines between them, and what is told once."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import click
from tqdm import tqdm

from vreid_bench.system.terminal import echo, make_printable

EVERY = 10.0  # seconds between two lines of a bar in a file
SILENT = ContextVar("silent", default=False)  # whether bars are hidden, whoever makes them
TOLD = "vreid_bench.told"  # key in click's `meta`: the lines that a command has told


def bar(total: int, title: str, unit: str, *, done: int = 0, quiet: bool = False) -> Any:
    """A tqdm bar with the time left. In a file or a pipe it is `Lines`, without control characters."""
    hidden = quiet or SILENT.get()
    if sys.stderr.isatty():
        return tqdm(total=total, initial=done, desc=title, unit=unit, disable=hidden)
    return Lines(total=total, initial=done, desc=title, unit=unit, disable=hidden, mininterval=EVERY, miniters=1)


class Lines(tqdm):  # type: ignore[type-arg]  # tqdm is generic for type checkers alone
    """A bar as lines: one every ten seconds, and one at the end. Nothing is drawn over."""

    monitor_interval = 0  # the thread that hurries slow bars is not needed
    written: float = 0  # the count in the last line

    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        """Write how far it is, if it went on since the last line."""
        if self.n > self.written:
            self.written = self.n
            state = self.format_dict
            state["bar_format"] = "{desc}: {n_fmt} of {total_fmt}, {elapsed}, {remaining} left, {rate_fmt}{postfix}"
            self.fp.write(f"{self.format_meter(**state)}\n")
            self.fp.flush()

    def clear(self, nolock: bool = False) -> None:
        """Leave the lines as they are."""

    def close(self) -> None:
        """Write the last line."""
        if not self.disable:
            self.disable = True
            self.display()


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
    if quiet:
        return
    if sys.stderr.isatty():
        tqdm.write(make_printable(line), file=sys.stderr)
    else:
        echo(line, err=True)


def tell_once(text: str) -> None:
    """Print a text to stderr, unless the running command has told it before; a command can do several runs."""
    context = click.get_current_context(silent=True)
    told: set[str] = set() if context is None else context.meta.setdefault(TOLD, set())
    if text not in told:
        told.add(text)
        echo(text, err=True)
