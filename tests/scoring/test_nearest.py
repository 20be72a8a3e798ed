"""The first ranks of each query in a gallery in parts, against a full sort."""

import numpy as np
import pytest
from gallery_parts import Array
from hypothesis import given, settings
from hypothesis import strategies as st

from vreid_bench.scoring.ranks import nearest
from vreid_bench.scoring.ranks.nearest import Nearest, find_nearest


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 60),
    st.integers(1, 80),
    st.sampled_from([1, 7, 1000]),
    st.sampled_from([3, 1 << 14]),
)
def test_whole_numbers_are_ordered_by_a_stable_sort(seed, size, count, rows, columns):
    """Of few numbers, so that many items are equally near; parts and tiles cut them anywhere."""
    random = np.random.default_rng(seed)
    query, gallery = (random.integers(0, 3, (rows_, 2)).astype(np.float32) for rows_ in (5, size))
    cuts = np.sort(random.integers(0, size + 1, random.integers(0, 4)))
    parts = [Array(v, np.zeros(len(v), int), np.zeros(len(v), int)) for v in np.split(gallery, cuts)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nearest, "COLUMNS", columns)
        patch.setattr(nearest, "TILE", 2 * columns)
        found = find_nearest(query, parts, "euclidean", count, rows, first=100)
        places = np.cumsum([100, *map(len, parts)])
        pieces = [
            find_nearest(query, [p], "euclidean", count, rows, int(at)) for p, at in zip(parts, places, strict=False)
        ]
    square = ((query[:, None] - gallery) ** 2).sum(2)
    expected = np.argsort(square, axis=1, kind="stable")[:, :count]
    np.testing.assert_array_equal(found.places, 100 + expected)
    np.testing.assert_array_equal(found.distance, np.take_along_axis(square, expected, 1))
    for joined, one in zip(Nearest.join(pieces, count), found, strict=True):
        np.testing.assert_array_equal(joined, one)


def test_the_cosine_ignores_lengths_of_any_size():
    query = np.array([[1, 0]], np.float32)
    gallery = np.array([[1e-30, 1e-31], [3e30, 0], [0, 1], [2, 1]], np.float32)
    part = Array(gallery, np.zeros(4, int), np.zeros(4, int))
    assert find_nearest(query, [part], "cosine", 3).places.tolist() == [[1, 0, 3]]
