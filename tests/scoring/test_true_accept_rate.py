"""One threshold for all pairs, against all pairs sorted."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle import labels

import vreid_bench.scoring.distances as source
from vreid_bench.scoring.distances import VectorDistances
from vreid_bench.scoring.matches_and_junk import GalleryRule
from vreid_bench.scoring.true_accept_rate import true_accept_rates
from vreid_bench.system.errors import InputError


def by_hand(distances, who, rate, queries_in_gallery):
    """Walk up all pairs of different persons until one too many would pass."""
    genuine, impostor = [], []
    for q, row in enumerate(who.query):
        for place, item in enumerate(who.gallery):
            if who.pids[item] == -1 or (not queries_in_gallery and item in who.query):
                continue
            if who.pids[item] != who.pids[row]:
                impostor.append(distances[q, place])
            elif who.camids[item] != who.camids[row]:
                genuine.append(distances[q, place])
    passing = Fraction(str(rate)) * len(impostor) // 1
    threshold = sorted(impostor)[passing] if passing < len(impostor) else np.inf
    return np.mean([d < threshold for d in genuine]) if genuine else None


@given(st.integers(0, 10**6), st.sampled_from([0, 0.01, 0.1, 0.29, 0.5, 0.57, 1]), st.booleans(), st.integers(1, 9))
def test_agrees_with_all_pairs_sorted(seed, rate, queries_in_gallery, rows):
    random = np.random.default_rng(seed)
    pids = random.integers(-1, 4, 30)
    pids[:2] = 1
    who = labels(pids, random.integers(1, 4, 30), np.flatnonzero(pids > 0)[::2], np.arange(30))
    distances = random.integers(0, 40, (len(who.query), 30)).astype(float)
    tiles = [(slice(i, i + rows), distances[i : i + rows]) for i in range(0, len(distances), rows)]
    expected = by_hand(distances, who, rate, queries_in_gallery)
    rule = GalleryRule(queries_in_gallery)
    if expected is None:
        with pytest.raises(InputError, match="no query has a match"):
            true_accept_rates(tiles, who, [rate], rule)
    else:
        assert true_accept_rates(tiles, who, [0.3, rate], rule)[1] == expected


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_distances_of_vectors_in_tiles_are_those_of_all(monkeypatch, metric):
    random = np.random.default_rng(0)
    query, gallery = random.standard_normal((7, 5)), random.standard_normal((11, 5))
    whole = next(iter(VectorDistances(query, gallery, metric).tiles()))[1]
    monkeypatch.setattr(source, "BUDGET", 22)
    tiles = list(VectorDistances(query, gallery, metric).tiles())
    assert len(tiles) == 4
    np.testing.assert_allclose(np.concatenate([t for _, t in tiles]), whole, rtol=1e-12)


def test_a_rate_that_is_no_share_is_refused():
    with pytest.raises(InputError, match=r"a fraction from 0 to 1, got 10"):
        true_accept_rates([], labels([1, 1], [1, 2], [0], [0, 1]), [10])


@pytest.mark.parametrize("rate", [0.29, 0.57, 0.58])  # times 100 below 29, 57 and 58 in binary
def test_a_rate_is_the_number_that_is_written(rate):
    allowed = round(rate * 100)
    # one query, its match, and 100 others: as many of them are closer than the match as the rate lets pass
    who = labels([1, 1, *range(2, 102)], [1, 2, *[2] * 100], [0], range(1, 102))
    distances = np.array([[allowed - 0.5, *range(100)]])
    rates = [rate, rate - 0.01]
    assert true_accept_rates([(slice(0, 1), distances)], who, rates) == [1.0, 0.0]
