"""Integer matrices in MATLAB 5 files, as several datasets publish their indices."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vreid_plugins.datasets.faults import Report

Integers = npt.NDArray[np.int64]


def load_matrix(
    path: Path, key: str, shape: tuple[int | None, int | None], advice: str, report: Report
) -> Integers | None:
    """The integer matrix `key` of a MATLAB 5 file; None in `shape` stands for any length above 0.

    Every fault goes to `report`, with `advice` on where the file is to be had, and gives None.
    """
    from scipy.io import loadmat

    try:
        contents: dict[str, Any] = loadmat(path)
    except Exception as error:  # scipy raises many kinds on what is not its format
        report(f"{path} cannot be read as a MATLAB 5 file ({type(error).__name__}: {error}); copy it again.")
        return None
    if key not in contents:
        found = ", ".join(k for k in contents if not k.startswith("__")) or "nothing"
        report(f"{path} holds {found}, wanted the matrix {key}; {advice}.")
        return None
    matrix = contents[key]
    size = matrix.shape if isinstance(matrix, np.ndarray) else ()
    if len(size) != 2 or 0 in size or any(n not in (None, m) for n, m in zip(shape, size, strict=True)):
        want = " x ".join("N" if n is None else str(n) for n in shape)
        report(f"{path}: {key} is {' x '.join(map(str, size)) or type(matrix)}, wanted {want}; {advice}.")
        return None
    # MATLAB saves whole numbers as double unless told otherwise
    whole = matrix.dtype.kind in "iu" or (
        matrix.dtype.kind == "f" and np.isfinite(matrix).all() and not (matrix % 1).any()
    )
    if not whole:
        report(f"{path}: {key} holds {matrix.dtype} values, wanted whole numbers; {advice}.")
        return None
    return np.asarray(matrix, np.int64)
