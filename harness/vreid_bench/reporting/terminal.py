"""Records and reports of scores as plain text for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from tabulate import tabulate

from vreid_bench.records.record import Record
from vreid_bench.reporting.board import Row, Track, tracks
from vreid_bench.reporting.text import printable, refusals


def render(records: Iterable[Record]) -> str:
    """The records as plain text for a terminal: every metric under every convention."""
    blocks = []
    for track in tracks(records):
        title = f"{track.first.protocol.name} on {track.first.dataset.source} data"
        lines = [", ".join(filter(None, [title, track.splits]))]
        lines += [f"note: {printable(note)}" for note in track.notes]
        for row in track.rows:
            seeds = row.all_of(lambda record: record.seed)
            words = [row.first.method.name, row.first.preset, f"seed {seeds}", *(f"[{r}]" for r in row.remarks)]
            lines += ["", printable(" ".join(words)), _plain(track, row)]
            lines += map(printable, refusals(row.first.not_computable))
            lines += ["", _by_condition(track, row)] if row.first.conditions else []
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)


def scored(metrics: Mapping[str, Any]) -> str:
    """What `vreid_bench.scoring.score.Report.metrics` gives, as plain text for a terminal."""
    rates = next((list(c["tar"]) for c in metrics["conventions"].values() if "tar" in c), [])
    headers = ["convention", "mAP", "95 %", "R1", "95 %", "R5", "R10", "R20", "mINP"]
    headers += [*(f"TAR@{rate}" for rate in rates), "queries"]
    table, refused = [], {}
    for name, numbers in metrics["conventions"].items():
        if "not_computable" in numbers:
            refused[name] = numbers["not_computable"]
            continue
        cells = [name]
        for metric in ("mAP", "R1"):
            low, high = numbers["interval"][metric]
            cells += [f"{100 * numbers[metric]:.1f}", f"{100 * low:.1f}–{100 * high:.1f}"]
        cells += [f"{100 * numbers[metric]:.1f}" for metric in ("R5", "R10", "R20", "mINP")]
        cells += [f"{100 * numbers['tar'][rate]:.1f}" for rate in rates]
        table.append([*cells, str(numbers["queries"])])
    lines = [tabulate(table, headers, disable_numparse=True, colalign=["left", *["right"] * (len(headers) - 1)])]
    return "\n".join([*lines, *refusals(refused)])


def _plain(track: Track, row: Row) -> str:
    over = ["± splits"] if track.splits else []
    headers = ["convention", "mAP", *over, "95 %", "R1", *over, "95 %", "R5", "R10", "R20", "mINP", "queries"]
    table = []
    for name in track.conventions:
        cells = [name]
        for metric in ("mAP", "R1"):
            cells += row.cells(name, metric, bool(over))
        cells += [row.percent(name, metric) for metric in ("R5", "R10", "R20", "mINP")]
        table.append([*cells, row.all_of(partial(_queries, convention=name))])
    return tabulate(table, headers, disable_numparse=True, colalign=["left", *["right"] * (len(headers) - 1)])


def _by_condition(track: Track, row: Row) -> str:
    """A line for each condition, under the headline convention."""
    table = [
        [printable(condition.name), *(row.under(at, track.headline, metric) for metric in ("mAP", "R1"))]
        for at, condition in enumerate(row.first.conditions)
    ]
    headers = [f"{track.headline}, by condition", "mAP (95 %)", "R1 (95 %)"]
    return tabulate(table, headers, disable_numparse=True, colalign=["left", "right", "right"])


def _queries(record: Record, convention: str) -> int:
    return record.conventions[convention].queries
