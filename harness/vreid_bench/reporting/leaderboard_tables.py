"""A board as Markdown tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from statistics import fmean
from typing import Any

from tabulate import tabulate

from vreid_bench.records.entries import Cost, ReportedNumber
from vreid_bench.records.record import Record
from vreid_bench.reporting.board import Board
from vreid_bench.reporting.text import escape

BUDGET = ("identities", "tracklets", "clips", "frames", "steps", "parameters", "multiply_adds", "embedding")


def results_table(board: Board, note: Callable[[str], str]) -> str:
    """Every row under every convention, with the papers' numbers; `note` turns a text into a footnote mark."""
    head, *others = board.conventions
    over = ["± splits"] if board.splits else []
    more = ["R5", "R10", "R20"] if board.splits else ["R5"]  # papers on several splits print the whole curve
    headers = ["#", "method", "preset", "data", "seeds", "mAP", *over, "95 %", *board.extra, "R1", *over, "95 %", *more]
    headers += [f"{escape(name)} {metric}" for name in others for metric in ("mAP", "R1")]
    headers += ["reported mAP", "reported R1", "remarks"]
    table = []
    for place, row in enumerate(board.rows):
        cells = [str(place + 1), escape(row.first.method.name), row.first.preset, row.first.dataset.source]
        cells += [str(len(row.records)), *row.cells(head, "mAP", bool(over))]
        cells += [column[place] for column in board.extra.values()]
        cells += [*row.cells(head, "R1", bool(over)), *(row.percent(head, metric) for metric in more)]
        cells += [row.percent(name, metric) for name in others for metric in ("mAP", "R1")]
        cells += [_reported_cell(row.first, metric, note) for metric in ("mAP", "R1")]
        table.append([*cells, escape("; ".join(row.remarks))])
    return markdown(headers, table, "rlll" + "r" * (len(headers) - 5) + "l")


def conditions_table(board: Board, metric: str, note: Callable[[str], str]) -> str:
    """Every row under every condition, by the headline convention, and under it the papers' numbers of that row.

    Empty where there is only one condition. `note` turns a text into a footnote mark.
    """
    names = [condition.name for condition in board.first.conditions]
    if not names:
        return ""
    table = []
    for place, row in enumerate(board.rows, 1):
        cells = [row.percent_under(at, board.headline, metric) for at in range(len(names))]
        table.append([str(place), escape(row.first.method.name), row.first.preset, *cells])
        under: dict[str, dict[str, str]] = {}  # place in the paper -> condition -> number
        for number in list_reported(row.first, metric):
            if number.condition:
                under.setdefault(cite_reported(row.first, number), {})[number.condition] = f"{100 * number.value:.1f}"
        for where, values in under.items():
            table.append(["", f"as reported{note(where)}", "", *(values.get(name, "") for name in names)])
    headers = ["#", "method", "preset", *(f"{metric}, {escape(name)}" for name in names)]
    return markdown(headers, table, "rll" + "r" * len(names))


def list_reported(record: Record, metric: str) -> list[ReportedNumber]:
    """The paper's numbers under this protocol: re-ranked ones only for a re-ranked record.

    A record with changed settings has those that the paper reports of just these settings; one that is modified in
    another way has none.
    """
    method = record.method
    if method.swapped or method.modified != bool(method.overrides):
        return []
    key = (_reported_as(record), metric, record.disclosure.reranking is not None, method.overrides)
    return [r for r in method.reported if (r.dataset, r.metric, r.reranked, r.settings) == key]


def _reported_cell(record: Record, metric: str, note: Callable[[str], str]) -> str:
    """The paper's numbers of what the protocol ranks by, with their footnotes."""
    numbers = [number for number in list_reported(record, metric) if not number.condition]
    return " / ".join(f"{100 * number.value:.1f}{note(cite_reported(record, number))}" for number in numbers)


def cite_reported(record: Record, number: ReportedNumber) -> str:
    """Paper, place in it, and why the number may not be comparable."""
    return ". ".join(part.rstrip(".") for part in (record.method.paper, number.where, number.note) if part)


def _reported_as(record: Record) -> str:
    """The `dataset` of a paper's number that fits: the protocol's name if it is special, else the dataset's."""
    return record.protocol.name if record.protocol.special else record.dataset.name


def quotations_table(board: Board) -> str:
    """What the papers of the board's methods quote of other systems, best mAP first; empty if they quote none."""
    systems: dict[tuple[str, str, str, bool], dict[str, float]] = {}
    for record in board.records:
        for number in record.method.quoted:
            if number.dataset == _reported_as(record):
                key = (number.where, record.method.paper, number.note, number.reranked)
                systems.setdefault(key, {})[number.metric] = number.value
    metrics = ("mAP", "R1", "R5", "R10", "R20")
    table = [
        [
            *(escape(text) for text in (where, paper)),
            *(f"{100 * values[metric]:.1f}" if metric in values else "" for metric in metrics),
            escape("; ".join(filter(None, ["re-ranking" if reranked else "", note]))),
        ]
        for (where, paper, note, reranked), values in sorted(systems.items(), key=_by_score)
    ]
    return markdown(["quoted in", "paper", *metrics, "remarks"], table, "llrrrrrl") if table else ""


def _by_score(item: tuple[tuple[str, str, str, bool], dict[str, float]]) -> tuple[Any, ...]:
    key, values = item
    return (-values.get("mAP", 0), -values.get("R1", 0), key)


def budget_table(board: Board) -> str:
    """The size and cost of each row and who provides its parts, in the order of the results."""
    headers = ["#", "method", "preset", "identities/step", "tracklets/step", "clips/step", "frames/step", "steps"]
    headers += ["parameters", "multiply-adds/clip", "embedding", "CPU min", "peak MB"]
    headers += ["frames/s in training", "frames/s in the test"]
    headers += ["device", "pre-training", "provided by"]
    table = []
    for place, row in enumerate(board.rows, 1):
        cells = [str(place), escape(row.first.method.name), row.first.preset]
        for name in BUDGET:
            cells.append(row.distinct(partial(_budget, name=name)))
        cells += [f"{fmean(cpu_seconds(r) for r in row.records) / 60:.1f}", f"{max(map(_peak_mb, row.records)):.0f}"]
        cells += [frames_per_second([getattr(r.costs, stage) for r in row.records]) for stage in ("train", "embed")]
        cells.append(escape(row.distinct(lambda r: r.environment.device)))
        cells.append(escape(row.first.disclosure.pretraining or "none"))
        table.append([*cells, escape(row.distinct(_distributions))])
    return markdown(headers, table, "rll" + "r" * 12 + "lll")


def index_table(board: Board) -> str:
    """Every row under the headline convention alone."""
    head = board.headline
    table = [
        [
            str(place),
            escape(row.first.method.name),
            row.first.preset,
            row.first.dataset.source,
            str(len(row.records)),
            row.percent(head, "mAP"),
            row.percent(head, "R1"),
            escape("; ".join(row.remarks)),
        ]
        for place, row in enumerate(board.rows, 1)
    ]
    return markdown(["#", "method", "preset", "data", "seeds", "mAP", "R1", "remarks"], table, "rlllrrrl")


def _budget(record: Record, name: str) -> str:
    return f"{getattr(record.budget, name):,}"


def cpu_seconds(record: Record) -> float:
    """Of a processor, over training, embedding and scoring."""
    return sum(cost.cpu_seconds for cost in (record.costs.train, record.costs.embed, record.costs.score) if cost)


def _peak_mb(record: Record) -> float:
    return max(cost.peak_mb for cost in (record.costs.train, record.costs.embed, record.costs.score) if cost)


def frames_per_second(costs: Sequence[Cost | None]) -> str:
    """The mean over the records of a row; empty where none knows how many frames it was."""
    known = [speed for cost in costs if cost and (speed := cost.frames_per_second) is not None]
    return f"{fmean(known):,.0f}" if known else ""


def _distributions(record: Record) -> str:
    return ", ".join(sorted({f"{p.distribution} {p.version}" for p in record.method.providers}))


def markdown(headers: Sequence[str], rows: Sequence[Sequence[str]], align: str) -> str:
    """A Markdown table; `align` has one letter for each column, l or r."""
    sides = [{"l": "left", "r": "right"}[letter] for letter in align]
    return tabulate(rows, headers, tablefmt="pipe", disable_numparse=True, colalign=sides)
