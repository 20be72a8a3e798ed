"""NumPy's arrays in pickles and in files of torch, built from their bytes with every part checked.

NumPy's own types take a state as it comes: one byte of it can end the process.
"""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

CODE = re.compile(r"(?P<kind>[biufcSUOMm])(?P<size>\d{1,9})")
ORDERS = {"<": "<", ">": ">", "=": "=", "|": "|"}
UNIT = re.compile(r"[A-Za-zμ]{1,8}")  # of times: `ns`, `D`


class PlainType:
    """Stands for `numpy.dtype` in a file: the type of numbers, texts, times or objects, but of no structure."""

    def __init__(self, code: Any, *flags: Any) -> None:
        """flags: whether to align and to copy, which NumPy writes and nobody needs. Raises ValueError for any other."""
        found = CODE.fullmatch(code) if isinstance(code, str) else None
        if found is None:
            raise ValueError(f"it has an array of the type {code!r}, expected numbers, texts, times or objects")
        self.code = "O" if found["kind"] == "O" else code
        self.real = np.dtype(self.code)

    def __setstate__(self, state: Any) -> None:
        """The order of the bytes, and of times their unit; all else has to be what it is for a type without fields."""
        if not isinstance(state, tuple) or not 8 <= len(state) <= 9 or any(each is not None for each in state[2:5]):
            raise ValueError("it has an array of a type with fields, expected numbers, texts, times or objects")
        order = ORDERS.get(state[1]) if isinstance(state[1], str) else None
        if order is None:
            raise ValueError(f"it has an array whose bytes have the order {state[1]!r}")
        unit = _read_unit(state[8]) if len(state) == 9 and self.code[0] in "Mm" else ""
        self.real = np.dtype(f"{self.code}{unit}").newbyteorder(order)  # type: ignore[arg-type]  # one of `ORDERS`


def _read_unit(state: Any) -> str:
    """The unit of times, in brackets: `[ns]`; empty where the state has none."""
    try:
        _, (unit, count, *_) = state
    except (TypeError, ValueError):
        return ""
    text = unit.decode() if isinstance(unit, bytes) else unit
    if not isinstance(text, str) or not UNIT.fullmatch(text) or not isinstance(count, int) or not 0 < count < 10**9:
        raise ValueError(f"it has times in the unit {unit!r}")
    return "" if text == "generic" else f"[{count}{text}]"


class PlainArray(np.ndarray[Any, Any]):
    """Stands for `numpy.ndarray` in a file; its state is its content."""

    def __setstate__(self, state: Any) -> None:
        """Take version, shape, type, order of the axes and content, if they fit together. Raises ValueError if not."""
        if not isinstance(state, tuple) or len(state) != 5:
            raise ValueError("it has an array whose state is not version, shape, type, order and content")
        _, shape, kind, by_columns, content = state
        dtype = read_type(kind)
        if not isinstance(shape, tuple) or not all(type(side) is int and side >= 0 for side in shape):
            raise ValueError(f"it has an array of the shape {shape!r}")
        expected = math.prod(shape) * (1 if dtype.hasobject else dtype.itemsize)
        if not isinstance(content, list if dtype.hasobject else bytes | bytearray) or len(content) != expected:
            raise ValueError(f"it has an array of shape {list(shape)} and type {dtype} whose content has another size")
        whole: Any = (1, shape, dtype, bool(by_columns), content if dtype.hasobject else bytes(content))
        super().__setstate__(whole)


def begin_array(*_: Any) -> PlainArray:
    """What a file begins an array with: an empty one, which its state then fills."""
    return np.ndarray.__new__(PlainArray, (0,), "b")


def read_scalar(kind: Any, content: Any) -> Any:
    """One number or text from its bytes. Raises ValueError if they do not fit the type."""
    dtype = read_type(kind)
    if dtype.hasobject or not isinstance(content, bytes) or len(content) != dtype.itemsize:
        raise ValueError(f"it has a number of the type {dtype} whose content has another size")
    return np.frombuffer(content, dtype, 1)[0] if dtype.itemsize else dtype.type()


def empty_bytes() -> bytes:
    """How protocol 2 writes that an array has no content: a call of `bytes`, which takes no size here."""
    return b""


def read_type(kind: Any) -> np.dtype[Any]:
    """The type itself. Raises ValueError for what is none."""
    if not isinstance(kind, PlainType):
        raise ValueError(f"it has an array whose type is {type(kind).__name__}")
    return kind.real
