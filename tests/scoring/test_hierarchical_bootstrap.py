"""The hierarchical bootstrap: against a slow loop, cases worked out by hand, and laws that it must keep."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vreid_bench.scoring.hierarchical_bootstrap import (
    FAILS,
    HOLDS,
    OPEN,
    OUTSIDE,
    Difference,
    Group,
    compare_groups,
    coverage,
    draw_people,
    draw_seeds,
)

FEW = 400  # resamples
FLIPPED = {HOLDS: FAILS, FAILS: HOLDS, OPEN: OPEN}


def alike(*seeds, key="a", people=8):
    """One split of people who all score alike, with one query each: for each seed its score."""
    return Group(np.tile(np.array(seeds, float)[:, None, None], (1, 1, people)), np.ones((1, people)), key)


def random_group(random, key, seeds=3, splits=2, people=30, queries=None):
    queries = random.integers(0, 4, (splits, people)).astype(float) if queries is None else queries
    queries[:, 0] = 1  # no split is empty
    scores = random.random((seeds, splits, people))
    return Group(scores * queries, queries, key)


def pair_of_groups(random, splits=2, people=30):
    better = random_group(random, "better", 3, splits, people)
    return better, random_group(random, "worse", 2, splits, people, better.queries)


def score_slowly(group, people, seeds):
    """The mean score of these people and these seeds (both with repeats), one query sum after another."""
    each = []
    for seed in seeds:
        means = []
        for split in range(len(group.queries)):
            number = sum(group.queries[split, person] for person in people)
            total = sum(group.sums[seed, split, person] for person in people)
            if number:
                means.append(total / number)
        each.append(sum(means) / len(means))
    return sum(each) / len(each)


def resample_slowly(group, draws):
    """The score of each draw of (people, seeds), with the spread over seeds widened by the root of N / (N - 1)."""
    everyone, found = range(len(group.sums)), []
    for people, seeds in draws:
        centre, drawn = score_slowly(group, people, everyone), score_slowly(group, people, seeds)
        found.append(centre + (len(everyone) / (len(everyone) - 1)) ** 0.5 * (drawn - centre))
    return found


def test_it_is_the_slow_loop_over_the_same_draws():
    better, worse = pair_of_groups(np.random.default_rng(0), people=9)
    people = [np.repeat(np.arange(9), row) for row in draw_people(9, FEW)]
    sides = []
    for group in (better, worse):
        size = len(group.sums)
        seeds = [np.repeat(np.arange(size), np.rint(row * size).astype(int)) for row in draw_seeds(group, FEW)]
        assert {len(each) for each in seeds} == {size}
        sides.append(resample_slowly(group, list(zip(people, seeds, strict=True))))
    differences = sorted(a - b for a, b in zip(*sides, strict=True))
    got = compare_groups(better, worse, FEW)
    assert got.interval == pytest.approx((differences[10], differences[-11]), abs=1e-12)  # 2.5 % of 400 lie outside
    assert got.value == pytest.approx(better.scores.mean() - worse.scores.mean())


def test_other_draws_give_nearly_the_same_interval():
    random = np.random.default_rng(1)
    better, worse = pair_of_groups(random)
    people = [random.integers(30, size=30) for _ in range(2000)]
    sides = [
        resample_slowly(group, [(each, random.integers(len(group.sums), size=len(group.sums))) for each in people])
        for group in (better, worse)
    ]
    low, high = np.quantile(np.subtract(*sides), (OUTSIDE, 1 - OUTSIDE))
    got = compare_groups(better, worse)
    assert got.interval == pytest.approx((low, high), abs=0.08 * (high - low))


def test_a_score_is_the_mean_over_splits_of_the_means_over_queries():
    sums = np.array([[[1.0, 0.0, 2.0], [3.0, 0.0, 0.0]]])
    group = Group(sums, np.array([[1.0, 1.0, 2.0], [4.0, 0.0, 0.0]]), "a")
    assert group.scores.tolist() == [(3 / 4 + 3 / 4) / 2]


def test_people_who_all_gain_alike_leave_no_spread():
    got = compare_groups(alike(0.75), alike(0.5, key="b"))
    assert got == Difference(0.25, (0.25, 0.25))
    assert got.verdict == HOLDS


def test_two_seeds_by_hand():
    """Seeds of 0.4 and 0.6 are drawn as 0.4, 0.5, 0.5 or 0.6, whose distance from 0.5 is widened by the root of 2."""
    got = compare_groups(alike(0.4, 0.6), alike(0.1, key="b"))
    assert got.value == pytest.approx(0.4)
    assert got.interval == pytest.approx((0.4 - 0.1 * 2**0.5, 0.4 + 0.1 * 2**0.5))


def test_equal_trainings_draw_the_same_seeds_and_others_do_not():
    better, worse = (0.2, 0.5, 0.8), (0.1, 0.4, 0.7)
    assert compare_groups(alike(*better), alike(*worse)).interval == pytest.approx((0.1, 0.1))
    assert compare_groups(alike(*better), alike(*worse, key="b")).verdict == OPEN


def test_few_people_tell_nothing():
    for people, verdict in ((1, OPEN), (5, OPEN), (6, HOLDS)):
        got = compare_groups(alike(0.9, people=people), alike(0.1, key="b", people=people))
        assert got.verdict == verdict
        assert got.value == pytest.approx(0.8)


def test_other_queries_cannot_be_paired():
    other = alike(0.5)._replace(queries=np.full((1, 8), 2.0))
    with pytest.raises(ValueError, match="different queries"):
        compare_groups(alike(0.5), other)


def test_a_draw_may_leave_a_split_empty():
    """Person 0 alone is in the second split, and a third of the draws of 6 people leaves person 0 out."""
    queries = np.array([[1.0] * 6, [1.0] + [0.0] * 5])
    got = compare_groups(Group(queries[None], queries, "a"), Group(0 * queries[None], queries, "b"))
    assert got.interval == (1, 1)


def test_an_interval_that_touches_0_tells_nothing():
    assert Difference(0.1, (0.0, 0.2)).verdict == OPEN
    assert Difference(0.1, (1e-17, 0.2)).verdict == OPEN
    assert Difference(-0.1, (-0.2, 0.0)).verdict == OPEN


def test_the_draws_are_the_same_on_every_machine():
    """NumPy promises the raw numbers of this generator; that each row draws so many people is our own promise."""
    counts = draw_people(6, 3)
    assert counts.tolist() == PINNED
    assert counts.sum(1).tolist() == [6, 6, 6]
    assert draw_seeds(alike(0.1, 0.2, 0.3), FEW).mean(0) == pytest.approx([1 / 3] * 3, abs=0.05)
    assert draw_people(40, 2000).mean(0) == pytest.approx(np.ones(40), abs=0.15)


PINNED = [[1, 0, 2, 1, 1, 1], [0, 0, 1, 1, 2, 2], [1, 1, 2, 0, 1, 1]]


@pytest.mark.slow
def test_the_interval_covers_the_truth():
    assert 0.92 <= coverage(3, 0.02, worlds=200) <= 0.98
    assert coverage(1, 0.02, worlds=200) < 0.85  # one seed does not tell of others


seeds_of_scores = st.lists(
    st.lists(st.integers(0, 1000).map(lambda n: n / 1000), min_size=8, max_size=8), min_size=1, max_size=3
)


def one_split(scores, key):
    return Group(np.array(scores)[:, None], np.ones((1, 8)), key)


@settings(deadline=None)
@given(seeds_of_scores, seeds_of_scores)
def test_to_swap_better_and_worse_flips_the_verdict(better, worse):
    a, b = one_split(better, "a"), one_split(worse, "b")
    got, swapped = compare_groups(a, b, FEW), compare_groups(b, a, FEW)
    assert swapped.verdict == FLIPPED[got.verdict]
    assert swapped.interval == (-got.interval[1], -got.interval[0])
    assert swapped.value == -got.value


@settings(deadline=None)
@given(seeds_of_scores, st.integers(1, 1000))
def test_what_is_better_by_as_much_for_everyone_holds(scores, gain):
    up = [[score + gain / 1000 for score in seed] for seed in scores]
    got = compare_groups(one_split(up, "a"), one_split(scores, "a"), FEW)
    assert got.verdict == HOLDS
    assert got.interval == pytest.approx((gain / 1000, gain / 1000))


@settings(deadline=None)
@given(seeds_of_scores, seeds_of_scores)
def test_what_is_far_better_in_every_seed_and_person_holds(better, worse):
    """Scores lie between 0 and 1; widened by at most the root of 2, the draws of seeds stay between -1 and 2."""
    up = [[score + 3.5 for score in seed] for seed in better]
    assert compare_groups(one_split(up, "a"), one_split(worse, "b"), FEW).verdict == HOLDS


@settings(deadline=None)
@given(seeds_of_scores)
def test_a_method_is_not_better_than_itself(scores):
    assert compare_groups(one_split(scores, "a"), one_split(scores, "b"), FEW).verdict == OPEN
