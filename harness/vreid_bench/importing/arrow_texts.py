"""Texts of Arrow in a pickle: pandas 3 keeps its texts so where pyarrow is installed. Read without pyarrow.

The layout is that of Arrow's columnar format: a bit for each value that is there, the ends of the values, their bytes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from vreid_bench.importing.stand_ins import ArrowBuffers, ArrowType, Buffer

ENDS = {"string": "<i4", "utf8": "<i4", "large_string": "<i8", "large_utf8": "<i8"}  # how the ends are stored
BEHIND = "texts of Arrow that end behind their bytes"


def read_texts(array: Any) -> list[str | None]:
    """The texts, None where one is missing. Raises ValueError for other values, and for buffers that do not fit."""
    parts = array.argument(0) if isinstance(array, ArrowBuffers) else None
    if not isinstance(parts, tuple) or len(parts) < 5 or not isinstance(parts[0], ArrowType):
        raise ValueError("texts of Arrow in a layout that is not known; save them as a plain column of objects")
    kind, length, _, offset, buffers = parts[:5]
    stored = ENDS.get(str(kind.argument(0)))
    whole = isinstance(length, int) and isinstance(offset, int) and min(length, offset) >= 0
    if stored is None or not whole or not isinstance(buffers, list) or len(buffers) != 3:
        raise ValueError(f"an array of Arrow of the type {kind.argument(0)!r}, expected texts")
    if not length:
        return []
    valid, ends, text = map(_read_buffer, buffers)
    bounds = np.frombuffer(ends[: len(ends) // int(stored[-1]) * int(stored[-1])], stored)[offset:][: length + 1]
    if len(bounds) <= length or bounds[0] < 0 or (np.diff(bounds) < 0).any() or bounds[-1] > len(text):
        raise ValueError(BEHIND)
    there = [True] * length
    if buffers[0] is not None:
        bits = np.unpackbits(np.frombuffer(valid, np.uint8), bitorder="little")[offset:][:length]
        if len(bits) < length:
            raise ValueError(BEHIND)
        there = bits.astype(bool).tolist()
    first, last = bounds[:-1].tolist(), bounds[1:].tolist()
    return [text[a:b].decode() if kept else None for a, b, kept in zip(first, last, there, strict=True)]


def _read_buffer(buffer: Any) -> bytes:
    content = buffer.argument(0) if isinstance(buffer, Buffer) else b""
    if not isinstance(content, bytes | bytearray):
        raise ValueError("a buffer of Arrow without its bytes")
    return bytes(content)
