"""The reader of MATLAB files against SciPy's, which reads the same from files that are whole."""

import io
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.io import loadmat, savemat

from vreid_bench.importing.matlab import read_matlab, to_matlab

KINDS = ("f4", "f8", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8")
SHAPES = arrays.array_shapes(min_dims=2, max_dims=3, max_side=5)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("mat") / "file"


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(KINDS).flatmap(lambda kind: arrays.arrays(kind, SHAPES)), st.booleans())
def test_numbers_of_every_type_are_those_that_scipy_reads(path, array, packed):
    savemat(path, {"a": array, "second": array[:1]}, do_compression=packed)
    found, expected = read_matlab(path), loadmat(path)
    for name in ("a", "second"):
        np.testing.assert_array_equal(found[name], expected[name])
        assert found[name].dtype == expected[name].dtype


def test_big_endian_files_are_read(path):
    """Written by hand: one single [2, 1], as a machine of the other order of bytes writes it."""
    parts = [(6, np.array([7, 0], ">u4")), (5, np.array([2, 1], ">i4")), (1, np.frombuffer(b"abcdefgh", "i1"))]
    parts += [(7, np.array([1.5, -2], ">f4"))]
    inner = b"".join(np.array([kind, a.nbytes], ">u4").tobytes() + a.tobytes() for kind, a in parts)
    head = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x01\x00MI"
    path.write_bytes(head + np.array([14, len(inner)], ">u4").tobytes() + inner)
    np.testing.assert_array_equal(read_matlab(path)["abcdefgh"], [[1.5], [-2]])


def test_texts_cells_and_structs_are_unwrapped(path):
    savemat(
        path,
        {
            "text": "one word",
            "rows": np.array(["ab", "cde"]),
            "cells": np.array(["a", "größer", ""], object),
            "numbers": np.array([1, 2, 3], object),
            "struct": {"inner": {"x": np.arange(3)}, "y": 2.5},
            "complex": np.array([1j]),
            "sparse": __import__("scipy.sparse", fromlist=["eye"]).eye(3).tocsc(),
        },
    )
    found = read_matlab(path)
    assert found["text"] == "one word"
    assert found["rows"].tolist() == ["ab", "cde"]
    assert found["cells"].tolist() == ["a", "größer", ""]
    assert found["numbers"].tolist() == [1, 2, 3]
    assert found["struct.inner.x"].tolist() == [[0, 1, 2]]
    assert found["struct.y"] == 2.5
    assert not {"complex", "sparse"} & set(found)


def test_what_is_written_is_what_scipy_reads(path):
    path.write_bytes(
        to_matlab({"f": np.ones((2, 3), np.float32), "label": np.arange(2), "name": np.array(["a", "bc"])})
    )
    expected = loadmat(io.BytesIO(path.read_bytes()))
    assert expected["f"].dtype == np.float32
    assert expected["label"].shape == (1, 2)
    assert read_matlab(path)["name"].tolist() == ["a", "bc"]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_damaged_file_ends_in_an_exception_or_in_arrays(path, data):
    """SciPy's own reader ends the process on some of these."""
    savemat(path, {"a": np.arange(6.0).reshape(2, 3), "c": np.array(["x", "yy"], object), "s": {"t": np.ones(2)}})
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(124, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))] if data.draw(st.booleans()) else content)
    try:
        found = read_matlab(path)
    except ValueError:  # UnicodeError and NumPy's own are ValueErrors
        return
    assert all(value is None or isinstance(value, str | np.ndarray) or np.isscalar(value) for value in found.values())


@pytest.mark.parametrize(
    ("kind", "codes"), [(7, np.array([120.0], "f4")), (13, np.array([2**64 - 1], "u8")), (1, np.array([-1], "i1"))]
)
def test_characters_that_are_none_are_an_exception(path, kind, codes):
    """A text whose element says that it holds numbers of another type."""
    element = struct.pack("<II", kind, codes.nbytes) + codes.tobytes().ljust(8, b"\0")
    flags, shape, name = (
        struct.pack("<IIII", 6, 8, 4, 0),
        struct.pack("<IIii", 5, 8, 1, 1),
        struct.pack("<HH4s", 1, 1, b"c"),
    )
    matrix = flags + shape + name + element
    path.write_bytes(b"MATLAB".ljust(124) + b"\x00\x01IM" + struct.pack("<II", 14, len(matrix)) + matrix)
    with pytest.raises(ValueError, match="characters that are none"):
        read_matlab(path)
