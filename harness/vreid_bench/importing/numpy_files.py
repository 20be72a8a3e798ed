"""NumPy's own files: `.npz`, and `.npy`, which stays on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np

from vreid_bench.importing.content import Array
from vreid_bench.system.stored_arrays import check_archive, check_array

LARGE = 1 << 27  # bytes from which on a matrix is left on disk


@dataclass(frozen=True)
class MappedMatrix:
    """A matrix in an `.npy` file."""

    array: Array

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns."""
        return self.array.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of its numbers."""
        return self.array.dtype

    def rows(self, first: int, last: int) -> Array:
        """Some rows."""
        return np.asarray(self.array[first:last])

    def columns(self, first: int, last: int) -> Array:
        """Some columns, as rows."""
        return np.asarray(self.array[:, first:last].T)

    def whole(self) -> Array:
        """All of it; pages are read when they are used."""
        return self.array


def read_npy(path: Path) -> Any:
    """The array of an `.npy`; a large matrix stays on disk. Raises whatever NumPy raises, for objects too."""
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    check_array(array, path.name)
    return MappedMatrix(array) if array.ndim == 2 and array.nbytes > LARGE else np.asarray(array)


def is_npz(path: Path) -> bool:
    """Does the zip archive hold arrays of NumPy?"""
    with ZipFile(path) as archive:
        return any(name.endswith(".npy") for name in archive.namelist())


def read_arrays_of_npz(path: Path) -> dict[str, Any]:
    """The arrays of an `.npz`. Raises ValueError for one that unpacks too large or names an array twice."""
    with ZipFile(path) as archive:
        check_archive(archive)
        names = set(archive.namelist())
    with np.load(path, allow_pickle=False) as arrays:
        found = {name: arrays[name] for name in arrays.files if name.endswith(".npy") or f"{name}.npy" in names}
    for name, array in found.items():
        check_array(array, name)
    return found
