"""Tracklets with their labels and embeddings, checked before they are used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vreid_bench.importing.content import find_precision
from vreid_bench.importing.keys import find_attribute
from vreid_bench.importing.numbering import as_texts, check_whole
from vreid_bench.records.names import NAMES, Texts
from vreid_bench.scoring.array_files import Array, as_array
from vreid_bench.scoring.ranks.labels import Ints
from vreid_bench.scoring.readings import READINGS
from vreid_bench.system.errors import InputError

ARRAYS = ("pid", "camid", "embedding", "valid", "importance", *NAMES)


@dataclass(frozen=True)
class LabelledFeatures:
    """N tracklets with their labels, with or without embeddings: the arrays of an `.npz`, checked."""

    origin: str  # its name in messages: a file, or an argument
    pid: Ints  # [N]
    camid: Ints  # [N]
    embedding: Array | None = None  # [N, E], or [N, C, E] for the clips of each
    valid: NDArray[np.bool_] | None = None  # [N, C]
    importance: Array | None = None  # [N, C]
    person: Array | None = None  # [N] names
    camera: Array | None = None  # [N] names
    tracklet: Array | None = None  # [N] names: the same name in query and gallery is the same tracklet
    attributes: Mapping[str, Texts] = field(default_factory=dict)  # [N] each; empty where not known
    has_cameras: bool = True  # False: none are known, and `camid` says nothing

    def __len__(self) -> int:
        return len(self.pid)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any], origin: str, has_cameras: bool = True) -> LabelledFeatures:
        """Check arrays of any kind that NumPy can read, torch tensors included. Raises InputError."""
        found = {name: as_array(arrays[name], f"{origin}: {name}") for name in ARRAYS if name in arrays}
        for name in ("pid", "camid"):
            if name not in found:
                raise InputError(f"{origin}: has no array {name!r}; it has {', '.join(sorted(arrays)) or 'none'}")
        for name in ("pid", "camid"):
            if name in found:
                found[name] = _check_whole(found[name], f"{origin}: {name}")
        # the number that most arrays have, so that the array at fault is named
        size = Counter(len(array) for array in found.values() if array.ndim).most_common(1)[0][0]
        if not size:
            raise InputError(f"{origin}: it is empty; expected at least one tracklet")
        attributes = {
            attribute: as_texts(array, f"{origin}: {name}")
            for name, array in arrays.items()
            if (attribute := find_attribute(name))
        }
        for name, array in (*found.items(), *attributes.items()):
            if array.ndim == 0 or len(array) != size:
                raise InputError(
                    f"{origin}: {name} must have a row for each of the {size} tracklets, got {array.shape}"
                )
        for name in NAMES:
            if name in found and found[name].ndim != 1:
                raise InputError(f"{origin}: {name} must be names [N], got {found[name].shape}")
        if "embedding" in found:
            found |= _check_embedding(found, origin)
        return cls(origin, has_cameras=has_cameras, attributes=attributes, **found)

    def attribute(self, name: str) -> Texts:
        """The values of an attribute [N], empty where it is not known."""
        return self.attributes[name] if name in self.attributes else np.full(len(self), "")

    @property
    def names(self) -> dict[str, Texts]:
        """The names that are known: [N] each."""
        return {name: array.astype(np.str_) for name in NAMES if (array := getattr(self, name)) is not None}

    def vectors(self, dtype: str) -> Array:
        """One vector for each tracklet: [N, E]. Clips are averaged, weighted by `importance` where it is given."""
        if self.embedding is None:
            raise InputError(f"{self.origin}: has no array 'embedding'; expected one, because embeddings are compared")
        if self.embedding.ndim == 2:
            return _round(self.embedding, dtype)
        shape = self.embedding.shape[:2]
        weight = np.ones(shape) if self.importance is None else self.importance.astype(np.float64)  # [N, C]
        if self.valid is not None:
            weight = np.where(self.valid, weight, 0)
        total = weight.sum(1, keepdims=True)  # [N, 1]
        if not (total > 0).all():
            row = int(np.flatnonzero(~(total[:, 0] > 0))[0])
            raise InputError(f"{self.origin}: row {row} has no valid clip with an importance above 0")
        share = (weight / total)[:, None]  # [N, 1, C]
        mean: Array = (share @ self.embedding)[:, 0]  # [N, E]
        return _round(mean, dtype)

    def check_once(self) -> None:
        """Raise InputError if a tracklet is listed twice: the same name, or person, camera and embedding."""
        advice = "each may be listed once"
        if self.tracklet is not None:
            keys: list[Any] = self.tracklet.tolist()
        elif self.embedding is not None:
            rows = zip(self.pid.tolist(), self.camid.tolist(), self.embedding, strict=True)
            keys = [(pid, camid, row.tobytes()) for pid, camid, row in rows]
            advice = (
                f"their person, camera and embedding are equal, and {advice}. If they are two tracklets, name each in "
                f"an array `tracklet`: such vectors come from {READINGS}"
            )
        else:
            return
        seen: dict[Any, int] = {}
        for row, key in enumerate(keys):
            if seen.setdefault(key, row) != row:
                raise InputError(f"{self.origin}: rows {seen[key]} and {row} hold the same tracklet; {advice}")


def find_queries(query: LabelledFeatures, gallery: LabelledFeatures) -> Ints:
    """The gallery row of each query tracklet itself, -1 where it is not in the gallery: [Q].

    Found by `tracklet` if both have it, else by person, camera and identical embedding; labels alone do not suffice.
    Raises InputError for a tracklet with other labels among the queries than in the gallery.
    """
    place = np.full(len(query), -1)
    if query.tracklet is not None and gallery.tracklet is not None:
        row = {name: i for i, name in reversed(list(enumerate(gallery.tracklet.tolist())))}
        place = np.array([row.get(name, -1) for name in query.tracklet.tolist()])
        _check_labels(query, gallery, place)
        return place
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


def _check_labels(query: LabelledFeatures, gallery: LabelledFeatures, place: Ints) -> None:
    """Raise InputError if a query has another label than the gallery item [Q] that is the same tracklet.

    A value that one of the two lacks contradicts nothing.
    """
    assert query.tracklet is not None, "tracklets are found by their names"
    asked = np.flatnonzero(place >= 0)
    item = place[asked]
    labels: dict[str, tuple[Array, Array]] = {"pid": (query.pid, gallery.pid)}
    if query.has_cameras and gallery.has_cameras:
        labels["camid"] = query.camid, gallery.camid
    names = query.attributes.keys() & gallery.attributes.keys()
    labels |= {name: (query.attributes[name], gallery.attributes[name]) for name in sorted(names)}
    for name, (left, right) in labels.items():
        known = (left[asked] != "") & (right[item] != "") if left.dtype.kind == "U" else np.ones(len(asked), bool)
        other = np.flatnonzero((left[asked] != right[item]) & known)
        if other.size:
            row, place_there = int(asked[other[0]]), int(item[other[0]])
            raise InputError(
                f"{query.origin}: row {row}, tracklet {str(query.tracklet[row])!r}, has {name} {left[row]}, but in "
                f"{gallery.origin}, row {place_there}, this tracklet has {name} {right[place_there]}; correct one of "
                "them, or give different tracklets different names"
            )


def _check_whole(array: Array, what: str) -> Ints:
    if array.ndim != 1:
        raise InputError(f"{what} must be [N], got {array.shape}")
    if array.dtype.kind not in "iuf":
        advice = "; give each label a number" if array.dtype.kind in "USO" else ""
        raise InputError(f"{what} must hold whole numbers, got {array.dtype}{advice}")
    return check_whole(array, what)


def _check_embedding(found: Mapping[str, Array], origin: str) -> dict[str, Array]:
    """The embedding, and which of its clips are valid, checked."""
    embedding = found["embedding"]
    if embedding.ndim not in (2, 3) or 0 in embedding.shape or embedding.dtype.kind not in "fiu":
        raise InputError(
            f"{origin}: embedding must be numbers [N, E] or [N, C, E], got {embedding.dtype} {embedding.shape}"
        )
    with np.errstate(over="ignore"):  # a long double beyond float64 becomes infinite, which is refused below
        checked = {"embedding": embedding.astype(find_precision(embedding.dtype), copy=False)}
    for name in ("valid", "importance"):
        if name in found and found[name].shape != embedding.shape[:2]:
            raise InputError(
                f"{origin}: {name} must be [N, C] for an embedding [N, C, E] = {embedding.shape}, "
                f"got {found[name].shape}"
            )
    if "valid" in found and (found["valid"].dtype.kind not in "biuf" or not np.isin(found["valid"], (0, 1)).all()):
        raise InputError(f"{origin}: valid must be true or false for each clip, got {_describe(found['valid'])}")
    if "valid" in found:
        valid = checked["valid"] = found["valid"].astype(bool)
        if not valid.all():
            checked["embedding"] = np.where(valid[..., None], checked["embedding"], 0)  # padding may hold any value
    importance = found.get("importance")
    if importance is not None and importance.dtype.kind not in "biuf":
        raise InputError(f"{origin}: importance must be a number for each clip, got {_describe(importance)}")
    if importance is not None and not ((importance >= 0) & np.isfinite(importance)).all():
        raise InputError(f"{origin}: importance must be finite and not negative")
    finite = np.isfinite(checked["embedding"]).all(-1)  # [N] or [N, C]
    if not finite.all():
        row = int(np.argwhere(~finite)[0][0])
        raise InputError(f"{origin}: row {row} of embedding holds NaN or infinity; every number must be finite")
    return checked


def _round(vectors: Array, dtype: str) -> Array:
    """In the precision in which they are compared; a number beyond it is infinite, which counting refuses."""
    with np.errstate(over="ignore"):
        return vectors.astype(dtype, copy=False)


def _describe(array: Array) -> str:
    return f"{array.dtype} such as {array.reshape(-1)[:3].tolist()}"
