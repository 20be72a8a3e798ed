"""The README beside a leaderboard and the figures that it shows: written, and held against the records."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from vreid_bench.reporting.front_place import FIGURES, Place, find_place
from vreid_bench.reporting.record_folder import read_records
from vreid_bench.system.errors import InputError
from vreid_bench.system.files import write_atomic

if TYPE_CHECKING:
    from vreid_bench.reporting.front import Front


def write_front(leaderboard: Path) -> list[str]:
    """Bring the README beside a leaderboard and its figures up to date; returns the files that changed.

    Raises InputError for a place without an end, and for a board without records.
    """
    place = find_place(leaderboard)
    if place is None:
        return []
    front = _build(place, leaderboard)
    contents = {
        path: figure.render()
        for figure in front.figures
        if not (path := leaderboard / FIGURES / figure.name).is_file() or figure.find_fault(path.read_bytes())
    }
    if place.path.read_bytes() != front.content:
        contents[place.path] = front.content
    for path, content in contents.items():
        write_atomic(path, content)
    leftover = _list_leftover(leaderboard, front)
    for path in leftover:
        path.unlink()
    return [str(path) for path in (*contents, *leftover)]


def find_front_faults(leaderboard: Path) -> Iterator[str]:
    """What of the README and its figures does not follow from the records, each fault a sentence."""
    try:
        place = find_place(leaderboard)
        front = _build(place, leaderboard) if place else None
    except InputError as fault:
        yield str(fault)
        return
    if place is None or front is None:
        return  # a leaderboard alone, such as a copy: its figures are those of a README elsewhere
    if place.path.read_bytes() != front.content:
        yield f"{place.path}: its board does not follow from the records; run `vreid-bench leaderboard`"
    for figure in front.figures:
        path = leaderboard / FIGURES / figure.name
        found = figure.find_fault(path.read_bytes()) if path.is_file() else "is missing"
        if found:
            yield f"{path}: {found}; run `vreid-bench leaderboard`"
    for path in _list_leftover(leaderboard, front):
        yield f"{path}: the README has no such figure; run `vreid-bench leaderboard`"


def _list_leftover(leaderboard: Path, front: Front) -> list[Path]:
    """Files in the folder of figures that the README does not show."""
    names = {figure.name for figure in front.figures}
    return [path for path in sorted((leaderboard / FIGURES).glob("*")) if path.name not in names]


def _build(place: Place, leaderboard: Path) -> Front:
    from vreid_bench.reporting.front import build_front  # matplotlib, only where there is something to draw

    return build_front(place, leaderboard, read_records(leaderboard))
