"""The runs of a folder as a table, newest first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vreid_bench.records.record import Record
from vreid_bench.records.run_directory import RunDirectory
from vreid_bench.records.run_state import find_state
from vreid_bench.reporting.terminal_tables import cut, fit_table
from vreid_bench.reporting.text import sanitize
from vreid_bench.scoring.few_people import widen_point
from vreid_bench.system.errors import InputError

TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Scored:
    """The score of a finished run under the headline convention; fractions."""

    convention: str
    mAP: float
    R1: float
    interval: tuple[float, float]  # of mAP, 95 %, over people
    people: int  # queried; 0 if the record does not tell


@dataclass(frozen=True)
class ListedRun:
    """One folder of a folder of runs."""

    id: str
    state: str  # finished, running, interrupted or broken
    place: str  # of an unfinished run: where it is; of a broken one: what is wrong
    time: str  # UTC: when it was finished, else when its folder last changed
    method: str = ""  # this and the following: of a finished run, empty for others
    preset: str = ""
    seed: int | None = None
    protocol: str = ""
    data: str = ""  # data set and copy, as in mars@official
    score: Scored | None = None
    differs: tuple[str, ...] = ()  # from the method at its preset, and splits that were left out


def list_runs(runs: Path) -> list[ListedRun]:
    """Every folder in the folder of runs, the newest first; one that cannot be read is `broken`.

    Raises InputError if there is no such folder.
    """
    if not runs.is_dir():
        raise InputError(
            f"--runs {runs}: no such folder; expected the folder that `vreid-bench run` writes its runs to"
        )
    return sorted(_read_runs(runs), key=lambda run: (run.time, run.id), reverse=True)


def to_plain(runs: Sequence[ListedRun]) -> list[dict[str, Any]]:
    """The runs as plain values, as for JSON."""
    return [asdict(run) for run in runs]


def render_runs(runs: Sequence[ListedRun], width: int | None) -> str:
    """A table with a line for each run, and a second one for what differs from its method; then the broken folders.

    Lines are cut to the width.
    """
    headers = ["run", "state", "mAP", "95 %", "R1", "UTC", "data", "protocol", "method"]
    listed = [run for run in runs if run.state != "broken"]
    rows = [
        [
            run.id,
            f"{run.state}: {run.place}" if run.place else run.state,
            *_write_score(run.score),
            run.time.replace("T", " ")[:16],
            run.data,
            run.protocol,
            f"{run.method} {run.preset} seed {run.seed}" if run.method else "",
        ]
        for run in listed
    ]
    lines = fit_table(rows, headers, width).splitlines() if rows else []
    shown = lines[:2]
    for run, line in zip(listed, lines[2:], strict=True):
        shown += [line, *([_cut(f"  differs: {'; '.join(run.differs)}", width)] if run.differs else [])]
    return "\n".join(
        [*shown, *(_cut(f"{run.id}: broken: {run.place}", width) for run in runs if run.state == "broken")]
    )


def _cut(line: str, width: int | None) -> str:
    indent = line[: len(line) - len(line.lstrip())]
    return cut(indent + sanitize(line), width)


def _read_runs(runs: Path) -> Iterator[ListedRun]:
    for path in runs.iterdir():
        if path.is_dir() and not path.name.startswith("."):
            try:
                yield _read_run(RunDirectory(path))
            except (InputError, OSError) as fault:
                yield ListedRun(path.name, "broken", str(fault), _last_change(path))


def _read_run(run: RunDirectory) -> ListedRun:
    state = find_state(run)
    if state.name == "finished":
        return _describe(run.path.name, Record.from_file(run.record))
    if not run.lock.exists():
        raise InputError("is not a run: expected a record.json, or the lock of a run that is not finished")
    return ListedRun(run.path.name, state.name, state.place, _last_change(run.path))


def _describe(name: str, record: Record) -> ListedRun:
    headline = record.conventions[record.protocol.headline]
    return ListedRun(
        id=name,
        state="finished",
        place="",
        time=record.created,
        method=record.method.name,
        preset=record.preset,
        seed=record.seed,
        protocol=record.protocol.name,
        data=f"{record.dataset.name}@{record.dataset.label}",
        score=Scored(
            record.protocol.headline,
            headline.mAP,
            headline.R1,
            headline.interval.mAP,
            len(record.people[0].queries) if record.people else 0,
        ),
        differs=record.variant,
    )


def _last_change(path: Path) -> str:
    times = [each.stat().st_mtime for each in (path, *path.iterdir())]
    return datetime.fromtimestamp(max(times), UTC).strftime(TIME)


def _write_score(score: Scored | None) -> list[str]:
    if score is None:
        return ["", "", ""]
    low, high = widen_point(score.interval, score.people) if score.people else score.interval
    return [f"{100 * score.mAP:.1f}", f"{100 * low:.1f}–{100 * high:.1f}", f"{100 * score.R1:.1f}"]
