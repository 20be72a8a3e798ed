"""What a run keeps of every query: the arrays in the file, and what is said where one is missing."""

import zipfile

import numpy as np
import pytest

from vreid_bench.contracts.convention import Admission, Having
from vreid_bench.records.npz import read_npz, to_npz
from vreid_bench.records.per_query import MatchCounts, PerQuery, QueryScores
from vreid_bench.system.errors import InputError

NAMES = {
    "person": np.array(["p007", "anna", "p007"]),
    "camera": np.array(["cam first", "café", "cam first"]),
    "tracklet": np.array(["a/1.jpg", "b/1.jpg", "c/1.jpg"]),
}
SCORES = QueryScores(np.array([1.0, np.nan, 0.25]), np.array([0, -1, 6]))


WORN = {"outfit": np.array([True, False])}
NIGHT = Admission(gallery=(Having("light", ("night", "dusk")),), least_frames=3)


def kept(alike=None, names=NAMES, admissions=()):
    """Three queries of two splits."""
    asks = np.array([[True], [False], [True]])[:, : len(admissions)]
    ranks = np.array([0, 2]), np.array([0, 1]), np.array([[1, 2], [3, 4]])
    matches = MatchCounts(*ranks, alike or {}, admissions, asks)
    columns = [np.array(column) for column in ([0, 0, 3], [4, 5, 4], [7, 8, 7], [1, 2, 1])]
    return PerQuery(*columns, np.array([True, True, False]), matches, {"official": SCORES, "a.b": SCORES}, names)


@pytest.mark.parametrize(("alike", "admissions"), [(None, ()), (WORN, ()), (WORN, (NIGHT,))])
def test_what_is_read_is_what_was_written(tmp_path, alike, admissions):
    path = tmp_path / "kept.npz"
    written = kept(alike, admissions=admissions)
    path.write_bytes(written.to_bytes())
    assert PerQuery.from_file(path).matches.admissions == admissions
    read, expected = PerQuery.from_file(path, ["official"]).arrays(), written.arrays()
    assert set(read) == set(expected)
    for name, array in expected.items():
        np.testing.assert_array_equal(read[name], array)
        assert read[name].dtype == array.dtype
    assert PerQuery.from_file(path).matches.before.dtype == np.int64


def test_the_names_and_sizes_of_the_arrays():
    sizes = {
        name: array.dtype.str[1:]
        for name, array in kept(WORN, admissions=(NIGHT,)).arrays().items()
        if name != "admissions"
    }
    assert sizes == {
        "split": "i8",
        "query": "i8",
        "pid": "i8",
        "camid": "i8",
        "person": "U4",
        "camera": "U9",
        "tracklet": "U7",
        "in_gallery": "b1",
        "match.query": "i4",
        "match.group": "i4",
        "match.before": "i4",
        "match.alike.outfit": "b1",
        "asks": "b1",
        "official.ap": "f8",
        "official.first_rank": "i8",
        "a.b.ap": "f8",
        "a.b.first_rank": "i8",
    }


@pytest.mark.parametrize("name", [name for name in kept(names={}).arrays() if not name.startswith("a.b")])
def test_a_missing_array_is_named(tmp_path, name):
    path = tmp_path / "kept.npz"
    path.write_bytes(to_npz({key: array for key, array in kept().arrays().items() if key != name}))
    with pytest.raises(InputError, match=rf"kept.npz: has no array '{name}'; run it again"):
        PerQuery.from_file(path, ["official"])


def test_a_file_without_names_is_read(tmp_path):
    """Earlier versions wrote none."""
    path = tmp_path / "kept.npz"
    path.write_bytes(kept(names={}).to_bytes())
    read = PerQuery.from_file(path, ["official"])
    assert read.names == {}
    assert read.pid.tolist() == [7, 8, 7]


def test_hits_are_known_where_a_query_counts():
    np.testing.assert_array_equal(SCORES.hits(1), [1, np.nan, 0])
    np.testing.assert_array_equal(SCORES.hits(7), [1, np.nan, 1])


def test_a_damaged_file_is_refused_with_its_name(tmp_path):
    path = tmp_path / "kept.npz"
    with pytest.raises(InputError, match=r"kept.npz: the file does not exist"):
        read_npz(path)
    path.write_bytes(kept().to_bytes()[:-40])
    with pytest.raises(InputError, match=r"kept.npz: cannot be read as npz \("):
        read_npz(path)
    path.write_bytes(to_npz({}))
    assert read_npz(path) == {}
    path.write_bytes(kept().to_bytes())
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("pid.npy", b"")
    with pytest.raises(InputError, match=r"kept.npz: cannot be read as npz \(it holds pid.npy twice\)"):
        read_npz(path)
