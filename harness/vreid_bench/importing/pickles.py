"""Pickles, walked with an allow list: arrays, numbers, texts, containers and tables of pandas. No other code runs."""

from __future__ import annotations

import pickle
import pickletools
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from vreid_bench.importing.data_frames import Allowance, Table, read_data_frame, read_series
from vreid_bench.importing.plain_arrays import PlainType, begin_array, empty_bytes, read_scalar, read_type
from vreid_bench.importing.stand_ins import STAND_INS, DataFrame, FeatureDataset, Index, Series
from vreid_bench.importing.tables import gather_vectors
from vreid_bench.importing.wildlife import is_feature_dataset, read_feature_dataset, unfold_metadata

TORCH_MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # how torch.save began before it wrote archives
MOST = 10_000  # mappings within each other: a few bytes can say that each holds the next one twice


class Refused(ValueError):
    """A pickle that asks for more than data."""


_ARRAY = object()  # the class itself, which a pickle could call to claim any amount of memory


def _reconstruct(kind: Any, shape: tuple[int, ...], code: bytes) -> Any:
    """What NumPy's own pickles begin an array with: an empty one, which its state then fills."""
    if kind is not _ARRAY:
        raise Refused(f"an array of type {kind!r}")
    return begin_array()


def _from_buffer(content: Any, kind: Any, shape: tuple[int, ...], order: str) -> Any:
    dtype = read_type(kind)
    if dtype.hasobject:
        raise Refused("an array of objects in a buffer")
    return np.frombuffer(content, dtype).reshape(shape, order="F" if order == "F" else "C")


def _encode(text: str, encoding: str) -> bytes:
    """Protocol 2 keeps bytes as text of this encoding."""
    return text.encode("latin1")


ALLOWED: dict[tuple[str, str], Any] = {
    **STAND_INS,
    ("collections", "OrderedDict"): OrderedDict,
    ("numpy", "ndarray"): _ARRAY,
    ("numpy", "dtype"): PlainType,
    ("_codecs", "encode"): _encode,
    ("__builtin__", "bytes"): empty_bytes,
}
for _module in ("numpy.core", "numpy._core"):
    ALLOWED[_module + ".multiarray", "_reconstruct"] = _reconstruct
    ALLOWED[_module + ".multiarray", "scalar"] = read_scalar
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
    """The value in a pickle, its tables as mappings of columns.

    Raises Refused if it asks for anything but data, ValueError for a table in a layout that is not known, and whatever
    a damaged one raises.
    """
    with path.open("rb") as file:
        _check_memo(file)
        file.seek(0)
        return _Plain(Allowance(path.stat().st_size)).convert(_Reader(file).load())


def _check_memo(file: BinaryIO) -> None:
    """Raise Refused for a place in the memo that no value can have: Python would take the memory for all below it.

    It raises ValueError for a damaged pickle.
    """
    for number, (operation, argument, _) in enumerate(pickletools.genops(file)):
        if operation.name in ("PUT", "BINPUT", "LONG_BINPUT") and int(str(argument)) > number:
            raise Refused(f"it remembers a value as number {argument}, after {number} operations")


class _Plain:
    """Turns the stand-ins in a value into columns; mappings are walked."""

    def __init__(self, allowance: Allowance) -> None:
        self.allowance = allowance
        self.known: dict[int, Any] = {}  # what a table became, which may stand in several places
        self.mappings = 0

    def convert(self, value: Any) -> Any:
        """The same value without stand-ins."""
        if isinstance(value, FeatureDataset):
            value = read_feature_dataset(value)
        if isinstance(value, DataFrame | Series | Index):
            if id(value) not in self.known:
                self.known[id(value)] = self._read_table(value)
            return self.known[id(value)]
        if not isinstance(value, Mapping):
            return value
        self.mappings += 1
        if self.mappings > MOST:
            raise Refused(f"it holds more than {MOST:,} mappings, which no features do")
        found = {name: self.convert(inner) for name, inner in value.items()}
        return unfold_metadata(found) if is_feature_dataset(found) else found

    def _read_table(self, value: DataFrame | Series | Index) -> Any:
        if isinstance(value, DataFrame):
            return Table(gather_vectors(read_data_frame(value, self.allowance)))
        return read_series(value, self.allowance)


def to_pickle(value: Any) -> bytes:
    """A pickle of protocol 4."""
    return pickle.dumps(value, 4)
