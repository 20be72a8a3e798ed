"""MATLAB files of level 5, read with every length checked: SciPy's reader leaves its memory on damaged files.

The format is described in MathWorks' "MAT-File Format". Files of MATLAB 7.3 are HDF5.
"""

from __future__ import annotations

import io
import math
import sys
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vreid_bench.importing.content import Array, flatten

HEADER = 128  # bytes before the first element
COMPRESSED, MATRIX = 15, 14  # types of elements
STORED = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
TEXTS = {16: "utf-8", 17: "utf-16", 18: "utf-32"}
CELL, STRUCT, CHAR = 1, 2, 4  # classes of matrices
NUMERIC = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8"}
COMPLEX = 0x800  # a flag
DEEPEST = 8  # structs and cells within each other
LARGEST = 1 << 33  # bytes that a variable is unpacked to


class Element(NamedTuple):
    """One element of a file."""

    kind: int
    data: memoryview


def read_matlab(path: Path) -> dict[str, Any]:
    """The variables of a MATLAB file of level 5; those in a struct under its name and a dot.

    Raises ValueError for a damaged file.
    """
    content = np.memmap(path, np.uint8, "r")
    if len(content) < HEADER:
        raise ValueError("it ends in its header")
    order = {b"IM": "<", b"MI": ">"}.get(content[126:128].tobytes())
    if order is None:
        raise ValueError("it does not say the order of its bytes")
    found: dict[str, Any] = {}
    for element in _split(content.data[HEADER:], order):
        whole = element
        if element.kind == COMPRESSED:
            whole = next(_split(memoryview(_unpack(element.data)), order), element)
        if whole.kind == MATRIX:
            name, value = _read_matrix(whole.data, order, 0)
            if value is not None and name:
                found[name] = value
    return dict(flatten(found))


def to_matlab(arrays: dict[str, Array]) -> bytes:
    """A MATLAB file of level 5: vectors as rows [1, N], texts as cells, as MATLAB's own scripts have them."""
    from scipy.io import savemat

    buffer = io.BytesIO()
    variables = {name: a.astype(object) if a.dtype.kind == "U" else a for name, a in arrays.items()}
    savemat(buffer, variables, oned_as="row", do_compression=False)
    return buffer.getvalue()


def _unpack(packed: memoryview) -> bytes:
    unpacker = zlib.decompressobj()
    content = unpacker.decompress(packed, LARGEST)
    if unpacker.unconsumed_tail:
        raise ValueError(f"a variable unpacks to more than {LARGEST:,} bytes")
    return content


def _split(data: memoryview, order: str) -> Iterator[Element]:
    """The elements of a part of the file. Raises ValueError for one that ends behind the part."""
    at = 0
    while at + 8 <= len(data):
        first, size = (int(x) for x in np.frombuffer(data[at : at + 8], f"{order}u4"))
        if first >> 16:  # up to four bytes, which stand in the tag itself
            kind, size, begin, after = first & 0xFFFF, first >> 16, at + 4, at + 8
            if size > 4:
                raise ValueError(f"an element of {size} bytes where at most 4 fit")
        else:
            kind, begin = first, at + 8
            after = begin + (size if kind == COMPRESSED else -(-size // 8) * 8)
        if begin + size > len(data):
            raise ValueError(f"an element of {size:,} bytes ends behind the file")
        yield Element(kind, data[begin : begin + size])
        at = after


def _read_matrix(data: memoryview, order: str, depth: int) -> tuple[str, Any]:
    """The name and the value of a variable; None for what is neither numbers, texts, cells nor structs."""
    if depth > DEEPEST:
        raise ValueError(f"cells within each other, deeper than {DEEPEST}")
    parts = _split(data, order)
    head = list(islice(parts, 3))
    if len(head) < 3 or len(head[0].data) < 4 or len(head[1].data) % 4:
        if not data:
            return "", np.zeros((0, 0))  # how MATLAB writes an empty cell
        raise ValueError("a variable without flags, shape and name")
    flags = int(np.frombuffer(head[0].data[:4], f"{order}u4")[0])
    shape = tuple(int(x) for x in np.frombuffer(head[1].data, f"{order}i4"))
    if len(shape) < 2 or any(x < 0 for x in shape):
        raise ValueError(f"a variable of shape {list(shape)}")
    name, kind, size = bytes(head[2].data).decode("latin1"), flags & 0xFF, math.prod(shape)
    if kind in NUMERIC and not flags & COMPLEX:
        return name, _read_numbers(parts, order, size).astype(NUMERIC[kind], copy=False).reshape(shape, order="F")
    if kind == CHAR:
        return name, _read_texts(parts, order, shape)
    if kind == CELL:
        return name, _join([_read_matrix(part.data, order, depth + 1)[1] for part in parts])
    if kind == STRUCT and size == 1:
        return name, _read_struct(parts, order, depth)
    return name, None


def _read_numbers(parts: Iterator[Element], order: str, size: int) -> Array:
    element = next(parts, None)
    if element is None:
        if size:
            raise ValueError("a variable without its numbers")
        return np.zeros(0)
    if element.kind not in STORED:
        raise ValueError(f"numbers of the unknown type {element.kind}")
    stored = np.dtype(order + STORED[element.kind])
    if len(element.data) != size * stored.itemsize:
        raise ValueError(f"{len(element.data):,} bytes for {size:,} numbers of {stored.itemsize} bytes")
    return np.frombuffer(element.data, stored)


def _read_texts(parts: Iterator[Element], order: str, shape: tuple[int, ...]) -> Any:
    """A text, or one for each row of characters."""
    element = next(parts, Element(16, memoryview(b"")))
    if element.kind in TEXTS:
        suffix = "" if element.kind == 16 else "-le" if order == "<" else "-be"
        characters = list(bytes(element.data).decode(TEXTS[element.kind] + suffix))
    elif element.kind in STORED:
        codes = np.frombuffer(element.data, np.dtype(order + STORED[element.kind]))
        if codes.dtype.kind == "f" or (codes > sys.maxunicode).any() or (codes < 0).any():
            raise ValueError(f"characters that are none, of the type {codes.dtype}")
        characters = [chr(code) for code in codes.tolist()]
    else:
        raise ValueError(f"characters of the unknown type {element.kind}")
    rows, size = shape[0], math.prod(shape[1:])
    if len(characters) != rows * size:
        raise ValueError(f"{len(characters):,} characters for a shape {list(shape)}")
    texts = ["".join(characters[row::rows]).rstrip() for row in range(rows)]
    return texts[0] if rows == 1 else "" if not texts else np.array(texts, np.str_)


def _read_struct(parts: Iterator[Element], order: str, depth: int) -> dict[str, Any]:
    width, names = next(parts, None), next(parts, None)
    if width is None or names is None or len(width.data) != 4:
        raise ValueError("a struct without the names of its fields")
    step = int(np.frombuffer(width.data, f"{order}i4")[0])
    if step < 1 or len(names.data) % step:
        raise ValueError("a struct whose names of fields have another length than it says")
    text = bytes(names.data)
    fields = [text[at : at + step].partition(b"\0")[0].decode("latin1") for at in range(0, len(text), step)]
    values = [_read_matrix(part.data, order, depth + 1)[1] for part in parts]
    if len(values) != len(fields):
        raise ValueError(f"a struct of {len(fields)} fields with {len(values)} values")
    return dict(zip(fields, values, strict=True))


def _join(cells: list[Any]) -> Any:
    """Cells of one kind as an array: texts, or numbers of one shape."""
    cells = [cell.reshape(-1)[0].item() if isinstance(cell, np.ndarray) and cell.size == 1 else cell for cell in cells]
    cells = ["" if isinstance(cell, np.ndarray) and not cell.size else cell for cell in cells]
    if all(isinstance(cell, str) for cell in cells):
        return np.array(cells, np.str_)
    if any(isinstance(cell, dict | str) or cell is None for cell in cells):
        return None
    return np.array(cells) if len({np.shape(cell) for cell in cells}) == 1 else None
