"""Files of `torch.save`, read with torch's allow list: tensors, arrays, numbers, texts and containers. No code runs."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np

from vreid_bench.importing.content import Array
from vreid_bench.importing.pickles import Refused
from vreid_bench.importing.plain_arrays import PlainArray, PlainType, begin_array, empty_bytes, read_scalar

LIMIT = {"bfloat16": 1 << 8}  # the first whole number whose successor such a type does not have


def is_torch_archive(path: Path) -> bool:
    """Is the zip archive one of torch.save?"""
    with ZipFile(path) as archive:
        return any(name.endswith("data.pkl") for name in archive.namelist())


def read_torch(path: Path) -> Any:
    """The value in a file of `torch.save`. Raises whatever torch raises, also for what could run code."""
    import torch
    from torch.serialization import safe_globals

    with safe_globals([*_numpy_globals(), *_optimizer_globals()]), _short_faults():
        return torch.load(path, "cpu", weights_only=True)


@contextmanager
def _short_faults() -> Iterator[None]:
    """Let torch's reader raise Refused in place of pickle's UnpicklingError.

    torch.load looks into the message of the latter with patterns that take the square of its length, and a file
    decides how long it is: one of 16 KB took more than ten seconds.
    """
    from torch import _weights_only_unpickler as reader

    before = reader.UnpicklingError  # type: ignore[attr-defined]  # it imports the name
    reader.UnpicklingError = Refused  # type: ignore[attr-defined, assignment]
    try:
        yield
    finally:
        reader.UnpicklingError = before  # type: ignore[attr-defined]


def to_torch(value: dict[str, Array] | Array) -> bytes:
    """A file of `torch.save`: tensors of numbers, lists of texts."""
    import torch

    def convert(array: Array) -> Any:
        return array.tolist() if array.dtype.kind == "U" else torch.from_numpy(np.ascontiguousarray(array))

    buffer = io.BytesIO()
    content = {name: convert(a) for name, a in value.items()} if isinstance(value, dict) else convert(value)
    torch.save(content, buffer)
    return buffer.getvalue()


def _numpy_globals() -> list[Any]:
    """What an array of NumPy is made of in a pickle; stand-ins check every part of it."""
    modules = [f"numpy.{core}.multiarray" for core in ("core", "_core")]
    names: list[Any] = [(begin_array, f"{module}._reconstruct") for module in modules]
    names += [(read_scalar, f"{module}.scalar") for module in modules]
    return [*names, (PlainType, "numpy.dtype"), (PlainArray, "numpy.ndarray"), (empty_bytes, "builtins.bytes")]


class Inert:
    """Stands for an object of a class that is not needed: it keeps what the file says of it, and does nothing."""


def _optimizer_globals() -> list[Any]:
    """What an optimizer of torch is made of in a pickle, for programs that save one whole; none of it is built."""
    from torch import optim

    kinds = [kind for kind in vars(optim).values() if isinstance(kind, type) and issubclass(kind, optim.Optimizer)]
    names = [(Inert, f"{kind.__module__}.{kind.__name__}") for kind in kinds]
    return [*names, (_empty, "collections.defaultdict"), (dict, "builtins.dict")]


def _empty(*_: Any) -> dict[Any, Any]:
    """In place of a dict with defaults, which torch's reader does not fill."""
    return {}
