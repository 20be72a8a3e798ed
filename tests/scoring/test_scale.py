"""Vectors of any scale: their cosine ranks as that of the same vectors in float64."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from oracle import labels

from vreid_bench.ops.distance import pairwise_distance
from vreid_bench.scoring.distances import VectorDistances
from vreid_bench.scoring.ranks.counting import count_from_embeddings
from vreid_bench.scoring.ranks.scale import scale_rows

SMALLEST, LARGEST = -149, 127  # exponents of float32, subnormal numbers included


@given(st.integers(0, 10**6), st.integers(-115, 110))
def test_ranks_do_not_depend_on_the_scale_of_each_row(seed, exponent):
    random = np.random.default_rng(seed)
    pids, camids = random.integers(0, 6, 40), random.integers(1, 4, 40)
    pids[0] = 1
    who = labels(pids, camids, np.flatnonzero(pids > 0)[:8], np.arange(40))
    vectors = random.standard_normal((40, 16)).astype(np.float32)
    scaled = np.ldexp(vectors, random.integers(min(0, exponent), max(1, exponent), (40, 1))).astype(np.float32)
    expected = count_from_embeddings(vectors[who.query], vectors, who, "cosine").before
    np.testing.assert_array_equal(count_from_embeddings(scaled[who.query], scaled, who, "cosine").before, expected)
    [(_, tile)] = VectorDistances.of(scaled[who.query], scaled, "cosine").tiles()
    assert np.allclose(tile, pairwise_distance(*map(torch.tensor, (vectors[who.query], vectors)), "cosine"), atol=1e-5)


@pytest.mark.parametrize("exponent", [SMALLEST + 30, -100, -32, 31, 100, LARGEST - 3])
def test_a_direction_keeps_its_bits(exponent):
    row = np.random.default_rng(0).uniform(1, 2, (1, 8)).astype(np.float32)
    far = np.ldexp(row, exponent).astype(np.float32)
    scaled = scale_rows(far)
    assert 0.5 <= scaled.max() <= 1
    kept = exponent > -126  # below, float32 has fewer bits already
    assert (np.ldexp(scaled.astype(np.float64), np.frexp(far.max())[1]) == far).all()
    assert not kept or (scaled / scaled.max() == row / row.max()).all()


def test_other_rows_stay_as_they_are():
    rows = np.array([[0, 0], [1, -3], [np.inf, 1], [np.nan, 1], [2.0**-30, 0]], np.float32)
    assert scale_rows(rows) is rows
    mixed = np.array([[0, 0], [1, -3], [1e-30, -2e-30]], np.float32)
    np.testing.assert_array_equal(scale_rows(mixed)[:2], mixed[:2])
