"""Labels of a file with all test tracklets: exact numbers, or texts as every importer numbers them."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from vreid_bench.cli.main import main

TEST = {
    "embedding": np.array([[0, 1], [1, 0], [0, 2], [2, 0.5]], np.float32),
    "pid": np.array([1, 2, 1, 2]),
    "camid": np.array([1, 1, 2, 2]),
    "query": np.array([0, 1]),
    "gallery": np.arange(4),
}


@pytest.fixture
def score_test(tmp_path):
    """`score --features` on the test with other columns: its exit code and what it printed."""

    def run(**columns):
        path = tmp_path / "test.npz"
        np.savez(path, **TEST | columns)
        done = CliRunner().invoke(main, ["score", "--features", str(path), "--json"])
        return done.exit_code, done.stdout if done.exit_code == 0 else done.stderr

    return run


@pytest.mark.parametrize(
    "columns",
    [
        {"pid": np.array([1.0, 2.0, 1.0, 2.0])},
        {"pid": np.array([[1], [2], [1], [2]])},
        {"pid": np.array(["0001", "0002", "0001", "0002"])},
        {"pid": np.array(["anna", "ben", "anna", "ben"]), "camid": np.array(["door", "door", "yard", "yard"])},
        {"pid": np.array(["7" * 5000, "8" * 5000, "7" * 5000, "8" * 5000])},
        {"query": np.array([0.0, 1.0])},
    ],
    ids=["floats", "column", "digits", "names", "long digits", "rows"],
)
def test_the_same_labels_in_another_form_give_the_same_scores(score_test, columns):
    _, expected = score_test()
    code, found = score_test(**columns)
    assert code == 0, found
    assert json.loads(found) == json.loads(expected)
    assert json.loads(found)["conventions"]["torchreid"]["mAP"] == 1.0


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"pid": np.array([1.0, 1.9, 1.0, 1.9])}, "pid must hold whole numbers, got float64 with other numbers"),
        ({"pid": np.array([1, 2**64 - 1, 1, 2], np.uint64)}, "pid holds 18446744073709551615, expected numbers below"),
        ({"pid": np.array([1, np.nan, 1, 2])}, "pid has no value in row 1"),
        ({"pid": TEST["pid"].astype(complex)}, "pid must hold whole numbers or texts, got complex128"),
        ({"pid": TEST["pid"].astype("M8[D]")}, "pid must hold whole numbers or texts, got datetime64"),
        ({"camid": np.array([1, 1.5, 2, 2])}, "camid must hold whole numbers"),
        ({"camid": TEST["camid"].astype(np.float32) * 2**24}, "camid holds 33554432 as float32"),
        ({"camid": (TEST["camid"] * 2**24).astype(">f4")}, "camid holds 33554432 as >f4"),
        ({"query": np.array([0, 1.5])}, "query must hold whole numbers"),
        ({"query": np.array(["0", "1"])}, "query must hold the numbers of rows, counted from 0, got texts"),
        ({"query": np.array([True, False])}, "counted from 0, got a mask; write numpy.flatnonzero(mask)"),
        ({"gallery": np.ones(4, bool)}, "gallery must hold the numbers of rows, counted from 0, got a mask"),
        ({"query": np.array([0, 2**64 - 1], np.uint64)}, "query holds 18446744073709551615"),
    ],
)
def test_labels_that_would_change_are_refused(score_test, columns, words):
    code, told = score_test(**columns)
    assert code == 2
    assert words in told
    assert "test.npz" in told
    assert told.count("\n") == 1
