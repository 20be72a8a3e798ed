"""Pickles, walked with an allow list: arrays, numbers, texts and containers. No other code runs."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

TORCH_MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # how torch.save began before it wrote archives


class Refused(ValueError):
    """A pickle that asks for more than data."""


def _reconstruct(kind: Any, shape: tuple[int, ...], code: bytes) -> Any:
    """What NumPy's own pickles begin an array with: an empty one, which its state then fills."""
    if kind is not np.ndarray:
        raise Refused(f"an array of type {kind!r}")
    return np.ndarray.__new__(np.ndarray, (0,), "b")


def _scalar(kind: np.dtype[Any], content: bytes) -> Any:
    return np.frombuffer(content, kind, 1)[0]


def _from_buffer(content: Any, kind: np.dtype[Any], shape: tuple[int, ...], order: str) -> Any:
    return np.frombuffer(content, kind).reshape(shape, order="F" if order == "F" else "C")


def _encode(text: str, encoding: str) -> bytes:
    """Protocol 2 keeps bytes as text of this encoding."""
    return text.encode("latin1")


ALLOWED: dict[tuple[str, str], Callable[..., Any]] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): _encode,
}
for _module in ("numpy.core", "numpy._core"):
    ALLOWED[_module + ".multiarray", "_reconstruct"] = _reconstruct
    ALLOWED[_module + ".multiarray", "scalar"] = _scalar
    ALLOWED[_module + ".numeric", "_frombuffer"] = _from_buffer


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Only what is on the list; everything else could be code."""
        if (module, name) not in ALLOWED:
            raise Refused(f"it needs {module}.{name}, which could run code; save its arrays with numpy.savez instead")
        return ALLOWED[module, name]

    def persistent_load(self, key: Any) -> Any:
        """Data outside of the pickle: none is expected."""
        raise Refused("it refers to data outside of the file")


def read_pickle(path: Path) -> Any:
    """The value in a pickle. Raises Refused if it asks for anything but data, and whatever a damaged one raises."""
    with path.open("rb") as file:
        return _Reader(file).load()


def to_pickle(value: Any) -> bytes:
    """A pickle of protocol 4."""
    return pickle.dumps(value, 4)
