"""Ranks over a gallery in parts: the integers of one pass, and of a slow loop."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vreid_bench.contracts.people import JUNK
from vreid_bench.scoring.ranks.by_parts import count_from_parts
from vreid_bench.scoring.ranks.counting import Counts, count_from_embeddings
from vreid_bench.scoring.ranks.labels import Labels


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.sampled_from([1, 3, 1000]), st.booleans())
def test_parts_count_as_one_array(metric: str, seed: int, size: int, rows: int, by_camera: bool) -> None:
    generator = np.random.default_rng(seed)
    query, gallery, labels = _draw(generator, size, by_camera)
    cuts = np.sort(generator.integers(0, size + 1, generator.integers(0, 5)))
    parts = np.split(gallery, cuts)
    one = count_from_embeddings(query, gallery, labels, metric)
    many = count_from_parts(query, parts, labels, metric, rows)
    for name in ("start", "group", "before", "in_gallery"):
        assert np.array_equal(getattr(one, name), getattr(many, name))
    if metric == "euclidean":  # whole numbers: exact
        assert many.before.sum(1).tolist() == _count_slowly(query, gallery, labels, many)


def test_parts_of_another_length_are_refused() -> None:
    query, gallery, labels = _draw(np.random.default_rng(0), 9, True)
    with pytest.raises(ValueError, match="have 8 rows, expected 9"):
        count_from_parts(query, [gallery[:8]], labels, "cosine")


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
