"""The labels of a shard of a gallery folder: columns in a Parquet file, or arrays in an `.npz`."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vreid_bench.importing.numbering import check_whole
from vreid_bench.records.npz import to_npz
from vreid_bench.scoring.array_files import Array
from vreid_bench.scoring.ranks.labels import Ints
from vreid_bench.system.errors import InputError
from vreid_bench.system.fingerprint import sha256
from vreid_bench.system.stored_arrays import check_archive, check_array

LabelFormat = Literal["parquet", "npz"]


class ShardLabels(NamedTuple):
    """The labels of the rows of a shard, and the scales of their vectors where these are whole numbers."""

    pids: Ints  # [n]
    camids: Ints  # [n]
    scale: NDArray[np.float32] | None = None  # [n]


def to_label_file(labels: ShardLabels, form: LabelFormat) -> bytes:
    """The content of the file. Raises InputError if the package that writes it is not installed."""
    columns: dict[str, Array] = {"pid": labels.pids, "camid": labels.camids}
    if labels.scale is not None:
        columns["scale"] = labels.scale
    if form == "npz":
        return to_npz(columns)
    pyarrow, parquet = _import_parquet("--labels")
    buffer = io.BytesIO()
    parquet.write_table(pyarrow.table(columns), buffer)
    return buffer.getvalue()


def read_label_file(path: Path, rows: int, checksum: str, scaled: bool) -> ShardLabels:
    """The labels in the file. Raises InputError if it changed since it was written, or does not have so many rows."""
    try:
        content = path.read_bytes()
    except OSError as fault:
        raise InputError(f"{path}: cannot be read ({fault.strerror}); write the gallery again") from fault
    if sha256(content) != checksum:
        raise InputError(f"{path}: has changed since it was written; copy it again, or write the gallery again")
    names = ("pid", "camid", "scale") if scaled else ("pid", "camid")
    parquet = path.suffix == ".parquet"
    try:
        found = _read_parquet(content, names, rows) if parquet else _read_npz(content, names)
    except InputError:
        raise
    except Exception as fault:  # a damaged file makes its reader raise anything
        kind, reason = "Parquet" if parquet else "npz", str(fault).partition("\n")[0]
        raise InputError(f"{path}: cannot be read as {kind} ({reason}); write the gallery again") from fault
    for name in names:
        column = found.get(name)
        if column is None or column.shape != (rows,) or column.dtype.kind not in ("f" if name == "scale" else "iu"):
            what = "is missing" if column is None else f"is {column.dtype} {list(column.shape)}"
            expected = "numbers" if name == "scale" else "whole numbers"
            raise InputError(f"{path}: {name} {what}, expected {expected} [{rows}]; write the gallery again")
    pids, camids = (check_whole(found[name], f"{path}: {name}") for name in ("pid", "camid"))
    scale = found["scale"].astype(np.float32) if scaled else None
    if scale is not None and not (np.isfinite(scale) & (scale >= 0)).all():
        raise InputError(f"{path}: scale must be finite and not negative; write the gallery again")
    return ShardLabels(pids, camids, scale)


def _read_parquet(content: bytes, names: tuple[str, ...], rows: int) -> Mapping[str, Array]:
    pyarrow, parquet = _import_parquet("gallery")
    file = parquet.ParquetFile(pyarrow.BufferReader(content))
    if file.metadata.num_rows != rows:  # before memory is taken for them
        raise ValueError(f"it has {file.metadata.num_rows} rows, expected {rows}")
    table = file.read([name for name in names if name in file.schema_arrow.names])
    return {name: table.column(name).to_numpy() for name in table.column_names}


def _read_npz(content: bytes, names: tuple[str, ...]) -> Mapping[str, Array]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        check_archive(archive)  # before memory is taken for its arrays
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        found = {name: arrays[name] for name in names if name in arrays.files}
    for name, array in found.items():
        check_array(array, name)  # NumPy reads any other file of an archive as bytes
    return found


def _import_parquet(what: str) -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet as parquet
    except ImportError as missing:
        raise InputError(
            f"{what}: labels in Parquet need pyarrow; install it with pip install 'vreid-bench[parquet]', or write the "
            "gallery with --labels npz"
        ) from missing
    return pyarrow, parquet
