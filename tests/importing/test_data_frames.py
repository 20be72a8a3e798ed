"""Pickled data frames become plain columns, in the layouts of pandas 0.25 to 3; a damaged one is a sentence."""

import os
import pickle

import numpy as np
import pickle_layouts as layouts
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vreid_bench.importing.pickles import Refused, read_pickle

NAMES = ["n", "identity", "path", "camera"]
NUMBERS, TEXTS, PATHS, CAMERAS = np.arange(3), ["a", None, "c"], ["p", "q", "r"], ["x", "y", None]


def read(path, value, protocol=4):
    path.write_bytes(layouts.to_pickle(value, protocol))
    return read_pickle(path)


def objects(*columns):
    return np.array(columns, object)


def blocks(legacy=False):
    return [
        (NUMBERS[None], layouts.places(0, 1)),
        (objects(TEXTS, PATHS), np.array([1, 2])),
        (layouts.categories(CAMERAS, legacy), layouts.places(3, 4)),
    ]


@pytest.mark.parametrize("protocol", [2, 3, 4])
@pytest.mark.parametrize("layout", ["0.25", "1.2", "2"])
def test_every_layout_gives_the_same_columns(tmp_path, layout, protocol):
    if layout == "2":
        frame = layouts.frame(NAMES, blocks(), 3)
    else:
        frame = layouts.legacy_frame(NAMES, blocks(True), 3, "_data" if layout == "0.25" else "_mgr")
    found = read(tmp_path / "x", {"a": frame}, protocol)["a"]
    assert {name: list(column) for name, column in found.items()} == {
        "n": [0, 1, 2],
        "identity": TEXTS,
        "path": PATHS,
        "camera": CAMERAS,
    }


def test_the_places_of_a_block_may_have_a_step_and_any_order(tmp_path):
    parts = [
        (objects(["a0"], ["d0"]), layouts.places(0, 8, 3)),  # pandas' slices may end behind the last column
        (np.array([[7], [8]]), np.array([2, 1])),
    ]
    found = read(tmp_path / "x", layouts.frame(list("abcd"), parts, 1))
    assert {name: list(column) for name, column in found.items()} == {"a": ["a0"], "b": [8], "c": [7], "d": ["d0"]}


@settings(deadline=None)
@given(
    st.lists(st.none() | st.text(st.characters(codec="utf-8"), max_size=5), max_size=20),
    st.sampled_from([("string", "<i4"), ("utf8", "<i4"), ("large_string", "<i8")]),
    st.integers(0, 9),
)
def test_texts_of_arrow_are_read_from_their_bytes(tmp_path_factory, values, kind, offset):
    path = tmp_path_factory.getbasetemp() / "arrow"
    array = layouts.arrow_texts(values, *kind, offset)
    one = layouts.frame(["note"], [(array, layouts.places(0, 1))], len(values))
    assert read(path, one)["note"] == values


def test_what_pandas_itself_pickles_is_read_without_it(tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {
            "pid": np.arange(4, dtype=np.int32),
            "identity": ["a", None, "c", "d"],
            "camera": pandas.Categorical(["x", None, "y", "x"]),
            "score": [0.5, np.nan, 1, 2],
            "date": pandas.to_datetime(["2026-01-02", None, "2026-01-03", "2026-01-04"]),
            "time": pandas.to_datetime(["2026-01-02 10:11:12", None, "2026-01-03 00:00:00", "2026-01-04 00:00:00"]),
            "flag": [True, False, True, True],
            "whole": pandas.array([1, None, 3, 4], dtype="Int64"),
            "texts": pandas.array(["u", None, "w", "x"], dtype="string"),
            "box": [[1, 2], [3, 4], [5], None],
        }
    )
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        (tmp_path / "x").write_bytes(pickle.dumps({"all": frame, "some": frame[frame.pid > 1]}, protocol))
        found = read_pickle(tmp_path / "x")
        columns = {name: list(column) for name, column in found["all"].items()}
        assert np.isnan(columns["score"].pop(1))
        assert columns == {
            "pid": [0, 1, 2, 3],
            "identity": ["a", None, "c", "d"],
            "camera": ["x", None, "y", "x"],
            "score": [0.5, 1, 2],
            "date": ["2026-01-02", None, "2026-01-03", "2026-01-04"],
            "time": ["2026-01-02T10:11:12", None, "2026-01-03T00:00:00", "2026-01-04T00:00:00"],
            "flag": [True, False, True, True],
            "whole": [1, None, 3, 4],
            "texts": ["u", None, "w", "x"],
            "box": [[1, 2], [3, 4], [5], None],
        }
        assert list(found["some"]["identity"]) == ["c", "d"]


def test_series_and_vectors_in_a_pickle_of_pandas_are_read(tmp_path):
    pandas = pytest.importorskip("pandas")
    vectors = np.arange(6, dtype=np.float32).reshape(3, 2)
    wide = pandas.DataFrame(vectors).assign(label=["a", "b", "a"])
    listed = pandas.DataFrame({"embedding": list(vectors), "label": ["a", "b", "a"]})
    (tmp_path / "x").write_bytes(pickle.dumps({"wide": wide, "listed": listed, "one": wide["label"]}))
    found = read_pickle(tmp_path / "x")
    for name in ("wide", "listed"):
        np.testing.assert_array_equal(found[name]["embedding"], vectors)
    assert list(found["one"]) == ["a", "b", "a"]


def one_block(values, where, names=("a", "b")):
    return layouts.frame(list(names), [(values, where)], 3)


def state_of(frame, **more):
    frame.parts[2].update(more)
    return frame


def wrong_categories():
    kind = layouts.Made("pandas.CategoricalDtype", state={"categories": layouts.index(["x"]), "ordered": False})
    array = layouts.backed("pandas.Categorical", kind, np.array([0, 1, 0], np.int8))
    return one_block(array, layouts.places(0, 1), "a")


def arrow(kind, stored="<i8"):
    return one_block(layouts.arrow_texts(["a"], kind, stored), layouts.places(0, 1), "a")


def zoned(name):
    kind = layouts.Made("pandas.DatetimeTZDtype", state={"unit": "ns", "tz": layouts.Made("pytz._UTC")})
    array = layouts.backed("pandas.arrays.DatetimeArray", kind, np.zeros((1, 3), "M8[ns]"))
    return one_block(array, layouts.places(0, 1), [name])


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (lambda: one_block(np.zeros((2, 3)), layouts.places(0, 1)), "a block of 2 columns with 1 places"),
        (lambda: one_block(np.zeros((2, 3)), layouts.places(0, 9), "abc"), "3 columns with the values of 2"),
        (lambda: one_block(np.zeros((2, 3)), np.array([0, 2])), "a block of 2 columns whose places are"),
        (lambda: one_block(np.zeros((2, 3)), np.array([1, 1])), "its column 'b' stands in two blocks"),
        (lambda: one_block(np.zeros((2, 4)), layouts.places(0, 2)), "its column 'a' has 4 rows, expected 3"),
        (lambda: one_block(np.zeros((2, 3)), layouts.places(0, 2), "aa"), "it has two columns 'a', expected each name"),
        (lambda: layouts.frame(["a"], [], 3), "a data frame of 1 columns with the values of 0"),
        (lambda: layouts.frame([], [], 3, layouts.rows(10**15)), "1,000,000,000,000,000 columns with the values of 0"),
        (lambda: one_block(np.zeros((1, 3)), layouts.places(0, 10**15), "a"), None),
        (lambda: one_block(np.zeros((1, 3)), layouts.places("a", "b"), "a"), "a block whose places are no numbers"),
        (lambda: state_of(layouts.frame(["a"], [], 3), _mgr=None), "in a layout that is not known"),
        (lambda: state_of(layouts.frame(["a"], [], 3), _mgr=np.ones(3)), "in a layout that is not known"),
        (lambda: layouts.Made("pandas.DataFrame"), "in a layout that is not known"),
        (lambda: layouts.legacy_frame(["a"], [(np.zeros((1, 2)), layouts.places(0, 1))], 3), "has 2 rows, expected 3"),
        (wrong_categories, "counts categories that it does not have"),
        (lambda: zoned("date"), "its column 'date' is a column of a kind of pandas' own, which is not read"),
        (lambda: zoned("seen"), None),
        (lambda: arrow("list"), "'list', expected texts"),
        (
            lambda: one_block(layouts.arrow_texts(["a"], "string", "<i2"), layouts.places(0, 1), "a"),
            "behind their bytes",
        ),
    ],
)
def test_a_damaged_table_is_told(tmp_path, frame, message):
    if message is None:
        assert len(read(tmp_path / "x", frame())) == 1
        return
    with pytest.raises(ValueError, match=message):
        read(tmp_path / "x", frame())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: p.DataFrame(np.ones((2, 2)), columns=p.MultiIndex.from_tuples([(1, 2), (1, 3)])), "several levels"),
        (
            lambda p: p.DataFrame({"when": p.period_range("2026-01", periods=2, freq="M")}),
            r"PeriodArray, which could run",
        ),
        (lambda p: p.DataFrame({"a": p.arrays.SparseArray([0, 1])}), "SparseArray, which could run code"),
        (
            lambda p: p.DataFrame({"a": [1, 2]}, index=p.date_range("2026-01-02", periods=2)),
            "Day, which could run code",
        ),
        (lambda p: p.DataFrame({"camera": [1j, 2j]}), "its column 'camera' is a column of complex128"),
        (lambda p: p.DataFrame([["a", 1], ["b", 2]]), "columns 0 to 1 have values that are no numbers"),
        (lambda p: p.DataFrame([[1, 2]], columns=["a", "a"]), "it has two columns 'a', expected each name once"),
    ],
    ids=["levels", "periods", "sparse", "offsets", "complex", "texts", "twice"],
)
def test_what_is_not_read_of_pandas_is_told(tmp_path, make, message):
    (tmp_path / "x").write_bytes(pickle.dumps(make(pytest.importorskip("pandas"))))
    with pytest.raises(ValueError, match=message):
        read_pickle(tmp_path / "x")


@pytest.mark.parametrize(
    "value",
    [
        layouts.Made("builtins.bytearray", 10**15),
        layouts.Made("numpy.ndarray", (10**9, 10**6)),
        layouts.Made("pandas.io.pickle.read_pickle", "/etc/passwd"),
        layouts.Made("pandas.core.computation.eval.eval", "1"),
        layouts.Made("pandas.core.frame.DataFrame.eval", "1"),
        layouts.Made("pyarrow.lib.foreign_buffer", 1, 10**9),
    ],
)
def test_names_that_could_run_code_or_fill_the_memory_are_refused(tmp_path, value):
    with pytest.raises((ValueError, TypeError)):
        read(tmp_path / "x", {"a": value})


@pytest.mark.parametrize("name", ["pandas.DataFrame", "wildlife_tools.data.dataset.FeatureDataset"])
@pytest.mark.parametrize("part", ["arguments", "state", "attribute"])
def test_no_code_under_the_name_of_a_table_runs(tmp_path, name, part):
    trap = layouts.Made("posix.mkdir", os.fspath(tmp_path / "trapped"))
    if part == "arguments":
        value = layouts.Made(name, trap)
    elif part == "state":
        value = layouts.Made(name, state={"_mgr": trap, "features": trap})
    else:  # pickle would set these as attributes of the object
        value = layouts.Made(name, state=(None, {"__class__": layouts.Named("posix.system"), "attribute": trap}))
    with pytest.raises(Refused, match="which could run code"):
        read(tmp_path / "x", value)
    assert not (tmp_path / "trapped").exists()


def test_a_state_sets_no_attribute_of_a_stand_in(tmp_path):
    value = layouts.Made("pandas.DataFrame", state=(None, {"attribute": print.__name__, "arguments": 1}))
    with pytest.raises(ValueError, match="in a layout that is not known"):
        read(tmp_path / "x", value)


@pytest.mark.parametrize("kind", ["objects", "texts", "frames", "range"])
def test_a_file_that_repeats_its_values_a_thousand_times_is_refused(tmp_path, kind):
    """A block takes a few bytes where it refers to the values of another."""
    names = [f"column {n}" for n in range(1000)]
    shared = layouts.arrow_texts(["x" * 10**6]) if kind == "texts" else objects(["x"] * 10**5)
    if kind == "range":
        value = {"pid": layouts.rows(10**15)}
    elif kind == "frames":
        manager = layouts.frame(["a"], [(shared, layouts.places(0, 1))], 10**5).parts[2]["_mgr"]
        value = {name: layouts.Made("pandas.DataFrame", state={"_mgr": manager}) for name in names}
    else:
        value = layouts.frame(names, [(shared, layouts.places(n, n + 1)) for n in range(1000)], 10**5)
    with pytest.raises(ValueError, match="its tables have more values than the file has bytes"):
        read(tmp_path / "x", value)
    assert (tmp_path / "x").stat().st_size < 2e6


def test_mappings_that_hold_each_other_twice_end(tmp_path):
    value = {"pid": 1}
    for _ in range(64):
        value = {"a": value, "b": value}
    with pytest.raises(Refused, match="more than 10,000 mappings"):
        read(tmp_path / "x", value)
