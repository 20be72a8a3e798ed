"""Do the numbers of a record follow from each other? Each score stands in it several times, in ever finer parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from statistics import fmean

from vreid_bench.records.scores import Condition, Metrics, People, Result, Summary

SAME = 1e-9  # sums of the same numbers in another order differ by less
CURVE = {"R1": 1, "R5": 5, "R10": 10, "R20": 20}  # the ranks at which a CMC curve is named


def find_disagreements(
    conventions: Mapping[str, Result], conditions: Sequence[Condition], people: Sequence[People], headline: str
) -> Iterator[str]:
    """What does not agree, in words: of the scores with their splits, their CMC curve, and the sums over people."""
    for name, result in conventions.items():
        yield from _find_in_summary(result, name)
        if result.cmc is not None:
            yield from _find_in_curve(result, result.cmc, name)
    for condition in conditions:
        for name, summary in condition.conventions.items():
            yield from _find_in_summary(summary, f"{name} under {condition.name!r}")
    if people:
        yield from _find_in_people(conventions[headline], people, headline)


def _find_in_summary(summary: Summary, name: str) -> Iterator[str]:
    for metric in Metrics.scores():
        mean = fmean(getattr(split, metric) for split in summary.splits)
        yield from _compare(getattr(summary, metric), mean, f"{metric} of {name!r}", "the mean of its splits")
    queries = sum(split.queries for split in summary.splits)
    if queries != summary.queries:
        yield f"{name!r} counts {summary.queries} queries, but its splits {queries}"
    for metric in ("mAP", "R1"):
        low, high = getattr(summary.interval, metric)
        if low > high:
            yield f"the interval of {metric} of {name!r} ends before it begins"


def _find_in_curve(result: Result, cmc: Sequence[float], name: str) -> Iterator[str]:
    for metric, rank in CURVE.items():
        yield from _compare(getattr(result, metric), cmc[rank - 1], f"{metric} of {name!r}", "its CMC curve")
    if any(later < sooner for sooner, later in pairwise(cmc)):
        yield f"the CMC curve of {name!r} falls"


def _find_in_people(result: Result, people: Sequence[People], name: str) -> Iterator[str]:
    """Queries, AP and R1 are sums over the queries of each person."""
    queries = [sum(split.queries) for split in people]
    if not all(queries):
        yield f"the sums over people of {name!r} have a split without a query"
        return
    for metric, sums in (("mAP", [sum(s.AP) for s in people]), ("R1", [float(sum(s.R1)) for s in people])):
        mean = fmean(total / number for total, number in zip(sums, queries, strict=True))
        yield from _compare(getattr(result, metric), mean, f"{metric} of {name!r}", "the sums over its people")


def _compare(found: float, expected: float, what: str, source: str) -> Iterator[str]:
    if abs(found - expected) > SAME:
        yield f"{what} is {found:.6f}, but {expected:.6f} by {source}"
