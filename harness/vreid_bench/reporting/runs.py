"""The runs of a folder as a table, newest first."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from textwrap import wrap
from typing import Any

from vreid_bench.planning.code import find_other_code
from vreid_bench.records.planned_run import read_planned_run
from vreid_bench.records.record import Record
from vreid_bench.records.run_directory import RunDirectory
from vreid_bench.records.run_state import NO_RUN, find_state
from vreid_bench.registry.registry import Registry
from vreid_bench.reporting.terminal_tables import cut, fit_table
from vreid_bench.reporting.text import sanitize
from vreid_bench.scoring.few_people import FEW, render_interval, state_interval
from vreid_bench.system.errors import InputError
from vreid_bench.system.fingerprint import digest

CONVENTIONS = "conventions"  # the rule of a protocol
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
    state: str  # finished, ranked, running, interrupted, failed or broken
    place: str  # of an unfinished run: where it is; of a failed or a broken one: what is wrong; why one has no scores
    time: str  # UTC: when it was finished, else when its folder last changed
    method: str = ""  # this and the following: empty where the folder does not say it
    preset: str = ""
    seed: int | None = None
    protocol: str = ""
    data: str = ""  # data set and copy, as in mars@official
    differs: tuple[str, ...] = ()  # from the method at its preset, and splits that were left out
    score: Scored | None = None  # this and the following: of a finished run
    other_code: tuple[str, ...] = ()  # what of its code is not what is installed now
    environment: Mapping[str, str] = field(default_factory=dict)  # where it ran, on which pictures, from which weights
    apart: tuple[str, ...] = ()  # what of its environment tells it from runs that are alike otherwise


def list_runs(runs: Path) -> list[ListedRun]:
    """Every folder in the folder of runs, the newest first; one that cannot be read is `broken`.

    Raises InputError if there is no such folder.
    """
    if not runs.is_dir():
        raise InputError(
            f"--runs {runs}: no such folder; expected the folder that `vreid-bench run` writes its runs to"
        )
    return sorted(tell_apart(_read_runs(runs)), key=lambda run: (run.time, run.id), reverse=True)


def tell_apart(runs: Iterable[ListedRun]) -> Iterator[ListedRun]:
    """The same runs; of finished ones that are alike otherwise, each with what of its environment differs."""
    alike = defaultdict(list)
    for run in runs:
        alike[run.state, run.method, run.preset, run.seed, run.protocol, run.data, run.differs].append(run)
    for group in alike.values():
        values = {name: {run.environment.get(name) for run in group} for run in group for name in run.environment}
        for run in group:
            apart = (f"{name} {value}" for name, value in run.environment.items() if len(values[name]) > 1)
            yield replace(run, apart=tuple(apart))


def to_plain(runs: Sequence[ListedRun]) -> list[dict[str, Any]]:
    """The runs as plain values, as for JSON; the interval as a table has it, null for few people."""
    plain = [asdict(run) for run in runs]
    for score in (run["score"] for run in plain if run["score"] is not None):
        score["interval"] = state_interval({"mAP": score["interval"]}, score["people"] or FEW)["interval"]["mAP"]
    return plain


def render_runs(runs: Sequence[ListedRun], width: int | None) -> str:
    """A table with a line for each run, and others below it: where it is, what differs; then the broken folders.

    What differs: from its method, from the installed code, from runs that are alike otherwise. Columns that do not fit
    the width stand below the line, too, each behind its name; other lines are cut.
    """
    headers = ["run", "state", "mAP", "95 %", "R1", "UTC", "data", "protocol", "method"]
    listed = [run for run in runs if run.state != "broken"]
    rows = [
        [
            run.id,
            run.state,
            *_write_score(run.score),
            run.time.replace("T", " ")[:16],
            run.data,
            run.protocol,
            f"{run.method} {run.preset} seed {run.seed}" if run.method else "",
        ]
        for run in listed
    ]
    fit = _count_columns(rows, headers, width)
    lines = fit_table([row[:fit] for row in rows], headers[:fit], width).splitlines() if rows else []
    shown = lines[:2]
    for run, row, line in zip(listed, rows, lines[2:], strict=True):
        shown += [line, *_wrap_cells(headers[fit:], row[fit:], width)]
        shown += [_cut(f"  {below}", width) for below in _list_below(run)]
    return "\n".join(
        [*shown, *(_cut(f"{run.id}: broken: {run.place}", width) for run in runs if run.state == "broken")]
    )


def _count_columns(rows: Sequence[Sequence[str]], headers: Sequence[str], width: int | None) -> int:
    """How many columns of the table fit the width as a whole, the first in any case."""
    if width is None:
        return len(headers)
    ends = accumulate(2 + max(map(len, column)) for column in zip(headers, *rows, strict=True))
    return max(1, sum(end - 2 <= width for end in ends))


def _wrap_cells(names: Sequence[str], cells: Sequence[str], width: int | None) -> list[str]:
    """The cells that are not empty, each behind its name, in lines of that width."""
    text = ", ".join(f"{name} {sanitize(cell)}" for name, cell in zip(names, cells, strict=True) if cell)
    return wrap(text, max(width or 0, 20), initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)


def _list_below(run: ListedRun) -> Iterator[str]:
    """What stands below the line of a run: where an unfinished one is, and what differs."""
    if run.place:
        yield f"at {run.place}" if run.place.startswith(("stage", "split")) else run.place
    if differs := (*run.other_code, *run.apart, *run.differs):  # a terminal cuts the end
        yield f"differs: {'; '.join(differs)}"


def _cut(line: str, width: int | None) -> str:
    indent = line[: len(line) - len(line.lstrip())]
    return cut(indent + sanitize(line), width)


def _read_runs(runs: Path) -> Iterator[ListedRun]:
    installed = _Installed()
    for run in RunDirectory.list_in(runs):
        try:
            yield _read_run(run, installed)
        except (InputError, OSError) as fault:
            yield ListedRun(run.path.name, "broken", str(fault), _last_change(run.path))


def _read_run(run: RunDirectory, installed: _Installed) -> ListedRun:
    state = find_state(run)
    if state.name == "finished":
        run.check_results()
        return _describe(run.path.name, Record.from_file(run.record), installed)
    if not run.lock.exists():
        raise InputError(NO_RUN)
    planned = read_planned_run(run.path)
    known: dict[str, Any] = asdict(planned) if planned else {}
    return ListedRun(run.path.name, state.name, state.place, _last_change(run.path), **known)


class _Installed:
    """The installed code. It is looked at once there is a record to compare with."""

    @cached_property
    def _registry(self) -> Registry | None:
        try:
            return Registry.installed()
        except InputError:  # a broken plugin: `vreid-bench doctor` reports it
            return None

    def compare(self, record: Record) -> tuple[str, ...]:
        """What of the code of a record is not what is installed now."""
        return tuple(find_other_code(record, self._registry)) if self._registry else ()


def _describe(name: str, record: Record, installed: _Installed) -> ListedRun:
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
        differs=record.variant,
        score=Scored(
            record.protocol.headline,
            headline.mAP,
            headline.R1,
            headline.interval.mAP,
            len(record.people[0].queries) if record.people else 0,
        ),
        other_code=installed.compare(record),
        environment=_describe_environment(record),
    )


def _describe_environment(record: Record) -> dict[str, str]:
    """All that can change the numbers of a run besides its code and the changes of its method, in words.

    A protocol may get other rules under the same name and version, and so may a convention.
    """
    where = record.environment
    begun = ", ".join(f"{part} {entry.file} ({entry.sha256[:8]})" for part, entry in record.weights.begun)
    return {
        **{name: version for name, version in where.packages.items() if name != "vreid-bench"},
        "device": where.device,
        "threads": str(where.threads),
        "arithmetic": where.arithmetic or "unknown",
        "instruction set": where.instruction_set or "unknown",
        "lists": record.dataset.fingerprint[:8],
        "pictures": record.dataset.content[:8] if record.dataset.content else "unknown",
        # neither is among the changes of a method that was edited: its recipe, and what its package ships
        "recipe": digest(record.method.settings)[:8],
        "first weights": begun or "random",
        **dict(_describe_protocol(record)),
    }


def _describe_protocol(record: Record) -> Iterator[tuple[str, str]]:
    """Each rule of its protocol in words; of the conventions also which rules they have."""
    for rule, value in record.protocol.rules.items():
        if rule == CONVENTIONS and isinstance(value, list):
            found = {name: f" ({result.fingerprint[:8]})" for name, result in record.conventions.items()}
            yield rule, ", ".join(f"{name}{found.get(str(name), '')}" for name in value)
        else:
            yield (
                f"protocol's {rule.replace('_', ' ')}",
                (value or "none") if isinstance(value, str) else json.dumps(value),
            )


def _last_change(path: Path) -> str:
    times = [each.stat().st_mtime for each in (path, *path.iterdir())]
    return datetime.fromtimestamp(max(times), UTC).strftime(TIME)


def _write_score(score: Scored | None) -> list[str]:
    if score is None:
        return ["", "", ""]
    interval = render_interval(score.interval, score.people or FEW)  # records of earlier versions have no people
    return [f"{100 * score.mAP:.1f}", interval, f"{100 * score.R1:.1f}"]
