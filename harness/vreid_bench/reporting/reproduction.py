"""Printed tables beside what the records of a leaderboard hold: which row stands for a cell, and what it measured."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, NamedTuple

from vreid_bench.records.record import Record
from vreid_bench.reporting.board import SOURCES, Row
from vreid_bench.reporting.claims import Claims, Side
from vreid_bench.reporting.judgement import Judged, Terms, find_rows, judge_papers, to_plain
from vreid_bench.reporting.printed_tables import COSTS, Cell, Paper, Table, find_table_numbers, list_cells, read_number
from vreid_bench.reporting.row_scores import find_summary

INTERVALS = ("mAP", "R1")  # metrics whose interval a record holds


@dataclass(frozen=True)
class Measured:
    """What the rows here say of a cell: a fraction, or of a cost seconds of training or frames a second."""

    protocol: str
    splits: str  # empty: one split
    value: float  # the mean over seeds
    interval: tuple[float, float] | None  # 95 % over people, its ends averaged over seeds
    seeds: int


class Kind(NamedTuple):
    """Cells that may be read down a column together."""

    substitute: bool  # whether they are of the protocols in `also`, in place of the paper's
    source: str
    preset: str


@dataclass(frozen=True)
class Reproduced:
    """A table with what was measured."""

    table: Table
    cells: tuple[tuple[Cell, ...], ...]  # by row
    measured: dict[Kind, tuple[tuple[Measured | None, ...], ...]]  # by row and column; empty without any row


class Count(NamedTuple):
    """The numbers of a table: printed, with a method here, and with a row under the protocol of their paper."""

    printed: int
    built: int
    measured: int


class Reproduction(NamedTuple):
    """A paper, or some of its tables, with its claims about them."""

    name: str
    paper: str
    tables: tuple[Reproduced, ...]
    judged: Judged | None  # None: the claims of the paper are not known


def reproduce_paper(
    name: str, paper: Paper, tables: Sequence[Table], claims: Claims | None, records: Sequence[Record]
) -> Reproduction:
    """The tables with what the records hold, and the claims that are about these tables; all claims for all tables."""
    if claims and len(tables) < len(paper.table):
        chosen = {read_number(table.number) for table in tables}
        about = {
            field: tuple(each for each in getattr(claims, field) if find_table_numbers(each.where) & chosen)
            for field in ("claim", "unjudged")
        }
        claims = claims.model_copy(update=about)
    judged = judge_papers({name: claims}, records)[0] if claims else None
    return Reproduction(name, paper.paper, tuple(reproduce_table(table, records) for table in tables), judged)


def reproduce_table(table: Table, records: Iterable[Record]) -> Reproduced:
    """The table with what the records hold.

    Within a kind, all cells of a protocol are of one board: that with the most cells of the table, then the latest.
    """
    index = defaultdict(list)
    for record in records:
        index[record.protocol.name, record.method.name].append(record)
    cells = tuple(map(tuple, list_cells(table)))
    found: dict[Kind, dict[tuple[int, int], dict[Terms, Row]]] = defaultdict(lambda: defaultdict(dict))
    boards: dict[tuple[Kind, str], Counter[Terms]] = defaultdict(Counter)
    for place, substitute, side in _list_sides(table, cells):
        protocol = str(side.protocol)
        for terms, row in find_rows(side, protocol, index[protocol, side.method]).items():
            kind = Kind(substitute, terms.source, terms.preset)
            found[kind][place][terms] = row
            boards[kind, protocol][terms] += 1
    latest: dict[Terms, str] = defaultdict(str)
    for rows in (rows for places in found.values() for rows in places.values()):
        for terms, row in rows.items():
            latest[terms] = max(latest[terms], *(record.created for record in row.records))
    chosen: dict[Kind, set[Terms]] = defaultdict(set)
    for (kind, _), counts in boards.items():
        chosen[kind].add(max(counts, key=lambda terms: (counts[terms], latest[terms])))
    return Reproduced(
        table,
        cells,
        {
            kind: tuple(
                tuple(_measure(cell, found[kind].get((i, j), {}), chosen[kind]) for j, cell in enumerate(row))
                for i, row in enumerate(cells)
            )
            for kind in sorted(found, key=_order)
        },
    )


def count_numbers(reproduced: Reproduced) -> Count:
    """How many numbers a table has; places that are empty or have a dash are left out."""
    own = [cells for kind, cells in reproduced.measured.items() if not kind.substitute]
    every = [
        (cell, any(cells[i][j] for cells in own))
        for i, row in enumerate(reproduced.cells)
        for j, cell in enumerate(row)
        if cell.printed.strip("-")
    ]
    built = [measured for cell, measured in every if cell.side]
    return Count(len(every), len(built), sum(built))


def list_missing_sides(tables: Iterable[Reproduced]) -> list[Side]:
    """Every system of the tables that has no row under the protocol of its paper, each once, without its condition."""
    missing: dict[str, Side] = {}
    for each in tables:
        own = [cells for kind, cells in each.measured.items() if not kind.substitute]
        for i, row in enumerate(each.cells):
            for j, cell in enumerate(row):
                if cell.side and all(cells[i][j] is None for cells in own):
                    side = cell.side.model_copy(update={"condition": ""})
                    missing.setdefault(side.model_dump_json(), side)
    return list(missing.values())


def describe_reproduction(reproduction: Reproduction) -> dict[str, Any]:
    """Everything as plain values, as for JSON."""
    judged = reproduction.judged
    return {
        "name": reproduction.name,
        "paper": reproduction.paper,
        "tables": [
            {
                "number": each.table.number,
                "caption": each.table.caption,
                "note": each.table.note,
                "cells": list(describe_cells(each)),
            }
            for each in reproduction.tables
        ],
        "claims": to_plain([judged])["papers"][0] if judged else None,
    }


def describe_cells(reproduced: Reproduced) -> Iterator[dict[str, Any]]:
    """Each cell of a table as plain values, with all that was measured."""
    for i, row in enumerate(reproduced.cells):
        for j, cell in enumerate(row):
            side = cell.side
            yield {
                "row": cell.row.label,
                "column": " ".join(filter(None, [cell.column.group, cell.column.label])),
                "printed": cell.printed,
                "quoted": cell.row.quoted,
                "reranked": cell.row.reranked,
                "unbuilt": cell.row.unbuilt,
                "note": cell.row.note,
                "method": side.method if side else None,
                "settings": side.settings if side else {},
                "protocol": side.protocol if side else None,
                "condition": side.condition if side else "",
                "metric": cell.column.metric,
                "measured": [
                    {"preset": kind.preset, "source": kind.source, "substitute": kind.substitute, **vars(measured)}
                    for kind, cells in reproduced.measured.items()
                    if (measured := cells[i][j]) is not None
                ],
            }


def _list_sides(table: Table, cells: Sequence[Sequence[Cell]]) -> Iterator[tuple[tuple[int, int], bool, Side]]:
    """Place, whether it is a substitute, and side of every cell that has a method; substitutes have no condition."""
    for i, row in enumerate(cells):
        for j, cell in enumerate(row):
            if cell.side is None:
                continue
            yield (i, j), False, cell.side
            other = table.also.get(str(cell.side.protocol))
            if other and not cell.side.condition:
                yield (i, j), True, cell.side.model_copy(update={"protocol": other})


def _order(kind: Kind) -> tuple[bool, int, str]:
    return kind.substitute, SOURCES.index(kind.source), kind.preset


def _measure(cell: Cell, rows: Mapping[Terms, Row], chosen: set[Terms]) -> Measured | None:
    row = next((row for terms, row in rows.items() if terms in chosen), None)
    if row is None or cell.side is None:
        return None
    metric, condition = str(cell.column.metric), cell.side.condition
    first = row.first
    splits = first.splits.words if first.splits else ""
    if metric in COSTS:
        costs = [_find_cost(record, metric) for record in row.records]
        known = [cost for cost in costs if cost is not None]
        return Measured(first.protocol.name, splits, fmean(known), None, len(known)) if known else None
    summaries = [find_summary(record, condition) for record in row.records]
    interval = None
    if metric in INTERVALS:
        low, high = (fmean(ends) for ends in zip(*(getattr(s.interval, metric) for s in summaries), strict=True))
        interval = (low, high)
    return Measured(first.protocol.name, splits, fmean(getattr(s, metric) for s in summaries), interval, len(summaries))


def _find_cost(record: Record, metric: str) -> float | None:
    """Seconds of training, or frames a second through the network in the test; None where it is not known."""
    costs = record.costs
    if metric == "training":
        return costs.train.seconds if costs.train else None
    return costs.embed.frames_per_second if costs.embed else None
