"""The re-ranker of a `score` command, and the distances that it changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vreid_bench.contracts.recipe import Part
from vreid_bench.ops.metric import Metric
from vreid_bench.registry.assignments import parse_part
from vreid_bench.registry.registry import Registry
from vreid_bench.scoring.array_files import Array
from vreid_bench.scoring.distances import MatrixDistances, VectorDistances
from vreid_bench.scoring.ranks.counting import Counts
from vreid_bench.scoring.ranks.labels import Labels
from vreid_bench.scoring.rerank.k_reciprocal import count_reranked_distances, count_reranked_features

if TYPE_CHECKING:
    from vreid_bench.contracts.parts import Reranker  # torch, which is not needed here


@dataclass(frozen=True)
class Reranking:
    """A re-ranker with its options, built once."""

    part: Part  # with every option, as in a report
    reranker: Reranker
    memory: int  # bytes besides the result, for re-ranking from vectors

    @classmethod
    def of(cls, text: str, memory: int, registry: Registry) -> Reranking:
        """Build the re-ranker that `text` names, as `NAME` or `NAME:option=value,...`.

        Raises InputError for an unknown name or option, and for a value that does not fit.
        """
        part = parse_part("rerankers", text, registry)
        return cls(part, registry.factory("rerankers", part)(), memory)

    def of_vectors(self, given: VectorDistances) -> RerankedVectors:
        """The distances of vectors, re-ranked."""
        return RerankedVectors(self.reranker, given, self.memory)

    def of_matrices(
        self, given: MatrixDistances, within_query: Array, within_gallery: Array, metric: Metric
    ) -> RerankedMatrix:
        """Given distances, re-ranked; all of them were computed by the metric."""
        return RerankedMatrix(self.reranker, given, within_query, within_gallery, metric)


@dataclass(frozen=True)
class RerankedVectors:
    """Distances that a re-ranker computes from vectors."""

    reranker: Reranker
    given: VectorDistances
    memory: int

    def count(self, labels: Labels) -> Counts:
        """As `Distances.count`."""
        vectors = self.given.query, self.given.gallery
        return count_reranked_features(self.reranker, vectors, labels, self.given.metric, self.memory)


@dataclass(frozen=True)
class RerankedMatrix:
    """Distances that a re-ranker computes from given distances between all items."""

    reranker: Reranker
    given: MatrixDistances  # [Q, G]
    within_query: Array  # [Q, Q]
    within_gallery: Array  # [G, G]
    metric: Metric  # by which all of them were computed

    def count(self, labels: Labels) -> Counts:
        """As `Distances.count`."""
        self.given.check(labels)
        matrices = self.within_query, self.given.matrix, self.within_gallery
        return count_reranked_distances(self.reranker, matrices, labels, self.metric)
