"""MATLAB files: level 5 by SciPy, and 7.3, which is HDF5 with the axes turned round."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from vreid_bench.importing.content import Array, flatten


def read_matlab(path: Path) -> dict[str, Any]:
    """The variables of a MATLAB file of level 5; those in a struct under its name and a dot.

    Raises whatever SciPy raises for a damaged file.
    """
    from scipy.io import loadmat

    found = loadmat(path, chars_as_strings=True)
    variables = {name: _unpack(value) for name, value in found.items() if not name.startswith("__")}
    return dict(flatten(variables))


def to_matlab(arrays: dict[str, Array]) -> bytes:
    """A MATLAB file of level 5: vectors as rows [1, N], texts as cells, as MATLAB's own scripts have them."""
    import io

    from scipy.io import savemat

    buffer = io.BytesIO()
    variables = {name: a.astype(object) if a.dtype.kind == "U" else a for name, a in arrays.items()}
    savemat(buffer, variables, oned_as="row", do_compression=False)
    return buffer.getvalue()


def _unpack(value: Any) -> Any:
    """A variable without MATLAB's wrapping: a struct as a mapping, a cell of texts as texts."""
    if isinstance(value, np.ndarray) and value.dtype.names and value.size == 1:
        record = value.reshape(-1)[0]
        return {name: _unpack(record[name]) for name in value.dtype.names}
    if isinstance(value, np.ndarray) and value.dtype == object:
        cells = [_unpack_cell(cell) for cell in value.reshape(-1)]
        if all(isinstance(cell, str) for cell in cells):
            return np.array(cells, np.str_)
        shapes = {np.shape(cell) for cell in cells}
        return np.array(cells) if len(shapes) == 1 else value
    return value


def _unpack_cell(cell: Any) -> Any:
    if isinstance(cell, np.ndarray) and cell.size == 1:
        return cell.reshape(-1)[0].item() if cell.dtype != object else _unpack_cell(cell.reshape(-1)[0])
    if isinstance(cell, np.ndarray) and cell.size == 0 and cell.dtype.kind == "U":
        return ""
    return cell
