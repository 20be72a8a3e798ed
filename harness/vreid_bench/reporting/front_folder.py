"""The README beside a leaderboard and the figures that it shows: written, and held against the records."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from vreid_bench.reporting.record_folder import read_records
from vreid_bench.system.errors import InputError
from vreid_bench.system.files import write_atomic

if TYPE_CHECKING:
    from vreid_bench.reporting.front import Front

FIGURES = "figures"  # the folder of a leaderboard
README = "README.md"
BEGIN = "<!-- begin board "  # what the README has where a board is to stand


def write_front(leaderboard: Path) -> list[str]:
    """Bring the README beside a leaderboard and its figures up to date; returns the files that changed.

    Raises InputError as `front.build_front` does.
    """
    front = _build(leaderboard)
    if front is None:
        return []
    contents = {
        path: figure.render()
        for figure in front.figures
        if not (path := leaderboard / FIGURES / figure.name).is_file() or figure.find_fault(path.read_bytes())
    }
    if front.path.read_bytes() != front.content:
        contents[front.path] = front.content
    for path, content in contents.items():
        write_atomic(path, content)
    return [str(path) for path in contents]


def find_front_faults(leaderboard: Path) -> Iterator[str]:
    """What of the README and its figures does not follow from the records, each fault a sentence."""
    try:
        front = _build(leaderboard)
    except InputError as fault:
        yield str(fault)
        return
    figures = {leaderboard / FIGURES / each.name: each for each in front.figures} if front else {}
    if front and front.path.read_bytes() != front.content:
        yield f"{front.path}: its board does not follow from the records; run `vreid-bench leaderboard`"
    for path, figure in figures.items():
        found = figure.find_fault(path.read_bytes()) if path.is_file() else "is missing"
        if found:
            yield f"{path}: {found}; run `vreid-bench leaderboard`"
    for path in sorted((leaderboard / FIGURES).glob("*")):
        if path not in figures:
            yield f"{path}: does not belong here; {FIGURES}/ holds the figures of the README, which are generated"


def _build(leaderboard: Path) -> Front | None:
    """The front as it should be; None if no README has a place for one."""
    beside = leaderboard.parent if leaderboard.name not in ("", "..") else leaderboard.resolve().parent
    path = beside / README
    text = path.read_text() if path.is_file() else ""
    if BEGIN not in text:
        return None
    from vreid_bench.reporting.front import build_front  # matplotlib, only where there is something to draw

    return build_front(path, text, leaderboard, read_records(leaderboard))
