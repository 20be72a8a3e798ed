"""Vectors in fewer bits: hand-worked values, and laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from vreid_bench.scoring.rounding import ROUNDINGS, from_int8, round_vectors, to_half, to_int8
from vreid_bench.system.errors import InputError

VECTORS = arrays(
    np.float32,
    array_shapes(min_dims=2, max_dims=2, max_side=6),
    elements=st.floats(-60000, 60000, width=32, allow_subnormal=False),
)


@pytest.mark.parametrize("to", ROUNDINGS)
@settings(max_examples=200, deadline=None)
@given(VECTORS)
def test_rounding_twice_changes_nothing(to, vectors):
    once = round_vectors(vectors, to)
    assert once.dtype == vectors.dtype
    np.testing.assert_array_equal(round_vectors(once, to), once)


@pytest.mark.parametrize("to", ROUNDINGS)
@settings(max_examples=100, deadline=None)
@given(VECTORS)
def test_a_vector_and_its_negative_are_rounded_alike(to, vectors):
    np.testing.assert_array_equal(round_vectors(-vectors, to), -round_vectors(vectors, to))


@settings(max_examples=200, deadline=None)
@given(VECTORS)
def test_int8_is_off_by_half_a_step_at_most(vectors):
    """A step is a 127th of the largest number of a vector. The scale itself is off by 2^-16."""
    largest = np.abs(vectors.astype(np.float64)).max(1, keepdims=True)
    off = np.abs(round_vectors(vectors, "int8").astype(np.float64) - vectors)
    assert (off <= largest * (0.5 / 127 + 2**-15) + 1e-44).all()


def test_values_by_hand():
    numbers, scale = to_int8(np.array([[127, -63.4, 0.6], [0, 0, 0], [-2, 1, 0.5]], np.float32))
    assert numbers.tolist() == [[127, -63, 1], [0, 0, 0], [-127, 64, 32]]  # 63.5 and 31.75 steps in the last one
    assert scale.tolist()[:2] == [1, 0]
    assert scale[2] == pytest.approx(2 / 127, rel=2**-16)
    np.testing.assert_array_equal(from_int8(numbers, scale)[0], [127, -63, 1])
    np.testing.assert_array_equal(round_vectors(np.array([[1 + 2**-11, 2049.0]]), "fp16"), [[1, 2048]])  # ties to even


def test_a_number_that_16_bits_do_not_hold_is_named():
    with pytest.raises(InputError, match=r"^g\.npz: row 1 has the number 70000, and 16 bits hold no number beyond"):
        to_half(np.array([[1.0], [7e4]]), "g.npz")
    assert round_vectors(np.array([[7e4, -1.0]]), "int8")[0, 0] == pytest.approx(7e4, rel=1e-4)
