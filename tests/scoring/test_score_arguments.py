"""What Python's `score` refuses, each in one sentence."""

import numpy as np
import pytest

from vreid_bench import InputError, score
from vreid_bench.scoring.conventions import CONVENTIONS

VECTORS = np.array([[0, 1], [1, 0], [0, 2], [2, 0]], np.float32)
GALLERY = {"embedding": VECTORS, "pid": np.array([1, 2, 1, 2]), "camid": np.array([1, 1, 2, 2])}
QUERY = {name: array[:2] for name, array in GALLERY.items()}
DISTANCE = np.array([[0, 9, 1, 9], [9, 0, 9, 1]], float)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"dtype": "float16"}, "dtype must be one of float32, float64, got 'float16'"),
        ({"dtype": None}, "dtype must be one of float32, float64, got None"),
        ({"metric": 3}, "metric must be one of cosine, euclidean, sqeuclidean, got 3"),
        ({"conventions": ()}, "conventions: got none, expected at least one"),
        ({"conventions": [3]}, "conventions: expected names or conventions, got 3"),
        ({"distance": np.ma.masked_array(DISTANCE, DISTANCE > 1)}, "distance is masked at 4 of 8 places"),
        ({"distance": DISTANCE + 1j}, r"distance: expected a matrix of numbers \[Q, G\], got complex128"),
        ({"distance": DISTANCE.astype(str)}, r"distance: expected a matrix of numbers \[Q, G\], got <U"),
        ({"distance": DISTANCE > 1}, r"distance: expected a matrix of numbers \[Q, G\], got bool"),
        ({"distance": DISTANCE.astype("M8[D]")}, r"distance: expected a matrix of numbers"),
        ({"distance": [[1, 2], [3]]}, "distance: its rows differ in length"),
        ({"distance": DISTANCE[0]}, r"distance: expected a matrix of numbers \[Q, G\], got float64 \[4\]"),
    ],
)
def test_an_option_that_cannot_be_used_is_named(options, words):
    with pytest.raises(InputError, match=words):
        score(QUERY, GALLERY, **options)


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("named", [True, False])
def test_a_tracklet_that_is_listed_twice_is_refused(side, named):
    sides = [dict(QUERY), dict(GALLERY)]
    if named:
        sides = [{**each, "tracklet": np.array(list("abcd"))[: len(each["pid"])]} for each in sides]
    sides[side] = {name: np.concatenate([array, array[:1]]) for name, array in sides[side].items()}
    with pytest.raises(InputError, match=rf"rows 0 and {len(sides[side]['pid']) - 1} hold the same tracklet"):
        score(*sides)


@pytest.mark.parametrize("kind", ["<f4", ">f8", "<i8", ">u2", "longdouble"])
def test_distances_of_every_type_of_real_numbers_are_taken(kind):
    assert score(QUERY, GALLERY, distance=DISTANCE.astype(kind))["torchreid"]["mAP"] == 1.0


def test_one_convention_needs_no_list():
    convention = next(each for each in CONVENTIONS if each.name == "torchreid")
    for one in ("torchreid", convention):
        assert score(QUERY, GALLERY, conventions=one).judged.keys() == {"torchreid"}
