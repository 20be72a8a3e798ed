"""Matrices in MATLAB 5 files, in which several data sets publish their indices: reading and writing them."""

from __future__ import annotations

import io
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vreid_bench import read_matlab
from vreid_plugins.datasets.fault_report import Report

LARGEST = 2.0**53  # above it, a double does not hold every whole number

Integers = npt.NDArray[np.int64]


def load_matrix(
    path: Path, key: str, shape: tuple[int | None, int | None], advice: str, report: Report
) -> Integers | None:
    """Read the integer matrix `key` of a MATLAB 5 file; None in `shape` stands for any length above 0.

    Every fault goes to `report`, with `advice` on what to do about it, and the result is then None.
    """
    try:
        contents = read_matlab(path)
    except (OSError, ValueError, zlib.error) as error:
        report(f"{path} cannot be read as a MATLAB 5 file ({type(error).__name__}: {error}); copy it again.")
        return None
    if key not in contents:
        found = ", ".join(contents) or "nothing"
        report(f"{path} holds {found}, expected the matrix {key}; {advice}.")
        return None
    matrix = np.atleast_2d(contents[key])  # a text is one value
    size = matrix.shape
    if len(size) != 2 or 0 in size or any(n not in (None, m) for n, m in zip(shape, size, strict=True)):
        want = " x ".join("N" if n is None else str(n) for n in shape)
        report(f"{path}: {key} is {' x '.join(map(str, size))}, expected {want}; {advice}.")
        return None
    # MATLAB saves whole numbers as double by default
    whole = matrix.dtype.kind in "iu" or (
        matrix.dtype.kind == "f" and np.isfinite(matrix).all() and not (matrix % 1).any()
    )
    if not whole or (np.abs(matrix.astype(np.float64)) > LARGEST).any():
        report(f"{path}: {key} holds {matrix.dtype} values, expected whole numbers; {advice}.")
        return None
    return np.asarray(matrix, np.int64)


def encode_matrix(key: str, values: npt.NDArray[Any]) -> bytes:
    """A MATLAB 5 file with one matrix. Its header, which would hold the time of day, is replaced by a fixed one."""
    from scipy.io import savemat

    buffer = io.BytesIO()
    savemat(buffer, {key: values})
    return b"MATLAB 5.0 MAT-file, written by vreid-bench".ljust(116) + buffer.getvalue()[116:]
