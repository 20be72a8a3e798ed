"""Matrices in MATLAB files: what SciPy wrote is read, and no damaged byte ends the process."""

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from vreid_plugins.datasets.matlab import encode_matrix, load_matrix

MATRIX = np.arange(12).reshape(3, 4)


def read(path):
    said = []
    return load_matrix(path, "m", (None, 4), "copy it again", said.append), said


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("dtype", ["f8", "i4", "u1", "i8"])
def test_what_scipy_wrote_is_read(tmp_path, packed, dtype):
    savemat(tmp_path / "x.mat", {"m": MATRIX.astype(dtype), "other": "text"}, do_compression=packed)
    found, said = read(tmp_path / "x.mat")
    np.testing.assert_array_equal(found, MATRIX)
    assert said == []


def test_what_this_writes_scipy_reads(tmp_path):
    (tmp_path / "x.mat").write_bytes(encode_matrix("m", MATRIX))
    np.testing.assert_array_equal(loadmat(tmp_path / "x.mat")["m"], MATRIX)


@pytest.mark.parametrize("packed", [False, True])
def test_a_changed_byte_is_a_sentence_or_another_number(tmp_path, packed):
    """SciPy's reader ended the process at some of these."""
    savemat(tmp_path / "x.mat", {"m": MATRIX.astype(np.float64)}, do_compression=packed)
    content = (tmp_path / "x.mat").read_bytes()
    refused = 0
    for at in range(len(content)):
        for change in (0x01, 0x80, 0xFF):
            damaged = bytearray(content)
            damaged[at] ^= change
            (tmp_path / "y.mat").write_bytes(damaged)
            found, said = read(tmp_path / "y.mat")
            assert (found is None) == bool(said)
            refused += found is None
    assert refused > 50


@pytest.mark.parametrize("content", [b"", b"not MATLAB", b"\0" * 200])
def test_another_file_is_a_sentence(tmp_path, content):
    (tmp_path / "x.mat").write_bytes(content)
    found, (said,) = read(tmp_path / "x.mat")
    assert found is None
    assert "x.mat" in said


def test_a_missing_file_is_a_sentence(tmp_path):
    found, (said,) = read(tmp_path / "x.mat")
    assert found is None
    assert "x.mat" in said
