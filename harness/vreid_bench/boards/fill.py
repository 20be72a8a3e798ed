"""Has the rows of a board done that are missing or outdated, by an executor, and adds their records.

The records are the state: what was added is not run again, and an interrupted run goes on where it was. Rows of the
same training are one job, so that the first trains and the others take its weights.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from vreid_bench.boards.carried_files import write_small_files
from vreid_bench.boards.state import ARITHMETIC, RowState
from vreid_bench.boards.wanted import Wanted
from vreid_bench.contracts.executor import Command, Executor, Outcome
from vreid_bench.records.record import Record
from vreid_bench.records.run_directory import RunDirectory
from vreid_bench.registry.assignments import parse_part
from vreid_bench.registry.registry import Registry
from vreid_bench.reporting.leaderboard import write_pages
from vreid_bench.reporting.record_folder import add_record
from vreid_bench.system.errors import InputError
from vreid_bench.system.progress import bar, write_line

USUAL = 120.0  # seconds of a processor; for a row when no record tells
DELAY = 10.0  # seconds until a file that another machine wrote must be seen; a network file system takes some
FILES = ".jobs"  # the folder of executors, below that of the runs


class Failure(NamedTuple):
    """A row that could not be made."""

    wanted: Wanted
    reason: str  # in a sentence


class Making(NamedTuple):
    """How runs are made; it changes no number of them."""

    runs: Path  # the folder of all runs
    trackers: tuple[str, ...] = ()  # of each run, as `run --tracker` takes them


def choose_executor(text: str, jobs: int | None, registry: Registry) -> Executor:
    """The executor that `NAME` or `NAME:option=value,...` names, for so many jobs at a time.

    Raises InputError for an unknown name or option, and for a value of the wrong type.
    """
    executor: Executor = registry.factory("executors", parse_part("executors", text, registry))(jobs)
    return executor


def command_of(wanted: Wanted, making: Making) -> Command:
    """The arguments of `vreid-bench` that make a row; any machine can repeat it, with one thread."""
    options = ["--preset", wanted.preset, "--threads", "1", "--arithmetic", ARITHMETIC, "--runs", str(making.runs)]
    options += [word for setting in wanted.settings for word in ("--set", setting)]
    options += ["--rerank", wanted.rerank] if wanted.rerank else []
    options += [word for tracker in making.trackers for word in ("--tracker", tracker)]
    return "run", "--protocol", wanted.protocol, "--plugin", wanted.method, "--seed", str(wanted.seed), *options


def estimate_seconds(rows: Sequence[RowState], records: Sequence[Record]) -> list[float]:
    """Seconds of a processor for each row: as its last record took, else those of its protocol or its method."""
    costs = [(record, sum(cost.cpu_seconds for _, cost in record.costs if cost)) for record in records]

    def estimate(row: RowState) -> float:
        names = row.wanted.protocol, row.wanted.method
        for alike in (
            [cost for record, cost in costs if record is row.record],
            [cost for record, cost in costs if record.protocol.name == names[0] and record.costs.train],
            [cost for record, cost in costs if record.method.name == names[1]],
        ):
            if alike:
                return fmean(alike)
        return USUAL

    return [estimate(row) for row in rows]


def fill(
    rows: Sequence[RowState],
    seconds: Sequence[float],
    leaderboard: Path,
    *,
    making: Making,
    executor: Executor,
    quiet: bool,
) -> list[Failure]:
    """Have rows made, add their records and rebuild the pages; returns the rows that failed, the others are done.

    seconds: how long each is expected to take, for the time left.
    """
    making = making._replace(runs=making.runs.absolute())  # other machines have other working folders
    expected = dict(zip([row.wanted for row in rows], seconds, strict=True))
    waiting = {command_of(wanted, making): wanted for wanted in expected}
    jobs = [[command_of(wanted, making) for wanted in group] for group in _group(rows, expected)]
    failures: list[Failure] = []
    try:
        with _show(expected, quiet) as show:
            for command, outcome in executor.run(jobs, making.runs / FILES):
                wanted = waiting.pop(command)
                try:
                    place = add_record(_find_run(outcome), leaderboard, replace=True, other_data=True)
                    record = Record.from_file(place)
                    result = f"mAP {100 * record.conventions[record.protocol.headline].mAP:.1f}"
                except InputError as fault:
                    failures.append(Failure(wanted, str(fault)))
                    result = f"failed: {fault}"
                show(wanted, result)
    except BaseException:
        if told := executor.cancel():
            write_line(told)
        raise
    finally:
        write_pages(leaderboard)  # also of what was added before an interruption
    silent = [Failure(wanted, "its executor said nothing of it; repeat the command") for wanted in waiting.values()]
    return sorted([*failures, *silent])


def _group(rows: Sequence[RowState], expected: Mapping[Wanted, float]) -> list[list[Wanted]]:
    """The rows of each training, as they are listed; the longest first, so that none is left for the end."""
    order = sorted(rows, key=lambda row: row.training)  # stable
    groups = [[row.wanted for row in group] for _, group in groupby(order, key=lambda row: row.training)]
    return sorted(groups, key=lambda group: -sum(map(expected.__getitem__, group)))


def _find_run(outcome: Outcome) -> Path:
    """The folder of a run on this machine. Raises InputError with its fault, and for one that is only elsewhere."""
    if outcome.folder is None:
        raise InputError(outcome.fault)
    run, ends = RunDirectory(outcome.folder), time.monotonic() + DELAY
    if outcome.files and not (run.is_finished or run.is_ranked):
        write_small_files(outcome.folder, outcome.files)
    while not (run.is_finished or run.is_ranked) and time.monotonic() < ends:
        time.sleep(0.5)
        if outcome.folder.parent.is_dir():
            os.listdir(outcome.folder.parent)  # a network file system then asks its server again
    if not outcome.folder.exists():
        raise InputError(
            f"{outcome.folder}: {outcome.host or 'another machine'} has made this run, and it is not here; expected a "
            "folder of runs that all machines share: name one with --runs"
        )
    return outcome.folder


@contextmanager
def _show(expected: dict[Wanted, float], quiet: bool) -> Iterator[Any]:
    """A function to call with each row that is done, and its result; the bar counts expected seconds of all rows."""
    done: list[Wanted] = []
    with bar(round(sum(expected.values())), "fill", "s", quiet=quiet) as progress:

        def show(wanted: Wanted, result: str) -> None:
            done.append(wanted)
            progress.set_postfix_str(f"{len(done)} of {len(expected)} rows", refresh=False)
            write_line(f"{wanted}: {result}", quiet=quiet)
            progress.update(round(sum(map(expected.__getitem__, done))) - progress.n)

        yield show
