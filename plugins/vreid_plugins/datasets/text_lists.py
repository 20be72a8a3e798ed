"""Lists of tracklets in text files: one line each, with the path below the root, the person, perhaps the clothes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from vreid_plugins.datasets.fault_report import Report, is_leftover, one_of
from vreid_plugins.datasets.text_lines import read_lines


class Entry(NamedTuple):
    """One line of a list."""

    where: str  # the file and the line, for the beginning of a message
    path: str  # below the root: a folder, or the beginning of file names
    pid: int
    outfit: str  # what is worn; empty if the list has no such column


def read_list(path: Path, example: str, report: Report) -> list[Entry]:
    """The lines of a list, in order; every fault goes to `report`.

    `example` is a correct line: every line needs as many cells. Windows line endings, a byte order mark and blank
    lines at the end do not matter.
    """
    lines = read_lines(path, f"a line such as {example!r} for every tracklet; copy it again", report)
    found = (_entry(f"{path}, line {number}", line, example, report) for number, line in enumerate(lines, start=1))
    return [entry for entry in found if entry is not None]


def _entry(where: str, line: str, example: str, report: Report) -> Entry | None:
    cells = line.split()
    if len(cells) != len(example.split()):
        report(f"{where}: found {line!r}, expected {len(example.split())} cells as in {example!r}; restore the list.")
        return None
    path = PurePosixPath(cells[0])
    if path.is_absolute() or ".." in path.parts or "\\" in cells[0]:
        report(f"{where}: {cells[0]!r} leads out of the data set, expected a path below its folder; restore the list.")
        return None
    if is_leftover(path.name):
        report(f"{where}: {cells[0]!r} was left by a file manager, expected a tracklet; delete the line.")
        return None
    try:
        pid = int(cells[1])
    except ValueError:
        report(
            f"{where}: {cells[1]!r} is not the number of a person, expected a line such as {example!r}; restore the "
            "list."
        )
        return None
    return Entry(where, cells[0], pid, cells[2] if len(cells) > 2 else "")


def check_repeats(entries: Iterable[Entry], report: Report) -> None:
    """Check that every tracklet is listed once, in one list."""
    first: dict[str, Entry] = {}
    again = [entry for entry in entries if first.setdefault(entry.path, entry) is not entry]
    if again:
        report(
            f"{again[0].where}: {again[0].path} is already listed in {first[again[0].path].where}"
            f"{one_of(again, 'lines')}, expected each tracklet once; delete one of the two lines."
        )
