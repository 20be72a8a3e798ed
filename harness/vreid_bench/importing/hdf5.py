"""HDF5 files, and MATLAB 7.3 files, which are HDF5 with the axes turned round. Large matrices stay on disk."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from vreid_bench.importing.content import Array

LARGE = 1 << 27  # bytes from which on a matrix is left on disk
LIKELY = 64  # times that a file is compressed at most; more is no file of features
# How a text of any length is stored where its array is, if addresses have eight bytes: "Global Heap ID" of the
# HDF5 File Format Specification, behind the length.
REFERENCE = np.dtype([("length", "<u4"), ("address", "<u8"), ("index", "<u4")])
HEAP = b"GCOL\1\0\0\0"  # a global heap, which holds texts of any length, begins with its signature and version
HEADER = 16  # bytes of the header of a heap, and of one of its objects
WINDOW = 1 << 26  # bytes of a file that are searched at a time
MATLAB = "MATLAB_class"  # an attribute that MATLAB gives to every array


@dataclass(frozen=True)
class StoredMatrix:
    """A matrix in an HDF5 file."""

    dataset: Any  # h5py.Dataset
    turned: bool  # was it written by MATLAB, which stores columns first?

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns, as the program that wrote them sees them."""
        shape: tuple[int, ...] = self.dataset.shape
        return shape[::-1] if self.turned else shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of its numbers."""
        kind: np.dtype[Any] = self.dataset.dtype
        return kind

    def rows(self, first: int, last: int) -> Array:
        """Some rows."""
        return np.asarray(self.dataset[:, first:last].T if self.turned else self.dataset[first:last])

    def columns(self, first: int, last: int) -> Array:
        """Some columns, as rows."""
        return np.asarray(self.dataset[first:last] if self.turned else self.dataset[:, first:last].T)

    def whole(self) -> Array:
        """All of it, in memory."""
        return np.asarray(self.dataset[()].T if self.turned else self.dataset[()])


def is_hdf5(path: Path) -> bool:
    """Has the file the signature of HDF5, at its beginning or behind a header?"""
    import h5py

    return bool(h5py.is_hdf5(path))


def read_hdf5(path: Path) -> dict[str, Any]:
    """The arrays of all groups, by their path with dots.

    Raises ValueError for an array that is larger than what is stored of it can be, and whatever h5py raises.
    """
    import h5py

    found: dict[str, Any] = {}
    file = h5py.File(path, "r")
    if file.visititems(_has_texts):
        _check_heaps(path, file.id.get_create_plist().get_sizes()[1])

    def take(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and not name.startswith("#"):  # MATLAB keeps the cells in `#refs#`
            found[name.replace("/", ".")] = _read(item, file)

    file.visititems(take)
    return found


def to_hdf5(arrays: dict[str, Array]) -> bytes:
    """An HDF5 file with an array for each key; texts as UTF-8."""
    import h5py

    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for name, array in arrays.items():
            kind = h5py.string_dtype() if array.dtype.kind == "U" else array.dtype
            file.create_dataset(name, data=array.astype(object) if array.dtype.kind == "U" else array, dtype=kind)
    return buffer.getvalue()


def _read(item: Any, file: Any) -> Any:
    size = item.size * item.dtype.itemsize
    if size > LARGE and size > LIKELY * item.id.get_storage_size():
        raise ValueError(f"{item.name} claims {list(item.shape)} numbers, but the file does not hold them")
    turned = MATLAB in item.attrs
    if item.dtype.kind == "O":
        return _read_objects(item, file)
    if turned and item.attrs[MATLAB] in (b"char", "char") and item.dtype.kind in "iu":
        return _characters(item)
    if item.ndim == 2 and size > LARGE:
        return StoredMatrix(item, turned)
    values = np.asarray(item[()])
    if values.dtype.kind == "S":
        values = np.char.decode(values, "utf-8")
    return values.T if turned else values


def _read_objects(item: Any, file: Any) -> Any:
    """Texts, or the cells of MATLAB, which are references."""
    import h5py

    _check_lengths(item)
    values = np.asarray(item[()]).reshape(-1)
    if h5py.check_ref_dtype(item.dtype):
        cells = [_read(file[reference], file) for reference in values]
        texts = [cell if isinstance(cell, str) else np.reshape(cell, -1) for cell in cells]
        return np.array(texts) if len({np.shape(text) for text in texts}) == 1 else texts
    return np.array([v.decode() if isinstance(v, bytes) else str(v) for v in values], np.str_)


def _has_texts(_: str, item: Any) -> bool | None:
    """Does an array, or the attribute of MATLAB, lie in a heap? None, with which h5py goes on, if not."""
    import h5py

    if not isinstance(item, h5py.Dataset):
        return None
    heaped = item.dtype.kind == "O" or (MATLAB in item.attrs and item.attrs.get_id(MATLAB).dtype.kind == "O")
    return heaped or None


def _check_heaps(path: Path, width: int) -> None:
    """Raise ValueError for a global heap whose objects do not lie one behind the other: HDF5 could go round for ever.

    width: bytes of a size in this file. See "Global Heap" in the HDF5 File Format Specification.
    """
    with path.open("rb") as file:
        for start in _find_heaps(file):
            file.seek(start)
            size = int.from_bytes(file.read(HEADER)[8 : 8 + width], "little")
            heap = file.read(max(min(size, path.stat().st_size) - HEADER, 0))
            if len(heap) + HEADER < size:
                raise ValueError(f"a heap at byte {start} claims {size:,} bytes, but the file has fewer")
            place = 0
            while place + HEADER <= len(heap):
                index = int.from_bytes(heap[place : place + 2], "little")
                length = int.from_bytes(heap[place + 8 : place + 8 + width], "little")
                step = HEADER + -(-length // 8) * 8 if index else length  # object 0 is what is free, with its header
                if not HEADER <= step <= len(heap) - place:
                    raise ValueError(f"an object of {length:,} bytes does not fit into the heap at byte {start}")
                place += step


def _find_heaps(file: BinaryIO) -> Iterator[int]:
    """Where heaps begin; the position of the file is anywhere afterwards."""
    begin = 0
    while True:
        file.seek(begin)
        window = file.read(WINDOW)
        at = window.find(HEAP)
        while at >= 0:
            yield begin + at
            at = window.find(HEAP, at + 1)
        if len(window) < WINDOW:
            return
        begin += WINDOW - len(HEAP) + 1


def _check_lengths(item: Any) -> None:
    """Raise ValueError for texts that claim more bytes than the file has: HDF5 would take the memory for them.

    Only texts whose lengths lie together in the file are checked, and not those in chunks.
    """
    import h5py

    start, size = item.id.get_offset(), os.path.getsize(item.file.filename)
    if start is None or h5py.check_ref_dtype(item.dtype) or item.file.id.get_create_plist().get_sizes() != (8, 8):
        return
    with open(item.file.filename, "rb") as file:
        file.seek(start)
        stored = np.frombuffer(file.read(item.size * REFERENCE.itemsize), REFERENCE)
    if (claimed := int(stored["length"].sum(dtype=np.uint64))) > size:
        raise ValueError(f"{item.name} claims texts of {claimed:,} bytes, but the file has {size:,}")


def _characters(item: Any) -> str:
    return "".join(map(chr, np.asarray(item[()]).T.reshape(-1).tolist()))
