"""How a dataset reader tells what is wrong: `read` raises the first fault, `verify` collects them all."""

from __future__ import annotations

from collections.abc import Callable, Sized

from vreid_bench import InputError

Report = Callable[[str], None]  # takes one fault as a sentence

LEFTOVERS = (".DS_Store", "Thumbs.db", "desktop.ini", "__MACOSX")


def stop(problem: str) -> None:
    """The report that raises: the first problem is the last."""
    raise InputError(problem)


def is_leftover(name: str) -> bool:
    """Is this a name that a file manager leaves behind?"""
    return name in LEFTOVERS or name.startswith("._")


def also(bad: Sized, what: str) -> str:
    """How many more share a fault, for the middle of a sentence; nothing if there is one."""
    return f" ({len(bad) - 1:,} more {what} alike)" if len(bad) > 1 else ""
