"""Reporting what is wrong with a tree: `read` raises the first fault, `verify` collects all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sized

from vreid_bench import InputError

Report = Callable[[str], None]  # takes one fault as a sentence

LEFTOVERS = (".DS_Store", "Thumbs.db", "desktop.ini", "__MACOSX")
MOST = 20  # faults of one kind that are reported one by one


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


class Tally:
    """Reports the first faults of each kind and counts the others, so that a lost disk gives a short list."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._counts: Counter[str] = Counter()

    def add(self, kind: str, sentence: str) -> None:
        """Take one fault, and the kind under which it is counted."""
        self._counts[kind] += 1
        if self._counts[kind] <= MOST:
            self._report(sentence)

    def close(self) -> None:
        """Report how many faults were left out."""
        for kind, count in self._counts.items():
            if count > MOST:
                self._report(f"{count - MOST:,} more: {kind}.")
