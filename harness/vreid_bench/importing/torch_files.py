"""Files of `torch.save`, read with torch's allow list: tensors, arrays, numbers, texts and containers. No code runs."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np

from vreid_bench.importing.content import Array

LIMIT = {"bfloat16": 1 << 8}  # the first whole number whose successor such a type does not have


def is_torch_archive(path: Path) -> bool:
    """Is the zip archive one of torch.save?"""
    with ZipFile(path) as archive:
        return any(name.endswith("data.pkl") for name in archive.namelist())


def read_torch(path: Path) -> Any:
    """The value in a file of `torch.save`. Raises whatever torch raises, also for what could run code."""
    import torch
    from torch.serialization import safe_globals

    with safe_globals(_numpy_globals()):
        return torch.load(path, "cpu", weights_only=True)


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
    """What an array of NumPy is made of in a pickle; none of it runs code of the file's."""
    from numpy._core import multiarray

    kinds = [getattr(np.dtypes, name) for name in dir(np.dtypes) if name.endswith("DType")]
    names = [(multiarray._reconstruct, f"numpy.{core}.multiarray._reconstruct") for core in ("core", "_core")]
    names += [(multiarray.scalar, f"numpy.{core}.multiarray.scalar") for core in ("core", "_core")]
    return [np.ndarray, np.dtype, *kinds, *names]
