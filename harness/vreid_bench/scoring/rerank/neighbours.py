"""The nearest neighbours of every item among queries and gallery, without a matrix of all pairs.

Items are the queries, then the gallery: 0 to N - 1, N = Q + G. A set of items of each item is `start` [N + 1] and
`member` [P]: those of item i are member[start[i]:start[i + 1]].
"""

from __future__ import annotations

import os
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from vreid_bench.scoring.rerank import reference as rerank_reference
from vreid_bench.system import native
from vreid_bench.system.errors import InputError

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]


class Survey(NamedTuple):
    """What one pass over all distances finds."""

    nearest: Ints  # [N, K] the nearest items of each item, nearest first, the item itself among them
    largest: Floats  # [N] the largest distance of each item
    query_gallery: Floats  # [Q, G] distances


class Items(Protocol):
    """N = Q + G items and the distances between them."""

    shape: tuple[int, int]  # Q, G
    threads: int
    fresh: bool  # does `survey` return a new array `query_gallery`, which may be overwritten?

    def survey(self, nearest: int) -> Survey:
        """Pass over all distances once and keep the `nearest` of each item."""
        ...

    def between(self, start: Longs, member: Ints) -> Floats:
        """The distance of each item to each of its set: [P]."""
        ...


class Lists(NamedTuple):
    """The nearest items so far, in the form that the kernels take."""

    value: Floats  # [N, K] nearest first
    item: Ints  # [N, K]
    largest: Floats  # [N]

    @classmethod
    def empty(cls, size: int, nearest: int) -> Lists:
        """Empty lists for `size` items, with room for `nearest` each."""
        value = np.full((size, nearest), np.inf, np.float32)
        item = np.full((size, nearest), np.iinfo(np.int32).max, np.int32)
        return cls(value, item, np.full(size, -np.inf, np.float32))


def nearest_columns(distances: Any, count: int, first: int = 0, threads: int = 0) -> Ints:
    """The `count` columns of least distance in each row, near to far; of equal distances the earlier first.

    distances: [R, C]; returns [R, min(count, C)] columns, `first` added to each.
    """
    tile = np.ascontiguousarray(distances, np.float32)
    lists = Lists.empty(len(tile), min(count, tile.shape[1]))
    if not load_kernels().scan_rows(tile, 0, first, *lists, threads or cores()):
        raise InputError("re-ranking: a distance is not finite; check what it was computed from")
    return lists.item


def load_kernels() -> Any:
    """The native kernels, or the NumPy reference where they are not built."""
    return native.load("rerank") or rerank_reference


def backend() -> str:
    """Which implementation of the kernels runs: `numpy`, or `native-` and the instruction set."""
    module = native.load("rerank")
    return f"native-{module.instruction_set()}" if module else "numpy"


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
