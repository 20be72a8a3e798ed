"""The query list of LS-VID, a MATLAB 7.3 (HDF5) file: reading and writing it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vreid_plugins.datasets.fault_report import Report
from vreid_plugins.datasets.folders import ORIGIN

QUERY_FILE, QUERY_KEY = "test/data/info_test.mat", "query"
HEADER = 512  # bytes that MATLAB puts before the HDF5 part of its files


def read_query_file(root: Path, report: Report) -> list[int] | None:
    """The rows of the test list that are queries, counted from 1; None if the file cannot be used."""
    import h5py

    path = root / QUERY_FILE
    try:
        with h5py.File(path, "r") as file:
            found = ", ".join(sorted(file)) or "nothing"
            values = np.asarray(file[QUERY_KEY]) if QUERY_KEY in file else None
    except Exception as error:  # besides OSError, h5py raises KeyError and RuntimeError if the file is damaged inside
        report(f"{path} cannot be read as a MATLAB 7.3 (HDF5) file ({type(error).__name__}: {error}); {ORIGIN}.")
        return None
    if values is None:
        report(f"{path} holds {found}, expected the matrix {QUERY_KEY}; {ORIGIN}.")
        return None
    if values.ndim != 2 or values.shape[0] != 1 or not values.size:
        size = " x ".join(map(str, values.shape))
        report(f"{path}: {QUERY_KEY} is {size}, expected 1 x N; {ORIGIN}.")
        return None
    if values.dtype.kind not in "iuf" or not np.isfinite(values).all() or (values % 1).any():
        report(f"{path}: {QUERY_KEY} holds {values.dtype} values, expected whole numbers; {ORIGIN}.")
        return None
    return [int(value) for value in values[0]]


def encode_query_file(rows: Sequence[int]) -> bytes:
    """A query file with these rows, counted from 1: HDF5 behind a header, matrices transposed as MATLAB stores them."""
    import h5py

    buffer = io.BytesIO()
    with h5py.File(buffer, "w", userblock_size=HEADER, libver="earliest", track_order=False) as file:
        file.create_dataset(QUERY_KEY, data=np.array([rows], np.float64), track_times=False)
    header = b"MATLAB 7.3 MAT-file, written by vreid-bench".ljust(124) + b"\x00\x02IM"
    return header.ljust(HEADER, b"\0") + buffer.getvalue()[HEADER:]
