"""Sources of distances: vectors and a metric, or a matrix that was computed elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol, get_args, runtime_checkable

import numpy as np

from vreid_bench.ops.metric import Metric
from vreid_bench.scoring.array_files import ROWS, Array
from vreid_bench.scoring.ranks import counting
from vreid_bench.scoring.ranks.counting import Counts, Tile
from vreid_bench.scoring.ranks.labels import Labels
from vreid_bench.scoring.ranks.scale import scale_rows
from vreid_bench.scoring.rounding import Rounding, round_vectors
from vreid_bench.system.errors import InputError, suggestion

Precision = Literal["float32", "float64"]

METRICS: tuple[Metric, ...] = get_args(Metric)
BUDGET = 1 << 23  # distances in one tile


class Distances(Protocol):
    """The distance of every query to every gallery item; smaller is closer."""

    def count(self, labels: Labels) -> Counts:
        """The ranks of the matches. Raises InputError for distances that do not fit the labels or are not finite."""
        ...


@runtime_checkable
class TileDistances(Distances, Protocol):
    """Distances that compare over queries, some queries at a time."""

    def tiles(self) -> Iterator[Tile]:
        """The distances [R, G] of some queries at a time."""
        ...


@dataclass(frozen=True)
class VectorDistances:
    """Distances of one vector for each tracklet, by a metric. Raises InputError if the vectors differ in length."""

    query: Array  # [Q, E]
    gallery: Array  # [G, E]
    metric: Metric

    def __post_init__(self) -> None:
        if self.query.shape[1] != self.gallery.shape[1]:
            raise InputError(
                f"query embeddings have {self.query.shape[1]} numbers, gallery embeddings {self.gallery.shape[1]}; "
                "they must come from one model"
            )

    @classmethod
    def of(cls, query: Array, gallery: Array, metric: Metric) -> VectorDistances:
        """The distances of vectors of any scale."""
        sides = (query, gallery) if metric != "cosine" else (scale_rows(query), scale_rows(gallery))
        return cls(*sides, metric)

    @classmethod
    def of_rounded(cls, query: Array, gallery: Array, metric: Metric, to: Rounding) -> VectorDistances:
        """The distances of vectors that were stored in fewer bits."""
        return cls.of(round_vectors(query, to), round_vectors(gallery, to), metric)

    def count(self, labels: Labels) -> Counts:
        """As `Distances.count`, without a matrix of all distances."""
        return counting.count_from_embeddings(self.query, self.gallery, labels, self.metric)

    def tiles(self) -> Iterator[Tile]:
        """The distances [R, G] of some queries at a time; squared for the Euclidean metrics."""
        rows = max(1, BUDGET // len(self.gallery))
        squares = [np.einsum("ne,ne->n", x, x, dtype=np.float64) for x in (self.query, self.gallery)]
        for first in range(0, len(self.query), rows):
            part = slice(first, min(first + rows, len(self.query)))
            product = self.query[part] @ self.gallery.T  # [R, G]
            if self.metric == "cosine":
                yield part, 1 - product / np.sqrt(squares[0][part, None] * squares[1])
            else:
                yield part, squares[0][part, None] + squares[1] - 2 * product


@dataclass(frozen=True)
class MatrixDistances:
    """Distances that are given; the matrix may be on disk and is never read into memory as a whole."""

    matrix: Array  # [Q, G]
    dtype: Precision = "float32"  # in which they are compared; a matrix of float64 or whole numbers keeps its precision
    similar: bool = False  # does the matrix hold similarities, so that larger is closer?

    def count(self, labels: Labels) -> Counts:
        """As `Distances.count`."""
        self.check(labels)
        return counting.count_from_distances(self.tiles(), labels)

    def check(self, labels: Labels) -> None:
        """Raise InputError unless the matrix has a row for each query and a column for each gallery item."""
        shape = (len(labels.query), len(labels.gallery))
        if self.matrix.shape != shape:
            raise InputError(f"distances: expected [Q, G] = {shape}, as in the labels, got {self.matrix.shape}")

    def tiles(self) -> Iterator[Tile]:
        """The distances [R, G] of some queries at a time."""
        single = self.dtype == "float32" and self.matrix.dtype in ("f2", "f4")
        for first in range(0, len(self.matrix), ROWS):
            part = slice(first, min(first + ROWS, len(self.matrix)))
            tile = np.asarray(self.matrix[part], np.float32 if single else np.float64)
            yield part, np.negative(tile) if self.similar else tile


@dataclass(frozen=True)
class PartDistances:
    """The mean over body parts of the distances of their vectors, as OpenGait compares sequences."""

    query: Array  # [Q, E, P]
    gallery: Array  # [G, E, P]
    metric: Metric

    def __post_init__(self) -> None:
        if self.query.shape[1:] != self.gallery.shape[1:]:
            raise InputError(
                f"query embeddings are [E, P] = {list(self.query.shape[1:])}, gallery embeddings "
                f"{list(self.gallery.shape[1:])}; they must come from one model"
            )

    def count(self, labels: Labels) -> Counts:
        """As `Distances.count`."""
        return counting.count_from_distances(self.tiles(), labels)

    def tiles(self) -> Iterator[Tile]:
        """The distances [R, G] of some queries at a time, computed in float64."""
        rows = max(1, BUDGET // len(self.gallery))
        parts = range(self.query.shape[2])
        for first in range(0, len(self.query), rows):
            chosen = slice(first, min(first + rows, len(self.query)))
            each = [self._distances(self.query[chosen, :, p], self.gallery[:, :, p]) for p in parts]
            yield chosen, np.mean(each, axis=0)

    def _distances(self, query: Array, gallery: Array) -> Array:
        left, right = query.astype(np.float64), gallery.astype(np.float64)
        product = left @ right.T  # [R, G]
        squares = [np.einsum("ne,ne->n", x, x) for x in (left, right)]
        if self.metric == "cosine":
            cosine: Array = 1 - product / np.sqrt(squares[0][:, None] * squares[1])
            return cosine
        square = np.maximum(squares[0][:, None] + squares[1] - 2 * product, 0)
        distance: Array = square if self.metric == "sqeuclidean" else np.sqrt(square)
        return distance


def parse_metric(name: str) -> Metric:
    """The metric of that name. Raises InputError if there is none."""
    for metric in METRICS:
        if metric == name:
            return metric
    raise InputError(f"metric must be one of {', '.join(METRICS)}, got {name!r}{suggestion(str(name), METRICS)}")


def check_precision(dtype: object) -> None:
    """Raise InputError for a type in which distances are not compared."""
    if dtype not in get_args(Precision):
        raise InputError(f"dtype must be one of {', '.join(get_args(Precision))}, got {dtype!r}")
