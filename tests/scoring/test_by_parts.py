"""Ranks over a gallery in parts: the integers of one pass, and of a slow loop."""

from dataclasses import replace

import numpy as np
import pytest
from gallery_parts import Array
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from vreid_bench.contracts.people import JUNK
from vreid_bench.scoring.ranks.by_parts import ROWS, Known, choose_rows, count_from_parts, join_parts
from vreid_bench.scoring.ranks.counting import Counts, count_from_embeddings
from vreid_bench.scoring.ranks.labels import Labels
from vreid_bench.system.errors import InputError


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.sampled_from([1, 3, 1000]), st.booleans())
def test_parts_count_as_one_array(metric: str, seed: int, size: int, rows: int, by_camera: bool) -> None:
    generator = np.random.default_rng(seed)
    query, gallery, whole = _draw(generator, size, by_camera)
    cuts = np.sort(generator.integers(0, size + 1, generator.integers(0, 5)))
    columns = (gallery, whole.pids[:size], whole.camids[:size])
    parts = [Array(*each) for each in zip(*(np.split(column, cuts) for column in columns), strict=True)]
    asked = query, whole.pids[whole.query], whole.camids[whole.query]
    assume(len({(vector.tobytes(), *who) for vector, *who in zip(*asked, strict=True)}) == 3)  # or two are one item
    if not np.isin(whole.pids[:size], asked[1]).any():
        with pytest.raises(InputError, match="none of its items shows a person that is asked for"):
            Known.of(parts, np.unique(asked[1]), query.dtype, rows)
        return
    known = Known.of(parts, np.unique(asked[1]), query.dtype, rows)
    labels = replace(known.label(*asked), junk_by_camera=by_camera)
    many = count_from_parts(query, parts, known, labels, metric, rows)
    # a query is a gallery item where one has its labels and its vector: the whole is labelled by the same rule
    row = np.where(labels.own >= 0, known.places[labels.own], np.arange(size, size + 3))
    every = [np.concatenate([column[:size], own]) for column, own in ((whole.pids, asked[1]), (whole.camids, asked[2]))]
    one_labels = Labels(*every, row, np.arange(size), junk_by_camera=by_camera)
    one = count_from_embeddings(query, gallery, one_labels, metric)
    for name in ("start", "group", "before", "in_gallery"):
        assert np.array_equal(getattr(one, name), getattr(many, name))
    if metric == "euclidean":  # whole numbers: exact
        assert many.before.sum(1).tolist() == _count_slowly(query, gallery, one_labels, many)


@pytest.mark.parametrize(
    ("sizes", "rows", "expected"), [([2, 0, 3, 1, 7], 5, [5, 1, 5, 2]), ([0, 0], 5, []), ([], 5, [])]
)
def test_small_parts_are_read_together(sizes, rows, expected):
    parts = [Array(np.full((size, 2), number), *np.zeros((2, size), int)) for number, size in enumerate(sizes)]
    found = list(join_parts(parts, rows, 100))
    assert [len(block.pids) for _, block in found] == expected
    assert [place for place, _ in found] == [100 + sum(expected[:number]) for number in range(len(expected))]
    assert [v for _, block in found for v in block.vectors[:, 0]] == [
        n for n, size in enumerate(sizes) for _ in range(size)
    ]


def test_blocks_of_long_vectors_have_fewer_rows():
    assert [choose_rows(dim) for dim in (1, 64, 128, 2048, 1 << 40)] == [ROWS, ROWS, ROWS, ROWS // 16, 1]


def test_a_query_with_a_negative_zero_is_found():
    known = Known(np.arange(2), np.array([[0.0, 1.0], [-0.0, 2.0]]), np.array([1, 1]), np.array([1, 1]))
    query = np.array([[-0.0, 1.0], [0.0, 2.0], [0.0, 3.0]])
    assert known.find(query, np.ones(3, int), np.ones(3, int)).tolist() == [0, 1, -1]


def _draw(generator: np.random.Generator, size: int, by_camera: bool) -> tuple[np.ndarray, np.ndarray, Labels]:
    """Three queries, two of them gallery items if there is room; few values, so that many distances are equal."""
    pids = generator.choice([JUNK, 0, 1, 2, 3], size + 3)
    own = min(size, 2) * int(generator.integers(0, 2))
    asked = np.concatenate([np.arange(own), np.arange(size, size + 3 - own)])
    pids[asked] = generator.integers(1, 5, 3)
    vectors = generator.integers(1, 4, (size + 3, 2)).astype(np.float32)
    camids = generator.integers(0, 3, size + 3)
    labels = Labels(pids, camids, asked, np.arange(size), junk_by_camera=by_camera)
    return vectors[asked], vectors[:size], labels


def _count_slowly(query: np.ndarray, gallery: np.ndarray, labels: Labels, counts: Counts) -> list[int]:
    found = []
    for q, asked in enumerate(labels.query):
        junk, matches = [], []
        for g in range(len(gallery)):
            same = labels.pids[g] == labels.pids[asked]
            seen = labels.camids[g] == labels.camids[asked] if labels.junk_by_camera else g == asked
            if labels.pids[g] == JUNK or (same and seen):
                junk.append(g)
            elif same:
                matches.append(g)
        key = [(float(((query[q] - item) ** 2).sum()), g) for g, item in enumerate(gallery)]
        found += [sum(key[g] < key[m] for g in range(len(gallery)) if g not in junk) for m in matches]
        assert counts.start[q + 1] == len(found)
    return found
