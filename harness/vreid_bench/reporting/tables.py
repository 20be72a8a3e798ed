"""A track as Markdown tables for a page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from statistics import fmean
from typing import Any

from tabulate import tabulate

from vreid_bench.records.record import Record
from vreid_bench.reporting.board import Track
from vreid_bench.reporting.text import escaped

BUDGET = ("identities", "tracklets", "clips", "frames", "steps", "parameters", "multiply_adds", "embedding")


def results_table(track: Track, note: Callable[[str], str]) -> str:
    """Every row under every convention, beside what the papers report; `note` makes a footnote of a text."""
    head, *others = track.conventions
    over = ["± splits"] if track.splits else []
    more = ["R5", "R10", "R20"] if track.splits else ["R5"]  # where splits are averaged, the whole curve is reported
    headers = ["#", "method", "preset", "data", "seeds", "mAP", *over, "95 %", *track.extra, "R1", *over, "95 %", *more]
    headers += [f"{escaped(name)} {metric}" for name in others for metric in ("mAP", "R1")]
    headers += ["reported mAP", "reported R1", "remarks"]
    table = []
    for place, row in enumerate(track.rows):
        cells = [str(place + 1), escaped(row.first.method.name), row.first.preset, row.first.dataset.source]
        cells += [str(len(row.records)), *row.cells(head, "mAP", bool(over))]
        cells += [column[place] for column in track.extra.values()]
        cells += [*row.cells(head, "R1", bool(over)), *(row.percent(head, metric) for metric in more)]
        cells += [row.percent(name, metric) for name in others for metric in ("mAP", "R1")]
        cells += [_reported(row.first, metric, note) for metric in ("mAP", "R1")]
        table.append([*cells, escaped("; ".join(row.remarks))])
    return _markdown(headers, table, "rlll" + "r" * (len(headers) - 5) + "l")


def conditions_table(track: Track, metric: str) -> str:
    """Every row under every condition, by the headline convention; nothing where there is just one condition."""
    names = [condition.name for condition in track.first.conditions]
    if not names:
        return ""
    table = []
    for place, row in enumerate(track.rows, 1):
        cells = [row.under(at, track.headline, metric) for at in range(len(names))]
        table.append([str(place), escaped(row.first.method.name), row.first.preset, *cells])
    headers = ["#", "method", "preset", *(f"{metric}, {escaped(name)}" for name in names)]
    return _markdown(headers, table, "rll" + "r" * len(names))


def _reported(record: Record, metric: str, note: Callable[[str], str]) -> str:
    """The paper's numbers under this protocol, with re-ranking beside a row with it and without beside one without;
    none beside a modified method, which no paper has printed."""
    if record.method.modified:
        return ""
    reranked = record.disclosure.reranking is not None
    wanted = (_here(record), metric, reranked)
    fitting = [r for r in record.method.reported if (r.dataset, r.metric, r.reranked) == wanted]
    cells = []
    for number in fitting:
        where = ". ".join(part.rstrip(".") for part in (record.method.paper, number.where, number.note) if part)
        cells.append(f"{100 * number.value:.1f}{note(where)}")
    return " / ".join(cells)


def _here(record: Record) -> str:
    """What a paper's number has to be of: the dataset, or the protocol where it is more than a dataset's own."""
    special = any(record.protocol.rules.get(rule) for rule in ("holdout", "target", "corruption", "selection"))
    return record.protocol.name if special else record.dataset.name


def quoted_table(track: Track) -> str:
    """What the papers of the track's methods quote of other systems, best mAP first; nothing where they quote none."""
    systems: dict[tuple[str, str, str, bool], dict[str, float]] = {}
    for record in track.records:
        for number in record.method.quoted:
            if number.dataset == _here(record):
                key = (number.where, record.method.paper, number.note, number.reranked)
                systems.setdefault(key, {})[number.metric] = number.value
    metrics = ("mAP", "R1", "R5", "R10", "R20")
    table = [
        [
            *(escaped(text) for text in (where, paper)),
            *(f"{100 * values[metric]:.1f}" if metric in values else "" for metric in metrics),
            escaped("; ".join(filter(None, ["re-ranking" if reranked else "", note]))),
        ]
        for (where, paper, note, reranked), values in sorted(systems.items(), key=_by_score)
    ]
    return _markdown(["quoted in", "paper", *metrics, "remarks"], table, "llrrrrrl") if table else ""


def _by_score(item: tuple[tuple[str, str, str, bool], dict[str, float]]) -> tuple[Any, ...]:
    key, values = item
    return (-values.get("mAP", 0), -values.get("R1", 0), key)


def budget_table(track: Track) -> str:
    """What each row took and who provides it, in the order of the results."""
    headers = ["#", "method", "preset", "identities/step", "tracklets/step", "clips/step", "frames/step", "steps"]
    headers += ["parameters", "multiply-adds/clip", "embedding", "CPU min", "peak MB"]
    headers += ["device", "pre-training", "provided by"]
    table = []
    for place, row in enumerate(track.rows, 1):
        cells = [str(place), escaped(row.first.method.name), row.first.preset]
        for name in BUDGET:
            cells.append(row.all_of(partial(_budget, name=name)))
        cells += [f"{fmean(_seconds(r) for r in row.records) / 60:.1f}", f"{max(map(_peak, row.records)):.0f}"]
        cells.append(escaped(row.all_of(lambda r: r.environment.device)))
        cells.append(escaped(row.first.disclosure.pretraining or "none"))
        table.append([*cells, escaped(row.all_of(_provided))])
    return _markdown(headers, table, "rll" + "r" * 10 + "lll")


def index_table(track: Track) -> str:
    """The headline alone."""
    head = track.headline
    table = [
        [
            str(place),
            escaped(row.first.method.name),
            row.first.preset,
            row.first.dataset.source,
            str(len(row.records)),
            row.percent(head, "mAP"),
            row.percent(head, "R1"),
            escaped("; ".join(row.remarks)),
        ]
        for place, row in enumerate(track.rows, 1)
    ]
    return _markdown(["#", "method", "preset", "data", "seeds", "mAP", "R1", "remarks"], table, "rlllrrrl")


def _budget(record: Record, name: str) -> str:
    value = getattr(record.budget, name)
    return "" if value is None else f"{value:,}"  # none in records from before a number was counted


def _seconds(record: Record) -> float:
    return sum(cost.cpu_seconds for cost in (record.costs.train, record.costs.embed, record.costs.score) if cost)


def _peak(record: Record) -> float:
    return max(cost.peak_mb for cost in (record.costs.train, record.costs.embed, record.costs.score) if cost)


def _provided(record: Record) -> str:
    return ", ".join(sorted({f"{p.distribution} {p.version}" for p in record.method.providers}))


def _markdown(headers: Sequence[str], rows: Sequence[Sequence[str]], align: str) -> str:
    """A Markdown table; `align` has a letter for each column, l or r."""
    sides = [{"l": "left", "r": "right"}[letter] for letter in align]
    return tabulate(rows, headers, tablefmt="pipe", disable_numparse=True, colalign=sides)
