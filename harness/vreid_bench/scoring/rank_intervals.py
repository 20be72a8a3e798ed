"""Which ranks the rows of a table can have, and which rows the test cannot tell apart.

A hierarchical bootstrap over people and seeds of all rows at once. The draws are those of `hierarchical_bootstrap`:
people with replacement, the same for all rows, and of each row seeds with replacement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vreid_bench.scoring.hierarchical_bootstrap import OUTSIDE, RESAMPLES, SAME, Group, resample
from vreid_bench.scoring.sign_flip import FEWEST

Floats = NDArray[np.float64]


class RankInterval(NamedTuple):
    """The ranks that a row has in 95 % of the draws, counted from 1, and how often it is the first."""

    best: int
    worst: int
    first: float  # share of the draws


@dataclass(frozen=True)
class Ranking:
    """What a test tells of the order of rows. Both are in the order in which the rows were given."""

    intervals: tuple[RankInterval, ...]
    # Counted from 0. The best row begins a tier; to it belong the next rows for as long as the interval of their
    # difference to the row that began the tier contains 0.
    tiers: tuple[int, ...]


def rank_groups(groups: Sequence[Group], resamples: int = RESAMPLES) -> Ranking | None:
    """Rank groups of the same people by their scores, the highest first.

    A row that equals others in a draw has the best of their ranks. None where the rows cannot be ranked together: their
    people or queries differ, or there are fewer than `FEWEST` people.
    """
    if not groups:
        return Ranking((), ())
    queries = groups[0].queries
    if queries.shape[1] < FEWEST or any(not np.array_equal(each.queries, queries) for each in groups):
        return None
    drawn = np.stack([resample(group, resamples) for group in groups])  # [rows, resamples]
    outside = int(OUTSIDE * resamples)
    ranks = np.sort([1 + (drawn > row).sum(0) for row in drawn], axis=1)
    intervals = [RankInterval(int(each[outside]), int(each[-1 - outside]), float((each == 1).mean())) for each in ranks]
    scores = np.array([group.scores.mean() for group in groups])
    return Ranking(tuple(intervals), _divide(scores, drawn, outside))


def _divide(scores: Floats, drawn: Floats, outside: int) -> tuple[int, ...]:
    """The tier of each row. scores: [rows]; drawn: [rows, resamples]."""
    order = np.argsort(-scores, kind="stable")
    tiers, tier, leader = [0] * len(scores), -1, -1
    for row in order.tolist():
        if tier < 0 or np.sort(drawn[leader] - drawn[row])[outside] > SAME:
            tier, leader = tier + 1, row
        tiers[row] = tier
    return tuple(tiers)
