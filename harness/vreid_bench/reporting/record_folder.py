"""The folder `records/` of a leaderboard; the place of each record follows from its content."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from vreid_bench.records.entries import describe_data
from vreid_bench.records.record import Record, record_path
from vreid_bench.records.repeats import differ_incidentally, list_differing
from vreid_bench.records.run_directory import NO_SCORES, RunDirectory
from vreid_bench.records.run_state import describe_unfinished
from vreid_bench.reporting.record_check import read_checked
from vreid_bench.system.errors import InputError
from vreid_bench.system.files import hold_lock, is_unfinished, sweep, write_atomic
from vreid_bench.system.progress import write_line

NAME = "records"
LOCK = ".lock"  # of the folder of a leaderboard


class Addition(NamedTuple):
    """A record that may be added."""

    place: Path
    record: Record
    repeats: bool  # what is published there differs in time and costs alone, and stays


def add_record(source: Path, leaderboard: Path, replace: bool = False, other_data: bool = False) -> Path:
    """Copy a record, given as a file or as the folder of its run, to its place in the leaderboard; returns that path.

    Only the record is copied; per-query results stay with the run. Without `replace`, a record stays that differs in
    nothing but the time and the costs of its run. Raises InputError for an invalid record and, without `replace`, for
    one that would overwrite any other; without `other_data`, if that is on other data.
    """
    check_addition(source, leaderboard, replace, other_data)  # or a bad record would leave a folder
    with hold_leaderboard(leaderboard):
        addition = check_addition(source, leaderboard, replace, other_data)
        if not addition.repeats:
            write_atomic(addition.place, addition.record.to_json())
    return addition.place


@contextmanager
def hold_leaderboard(leaderboard: Path) -> Iterator[None]:
    """Write in a leaderboard alone: other processes wait. What a killed one left half-written is removed."""

    def tell() -> None:
        write_line(f"{leaderboard}: waits for another process that writes there")

    leaderboard.mkdir(parents=True, exist_ok=True)
    with hold_lock(leaderboard / LOCK, tell):
        sweep(leaderboard)
        yield


def is_unfinished_run(source: Path) -> bool:
    """Is it a folder without a record, as that of a run that is not finished?"""
    folder = RunDirectory(source)
    return source.is_dir() and not (folder.is_finished or folder.is_ranked)


def describe_skipped(source: Path | str) -> str:
    """What commands on many runs say of one that is not finished."""
    return f"note: {source} is skipped: it {describe_unfinished(RunDirectory(Path(source)))}"


def explain_unfinished(source: Path) -> str:
    """Why a folder without a record cannot be added, and what to do."""
    return f"{source}: {describe_unfinished(RunDirectory(source))}"


def check_addition(source: Path, leaderboard: Path, replace: bool, other_data: bool = False) -> Addition:
    """A record that may be added, and its place. Raises InputError, as `add_record` does."""
    file = RunDirectory(source).record if source.is_dir() else source
    if source.is_dir() and RunDirectory(source).is_ranked:
        raise InputError(f"{source}: {NO_SCORES}; a leaderboard takes records only")
    if is_unfinished_run(source):
        raise InputError(explain_unfinished(source))
    if source.is_dir():
        RunDirectory(source).check_results()
    record = read_checked(file)
    place = leaderboard / NAME / record_path(record)
    repeats = False
    if place.exists() and place.read_bytes() != record.to_json():
        there = Record.from_file(place)
        repeats = not replace and differ_incidentally([there, record])
        if not other_data and there.dataset.fingerprint != record.dataset.fingerprint:
            datas = " and ".join(
                f"{describe_data([each.dataset])}, lists {each.dataset.fingerprint[:8]}" for each in (there, record)
            )
            raise InputError(
                f"{place}: holds a record on other data ({datas}); use a separate leaderboard for each (--dir)"
            )
        if not (replace or repeats):
            raise InputError(
                f"{place}: holds another record of this method, preset, seed and options; that of {source} differs in "
                f"{', '.join(list_differing([there, record]))}; to put it in its place, pass --replace"
            )
    return Addition(place, record, repeats)


def read_records(leaderboard: Path) -> list[Record]:
    """Every record of a leaderboard. Raises InputError for the first faulty file."""
    for fault in find_faults(leaderboard):
        raise InputError(fault)
    return [Record.from_file(path) for path in _list_files(leaderboard)]


def find_faults(leaderboard: Path) -> Iterator[str]:
    """What is wrong with the files under `records/`, each fault a sentence that names the file."""
    for path in _list_files(leaderboard):
        yield from _find_faults_of(path, leaderboard)


def _find_faults_of(path: Path, leaderboard: Path) -> Iterator[str]:
    if path.is_symlink() or path.suffix != ".json":
        yield f"{path}: does not belong here; {NAME}/ holds records only, as files"
        return
    try:
        record = read_checked(path)
    except InputError as fault:
        yield str(fault)
        return
    place = leaderboard / NAME / record_path(record)
    if place != path:
        yield f"{path}: by its content this record belongs at {place}"
    elif path.read_bytes() != record.to_json():
        yield f"{path}: is not formatted as records are; `vreid-bench leaderboard add --replace {path}` rewrites it"


def _list_files(leaderboard: Path) -> list[Path]:
    """All files, links included, in a fixed order."""
    found = (path for path in (leaderboard / NAME).rglob("*") if path.is_symlink() or not path.is_dir())
    return sorted(path for path in found if not is_unfinished(path))
