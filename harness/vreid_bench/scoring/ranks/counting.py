"""Where the matches of each query stand in its ranking, by counting: no sort, and no matrix of all distances.

The rank of a match is the number of gallery items that come before it. Counts of one part of the gallery add up with
those of another, so tiles, threads and shards can share the work in any way and give the same ranks.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vreid_bench.contracts.convention import EVERYBODY, Admission
from vreid_bench.ops.metric import Metric
from vreid_bench.scoring.ranks import reference as ranks_reference
from vreid_bench.scoring.ranks.labels import Bools, Ints, Labels
from vreid_bench.scoring.ranks.match_index import MatchIndex, Shard
from vreid_bench.scoring.ranks.scale import scale_rows
from vreid_bench.system import native
from vreid_bench.system.errors import InputError

Tile = tuple[slice, NDArray[Any]]  # positions of queries in the query list (0-based), their distances [R, G]

NEVER = 1 << 30  # how many items come before a match that is in no list, more than any gallery has
WHOLE = (0, 1)  # the shard that is the whole gallery
CAMERA = "camera"  # compared as an attribute is, where the query's camera does not decide what is junk
MOST_ADMISSIONS = 5  # that conventions scored at once may differ in: each doubles the groups of the gallery


@dataclass(frozen=True)
class Counts:
    """How many gallery items come before each match, junk left out: all that a score depends on."""

    start: Ints  # [Q + 1] where each query's matches begin
    group: Ints  # [M] the group of a match itself
    before: Ints  # [M, K]
    in_gallery: Bools  # [Q] is the query tracklet itself a gallery item?
    alike: Mapping[str, Bools] = field(default_factory=dict)  # [M] by attribute: has the match the query's value?
    admissions: tuple[Admission, ...] = ()  # A, beside everybody: K = 2^(1 + A), see `groups_of`
    asks: Bools = field(default_factory=lambda: np.zeros((0, 0), bool))  # [Q, A] which queries take part

    def groups_of(self, rule: Admission) -> Bools:
        """Which groups take part under an admission: [K]."""
        groups = np.arange(self.before.shape[1])
        if rule == EVERYBODY:
            return np.ones(len(groups), bool)
        mask: Bools = groups >> 1 + self.admissions.index(rule) & 1 == 1
        return mask

    def asks_of(self, rule: Admission) -> Bools:
        """Which queries take part under an admission: [Q]."""
        if rule == EVERYBODY:
            return np.ones(len(self.start) - 1, bool)
        mask: Bools = self.asks[:, self.admissions.index(rule)]
        return mask

    @property
    def owner(self) -> Ints:
        """The query of each match: [M]."""
        owner: Ints = np.repeat(np.arange(len(self.start) - 1), np.diff(self.start))
        return owner


def index_matches(labels: Labels) -> MatchIndex:
    """The match index of these labels. It takes one byte for each gallery item besides matches and junk.

    A group is a sum of 1 if its items are query tracklets, and 2^(1 + a) if they take part under admission a.

    Raises InputError if the conventions tell more parts of the gallery apart than can be counted.
    """
    # with a camera for each tracklet, nothing but the query itself is seen by the query's camera
    camids = labels.camids if labels.junk_by_camera else np.arange(len(labels.camids))
    found = MatchIndex(*_module().index_matches(labels.pids, camids, labels.query, labels.gallery, labels.own))
    if len(labels.admissions) > MOST_ADMISSIONS:
        raise InputError(
            f"the conventions let {len(labels.admissions)} different parts of the gallery take part, expected "
            f"{MOST_ADMISSIONS} at most; score by fewer of them at once"
        )
    group = found.group.astype(np.int64)
    for number, rule in enumerate(labels.admissions):
        group += np.where(found.group >= 0, labels.admit(rule).gallery * 2 ** (1 + number), 0)
    return found._replace(groups=2 ** (1 + len(labels.admissions)), group=group.astype(np.int8))


def list_matches(labels: Labels) -> Counts:
    """The matches of every query before any distance is known: no gallery item is counted before them."""
    index = index_matches(labels)
    return _counts(index, np.zeros((len(index.item), index.groups), np.int64), labels)


def merge(one: Counts, other: Counts) -> Counts:
    """The counts over two parts of a gallery together. Integers are added, so that the order does not matter."""
    same = ("start", "group", "in_gallery")
    if not all(np.array_equal(getattr(one, name), getattr(other, name)) for name in same):
        raise ValueError("merge: the counts belong to different matches")
    return replace(one, before=one.before + other.before)


def count_from_distances(
    tiles: Iterable[Tile], labels: Labels, threads: int | None = None, shard: Shard = WHOLE
) -> Counts:
    """Count in given distances, smaller is closer.

    tiles: together each query once, in any order and of any height; the columns are the gallery in the order of
    `labels.gallery`; float32 or float64. Raises InputError for a distance that is not finite, ValueError for tiles
    that do not fit.
    """
    index = index_matches(labels)
    before = np.zeros((len(index.item), index.groups), np.int64)
    missing = np.ones(len(labels.query), bool)  # [Q]
    for rows, distances in tiles:
        queries = np.arange(len(labels.query))[rows]
        _check_tile(distances, queries, missing, labels)
        missing[queries] = False
        array = np.ascontiguousarray(distances, distances.dtype if distances.dtype == np.float64 else np.float32)
        part, bad = _module().count_distances(array, index.rows(rows), shard, threads or _cores())
        if bad >= 0:
            row, column = divmod(bad, array.shape[1])
            asked = labels.query[queries[row]]
            raise InputError(
                f"query {queries[row]} ({labels.describe(asked) or f'test row {asked}'}): its distance to gallery item "
                f"{column} is {array[row, column]}; every distance must be finite, so check what it was computed from"
            )
        before[index.start[queries[0]] : index.start[queries[-1] + 1]] = part
    if missing.any():
        raise ValueError(f"tiles: no distances for query {np.flatnonzero(missing)[0]} of {len(missing)}")
    return _counts(index, before, labels)


def count_from_embeddings(
    query: NDArray[Any],
    gallery: NDArray[Any],
    labels: Labels,
    metric: Metric,
    threads: int | None = None,
    shard: Shard = WHOLE,
) -> Counts:
    """Count straight from embeddings: query [Q, E], gallery [G, E], both float32 or both float64.

    The distances live one small tile at a time, and a match's distance has the bits it has in its tile. Whole numbers
    are exact, and a cosine does not depend on the scale of the vectors. With native kernels, equal gallery rows have
    equal distances to the last bit; the NumPy reference multiplies with a BLAS, which may round by the column. Raises
    InputError for a row that has no distance.
    """
    index = index_matches(labels)
    # a root changes no order, so that `euclidean` is ranked without it
    by = "cosine" if metric == "cosine" else "sqeuclidean"
    arrays = [np.ascontiguousarray(scale_rows(array) if by == "cosine" else array) for array in (query, gallery)]
    before, bad = _module().count_embeddings(*arrays, by, index, shard, threads or _cores())
    if bad >= 0:
        role, row = ("query", bad) if bad < len(query) else ("gallery", bad - len(query))
        name = labels.describe((labels.query if role == "query" else labels.gallery)[row])
        place = f"{role} row {row}" + (f" ({name})" if name else "")
        raise InputError(f"{place}: {_describe_fault(arrays[role == 'gallery'][row], metric)}")
    return _counts(index, before, labels)


def backend() -> str:
    """Which implementation counts: `numpy`, or `native-` and the instruction set."""
    module = native.load("ranks")
    return f"native-{module.instruction_set()}" if module else "numpy"


def _module() -> Any:
    return native.load("ranks") or ranks_reference


def _counts(index: MatchIndex, before: Ints, labels: Labels) -> Counts:
    asking = np.repeat(labels.query, np.diff(index.start))  # [M]
    found = labels.gallery[index.item]  # [M]
    columns: dict[str, Any] = {name: labels.attributes[name] for name in labels.attributes if labels.knows(name)}
    if not labels.junk_by_camera:
        columns[CAMERA] = labels.camids
    asks = [labels.admit(rule).query for rule in labels.admissions]
    return Counts(
        index.start,
        index.group[index.item].astype(np.int64),
        before,
        labels.own >= 0,
        {name: column[asking] == column[found] for name, column in columns.items()},
        labels.admissions,
        np.stack(asks, 1) if asks else np.zeros((len(labels.query), 0), bool),
    )


def _check_tile(distances: NDArray[Any], queries: Ints, missing: NDArray[np.bool_], labels: Labels) -> None:
    shape = (len(queries), len(labels.gallery))
    if distances.shape != shape:
        raise ValueError(f"tile: distances must be [R, G] = {shape}, got {distances.shape}")
    if not missing[queries].all():
        raise ValueError(f"tiles: query {queries[~missing[queries]][0]} is given twice")


def _describe_fault(row: NDArray[Any], metric: str) -> str:
    bad = np.flatnonzero(~np.isfinite(row))
    if bad.size:
        return f"number {bad[0]} of its embedding is {row[bad[0]]}; every number must be finite"
    if metric == "cosine" and not row.any():
        return "its embedding is zero, which has no direction; cosine needs one, euclidean does not"
    return f"its embedding is too large or too small to be compared in {row.dtype}; scale it, or use float64"


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
