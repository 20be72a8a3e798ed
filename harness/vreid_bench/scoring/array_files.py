"""Reads and checks files of arrays and of distances that were computed elsewhere."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vreid_bench.importing.content import refuse_masked
from vreid_bench.records.note import read_note
from vreid_bench.records.npz import read_npz
from vreid_bench.records.run_directory import FoldDirectory
from vreid_bench.records.store_arrays import read_store_arrays
from vreid_bench.system.errors import InputError

Array = NDArray[Any]

ROWS = 256  # how many rows of a matrix on disk are read together


def is_store(path: Path) -> bool:
    """Is this a run's folder or a safetensors file, and not an `.npz`?"""
    return path.is_dir() or path.suffix == ".safetensors"


def is_run_store(path: Path) -> bool:
    """Is this the folder of a run with features, or the feature store of a run?"""
    if path.is_dir():
        return FoldDirectory(path, path).features("features").is_file()
    return path.suffix == ".safetensors" and path.is_file() and "metric" in read_note(path)


def read_arrays(path: Path) -> dict[str, Array]:
    """The arrays of an `.npz`, or of a run's feature store. Raises InputError for any other file."""
    if is_store(path):
        return read_store_arrays(path)
    if path.is_file() and not zipfile.is_zipfile(path):
        raise InputError(
            f"{path}: cannot be read as npz; expected an .npz with embedding, pid, camid, as numpy.savez writes it"
        )
    return read_npz(path)


def read_matrix(path: Path) -> Array:
    """A matrix of distances in `.npy` format, left on disk until it is used. Raises InputError for any other file."""
    try:
        matrix = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as fault:  # as above
        reason = str(fault).partition("\n")[0]
        raise InputError(f"{path}: cannot be read as a matrix in .npy format ({reason})") from fault
    if not isinstance(matrix, np.ndarray) or matrix.ndim != 2 or matrix.dtype.kind not in "fiu":
        raise InputError(f"{path}: expected one matrix of numbers [Q, G] in .npy format")
    return matrix


def read_square(path: Path, size: int) -> Array:
    """The distances of `size` items to each other [size, size], left on disk.

    Raises InputError for a matrix of another shape or one that is not symmetric.
    """
    matrix = read_matrix(path)
    if matrix.shape != (size, size):
        raise InputError(f"{path}: expected {[size, size]}, the distances of {size} items, got {list(matrix.shape)}")
    for first in range(0, size, ROWS):
        rows = slice(first, first + ROWS)
        here, there = matrix[rows], matrix[:, rows].T  # [R, size]
        # in single precision, distances of near items differ by about the root of the rounding error
        far = np.argwhere(np.abs(here - there) > 0.01 * np.abs(here).max())
        if far.size:
            row, column = far[0]
            found = f"{here[row, column]:g} from {first + row} to {column}, {there[row, column]:g} back"
            raise InputError(
                f"{path}: it is not symmetric ({found}); expected the distances of all items to all, in one order"
            )
    return matrix


def as_array(value: Any, what: str) -> Array:
    """An array from anything array-like; a tensor is first detached and moved to the CPU.

    Raises InputError for rows of several lengths, and for a mask.
    """
    refuse_masked(value, what)
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        if str(value.dtype) == "torch.bfloat16":  # a type that NumPy does not have
            value = value.float()
    try:
        return np.asarray(value)
    except ValueError as fault:
        raise InputError(f"{what}: its rows differ in length; expected an array") from fault


def as_matrix(value: Any, what: str) -> Array:
    """A matrix of distances [Q, G]. Raises InputError for anything that is no matrix of real numbers."""
    matrix = as_array(value, what)
    if matrix.ndim != 2 or matrix.dtype.kind not in "fiu":
        raise InputError(f"{what}: expected a matrix of numbers [Q, G], got {matrix.dtype} {list(matrix.shape)}")
    return matrix
