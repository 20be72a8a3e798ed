"""Intervals of ranks and tiers: against a slow loop over the same draws, and cases worked out by hand."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vreid_bench.scoring.hierarchical_bootstrap import FAILS, OPEN, OUTSIDE, Group, compare_groups, resample
from vreid_bench.scoring.rank_intervals import rank_groups

FEW = 200  # resamples


def alike(score, key, people=8):
    """One split and seed of people who all score alike, with one query each."""
    return Group(np.full((1, 1, people), score), np.ones((1, people)), key)


def random_groups(random, rows, people=20):
    queries = random.integers(1, 4, (1, people)).astype(float)
    ease = random.random(people)
    return [
        Group((0.7 * ease + 0.3 * random.random((random.integers(1, 4), 1, people))) * queries, queries, f"row {row}")
        for row in range(rows)
    ]


def test_rows_that_never_change_places_have_one_rank_each():
    found = rank_groups([alike(0.2, "c"), alike(0.9, "a"), alike(0.5, "b")], FEW)
    assert [(each.best, each.worst, each.first) for each in found.intervals] == [(3, 3, 0), (1, 1, 1), (2, 2, 0)]
    assert found.tiers == (2, 0, 1)


def test_equal_rows_share_the_best_rank_and_the_tier():
    found = rank_groups([alike(0.5, "a"), alike(0.5, "b"), alike(0.1, "c")], FEW)
    assert [(each.best, each.worst, each.first) for each in found.intervals] == [(1, 1, 1), (1, 1, 1), (3, 3, 0)]
    assert found.tiers == (0, 0, 1)


def test_a_row_that_wins_by_one_person_of_many_can_be_second():
    """Everybody scores alike but one person; a draw without that person, 0.875 ** 8 = 34 % of them, has a tie."""
    better, worse = alike(0.5, "a"), alike(0.5, "b")
    better.sums[0, 0, 0] += 0.4
    found = rank_groups([better, worse], 4000)
    assert found.intervals[0][:2] == (1, 1)
    assert found.intervals[1][:2] == (1, 2)
    assert found.intervals[1].first == pytest.approx((7 / 8) ** 8, abs=0.03)
    assert found.tiers == (0, 0)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6), st.integers(1, 6))
def test_the_intervals_are_those_of_a_slow_loop(seed, rows):
    groups = random_groups(np.random.default_rng(seed), rows)
    found = rank_groups(groups, FEW)
    draws = np.stack([resample(group, FEW) for group in groups]).T
    ranks = [[1 + sum(other > own for other in draw) for own in draw] for draw in draws.tolist()]
    for row, interval in enumerate(found.intervals):
        each, outside = sorted(rank[row] for rank in ranks), int(OUTSIDE * FEW)
        assert interval == (each[outside], each[-1 - outside], each.count(1) / FEW)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6), st.integers(1, 6))
def test_a_tier_ends_where_its_first_row_is_better_for_certain(seed, rows):
    groups = random_groups(np.random.default_rng(seed), rows)
    tiers = rank_groups(groups, FEW).tiers
    order = sorted(range(rows), key=lambda row: -groups[row].scores.mean())
    leader = order[0]
    for above, row in pairwise(order):
        verdict = compare_groups(groups[leader], groups[row], FEW).verdict
        assert verdict != FAILS
        assert (tiers[row] == tiers[above]) == (verdict == OPEN)
        leader = leader if verdict == OPEN else row


def test_rows_of_other_people_or_of_few_people_are_not_ranked():
    assert rank_groups([]).intervals == ()
    assert rank_groups([alike(0.5, "a", 8), alike(0.5, "b", 9)]) is None
    assert rank_groups([alike(0.5, "a", 5), alike(0.4, "b", 5)]) is None
