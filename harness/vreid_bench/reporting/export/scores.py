"""The scores of a record, one by one, as every format of another program lists them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from vreid_bench.records.record import Record
from vreid_bench.records.scores import Metrics, Summary
from vreid_bench.reporting.queried_people import bound_people
from vreid_bench.scoring.few_people import FEW, state_interval

HIGHEST_RANKS = {"R1": 1, "R5": 5, "R10": 10, "R20": 20}


@dataclass(frozen=True)
class Score:
    """One score of a record; a fraction."""

    convention: str
    fingerprint: str  # of the rules of the convention
    condition: str  # of the protocol; empty: what the protocol ranks by
    metric: str
    value: float
    interval: tuple[float, float] | None  # 95 %, over people; of mAP and R1, as tables have it
    queries: int  # that count
    headline: bool  # under the convention that ranks the board


def list_scores(record: Record) -> Iterator[Score]:
    """Every score: what the protocol ranks by, under each convention, then under each condition."""
    yield from _list_summaries(record, "", record.conventions)
    for condition in record.conditions:
        yield from _list_summaries(record, condition.name, condition.conventions)


def _list_summaries(record: Record, condition: str, conventions: Mapping[str, Summary]) -> Iterator[Score]:
    head = record.protocol.headline
    for name in sorted(conventions, key=lambda name: (name != head, name)):
        summary = conventions[name]
        intervals = state_interval(summary.interval.model_dump(), bound_people(record, name, summary) or FEW)[
            "interval"
        ]
        for metric in Metrics.scores():
            yield Score(
                convention=name,
                fingerprint=record.conventions[name].fingerprint if name in record.conventions else "",
                condition=condition,
                metric=metric,
                value=getattr(summary, metric),
                interval=intervals.get(metric),
                queries=summary.queries,
                headline=name == head,
            )


def describe_metric(metric: str) -> str:
    """A metric in words."""
    if rank := HIGHEST_RANKS.get(metric):
        near = "the nearest item of the gallery" if rank == 1 else f"one of the {rank} nearest items of the gallery"
        return f"share of the queries for which {near} is a match"
    return {"mAP": "mean over the queries of the average precision", "mINP": "mean inverse negative penalty"}[metric]


def name_row(record: Record) -> str:
    """The method with its preset and everything that differs from it, on one line."""
    return "; ".join([f"{record.method.name} {record.preset}", *record.variant])
