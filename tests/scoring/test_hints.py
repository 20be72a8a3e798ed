"""What is said of vectors that hardly differ and of a test of one person, against values worked out by hand."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import vreid_bench
from vreid_bench.importing.keys import find_attribute, recognise_key
from vreid_bench.scoring.distances import MatrixDistances, PartDistances, VectorDistances
from vreid_bench.scoring.hints import describe_nearly_equal, describe_unused, measure_spread


def vectors(spread, queries=6, items=9, width=8, seed=0):
    random = np.random.default_rng(seed)
    return [(1 + spread * random.standard_normal((size, width))).astype(np.float32) for size in (queries, items)]


@given(st.integers(0, 10**6), st.sampled_from(["cosine", "euclidean"]))
def test_the_spread_of_vectors_is_one_minus_their_mean_square_over_the_mean_of_squares(seed, metric):
    sides = vectors(1.0, seed=seed)
    rows = [[float(x) for x in row] for side in sides for row in side]
    if metric == "cosine":
        rows = [[x / sum(y * y for y in row) ** 0.5 for x in row] for row in rows]
    mean = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
    square = sum(x * x for row in rows for x in row) / len(rows)
    expected = 1 - sum(x * x for x in mean) / square
    assert measure_spread(VectorDistances(*sides, metric)) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("power", [-38, 0, 37])
def test_the_spread_of_directions_does_not_depend_on_scale(power):
    query, gallery = vectors(0.2)
    scaled = VectorDistances(*(side * np.float32(10.0**power) for side in (query, gallery)), "cosine")
    assert measure_spread(scaled) == pytest.approx(measure_spread(VectorDistances(query, gallery, "cosine")), rel=1e-4)


def test_spreads_of_parts_matrices_and_nothing():
    parts = [side.reshape(len(side), 4, 2) for side in vectors(1.0)]
    whole = VectorDistances(*(side.reshape(len(side), 8) for side in parts), "euclidean")
    assert measure_spread(PartDistances(*parts, "euclidean")) == pytest.approx(measure_spread(whole))
    assert measure_spread(MatrixDistances(np.array([[0.5, 0.7], [-1.0, 0.2]]), "float64")) == pytest.approx(1.7)
    assert measure_spread(MatrixDistances(np.zeros((2, 3)))) == 0.0
    assert measure_spread(VectorDistances(np.zeros((2, 3)), np.zeros((2, 3)), "euclidean")) == 0.0
    assert measure_spread(object()) is None


@pytest.mark.parametrize(
    ("spread", "at_chance", "told"), [(1e-6, False, True), (1e-2, True, True), (1e-2, False, False), (0.1, True, False)]
)
def test_they_are_told_where_rounding_decides_or_where_the_score_is_that_of_chance(spread, at_chance, told):
    found = describe_nearly_equal(VectorDistances(*vectors(spread), "cosine"), at_chance)
    assert bool(found) is told
    if told:
        for reading in ("binary or int8 codes", "collapsed", "untrained or diverged", "wrong normalisation"):
            assert reading in found
        assert "--dtype float64" in found


def test_nearly_equal_distances_are_told_without_advice_for_vectors():
    found = describe_nearly_equal(MatrixDistances(0.5 + 1e-7 * np.arange(6.0).reshape(2, 3), "float64"), False)
    assert "the distances are nearly equal: a share of 1e-06 of their size" in found
    assert "--dtype" not in found


def sides(pids, camids, seed=0):
    random = np.random.default_rng(seed)
    for pid, camid in zip(pids, camids, strict=True):
        yield {"embedding": random.standard_normal((len(pid), 4)), "pid": np.array(pid), "camid": np.array(camid)}


@pytest.mark.parametrize(
    ("gallery", "told"), [([2, 2, 2], True), ([2, -1, 2], True), ([2, 0, 2], False), ([2, 3, 2], False)]
)
def test_a_test_of_one_person_is_told(gallery, told):
    report = vreid_bench.score(*sides([[2, 2], gallery], [[1, 1], [2, 3, 2]]), conventions=["gallery-as-listed"])
    ranked = sum(pid != -1 for pid in gallery)
    words = f"all 2 queries and all {ranked} gallery items that take a rank show person 2, so every order"
    assert any(words in note for note in report.notes) is told
    assert report["gallery-as-listed"]["interval"] == {"mAP": None, "R1": None}
    assert json.dumps(report.metrics())


@pytest.mark.parametrize(
    ("unused", "expected"),
    [
        ({}, ""),
        ({"a": ["coat", "hat"]}, "coat, hat of a; an attribute has a key such as attribute.coat"),
        ({"a": ["coat"], "b": ["coat"]}, "coat of a and b; an attribute has a key such as attribute.coat"),
        (
            {"a": ["x"], "b": ["y"], "c": ["x"], "d": ["x"]},
            "x of a and 2 more; y of b; an attribute has a key such as attribute.x",
        ),
        ({"a": ["q_coat", "g_coat"]}, "q_coat, g_coat of a; an attribute has a key such as q_attribute_coat"),
        ({"a": ["gallery.coat"]}, "gallery.coat of a; an attribute has a key such as gallery_attribute_coat"),
        ({"a": list("stuvwxyzab")}, "s, t, u, v, w, x, y, z, 2 more of a; an attribute has a key such as attribute.s"),
    ],
)
def test_unused_keys_are_told_by_file_with_how_one_is_named_as_an_attribute(unused, expected):
    found = describe_unused(unused)
    assert found == (expected and f"note: not used: {expected}")
    if found:
        assert find_attribute(recognise_key(found.rpartition(" ")[2]).kind) in next(iter(unused.values()))[0]
