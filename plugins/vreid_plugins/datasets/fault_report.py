"""Reporting what is wrong with a tree: `read` raises the first fault, `verify` collects all of them."""

from __future__ import annotations

from collections.abc import Callable, Sized

from vreid_bench import InputError

Report = Callable[[str], None]  # takes one fault as a sentence

LEFTOVERS = (".DS_Store", "Thumbs.db", "desktop.ini", "__MACOSX")


def stop(fault: str) -> None:
    """The report that raises InputError: the first fault ends the reading."""
    raise InputError(fault)


def ignore(fault: str) -> None:
    """The report that drops a fault."""


def is_leftover(name: str) -> bool:
    """Whether a file manager leaves files of this name behind."""
    return name in LEFTOVERS or name.startswith("._")


def one_of(bad: Sized, what: str) -> str:
    """How many things share a fault, for the middle of a sentence; nothing if there is one."""
    return f" (one of {len(bad):,} such {what})" if len(bad) > 1 else ""
