"""NumPy's arrays in pickles and files of torch: all that NumPy writes is read, and no state is taken unchecked."""

import io
import pickle
import pickletools

import numpy as np
import pytest
import torch

from vreid_bench.importing.pickles import read_pickle
from vreid_bench.importing.plain_arrays import PlainArray, PlainType, begin_array, read_scalar
from vreid_bench.importing.torch_files import read_torch

ARRAYS = [
    np.arange(6).astype(dtype).reshape(2, 3)
    for dtype in ("?", "i1", "u2", "<i4", ">i8", "f2", ">f4", "f8", "c16", "m8[s]", "M8[ns]", "M8[7D]")
]
ARRAYS += [np.array(["a", "bcd"]), np.array([b"a", b"bcd"]), np.array(["a", None, 3], object), np.zeros((0, 4))]
ARRAYS += [np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.array(3.0)]


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype}{list(array.shape)}")
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_what_numpy_pickles_is_read(tmp_path, array, protocol):
    (tmp_path / "x").write_bytes(pickle.dumps({"a": array}, protocol))
    found = read_pickle(tmp_path / "x")["a"]
    assert found.dtype.str[1:] == array.dtype.str[1:]  # bytes may be in the order of this machine
    np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize("array", [a for a in ARRAYS if a.dtype.kind in "biuf"], ids=lambda a: f"{a.dtype}{a.shape}")
def test_what_torch_saves_of_numpy_is_read(tmp_path, array):
    torch.save({"a": array, "one": np.float32(0.5), "n": np.int64(3)}, tmp_path / "x")
    found = read_torch(tmp_path / "x")
    assert found["a"].dtype.str[1:] == array.dtype.str[1:]
    np.testing.assert_array_equal(found["a"], array)
    assert (found["one"], found["n"]) == (0.5, 3)


STATE = (3, "<", None, None, None, -1, -1, 0)


@pytest.mark.parametrize(
    ("code", "state"),
    [
        ("f4", (3, "x", *STATE[2:])),
        ("f4", (3, b"<", *STATE[2:])),
        ("f4", (3, "<", ("f4", (2,)), None, None, 8, 4, 0)),
        ("f4", (3, "<", None, ("a",), {"a": ("f4", 0)}, 4, 4, 0)),
        ("f4", STATE[:5]),
        ("f4", None),
        ("M8", (*STATE, ({}, ("no unit at all", 1, 1, 1)))),
        ("M8", (*STATE, ({}, (b"ns", -1, 1, 1)))),
    ],
)
def test_a_type_that_is_not_plain_is_refused(code, state):
    with pytest.raises(ValueError, match="it has"):
        PlainType(code, False, True).__setstate__(state)


@pytest.mark.parametrize("code", ["V8", "f4,f4", "T16", "f", "", None, np.dtype("f4"), "U99999999999"])
def test_a_code_of_another_type_is_refused(code):
    with pytest.raises(ValueError, match="it has an array of the type"):
        PlainType(code)


@pytest.mark.parametrize(
    "state",
    [
        (1, (2, -1), PlainType("f4"), False, b"12345678"),
        (1, (2.0,), PlainType("f4"), False, b"12345678"),
        (1, [2], PlainType("f4"), False, b"12345678"),
        (1, (3,), PlainType("f4"), False, b"12345678"),
        (1, (2**40,), PlainType("f4"), False, b""),
        (1, (2,), PlainType("O8"), False, b"12345678" * 2),
        (1, (2,), PlainType("f4"), False, [1.0, 2.0]),
        (1, (2,), np.dtype("f4"), False, b"12345678"),
        (1, (2,), PlainType("f4")),
        None,
    ],
)
def test_a_state_that_does_not_fit_is_refused(state):
    with pytest.raises(ValueError, match="it has an array"):
        begin_array().__setstate__(state)


@pytest.mark.parametrize(("code", "content"), [("f4", b"123"), ("O8", b"12345678"), ("f4", "text")])
def test_a_scalar_that_does_not_fit_is_refused(code, content):
    with pytest.raises(ValueError, match="it has a number"):
        read_scalar(PlainType(code), content)


def test_the_stand_ins_are_what_pickles_meet():
    """The names above are those that NumPy writes today."""
    stream = io.BytesIO(pickle.dumps(np.zeros(2), 2))
    names = {argument for code, argument, _ in pickletools.genops(stream) if code.name == "GLOBAL"}
    assert {"numpy dtype", "numpy ndarray"} <= names
    assert isinstance(begin_array(), PlainArray)
