"""The folder of a leaderboard: records and claims are the truth, and its pages follow from them byte for byte."""

from __future__ import annotations

from collections.abc import Container, Sequence
from pathlib import Path
from typing import NamedTuple

from vreid_bench.records.named_run import locate_run
from vreid_bench.records.repeats import INCIDENTAL, NamedRecord, differ_incidentally, list_differing, sort_runs
from vreid_bench.reporting import claims, record_folder
from vreid_bench.reporting.claims import find_claim_faults, read_claims
from vreid_bench.reporting.front_folder import find_front_faults, write_front
from vreid_bench.reporting.front_place import FIGURES
from vreid_bench.reporting.pages import INDEX, MARK, render_pages
from vreid_bench.reporting.record_folder import (
    add_record,
    check_addition,
    explain_unfinished,
    find_faults,
    hold_leaderboard,
    is_unfinished_run,
    read_records,
)
from vreid_bench.system.errors import InputError
from vreid_bench.system.files import is_unfinished, write_atomic
from vreid_bench.training.canary import CANARY

FOLDERS = (record_folder.NAME, claims.NAME, "kernels", "boards", FIGURES)  # every other entry is a page


class Publication(NamedTuple):
    """What `publish` did."""

    written: list[str]  # files that changed
    skipped: list[str]  # folders without a record: runs that are not finished
    repeats: list[str]  # why runs that only repeat another were left out, in sentences
    refused: list[str]  # why the others were not added, in sentences


def publish(named: Sequence[Path], leaderboard: Path, replace: bool = False, runs: Path = Path("runs")) -> Publication:
    """Add the records of several runs and rebuild the pages. Runs that cannot be added are left out, with the reason.

    named: record files, and runs by path or by id in the folder `runs`. Runs that are not finished are skipped, unless
    there is no other. Of records at one place that differ in nothing but the time and the costs of their runs, the
    published one stays, else the first by `sort_runs` is added; others at one place are all refused. Raises InputError
    if none is finished.
    """
    places: dict[Path, dict[bytes, NamedRecord]] = {}  # each different record, and the first run that has it
    skipped, repeats, refused = [], [], []
    for name in named:
        try:
            run = locate_run(name, runs)
            if is_unfinished_run(run):
                skipped.append(run)
                continue
            place, record, is_there = check_addition(run, leaderboard, replace)
        except InputError as fault:
            refused.append(str(fault))
        else:
            if is_there:
                repeats.append(_describe_repeat(run, place))
            else:
                places.setdefault(place, {}).setdefault(record.to_json(), NamedRecord(run, record))
    added = []
    for place, alike in places.items():
        first, *others = sort_runs(alike.values())
        if differ_incidentally([run.record for run in alike.values()]):
            added.append(first.path)
            repeats += [_describe_repeat(other.path, first.path) for other in others]
        else:
            refused.append(_describe_clash(place, [*alike.values()]))
    if not (added or repeats or refused):
        raise InputError("\n".join(map(explain_unfinished, skipped)))
    written = [str(add_record(run, leaderboard, replace)) for run in added] + (
        write_pages(leaderboard) if added else []
    )
    return Publication(written, [str(run) for run in skipped], repeats, refused)


def _describe_repeat(run: Path, first: Path) -> str:
    return f"{run} is left out: it repeats {first}, their records differ in nothing but {' and '.join(INCIDENTAL)}"


def _describe_clash(place: Path, alike: Sequence[NamedRecord]) -> str:
    """Why the runs cannot all be added, and in which fields their records differ."""
    return (
        f"{' and '.join(str(run.path) for run in alike)} would all be {place}: they ran one method, preset, seed and "
        f"options; their records differ in {', '.join(list_differing([run.record for run in alike]))}; add one of "
        "them, or use a separate leaderboard for each (--dir)"
    )


def build_pages(leaderboard: Path) -> dict[str, bytes]:
    """Every page as file name -> content. Raises InputError for a faulty file under `records/` or `claims/`."""
    records, papers = read_records(leaderboard), read_claims(leaderboard / claims.NAME)
    if not papers:
        return render_pages(records)
    from vreid_bench.reporting.claims_page import PAGE, render_claims  # NumPy, only where there is something to judge
    from vreid_bench.reporting.judgement import judge_papers

    return render_pages(records, claims=PAGE) | {PAGE: render_claims(judge_papers(papers, records))}


def write_pages(leaderboard: Path) -> list[str]:
    """Bring the pages up to date; returns the files that changed, removed ones included.

    Processes that write take turns, so that the pages are those of all records after the last.
    """
    with hold_leaderboard(leaderboard):
        return _write_pages(leaderboard)


def _write_pages(leaderboard: Path) -> list[str]:
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
    return [*changed, *write_front(leaderboard)]


def check(leaderboard: Path) -> list[str]:
    """Every fault of the folder, each a sentence that names the file; empty if there is none."""
    problems = [*find_faults(leaderboard), *find_claim_faults(leaderboard / claims.NAME)]
    known = {INDEX, CANARY.name, record_folder.LOCK}
    if problems:
        problems.append(f"{leaderboard}: the pages were not compared; correct the files above first")
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
        problems += find_front_faults(leaderboard)
    for path in sorted(leaderboard.iterdir() if leaderboard.is_dir() else ()):
        if path.name not in (*FOLDERS, *known) and not _is_generated(path) and not is_unfinished(path):
            problems.append(f"{path}: does not belong here; pages are generated, records lie under records/")
    return problems


def _list_leftover(leaderboard: Path, pages: Container[str]) -> list[Path]:
    """Generated pages whose records are gone."""
    return [path for path in sorted(leaderboard.glob("*.md")) if path.name not in pages and _is_generated(path)]


def _is_generated(path: Path) -> bool:
    return path.is_file() and path.read_bytes().startswith(MARK.encode())
