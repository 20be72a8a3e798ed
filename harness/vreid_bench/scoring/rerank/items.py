"""Queries and gallery as items with distances, which are given or computed from features tile by tile."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vreid_bench.ops.metric import Metric
from vreid_bench.scoring.ranks.scale import scale_rows
from vreid_bench.scoring.rerank.neighbours import Floats, Ints, Lists, Longs, Survey, cores, load_kernels
from vreid_bench.system.errors import InputError

RERANK_MEMORY = 64 << 20  # bytes: default for what `FromFeatures` uses besides its input and its result
BLOCK = 1024  # items along a side of the largest tile: 4 MiB, which a third-level cache holds
NEGATIVE = 0.01  # of the largest distance: a smaller one below 0 may be rounding
SMALLEST = 64  # items along a side of the smallest tile worth multiplying
SET_BYTES = 160  # for each item and each of its neighbours: what lists and weighted sets take, with room to spare


class FromDistances:
    """Items with given distances.

    query_query: [Q, Q]; query_gallery: [Q, G]; gallery_gallery: [G, G]; the first and last are symmetric. Raises
    InputError for shapes that do not fit and for distances below 0, whose squares would turn the order around, and from
    `survey` for a distance that is not finite.
    """

    fresh = False

    def __init__(self, query_query: Any, query_gallery: Any, gallery_gallery: Any, threads: int = 0) -> None:
        self.matrices = [np.ascontiguousarray(m, np.float32) for m in (query_query, query_gallery, gallery_gallery)]
        self.threads = threads or cores()
        queries, gallery = self.shape = _sizes(self.matrices[0], self.matrices[2])
        shapes = ((queries, queries), (queries, gallery), (gallery, gallery))
        names = ("query-query", "query-gallery", "gallery-gallery")
        for name, matrix, shape in zip(names, self.matrices, shapes, strict=True):
            if matrix.shape != shape:
                raise InputError(f"re-ranking: {name} distances must be {list(shape)}, got {list(matrix.shape)}")
            lowest = float(matrix.min())
            if lowest < -NEGATIVE * max(float(matrix.max()), -lowest):
                raise InputError(
                    f"re-ranking: {name} distances go down to {lowest:.3g}, expected none below 0, because they are "
                    "squared; give distances, such as 1 - similarity, or leave re-ranking out"
                )

    def survey(self, nearest: int) -> Survey:
        """As `Items.survey`; every matrix is read once, and `query_gallery` once more."""
        within_query, across, within_gallery = self.matrices
        queries = self.shape[0]
        lists, call = Lists.empty(sum(self.shape), nearest), load_kernels()
        finite = call.scan_rows(within_query, 0, 0, *lists, self.threads)
        finite &= call.scan_rows(across, 0, queries, *lists, self.threads)
        finite &= call.scan_rows(within_gallery, queries, queries, *lists, self.threads)
        call.scan_columns(across, 0, queries, *lists, self.threads)  # last: by now little is near enough to enter
        if not finite:
            raise InputError("re-ranking: a distance is not finite; check what it was computed from")
        return Survey(lists.item, lists.largest, across)

    def between(self, start: Longs, member: Ints) -> Floats:
        """As `Items.between`."""
        queries = self.shape[0]
        own = np.repeat(np.arange(len(start) - 1, dtype=np.int32), np.diff(start))  # [P]
        low, high = np.minimum(own, member), np.maximum(own, member)  # [P]
        result = np.empty(len(member), np.float32)
        corners = ((0, 0), (0, queries), (queries, queries))
        kinds = (high < queries, (low < queries) & (high >= queries), low >= queries)
        for matrix, chosen, corner in zip(self.matrices, kinds, corners, strict=True):
            row, column = low[chosen] - corner[0], high[chosen] - corner[1]
            result[chosen] = matrix[row, column]
        return result


class FromFeatures:
    """Items with given features; their distances are computed tile by tile, half of them by symmetry.

    query: [Q, E]; gallery: [G, E]; memory: bytes to use besides the input and the result. Raises InputError for
    features that do not fit each other, are not finite or are too large, and from `survey` for a limit too low for any
    tile.
    """

    fresh = True

    def __init__(self, query: Any, gallery: Any, metric: Metric, memory: int = RERANK_MEMORY, threads: int = 0) -> None:
        self.query, self.gallery = (np.ascontiguousarray(f, np.float32) for f in (query, gallery))
        if metric == "cosine" and self.query.ndim == self.gallery.ndim == 2 and self.query.size and self.gallery.size:
            self.query, self.gallery = scale_rows(self.query), scale_rows(self.gallery)
        self.metric, self.memory, self.threads = metric, memory, threads or cores()
        self.shape = _sizes(self.query, self.gallery)
        if self.query.ndim != 2 or self.gallery.ndim != 2 or self.query.shape[1] != self.gallery.shape[1]:
            found = f"{list(self.query.shape)} and {list(self.gallery.shape)}"
            raise InputError(f"re-ranking: query and gallery features must be [Q, E] and [G, E], got {found}")
        parts = [np.einsum("ne,ne->n", f, f, dtype=np.float64) for f in (self.query, self.gallery)]
        square = np.concatenate(parts)  # [N]
        if not np.isfinite(square).all():
            raise InputError(
                f"re-ranking: the features of item {np.flatnonzero(~np.isfinite(square))[0]} are not finite"
            )
        # a quarter of the range: by Cauchy-Schwarz no squared distance can then overflow
        large = np.flatnonzero(square >= np.finfo(np.float32).max / 4)
        if large.size:
            raise InputError(
                f"re-ranking: the features of item {large[0]} are too large to be squared in float32; scale all of them"
            )
        length = np.sqrt(np.maximum(square, np.finfo(np.float32).tiny))
        self._scale = (1 / length if metric == "cosine" else np.ones(len(square))).astype(np.float32)  # [N]
        self._square = square.astype(np.float32)  # [N]

    def survey(self, nearest: int) -> Survey:
        """As `Items.survey`."""
        queries = self.shape[0]
        lists, call = Lists.empty(sum(self.shape), nearest), load_kernels()
        across = np.empty(self.shape, np.float32)
        for rows, columns, tile in self.tiles(self._block(nearest)):
            call.scan_rows(tile, rows.start, columns.start, *lists, self.threads)
            if rows != columns:
                call.scan_columns(tile, rows.start, columns.start, *lists, self.threads)
            if rows.start < queries <= columns.start:
                across[rows, columns.start - queries : columns.stop - queries] = tile
        return Survey(lists.item, lists.largest, across)

    def between(self, start: Longs, member: Ints) -> Floats:
        """As `Items.between`: from differences, so that near items lose no digits."""
        square: Floats = load_kernels().between(self.query, self.gallery, self._scale, start, member, self.threads)
        if self.metric == "cosine":
            return square * np.float32(0.5)  # of unit vectors, |a - b|^2 = 2 (1 - cos)
        return np.sqrt(square) if self.metric == "euclidean" else square

    def tiles(self, block: int) -> Iterator[tuple[slice, slice, Floats]]:
        """Rows, columns and distances [R, C] of every tile on or above the diagonal, valid until the next.

        A side of a tile lies within the queries or within the gallery. An item is at distance 0 from itself.
        """
        edges = [*range(0, self.shape[0], block), *range(self.shape[0], sum(self.shape), block), sum(self.shape)]
        sides = [slice(*ends) for ends in pairwise(edges)]
        copy = block * self.query.shape[1] if self.metric == "cosine" else 0
        left, right, room = (np.empty(size, np.float32) for size in (copy, copy, block * block))
        for at, rows in enumerate(sides):
            here = self._vectors(rows, left)
            for columns in sides[at:]:
                there = here if columns == rows else self._vectors(columns, right)
                tile = room[: len(here) * len(there)].reshape(len(here), len(there))
                np.matmul(here, there.T, out=tile)
                self._measure(tile, rows, columns)
                yield rows, columns, tile

    def _vectors(self, items: slice, room: Floats) -> Floats:
        """Features [R, E] of items that are all queries or all gallery, scaled into `room` for the cosine."""
        queries = self.shape[0]
        inside = slice(items.start - queries, items.stop - queries)
        source = self.query[items] if items.start < queries else self.gallery[inside]
        if self.metric != "cosine":
            return source
        return np.multiply(source, self._scale[items, None], out=room[: source.size].reshape(source.shape))

    def _measure(self, tile: Floats, rows: slice, columns: slice) -> None:
        """From dot products [R, C] to distances, in place."""
        if self.metric == "cosine":
            np.subtract(1, tile, out=tile)
        else:
            tile *= -2
            tile += self._square[rows, None]
            tile += self._square[columns]
        np.maximum(tile, 0, out=tile)  # rounding can push the distance of near-equal vectors below zero
        if self.metric == "euclidean":
            np.sqrt(tile, out=tile)
        if rows == columns:
            np.fill_diagonal(tile, 0)

    def _block(self, nearest: int) -> int:
        """The largest side of a tile that fits the memory, besides the lists and sets that grow with N."""
        size = sum(self.shape)
        kept = size * (nearest * SET_BYTES + 8)
        copies = 2 * self.query.shape[1] if self.metric == "cosine" else 0
        least = kept + 4 * SMALLEST * (SMALLEST + copies)
        if self.memory < least:
            raise InputError(f"re-ranking: {self.memory} bytes are too few for {size} items; allow {least} or more")
        room = (self.memory - kept) / 4  # floats: side * side + copies * side
        return min(BLOCK, int((np.sqrt(copies**2 + 4 * room) - copies) / 2))


def _sizes(query: NDArray[Any], gallery: NDArray[Any]) -> tuple[int, int]:
    if not len(query) or not len(gallery):
        raise InputError(
            f"re-ranking: {len(query)} queries and {len(gallery)} gallery items; expected one or more of each"
        )
    return len(query), len(gallery)
