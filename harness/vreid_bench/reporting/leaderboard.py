"""The folder of a leaderboard: records are the truth, and its pages follow from them byte for byte."""

from __future__ import annotations

from collections.abc import Container, Sequence
from pathlib import Path
from typing import NamedTuple

from vreid_bench.reporting import record_folder
from vreid_bench.reporting.pages import INDEX, MARK, render_pages
from vreid_bench.reporting.record_folder import (
    add_record,
    check_addition,
    find_faults,
    is_unfinished,
    read_records,
)
from vreid_bench.system.errors import InputError
from vreid_bench.system.files import write_atomic

FOLDERS = (record_folder.NAME, "kernels")  # every other entry is a page


class Publication(NamedTuple):
    """What `publish` did."""

    written: list[str]  # files that changed
    skipped: list[str]  # folders without a record: runs that are not finished


def publish(runs: Sequence[Path], leaderboard: Path, replace: bool = False) -> Publication:
    """Add the records of several runs and rebuild the pages, or change nothing if one of them cannot be added.

    Runs that are not finished are skipped. Raises InputError if none is finished, and if two belong at one place.
    """
    skipped = [run for run in runs if is_unfinished(run)]
    finished = [run for run in runs if run not in skipped]
    if not finished:
        raise InputError(
            f"none of {len(runs)} run(s) is finished, expected a record.json in each; repeat the command of "
            f"{', '.join(map(str, runs[:3]))}{' ...' if len(runs) > 3 else ''}"
        )
    first: dict[Path, tuple[Path, bytes]] = {}  # by place
    for run in finished:
        place, content = check_addition(run, leaderboard, replace)
        other, same = first.setdefault(place, (run, content))
        if content != same:
            raise InputError(
                f"{other} and {run} would both be {place}: they ran one method, preset, seed and options, on different "
                "data, code or machines, as `vreid-bench runs` shows; add one of them, or use a separate leaderboard "
                "for each (--dir)"
            )
    written = [str(add_record(run, leaderboard, replace)) for run in finished] + write_pages(leaderboard)
    return Publication(written, [str(run) for run in skipped])


def build_pages(leaderboard: Path) -> dict[str, bytes]:
    """Every page as file name -> content. Raises InputError for a faulty file under `records/`."""
    return render_pages(read_records(leaderboard))


def write_pages(leaderboard: Path) -> list[str]:
    """Bring the pages up to date; returns the files that changed, removed ones included."""
    pages = build_pages(leaderboard)
    changed = []
    for name, content in pages.items():
        path = leaderboard / name
        if not path.exists() or path.read_bytes() != content:
            write_atomic(path, content)
            changed.append(str(path))
    for path in _list_leftover(leaderboard, pages):
        path.unlink()
        changed.append(str(path))
    return changed


def check(leaderboard: Path) -> list[str]:
    """Every fault of the folder, each a sentence that names the file; empty if there is none."""
    problems = list(find_faults(leaderboard))
    known = {INDEX}
    if problems:
        problems.append(f"{leaderboard}: the pages were not compared; correct the records above first")
    else:
        pages = build_pages(leaderboard)
        known |= set(pages)
        for name, content in sorted(pages.items()):
            path = leaderboard / name
            if not path.is_file():
                problems.append(f"{path}: is missing; run `vreid-bench leaderboard`")
            elif path.read_bytes() != content:
                problems.append(f"{path}: does not follow from the records; run `vreid-bench leaderboard`")
        problems += [
            f"{path}: has no record; run `vreid-bench leaderboard`" for path in _list_leftover(leaderboard, pages)
        ]
    for path in sorted(leaderboard.iterdir() if leaderboard.is_dir() else ()):
        if path.name not in (*FOLDERS, *known) and not _is_generated(path):
            problems.append(f"{path}: does not belong here; pages are generated, records lie under records/")
    return problems


def _list_leftover(leaderboard: Path, pages: Container[str]) -> list[Path]:
    """Generated pages whose records are gone."""
    return [path for path in sorted(leaderboard.glob("*.md")) if path.name not in pages and _is_generated(path)]


def _is_generated(path: Path) -> bool:
    return path.is_file() and path.read_bytes().startswith(MARK.encode())
