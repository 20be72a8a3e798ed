"""Intervals over people: against a slow statement, and how often they cover the truth."""

import numpy as np
import pytest
from places import ROOT
from scipy.stats import bootstrap as scipy_bootstrap

from vreid_bench.records.per_query import MatchCounts, PerQuery, QueryScores
from vreid_bench.scoring.bootstrap import coverage, interval, sum_by_person, tabulate_people


def test_people_are_drawn_with_all_their_queries():
    random = np.random.default_rng(0)
    pids = random.integers(40, size=200)
    values = np.clip(0.1 * pids / 4 + 0.1 * random.random(200), 0, 1)
    values[::17] = np.nan
    groups = [values[(pids == pid) & ~np.isnan(values)] for pid in np.unique(pids)]
    sums, sizes = np.array([g.sum() for g in groups]), np.array([len(g) for g in groups])

    def mean(sums, sizes, axis=-1):
        return sums.sum(axis) / sizes.sum(axis)

    expected = scipy_bootstrap(
        (sums, sizes), mean, paired=True, vectorized=True, n_resamples=20000, method="BCa", rng=np.random.default_rng(1)
    )
    got = interval(values, pids, resamples=20000)
    width = expected.confidence_interval.high - expected.confidence_interval.low
    # ours is the wider by what 40 people are short of many: t and n / (n - 1), 4.5 %
    assert got[0] == pytest.approx(expected.confidence_interval.low, abs=0.06 * width)
    assert got[1] == pytest.approx(expected.confidence_interval.high, abs=0.06 * width)
    assert got[1] - got[0] > width


def test_many_queries_of_one_person_are_worth_no_more_than_one():
    random = np.random.default_rng(0)
    once = random.random(60)
    few, many = (interval(np.repeat(once, n), np.repeat(np.arange(60), n)) for n in (1, 10))
    assert few == pytest.approx(many)


def test_the_same_input_has_the_same_interval():
    random = np.random.default_rng(0)
    values, pids = random.random(50), random.integers(20, size=50)
    assert interval(values, pids) == interval(values, pids)
    assert interval(values, pids) != interval(values, pids, seed=1)


def test_what_cannot_vary_has_no_spread():
    assert interval(np.full(4, 0.25), np.arange(4)) == (0.25, 0.25)
    assert interval(np.array([0.2, 0.4]), np.array([7, 7])) == pytest.approx((0.3, 0.3))


def test_splits_count_alike_whatever_their_size():
    values = np.concatenate([np.ones(90), np.zeros(10)])
    splits = np.repeat([0, 1], [90, 10])
    low, high = interval(values, np.arange(100), splits)
    assert (low, high) == (0.5, 0.5)  # every draw: one split all right, the other all wrong


def test_a_draw_may_leave_a_split_empty():
    low, high = interval(np.array([1.0, 0.5, 1, 0.2, 0.3]), np.array([1, 2, 3, 1, 2]), np.array([0, 0, 0, 1, 1]))
    assert 0 <= low < high <= 1


def test_it_may_make_no_difference_who_is_left_out():
    """Without person 1 the splits have means 0 and 1; without person 2 one has the mean 1/2, and the other is empty."""
    low, high = interval(np.array([0, 1.0, 0, 1]), np.array([1, 1, 2, 2]), np.array([0, 0, 0, 1]))
    assert 0 <= low < high <= 1


@pytest.mark.slow
@pytest.mark.parametrize("metric", ["mAP", "R1"])
def test_the_interval_covers_the_truth_as_often_as_it_says(metric, covered):
    assert 0.93 <= covered[metric] <= 0.97


@pytest.fixture(scope="module")
def covered():
    return coverage(300)


@pytest.mark.slow
def test_of_sixty_people_it_covers_as_often_as_the_docs_say():
    share = coverage(60)
    assert all(0.93 <= value <= 0.97 for value in share.values())
    told = f"60 identities: the 95 % interval covers the truth in mAP {share['mAP']:.1%}, R1 {share['R1']:.1%} of 500"
    assert told in (ROOT / "docs/intervals.md").read_text()


def test_sums_by_person():
    rows, pids, splits = np.arange(5), np.array([5, 3, 3, 9, 5]), np.array([0, 0, 0, 0, 1])
    scores = QueryScores(np.array([0.5, 1, 0.25, np.nan, 1]), np.array([2, 0, 1, -1, 0]))
    matches = MatchCounts(rows[:0], rows[:0], np.zeros((0, 2), int), {}, (), np.zeros((len(rows), 0), bool))
    kept = PerQuery(splits, rows, pids, rows, rows > 0, matches, {"x": scores})
    assert tabulate_people(kept, "x") == [
        {"queries": [2, 1], "AP": [1.25, 0.5], "R1": [1, 0]},
        {"queries": [0, 1], "AP": [0, 1], "R1": [0, 1]},
    ]
    total, number = sum_by_person(scores.average_precision, pids, splits)
    assert total.tolist() == [[1.25, 0.5], [0, 1]]
    assert number.tolist() == [[2, 1], [0, 1]]
