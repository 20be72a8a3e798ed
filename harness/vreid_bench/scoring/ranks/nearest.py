"""The first ranks of each query in a gallery that is read part by part."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vreid_bench.ops.metric import Metric
from vreid_bench.scoring.ranks.by_parts import ROWS, Part, join_parts
from vreid_bench.scoring.ranks.labels import Ints
from vreid_bench.scoring.ranks.scale import scale_rows
from vreid_bench.system.progress import bar

COLUMNS = 1 << 14  # gallery items in one tile of distances
TILE = 1 << 22  # distances in one tile: 32 MiB


class Nearest(NamedTuple):
    """The K nearest gallery items of each query, all of them where the gallery has fewer."""

    places: Ints  # [Q, K] nearest first; of two at equal distances, the first in the gallery
    distance: NDArray[np.float32]  # [Q, K]; squared for the Euclidean metrics

    @classmethod
    def none(cls, queries: int) -> Nearest:
        """Those of an empty gallery."""
        return cls(np.zeros((queries, 0), np.int64), np.zeros((queries, 0), np.float32))

    def rows(self, low: int, high: int) -> Nearest:
        """Those of some queries."""
        return Nearest(self.places[low:high], self.distance[low:high])

    @classmethod
    def join(cls, pieces: Sequence[Nearest], count: int) -> Nearest:
        """Those of pieces of the gallery that follow one another."""
        places, distance = (np.concatenate(columns, 1) for columns in zip(*pieces, strict=True))
        order = np.argsort(distance, axis=1, kind="stable")[:, :count]
        return cls(np.take_along_axis(places, order, 1), np.take_along_axis(distance, order, 1))


def find_nearest(
    query: NDArray[Any], parts: Sequence[Part], metric: Metric, count: int, rows: int = ROWS, first: int = 0
) -> Nearest:
    """The nearest items of each query [Q, E] in parts that follow one another.

    Distances are computed in float64 and compared in float32, so that a product which a BLAS rounds by its place in the
    matrix changes no order. first: the gallery row with which the parts begin. Raises what the parts raise.
    """
    sides, found = _Side.of(query, metric), Nearest.none(len(query))
    height = max(1, TILE // COLUMNS)
    with bar(sum(map(len, parts)), "find first ranks", "item") as progress:
        for place, block in join_parts(parts, rows, first):
            for start in range(0, len(block.pids), COLUMNS):
                items = _Side.of(block.vectors[start : start + COLUMNS], metric)
                pieces = [
                    _add_tile(found.rows(low, high), sides.tile(low, high, items), place + start, count)
                    for low, high in pairwise([*range(0, len(query), height), len(query)])
                ]
                found = Nearest(*map(np.concatenate, zip(*pieces, strict=True)))
            progress.update(len(block.pids))
    return found


class _Side(NamedTuple):
    """Queries, or gallery items, as factors of their distances."""

    vectors: NDArray[np.float64]  # [N, E], of length 1 for the cosine
    square: NDArray[np.float64]  # [N] of their lengths

    @classmethod
    def of(cls, vectors: NDArray[Any], metric: Metric) -> _Side:
        exact = (scale_rows(vectors) if metric == "cosine" else vectors).astype(np.float64)
        square = np.einsum("ne,ne->n", exact, exact)
        if metric != "cosine":
            return cls(exact, square)
        return cls(exact / np.sqrt(square)[:, None], np.ones(len(exact)))

    def tile(self, low: int, high: int, items: _Side) -> NDArray[np.float32]:
        """The squared distances [R, n] of some queries; of unit vectors, they are in the order of the cosine."""
        square = self.square[low:high, None] + items.square - 2 * self.vectors[low:high] @ items.vectors.T
        distance: NDArray[np.float32] = np.maximum(square, 0).astype(np.float32)
        return distance


def _add_tile(held: Nearest, distance: NDArray[np.float32], place: int, count: int) -> Nearest:
    """The nearest of those that some queries hold and of a tile [R, n] whose items begin at this place."""
    queries, width = distance.shape
    if held.places.shape[1] >= count:
        bound = held.distance[:, -1]
    elif width > count:
        bound = np.partition(distance, count - 1, axis=1)[:, count - 1]
    else:
        bound = np.full(queries, np.inf, np.float32)
    row, column = np.nonzero(distance <= bound[:, None])  # row by row, in the order of the gallery
    own = np.repeat(np.arange(queries), held.places.shape[1])
    owner = np.concatenate([own, row])
    places = np.concatenate([held.places.ravel(), place + column])
    values = np.concatenate([held.distance.ravel(), distance[row, column]])
    order = np.lexsort((values, owner))  # stable: what is held comes first
    start = np.searchsorted(owner[order], np.arange(queries))
    kept = order[np.arange(len(order)) - start[owner[order]] < count]
    return Nearest(places[kept].reshape(queries, -1), values[kept].reshape(queries, -1))
