"""The features of a run as arrays of NumPy, for scoring them without torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file

from vreid_bench.records.checksum import BLANK, CHECKSUM, find_damage
from vreid_bench.records.names import unpack_names
from vreid_bench.records.note import MADE_BY, read_note
from vreid_bench.records.run_directory import FoldDirectory
from vreid_bench.system.errors import InputError

MOST = 1 << 40  # clips of a tracklet; the sum of many more would not be a number of 64 bits


def read_store_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays in the store of a run's folder, or in a safetensors file, with a row and names for each tracklet.

    The clips that a store packs are padded: `embedding` [N, C, E], `importance` [N, C], `valid` [N, C]; or [N, E]
    without the other two where every tracklet has one. Raises InputError for a file that cannot be read.
    """
    file = _store_file(path)
    if not file.is_file():
        raise InputError(f"{file}: the file does not exist")
    note = read_note(file)
    if _is_ours(note) and (damage := find_damage(file)):
        raise InputError(f"{file}: {damage}; delete it and repeat the command of its run, which computes it again")
    try:
        arrays: dict[str, NDArray[Any]] = {**load_file(file), **unpack_names(note)}
    except Exception as fault:  # a damaged file, or a type that NumPy does not have, makes it raise anything
        reason = str(fault).partition("\n")[0]
        raise InputError(f"{file}: cannot be read as .safetensors ({reason})") from fault
    if not {"embedding", "importance", "counts"} <= set(arrays):
        return arrays
    _check_counts(arrays, file)
    counts, packed = arrays.pop("counts"), {name: arrays.pop(name) for name in ("embedding", "importance")}
    if (counts == 1).all():
        return arrays | {"embedding": packed["embedding"]}
    present = np.arange(counts.max()) < counts[:, None]  # [N, C]
    for name, array in packed.items():
        arrays[name] = np.zeros((*present.shape, *array.shape[1:]), np.float32)
        arrays[name][present] = array
    return arrays | {"valid": present}


def _check_counts(arrays: Mapping[str, NDArray[Any]], file: Path) -> None:
    """Raise InputError unless the clips of all tracklets are those that are there."""
    counts, rows = arrays["counts"], [np.shape(arrays[name])[:1] for name in ("embedding", "importance")]
    good = counts.ndim == 1 and counts.dtype.kind in "iu" and counts.size > 0 and bool((counts > 0).all())
    if not good or bool((counts > MOST).any()) or any(each != (int(counts.sum()),) for each in rows):
        raise InputError(
            f"{file}: its counts are not those of its clips: embedding {list(arrays['embedding'].shape)}, importance "
            f"{list(arrays['importance'].shape)}, counts {list(counts.shape)}; delete it to embed again"
        )


def count_store_rows(path: Path) -> int:
    """How many tracklets a store has, or how many rows `embedding` in a safetensors file; 0 if that is not known."""
    try:
        with safe_open(_store_file(path), framework="np") as file:
            name = "counts" if "counts" in file.keys() else "embedding"  # noqa: SIM118 - not a mapping
            return int(file.get_slice(name).get_shape()[0])
    except (OSError, SafetensorError, IndexError):  # which is told when it is read
        return 0


def read_store_metric(path: Path) -> str | None:
    """The metric by which a run compared the vectors in its store; None if it compared clips in pairs."""
    return read_note(_store_file(path)).get("metric")


def _is_ours(note: Mapping[str, str]) -> bool:
    """Did this program write a file with that note? By two entries, as one of them may be damaged."""
    return CHECKSUM in note or len(note.get(MADE_BY, "")) == len(BLANK)


def _store_file(path: Path) -> Path:
    """`path` itself, or the store of a folder's view `features`, which every test has."""
    return FoldDirectory(path, path).features("features") if path.is_dir() else path
