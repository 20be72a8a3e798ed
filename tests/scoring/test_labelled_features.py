"""Tracklets with labels: one tracklet has one label, clips have numbers as weights, and precision is kept."""

import numpy as np
import pytest

import vreid_bench
from vreid_bench import InputError
from vreid_bench.scoring.label_source import Pair
from vreid_bench.scoring.labelled_features import LabelledFeatures

PIDS, CAMIDS, NAMES = np.array([1, 2, 1, 2]), np.array([1, 1, 2, 2]), np.array(list("abcd"))
VECTORS = np.array([[0, 1], [1, 0], [0, 2], [2, 0]], np.float32)


def sides(change=None, **query):
    """Two queries that are in the gallery of four, by name; the queries have other columns than the gallery."""
    whole = {"embedding": VECTORS, "pid": PIDS, "camid": CAMIDS, "tracklet": NAMES} | (change or {})
    return {name: array[:2] for name, array in whole.items()} | query, whole


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"pid": np.array([1, 1])}, "row 1, tracklet 'b', has pid 1, but in gallery, row 1, this tracklet has pid 2"),
        ({"camid": np.array([2, 1])}, "row 0, tracklet 'a', has camid 2, but in gallery, row 0, .* has camid 1"),
        ({"pid": np.array(["1", "1"])}, "row 1, tracklet 'b', has pid 1"),
    ],
)
def test_a_tracklet_with_two_labels_is_refused_by_its_name(query, words):
    with pytest.raises(InputError, match=f"query: {words}"):
        vreid_bench.score(*sides(**query))


def test_checked_features_and_attributes_are_held_to_the_same_rule():
    asked, ranked = sides({"outfit": np.array(["red", "blue", "red", "blue"])}, outfit=np.array(["red", "green"]))
    query, gallery = (LabelledFeatures.from_arrays(each, name) for each, name in ((asked, "q"), (ranked, "g")))
    with pytest.raises(InputError, match=r"q: row 1, tracklet 'b', has outfit green, but in g, row 1, .* outfit blue"):
        _ = Pair(query, gallery).labels


def test_an_attribute_that_one_side_lacks_contradicts_nothing():
    asked, ranked = sides({"outfit": np.array(["red", "", "red", "blue"])}, outfit=np.array(["", "blue"]))
    assert vreid_bench.score(asked, ranked)["torchreid"]["mAP"] == 1.0


def test_a_name_of_several_people_on_one_side_is_a_name_within_a_person():
    asked, ranked = sides({"tracklet": np.array(["first", "first", "second", "second"])})
    report = vreid_bench.score(asked, ranked)  # as AG-VPReID names them
    assert (report.labels.own == [0, 1]).all()


LARGE = 2**26 + np.array([3, 0, 5, 20])  # float32 has every eighth number here; the squares are exact in float64


@pytest.mark.parametrize("kind", ["<f8", ">f8", "<i4", ">i4", "<i8", "<u4", ">u8", "longdouble"])
def test_float64_keeps_the_digits_of_every_type(kind):
    vectors = np.stack([LARGE, np.zeros(4)], 1).astype(kind)
    both = sides({"embedding": vectors})
    reports = [vreid_bench.score(*both, metric="euclidean", dtype=each) for each in ("float64", "float32")]
    exact, rounded = (report.per_query()["queries-in-gallery.first_rank"].tolist() for report in reports)
    # person 1 is at 3 and 5, person 2 at 0 and 20; in float32 the first query is at 0, too, and its match at 8
    assert exact == [0, 2]
    assert rounded == [1, 2]


@pytest.mark.parametrize("kind", ["<f4", ">f4", "<f2", "|i1", "|u1", "<i2"])
def test_short_types_stay_in_float32(kind):
    found = LabelledFeatures.from_arrays(sides({"embedding": VECTORS.astype(kind)})[1], "g").embedding
    assert found.dtype == np.float32
    assert (found == VECTORS).all()


CLIPS = np.ones((4, 3, 2), np.float32)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"importance": np.full((4, 3), "much")}, "importance must be a number for each clip, got <U4"),
        ({"importance": np.full((4, 3), 1j)}, "importance must be a number for each clip, got complex128"),
        ({"importance": np.full((4, 3), np.inf)}, "importance must be finite and not negative"),
        ({"valid": np.full((4, 3), "no")}, "valid must be true or false for each clip, got <U2"),
        ({"valid": np.full((4, 3), 0.5)}, "valid must be true or false for each clip, got float64"),
        ({"tracklet": np.stack([NAMES, NAMES], 1)}, r"tracklet must be"),
        ({"pid": np.ma.masked_array(PIDS, PIDS == 2)}, "pid is masked at . of . places"),
        ({"embedding": np.ma.masked_array(CLIPS, CLIPS > 0)}, r"embedding is masked at \d+ of \d+ places"),
    ],
)
def test_columns_of_the_wrong_kind_are_one_sentence(columns, words):
    arrays = sides({"embedding": CLIPS})[1] | columns
    with pytest.raises(InputError, match=words):
        LabelledFeatures.from_arrays(arrays, "g")
    with pytest.raises(InputError, match=words):
        vreid_bench.score({name: array[:2] for name, array in arrays.items()}, arrays)


def test_a_mask_that_hides_nothing_is_no_mask():
    masked = np.ma.masked_array(VECTORS, np.zeros(VECTORS.shape, bool))
    assert vreid_bench.score(*sides({"embedding": masked}))["torchreid"]["mAP"] == 1.0
