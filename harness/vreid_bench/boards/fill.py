"""Runs the rows of a board that are missing or outdated, each in a process of its own, and adds their records.

The records are the state: what was added is not run again, and an interrupted run goes on where it was. Rows of the
same training follow one another, so that the first trains and the others take its weights.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from vreid_bench.boards.state import ARITHMETIC, RowState
from vreid_bench.boards.wanted import Wanted
from vreid_bench.records.record import Record
from vreid_bench.reporting.leaderboard import write_pages
from vreid_bench.reporting.record_folder import add_record
from vreid_bench.system.errors import InputError
from vreid_bench.system.progress import bar, write_line

USUAL = 120.0  # seconds of a processor; for a row when no record tells


class Failure(NamedTuple):
    """A row that could not be made."""

    wanted: Wanted
    reason: str  # in a sentence


class Making(NamedTuple):
    """How runs are made; it changes no number of them."""

    runs: Path  # the folder of all runs
    trackers: tuple[str, ...] = ()  # of each run, as `run --tracker` takes them


def command_of(wanted: Wanted, making: Making) -> list[str]:
    """The arguments of `vreid-bench` that make a row; any machine can repeat it, with one thread."""
    options = ["--preset", wanted.preset, "--threads", "1", "--arithmetic", ARITHMETIC, "--runs", str(making.runs)]
    options += [word for setting in wanted.settings for word in ("--set", setting)]
    options += ["--rerank", wanted.rerank] if wanted.rerank else []
    options += [word for tracker in making.trackers for word in ("--tracker", tracker)]
    return ["run", "--protocol", wanted.protocol, "--plugin", wanted.method, "--seed", str(wanted.seed), *options]


def name_row(wanted: Wanted) -> str:
    """A row on one line."""
    rerank = [f"re-ranked by {wanted.rerank}"] if wanted.rerank else []
    return " ".join([wanted.protocol, wanted.method, *wanted.settings, *rerank, f"seed {wanted.seed}"])


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
    jobs: int,
    quiet: bool,
) -> list[Failure]:
    """Run rows, add their records and rebuild the pages; returns the rows that failed, the others are done.

    seconds: how long each is expected to take, for the time left. jobs: how many processes run at a time.
    """
    expected = dict(zip([row.wanted for row in rows], seconds, strict=True))
    order = sorted(rows, key=lambda row: row.training)  # stable: as listed within a training
    trainings = [list(group) for _, group in groupby(order, key=lambda row: row.training)]
    trainings.sort(key=lambda group: -sum(expected[row.wanted] for row in group))  # so that none is left for the end
    failures: list[Failure] = []
    adding = threading.Lock()
    try:
        with _show(expected, quiet) as show, ThreadPoolExecutor(jobs) as pool, Processes() as processes:

            def work(group: Sequence[RowState]) -> None:
                for row in group:
                    if processes.stopped:
                        return
                    try:
                        folder = processes.run(command_of(row.wanted, making))
                        with adding:
                            place = add_record(folder, leaderboard, replace=True, other_data=True)
                        record = Record.from_file(place)
                        result = f"mAP {100 * record.conventions[record.protocol.headline].mAP:.1f}"
                    except InputError as fault:
                        failures.append(Failure(row.wanted, str(fault)))
                        result = f"failed: {fault}"
                    show(row.wanted, result)

            for done in as_completed([pool.submit(work, group) for group in trainings]):
                done.result()
    finally:
        write_pages(leaderboard)  # also of what was added before an interruption
    return sorted(failures)


class Processes:
    """The processes of runs; leaving the block ends those that still run, which keep what they have trained."""

    def __init__(self) -> None:
        self.stopped = False
        self._running: set[subprocess.Popen[str]] = set()

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *fault: object) -> None:
        self.stopped = True
        for process in list(self._running):
            process.terminate()

    def run(self, arguments: Sequence[str]) -> Path:
        """Do one run; returns its folder. Raises InputError with the last line of what it says if it fails."""
        command = [sys.executable, "-m", "vreid_bench.cli.main", *arguments, "--yes", "--quiet", "--json"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self._running.add(process)
        try:
            printed, told = process.communicate()
        finally:
            self._running.discard(process)
        if process.returncode:
            last = (told.strip().splitlines() or [f"ended with {process.returncode}"])[-1]
            raise InputError(last)
        return Path(json.loads(printed)["run"])


@contextmanager
def _show(expected: dict[Wanted, float], quiet: bool) -> Iterator[Any]:
    """A function to call with each row that is done, and its result; the bar counts expected seconds of all rows."""
    done: list[Wanted] = []
    with bar(round(sum(expected.values())), "fill", "s", quiet=quiet) as progress:

        def show(wanted: Wanted, result: str) -> None:
            done.append(wanted)
            progress.set_postfix_str(f"{len(done)} of {len(expected)} rows", refresh=False)
            write_line(f"{name_row(wanted)}: {result}", quiet=quiet)
            progress.update(round(sum(map(expected.__getitem__, done))) - progress.n)

        yield show
