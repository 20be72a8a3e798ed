"""Arrays of files that somebody else may have written."""

from __future__ import annotations

from collections import Counter
from typing import Any
from zipfile import ZipFile

import numpy as np

LARGE = 1 << 27  # bytes; what an array of fewer claims does no harm
LIKELY = 64  # times that an array is compressed at most

LAST = 0x10FFFF  # the last character there is


def check_archive(archive: ZipFile) -> None:
    """Raise ValueError for an archive that has an array twice, or one that is much larger than what is stored of it."""
    [(name, times)] = Counter(archive.namelist()).most_common(1) or [("", 0)]
    if times > 1:
        raise ValueError(f"it holds {name} twice")
    for entry in archive.infolist():
        if entry.file_size > LARGE and entry.file_size > LIKELY * entry.compress_size:
            raise ValueError(f"{entry.filename} unpacks to {entry.file_size:,} bytes, which no features do")


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
