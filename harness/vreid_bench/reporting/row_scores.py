"""The scores of records under the headline convention: of a record, and of a row by seed, split and person."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vreid_bench.records.record import Record
from vreid_bench.records.scores import Summary
from vreid_bench.reporting.board import Row
from vreid_bench.scoring.hierarchical_bootstrap import Group
from vreid_bench.system.fingerprint import digest

CLOSE = 1e-9  # scores that are nearer are one score, summed in another order


class Score(NamedTuple):
    """A score of a record, a fraction."""

    value: float
    interval: tuple[float, float]  # over people


def score_record(record: Record, condition: str, metric: str) -> Score:
    """The mAP or R1 under the headline convention, of one condition or of what the protocol ranks by."""
    summary = find_summary(record, condition)
    return Score(getattr(summary, metric), getattr(summary.interval, metric))


def find_summary(record: Record, condition: str) -> Summary:
    """All scores under the headline convention, of one condition or of what the protocol ranks by."""
    head = record.protocol.headline
    each = {c.name: c.conventions[head] for c in record.conditions} | {"": record.conventions[head]}
    return each[condition]


def group_people(row: Row, condition: str, metric: str) -> Group | None:
    """The scores of a row by seed, split and person; None if the records do not hold them all."""
    each = [_sum_by_person(record, condition, metric) for record in row.records]
    known = [sums for sums in each if sums is not None]
    if len(known) < len(each) or any(not np.array_equal(sums[1], known[0][1]) for sums in known):
        return None
    trainings = digest([record.weights.sha256 for record in row.records])
    return Group(np.stack([sums[0] for sums in known]), known[0][1], trainings)


def _sum_by_person(
    record: Record, condition: str, metric: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Sums and numbers of the queries of each person, [S, I] each; None if the record does not hold them.

    A record keeps them for what the protocol ranks by: the rankings of its leading conditions, one condition after
    another. So those of a leading condition are there as well, and add up to its score.
    """
    head, people = record.protocol.headline, record.people
    if condition:
        if record.splits:  # the conditions of each split follow one another
            return None
        lengths = {c.name: len(c.conventions[head].splits) for c in record.conditions}
        start = sum(lengths[name] for name in list(lengths)[: list(lengths).index(condition)])
        people = people[start : start + lengths[condition]]
        if len(people) < lengths[condition]:
            return None
    if not people:
        return None
    queries = np.array([split.queries for split in people], np.float64)
    sums = np.array([split.AP if metric == "mAP" else split.R1 for split in people], np.float64)
    if not queries.sum(1).all():
        return None
    score = float(np.mean(sums.sum(1) / queries.sum(1)))
    return (sums, queries) if abs(score - score_record(record, condition, metric).value) < CLOSE else None
