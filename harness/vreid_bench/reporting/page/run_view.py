"""What the page of a run says in words and numbers: what ran, its scores, and what a reader has to know of them.

All text is on one line and without control characters; it is not escaped, which the template does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from vreid_bench.contracts.convention import describe_rule
from vreid_bench.records.entries import ReportedNumber
from vreid_bench.records.record import Record
from vreid_bench.records.scores import Metrics, Summary
from vreid_bench.reporting.board import Board, Row
from vreid_bench.reporting.leaderboard_tables import cite_reported, list_reported
from vreid_bench.reporting.page.run_data import RunData
from vreid_bench.reporting.page.run_facts import Facts, clean, list_details, list_facts, percent
from vreid_bench.reporting.queried_people import explain_intervals
from vreid_bench.reporting.text import sanitize
from vreid_bench.scoring.few_people import FEW, render_interval

Value = tuple[str, float | None]  # as it is shown, and by what it is sorted
TWIN = "The data are a synthetic twin: rendered pedestrians. The scores say nothing about the real data set."
BREAKDOWNS = (
    ("frames", "by length of the query tracklet", "frames"),
    ("matches", "by number of matches", "matches"),
)


@dataclass(frozen=True)
class ScoreRow:
    """The scores under one convention, or of the headline under one condition."""

    name: str
    cells: tuple[Value, ...]  # in the order of `RunView.metrics`


@dataclass(frozen=True)
class PrintedRow:
    """A number of the paper beside the one that was measured."""

    metric: str
    condition: str
    printed: str
    measured: str
    source: int  # place in `RunView.sources`, from 1


@dataclass(frozen=True)
class Table:
    """A table of texts; the first column names the row."""

    title: str
    headers: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]
    sorted: bool = False  # can it be sorted?


@dataclass(frozen=True)
class RunView:
    """A run with all that its page says in words and numbers."""

    title: str
    subtitle: str
    headline: str
    remarks: tuple[str, ...]
    notes: tuple[str, ...]
    facts: Facts  # the few that stand at the top
    details: tuple[tuple[str, Facts], ...]  # all others, by subject
    metrics: tuple[str, ...]
    conventions: tuple[ScoreRow, ...]
    refused: Facts  # convention -> why it could not be applied
    conditions: tuple[ScoreRow, ...]
    printed: tuple[PrintedRow, ...]
    sources: tuple[str, ...]  # of what is printed
    rules: Facts
    people: Table
    breakdowns: tuple[Table, ...]
    pairs: Table | None  # mAP by camera of the query and of the match
    recipe: str  # JSON


def view_run(run: RunData) -> RunView:
    """All that the page of a run says."""
    record = run.record
    sources: list[str] = []
    head = record.protocol.headline
    names = [head, *sorted(set(record.conventions) - {head})]
    notes = [*record.dataset.notes, *([TWIN] if record.dataset.source == "synthetic" else [])]
    notes += [each.removeprefix("note: ") for each in explain_intervals(record, run.count_people)]
    return RunView(
        title=sanitize(f"{record.method.name} on {record.protocol.name}"),
        subtitle=sanitize(f"{Board((record,)).data}, preset {record.preset}, seed {record.seed}"),
        headline=sanitize(head),
        remarks=tuple(map(sanitize, Row((record,)).remarks)),
        notes=tuple(map(sanitize, notes)),
        facts=list_facts(run),
        details=tuple((title, clean(facts)) for title, facts in list_details(record)),
        metrics=("mAP", "95 %", "R1", "95 %", "R5", "R10", "R20", "mINP", "queries"),
        conventions=tuple(_row(name, run, name, record.conventions[name]) for name in names),
        refused=clean(sorted(record.not_computable.items())),
        conditions=tuple(_row(each.name, run, head, each.conventions[head]) for each in record.conditions),
        printed=tuple(_list_printed(record, sources)),
        sources=tuple(sources),
        rules=clean((name, _describe_rules(record.conventions[name].rules)) for name in names),
        people=_tabulate_people(run.breakdown),
        breakdowns=tuple(_tabulate_breakdowns(run.breakdown)),
        pairs=_tabulate_cameras(run.breakdown),
        recipe=json.dumps(record.method.recipe, indent=1, sort_keys=True),
    )


def _row(name: str, run: RunData, convention: str, scores: Summary) -> ScoreRow:
    cells: list[Value] = []
    people = run.count_people(run.record, convention, scores)
    for metric in Metrics.scores():
        value = getattr(scores, metric)
        cells.append((percent(value), value))
        if metric in ("mAP", "R1"):
            cells.append((render_interval(getattr(scores.interval, metric), people or FEW), None))
    return ScoreRow(sanitize(name), (*cells, (f"{scores.queries:,}", scores.queries)))


def _describe_rules(rules: Mapping[str, Any]) -> str:
    hidden = ("name", "version")
    return "; ".join(
        f"{name.replace('_', ' ')} {describe_rule(_freeze(value))}"
        for name, value in sorted(rules.items())
        if name not in hidden
    )


def _freeze(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _list_printed(record: Record, sources: list[str]) -> Iterator[PrintedRow]:
    """The numbers of the paper that are of these settings, each beside what was measured; adds to the sources."""
    for metric in Metrics.scores():
        for number in list_reported(record, metric):
            measured = _find_measured(record, number)
            if measured is not None:
                where = sanitize(cite_reported(record, number))
                if where not in sources:
                    sources.append(where)
                yield PrintedRow(
                    metric,
                    sanitize(number.condition),
                    percent(number.value),
                    percent(getattr(measured, metric)),
                    1 + sources.index(where),
                )


def _find_measured(record: Record, number: ReportedNumber) -> Summary | None:
    """The scores under the condition of a printed number; None if this run did not test under it."""
    head = record.protocol.headline
    if not number.condition:
        return record.conventions[head]
    return next((each.conventions[head] for each in record.conditions if each.name == number.condition), None)


def _tabulate_people(breakdown: Mapping[str, Any]) -> Table:
    rows = [((sanitize(str(each["person"])), None), *_score_cells(each)) for each in breakdown.get("hardest", [])]
    return Table("hardest people", ("person", "mAP", "R1", "queries"), tuple(rows), sorted=True)


def _tabulate_cameras(breakdown: Mapping[str, Any]) -> Table | None:
    """mAP of each pair of cameras, where there are pairs."""
    pairs = breakdown.get("camera_pairs", {})
    names = [sanitize(str(name)) for name in pairs.get("cameras", [])]
    rows: list[tuple[Value, ...]] = []
    for name, values in zip(names, pairs.get("mAP", []), strict=True):
        cells: list[Value] = [("" if value is None else percent(value), value) for value in values]
        rows.append(((name, None), *cells))
    if not any(value is not None for row in rows for _, value in row):
        return None
    return Table("camera pairs: mAP by camera of the query (row) and of the match", ("camera", *names), tuple(rows))


def _tabulate_breakdowns(breakdown: Mapping[str, Any]) -> Iterator[Table]:
    for key, title, unit in BREAKDOWNS:
        rows = [((_range(each), each["from"]), *_score_cells(each)) for each in breakdown.get(key, [])]
        if rows:
            yield Table(title, (unit, "mAP", "R1", "queries"), tuple(rows))
    for name, groups in sorted(breakdown.get("attributes", {}).items()):
        rows = [((sanitize(str(each["value"])) or "not known", None), *_score_cells(each)) for each in groups]
        if rows:
            yield Table(f"by {sanitize(name)} of the query", (sanitize(name), "mAP", "R1", "queries"), tuple(rows))


def _range(each: Mapping[str, Any]) -> str:
    low, high = each["from"], each["to"]
    return str(low) if low == high else f"{low}–{high}"


def _score_cells(each: Mapping[str, Any]) -> tuple[Value, ...]:
    scores: list[Value] = [(percent(each[metric]), each[metric]) for metric in ("mAP", "R1")]
    return (*scores, (f"{each['queries']:,}", each["queries"]))
