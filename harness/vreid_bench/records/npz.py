"""Arrays in an `.npz` file: the same bytes for the same arrays, and a sentence for a damaged file."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vreid_bench.system.errors import InputError
from vreid_bench.system.stored_arrays import check_archive, check_array


def to_npz(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """The arrays as `np.savez` writes them, but the same bytes at any time and on any system."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(arrays):
            entry = zipfile.ZipInfo(f"{name}.npy")  # its default date is 1980, where savez puts the clock
            entry.create_system = 3  # or the file would say on which system it was written
            content = io.BytesIO()
            np.lib.format.write_array(content, np.ascontiguousarray(arrays[name]), allow_pickle=False)
            archive.writestr(entry, content.getvalue())
    return buffer.getvalue()


def read_npz(path: Path, names: Container[str] | None = None) -> dict[str, NDArray[Any]]:
    """The arrays of the file by name: all, or those of `names` that it has.

    Raises InputError for a file that is missing, damaged or something else.
    """
    if not path.is_file():
        raise InputError(f"{path}: the file does not exist")
    try:
        with zipfile.ZipFile(path) as archive:
            check_archive(archive)
        with np.load(path, allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in arrays.files if names is None or name in names}
        for name, array in found.items():
            check_array(array, name)
    except Exception as fault:  # a damaged file makes its reader raise anything
        reason = str(fault).partition("\n")[0]
        raise InputError(f"{path}: cannot be read as npz ({reason})") from fault
    return found
