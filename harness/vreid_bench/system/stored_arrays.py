"""Arrays of files that somebody else may have written."""

from __future__ import annotations

from typing import Any

import numpy as np

LAST = 0x10FFFF  # the last character there is


def check_array(value: Any, name: str) -> None:
    """Raise ValueError for what NumPy reads from a file and cannot be used: other content, and no texts.

    NumPy takes any four bytes for a character, and turning such a text into one of Python ends in a SystemError.
    """
    if not isinstance(value, np.ndarray):
        raise ValueError(f"{name} is no array of NumPy")
    if value.dtype.kind == "U" and value.size and value.dtype.itemsize:
        order = "<" if value.dtype.str[0] == "<" else ">"
        if np.ascontiguousarray(value).reshape(-1).view(f"{order}u4").max() > LAST:
            raise ValueError(f"{name} holds bytes that are no characters")
