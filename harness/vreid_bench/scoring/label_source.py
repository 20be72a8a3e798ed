"""Sources of labels: a query and a gallery file, one file that also has the roles, or the index of a data set.

Each source also has the features that came with the labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np

from vreid_bench.contracts.dataset import RolesReader, VariantReader
from vreid_bench.importing.assembly import Imported
from vreid_bench.importing.keys import find_attribute
from vreid_bench.importing.numbering import as_rows, check_whole, number_jointly
from vreid_bench.records.store_arrays import read_store_metric
from vreid_bench.registry.registry import Registry
from vreid_bench.scoring.array_files import Array, is_store, read_arrays
from vreid_bench.scoring.labelled_features import ARRAYS, LabelledFeatures, find_queries
from vreid_bench.scoring.ranks.labels import Labels
from vreid_bench.system.errors import InputError

UNKNOWN = "unknown"  # the name of every camera where none is known
Unused = Mapping[str, Sequence[str]]  # file -> keys of arrays of no known meaning
ROLES = ("pid", "camid", "query", "gallery")  # the labels in a file of all test tracklets


@dataclass(frozen=True)
class Pair:
    """Queries and gallery, each with labels of its own."""

    query: LabelledFeatures  # [Q]
    gallery: LabelledFeatures  # [G]
    unused: Unused = field(default_factory=dict)
    metric: ClassVar[str | None] = "cosine"  # by which the vectors are compared by default

    @classmethod
    def of(cls, imported: Imported) -> Pair:
        """The queries and the gallery that some files hold. Raises InputError for arrays that do not fit."""
        sides = []
        for side, arrays in (("query", imported.query), ("gallery", imported.gallery)):
            sides.append(LabelledFeatures.from_arrays(arrays, imported.origins[side], imported.cameras))
        return cls(sides[0], sides[1], imported.unused)

    def check_once(self) -> None:
        """Raise InputError if a tracklet is listed twice among the queries, or in the gallery."""
        self.query.check_once()
        self.gallery.check_once()

    @cached_property
    def labels(self) -> Labels:
        """Gallery and queries as one list of test tracklets; a query that is a gallery item is not listed twice."""
        own = find_queries(self.query, self.gallery)
        new = own < 0
        row = np.where(new, len(self.gallery) + np.cumsum(new) - 1, own)
        pids = np.concatenate([self.gallery.pid, self.query.pid[new]])
        camids = np.concatenate([self.gallery.camid, self.query.camid[new]])
        sides = (self.gallery, slice(None)), (self.query, new)
        attributes = {
            name: np.concatenate([side.attribute(name)[rows] for side, rows in sides])
            for name in sorted(self.gallery.attributes.keys() | self.query.attributes.keys())
        }
        names, more = self.gallery.names, self.query.names
        both = {name: np.concatenate([names[name], more[name][new]]) for name in names.keys() & more.keys()}
        if not self.query.has_cameras:  # each tracklet in one of its own: only a query itself is then junk
            camids = np.arange(len(pids))
            both["camera"] = np.full(len(pids), UNKNOWN)
        return Labels(pids, camids, row, np.arange(len(self.gallery)), attributes=attributes, named=both)

    def vectors(self, dtype: str) -> tuple[Array, Array]:
        """One vector for each query [Q, E] and gallery item [G, E]."""
        return self.query.vectors(dtype), self.gallery.vectors(dtype)

    def features(self) -> LabelledFeatures:
        """All test tracklets in the order of `labels`. Raises InputError if their features differ in shape."""
        new = self.labels.query >= len(self.gallery)
        columns: dict[str, Any] = {"pid": self.labels.pids, "camid": self.labels.camids}
        for name in ("embedding", "valid", "importance"):
            query, gallery = getattr(self.query, name), getattr(self.gallery, name)
            if query is None or gallery is None:
                continue
            if query.shape[1:] != gallery.shape[1:]:
                raise InputError(
                    f"{self.query.origin}, {self.gallery.origin}: {name} must have the same shape after N in both"
                )
            columns[name] = np.concatenate([gallery, query[new]])
        return LabelledFeatures.from_arrays(columns, self.gallery.origin)


class Index(NamedTuple):
    """The index files of a data set: all labels, and no features."""

    folder: Path
    labels: Labels


@dataclass(frozen=True)
class Listing:
    """All test tracklets in one list."""

    labels: Labels
    tracklets: LabelledFeatures  # [N]
    metric: str | None = "cosine"  # as above; None where a run compared pairs of clips
    unused: Unused = field(default_factory=dict)

    @classmethod
    def from_file(cls, path: Path, index: Index | None) -> Listing:
        """Read an `.npz` or a run's feature store, with the labels of the index or, without one, those of the file.

        Raises InputError for labels that are missing, or that differ between file and index.
        """
        arrays, origin = read_arrays(path), str(path)
        labels = _read_roles(arrays, origin) if index is None else index.labels
        if index is not None:
            _check_order(arrays, origin, index)
        known = {**labels.named, **arrays} | {"pid": labels.pids, "camid": labels.camids}
        tracklets = LabelledFeatures.from_arrays(known, origin)
        tracklets.check_once()
        labels = replace(labels, named=tracklets.names, attributes=tracklets.attributes)
        others = [name for name, array in arrays.items() if array.ndim and name not in (*ARRAYS, *ROLES)]
        unused = [name for name in others if not find_attribute(name)]
        return cls(labels, tracklets, _read_metric(path), {origin: unused} if unused else {})

    @classmethod
    def from_index(cls, index: Index) -> Listing:
        """The labels alone, for distances that were computed elsewhere."""
        pids, camids = index.labels.pids, index.labels.camids
        return cls(index.labels, LabelledFeatures(str(index.folder), pids, camids))

    def vectors(self, dtype: str) -> tuple[Array, Array]:
        """One vector for each query [Q, E] and gallery item [G, E]."""
        vectors = self.tracklets.vectors(dtype)  # [N, E]
        return vectors[self.labels.query], vectors[self.labels.gallery]

    def features(self) -> LabelledFeatures:
        """All test tracklets in the order of `labels`."""
        return self.tracklets


LabelSource = Pair | Listing


def read_index(protocol: str, folder: Path, registry: Registry) -> Index:
    """Read the index files in `folder` of the data set that the protocol names.

    Raises InputError for a protocol whose test is not that of the index, for a data set without such files, for files
    that cannot be read, and for a reader that fails.
    """
    rules = registry.get("protocols", protocol)
    dataset = rules.test_dataset
    if rules.holdout:
        raise InputError(
            f"--protocol {protocol}: tests on people held out of the training part, whom the index files of {dataset} "
            "do not list; name a protocol that tests as the data set does, or give labels of your own"
        )
    entry = registry.entry("datasets", dataset)
    if not isinstance(entry.value, RolesReader):
        raise InputError(
            f"--protocol {protocol}: {dataset} has no labels without frames; leave --protocol and --info out"
        )
    variant = rules.target_variant if rules.target else rules.variant
    first = entry.value.variants[0] if isinstance(entry.value, VariantReader) else ""
    if variant not in ("", first):
        raise InputError(
            f"--protocol {protocol}: divides {dataset} as {variant!r}, but its index files are read as {first!r}; name "
            "a protocol that divides it so, or give labels of your own"
        )
    with entry.blame():
        columns = [np.asarray(column) for column in entry.value.roles(folder)]
    lengths = [len(column) for column in columns if column.ndim == 1 and column.dtype.kind in "iu"]
    if len(lengths) != len(ROLES) or len(columns) != len(ROLES) or lengths[0] != lengths[1]:
        found = ", ".join(f"{column.dtype} {list(column.shape)}" for column in columns)
        raise InputError(
            f"{entry.title}: roles() returned {found or 'nothing'}, expected four lists of whole numbers: pids and "
            "camids of the same length, and the rows of the queries and of the gallery"
        )
    lists = zip(ROLES, columns, strict=True)
    return Index(folder, Labels(*(check_whole(column, f"{entry.title}: {name} of roles()") for name, column in lists)))


def _read_roles(arrays: Mapping[str, Array], origin: str) -> Labels:
    missing = [name for name in ROLES if name not in arrays]
    if missing:
        raise InputError(
            f"{origin}: has no array {missing[0]!r}, expected the labels pid and camid, and in query and gallery the "
            "rows of each; add it, or name --protocol and --info, which have the labels"
        )
    numbers, named = [], {}
    for name, title, what in (("pid", "person", "ids"), ("camid", "camera", "camera labels")):
        [number], [texts] = number_jointly([(f"{origin}: {name}", arrays[name])], what)
        numbers.append(number)
        if texts is not None:
            named[title] = texts
    rows = [as_rows(arrays[name], f"{origin}: {name}") for name in ("query", "gallery")]
    return Labels(*numbers, *rows, named=named)


def _check_order(arrays: Mapping[str, Array], origin: str, index: Index) -> None:
    """Raise InputError if the arrays show that the file lists other tracklets than the index."""
    for name, labels in (("pid", index.labels.pids), ("camid", index.labels.camids)):
        if name in arrays and not np.array_equal(arrays[name], labels):
            raise InputError(f"{origin}: its {name} differ from those in {index.folder}; expected the same rows")
    if "embedding" in arrays and len(arrays["embedding"]) != len(index.labels.pids):
        found, listed = len(arrays["embedding"]), len(index.labels.pids)
        raise InputError(f"{origin}: has {found} tracklets, {index.folder} lists {listed}")


def _read_metric(path: Path) -> str | None:
    return read_store_metric(path) if is_store(path) else "cosine"
