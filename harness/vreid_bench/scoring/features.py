"""Features and distances made anywhere: reading the files, and checking every array before it is used."""

from __future__ import annotations

import zipfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vreid_bench.scoring.ranks.labels import Ints
from vreid_bench.system.errors import InputError

Array = NDArray[Any]

STORE = "features.safetensors"  # what a run's folder calls its feature store
ROWS = 256  # of a matrix on disk that are looked at together


@dataclass(frozen=True)
class Features:
    """Labelled tracklets with or without an embedding: the arrays of an `.npz`, checked."""

    origin: str  # what messages call it: a file, or an argument
    pid: Ints  # [N]
    camid: Ints  # [N]
    embedding: Array | None = None  # [N, E], or [N, C, E] for the clips of each
    valid: NDArray[np.bool_] | None = None  # [N, C]
    importance: Array | None = None  # [N, C]
    tracklet: Array | None = None  # [N] a name for each: the same name in query and gallery is the same tracklet

    def __len__(self) -> int:
        return len(self.pid)

    @classmethod
    def of(cls, arrays: Mapping[str, Any], origin: str) -> Features:
        """Check arrays of any kind that NumPy can read, torch tensors included. Raises InputError."""
        found = {name: numpy(arrays[name]) for name in cls.__dataclass_fields__ if name in arrays}
        for name in ("pid", "camid"):
            if name not in found:
                raise InputError(f"{origin}: has no array {name!r}; it has {', '.join(sorted(arrays)) or 'none'}")
            found[name] = _whole(found[name], f"{origin}: {name}")
        size = len(found["pid"])
        if not size:
            raise InputError(f"{origin}: it is empty; nothing can be scored")
        for name, array in found.items():
            if array.ndim == 0 or len(array) != size:
                raise InputError(f"{origin}: {name} must have a row for each of the {size} pids, got {array.shape}")
        if "embedding" in found:
            found |= _embedding(found, origin)
        return cls(origin, **found)

    def vectors(self, dtype: str) -> Array:
        """One vector a tracklet: [N, E]. Clips are averaged, weighted by `importance` where it is given."""
        if self.embedding is None:
            raise InputError(f"{self.origin}: has no array 'embedding', which is what is compared")
        if self.embedding.ndim == 2:
            return self.embedding.astype(dtype, copy=False)
        shape = self.embedding.shape[:2]
        weight = np.ones(shape) if self.importance is None else self.importance.astype(np.float64)  # [N, C]
        if self.valid is not None:
            weight = np.where(self.valid, weight, 0)
        total = weight.sum(1, keepdims=True)  # [N, 1]
        if not (total > 0).all():
            row = int(np.flatnonzero(~(total[:, 0] > 0))[0])
            raise InputError(f"{self.origin}: row {row} has no valid clip of any importance")
        share = (weight / total)[:, None]  # [N, 1, C]
        mean: Array = (share @ self.embedding)[:, 0]  # [N, E]
        return mean.astype(dtype)

    def check_once(self) -> None:
        """Raise InputError if a tracklet is listed twice: the same name, or person, camera and embedding."""
        if self.tracklet is not None:
            keys: list[Any] = self.tracklet.tolist()
        elif self.embedding is not None:
            rows = zip(self.pid.tolist(), self.camid.tolist(), self.embedding, strict=True)
            keys = [(pid, camid, row.tobytes()) for pid, camid, row in rows]
        else:
            return
        seen: dict[Any, int] = {}
        for row, key in enumerate(keys):
            if seen.setdefault(key, row) != row:
                raise InputError(
                    f"{self.origin}: rows {seen[key]} and {row} hold the same tracklet; each may be listed once"
                )


def places(query: Features, gallery: Features) -> Ints:
    """The gallery row of each query tracklet itself, -1 where it is not there: [Q].

    By `tracklet` if both have it, else by person, camera and identical embedding; labels alone cannot tell.
    """
    place = np.full(len(query), -1)
    if query.tracklet is not None and gallery.tracklet is not None:
        row = {name: i for i, name in reversed(list(enumerate(gallery.tracklet.tolist())))}
        return np.array([row.get(name, -1) for name in query.tracklet.tolist()])
    if query.embedding is None or gallery.embedding is None or query.embedding.shape[1:] != gallery.embedding.shape[1:]:
        return place
    same: dict[tuple[int, int], list[int]] = {}
    for i, person in enumerate(zip(gallery.pid.tolist(), gallery.camid.tolist(), strict=True)):
        same.setdefault(person, []).append(i)
    for q, person in enumerate(zip(query.pid.tolist(), query.camid.tolist(), strict=True)):
        rows = same.get(person, [])
        equal = [i for i in rows if np.array_equal(gallery.embedding[i], query.embedding[q], equal_nan=False)]
        place[q] = equal[0] if equal else -1
    return place


def read_arrays(path: Path) -> dict[str, Array]:
    """The arrays of an `.npz`, or of a run's feature store. Raises InputError for what is neither."""
    if path.is_dir():
        path = path / STORE
    if not path.is_file():
        raise InputError(f"{path}: there is no such file")
    try:
        if path.suffix == ".safetensors":
            from safetensors.numpy import load_file

            return dict(load_file(path))
        with zipfile.ZipFile(path) as archive:
            twice = [name for name, times in Counter(archive.namelist()).items() if times > 1]
        if twice:
            raise InputError(f"{path}: holds {twice[0]} twice")
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except InputError:
        raise
    except Exception as fault:  # a damaged file makes its reader raise anything
        reason = str(fault).partition("\n")[0]
        raise InputError(f"{path}: cannot be read as {path.suffix or 'npz'} ({reason})") from fault


def read_matrix(path: Path) -> Array:
    """A matrix of distances, left on disk until it is used. Raises InputError for what is none."""
    try:
        matrix = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as fault:  # as above
        reason = str(fault).partition("\n")[0]
        raise InputError(f"{path}: cannot be read as a matrix in .npy format ({reason})") from fault
    if not isinstance(matrix, np.ndarray) or matrix.ndim != 2 or matrix.dtype.kind not in "fiu":
        raise InputError(f"{path}: wanted one matrix of numbers [Q, G] in .npy format")
    return matrix


def read_square(path: Path, size: int) -> Array:
    """The distances of `size` items among each other, left on disk. Raises InputError for what cannot be that."""
    matrix = read_matrix(path)
    if matrix.shape != (size, size):
        raise InputError(f"{path}: wanted {[size, size]}, the distances of {size} items, got {list(matrix.shape)}")
    for first in range(0, size, ROWS):
        rows = slice(first, first + ROWS)
        here, there = matrix[rows], matrix[:, rows].T  # [R, size]
        # products in single precision differ between near items by the root of their rounding
        far = np.argwhere(np.abs(here - there) > 0.01 * np.abs(here).max())
        if far.size:
            row, column = far[0]
            found = f"{here[row, column]:g} from {first + row} to {column}, {there[row, column]:g} back"
            raise InputError(f"{path}: it is not symmetric ({found}); wanted all items to all, in one order")
    return matrix


def numpy(value: Any) -> Array:
    """An array of anything array-like; a tensor comes off its graph and its device first."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        if str(value.dtype) in ("torch.bfloat16", "torch.float16"):
            value = value.float()
    return np.asarray(value)


def _whole(array: Array, what: str) -> Ints:
    if array.ndim != 1:
        raise InputError(f"{what} must be [N], got {array.shape}")
    if array.dtype.kind not in "iu" and not (
        array.dtype.kind == "f" and np.isfinite(array).all() and not (array % 1).any()
    ):
        raise InputError(f"{what} must hold whole numbers, got {array.dtype}")
    return array.astype(np.int64)


def _embedding(found: Mapping[str, Array], origin: str) -> dict[str, Array]:
    """The embedding with what belongs to its clips, checked."""
    embedding = found["embedding"]
    if embedding.ndim not in (2, 3) or 0 in embedding.shape or embedding.dtype.kind not in "fiu":
        raise InputError(
            f"{origin}: embedding must be numbers [N, E] or [N, C, E], got {embedding.dtype} {embedding.shape}"
        )
    checked = {"embedding": embedding if embedding.dtype in ("f4", "f8") else embedding.astype(np.float32)}
    for name in ("valid", "importance"):
        if name in found and found[name].shape != embedding.shape[:2]:
            raise InputError(
                f"{origin}: {name} must be [N, C] for an embedding [N, C, E] = {embedding.shape}, "
                f"got {found[name].shape}"
            )
    if "valid" in found:
        valid = checked["valid"] = found["valid"].astype(bool)
        if not valid.all():
            checked["embedding"] = np.where(valid[..., None], checked["embedding"], 0)  # there may be anything
    if "importance" in found and not (found["importance"] >= 0).all():
        raise InputError(f"{origin}: importance must not be negative, nor NaN")
    finite = np.isfinite(checked["embedding"]).all(-1)  # [N] or [N, C]
    if not finite.all():
        row = int(np.argwhere(~finite)[0][0])
        raise InputError(f"{origin}: row {row} of embedding holds NaN or infinity; every number must be finite")
    return checked
