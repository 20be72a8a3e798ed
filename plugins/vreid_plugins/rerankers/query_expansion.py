"""Average query expansion: the query becomes the mean of itself and its nearest gallery items."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vreid_bench import RERANK_MEMORY, FromFeatures, InputError, Metric, hookimpl, nearest_columns

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class QueryExpansion:
    """Average query expansion (Chum et al., ICCV 2007), or weighted by similarity (Radenović et al. 2018).

    k: gallery items that join a query; alpha: each weighs its cosine similarity to this power, the query 1 (0 is the
    plain average); gallery: expand queries and gallery alike, each among all of both (Arandjelović and Zisserman
    2012); times: how often in a row. The vectors that are averaged have unit length.
    """

    k: int = 5
    alpha: float = 0.0
    gallery: bool = False
    times: int = 1

    def __post_init__(self) -> None:
        if self.k < 1 or self.times < 1 or self.alpha < 0:
            raise InputError(
                "query expansion: k and times must be at least 1 and alpha at least 0, "
                f"got {self.k}, {self.times}, {self.alpha}"
            )

    def rerank(
        self, query_query: Any, query_gallery: Any, gallery_gallery: Any, metric: Metric, *, threads: int = 0
    ) -> Floats:
        """Raises InputError: an average needs vectors."""
        raise InputError(
            "query expansion averages features, and there are only distances here, as of a matcher that compares clips "
            "in pairs; give features, or re-rank with zhong"
        )

    def from_features(
        self, query: Any, gallery: Any, metric: Metric, *, memory: int = RERANK_MEMORY, threads: int = 0
    ) -> Floats:
        """As `vreid_bench.contracts.parts.Reranker.from_features`."""
        if metric != "cosine":
            raise InputError(f"query expansion averages unit vectors, so the metric must be cosine, not {metric}")
        queries = len(query)
        unit = _unit(np.concatenate([query, gallery]).astype(np.float32))  # [N, E]
        for _ in range(self.times):
            unit = _unit(self._expand(unit, queries, memory, threads))
        distance: Floats = np.maximum(1 - unit[:queries] @ unit[queries:].T, 0)  # [Q, G]
        return distance

    def _expand(self, unit: Floats, queries: int, memory: int, threads: int) -> Floats:
        """Unit vectors [N, E], queries first -> their sums with their neighbours, which point where the means do."""
        if not self.gallery:
            distance = 1 - unit[:queries] @ unit[queries:].T  # [Q, G]
            near = nearest_columns(distance, self.k, queries, threads)  # [Q, k] items
            return np.concatenate([self._sum(unit, np.arange(queries), near), unit[queries:]])
        own = np.arange(len(unit))
        items = FromFeatures(unit[:queries], unit[queries:], "cosine", memory, threads)
        found = items.survey(min(self.k + 1, len(unit))).nearest  # [N, k + 1]
        last = np.argsort(found == own[:, None], axis=1, kind="stable")  # an item is not its own neighbour
        return self._sum(unit, own, np.take_along_axis(found, last, axis=1)[:, : self.k])

    def _sum(self, unit: Floats, own: NDArray[Any], near: NDArray[Any]) -> Floats:
        """The weighted sum of each vector of `own` [R] and its near items [R, k]: [R, E]."""
        total: Floats = unit[own]
        for column in near.T:
            similarity = np.einsum("re,re->r", unit[own], unit[column]).clip(
                0
            )  # a power of a negative number is not a weight
            total += (similarity**self.alpha)[:, None] * unit[column]
        return total


def _unit(vectors: Floats) -> Floats:
    length: Floats = np.linalg.norm(vectors, axis=1, keepdims=True)
    divisor: Floats = np.maximum(length, np.finfo(np.float32).tiny)
    return vectors / divisor


@hookimpl
def vreid_rerankers() -> Mapping[str, Callable[..., Any]]:
    """`average-query-expansion`."""
    return {"average-query-expansion": QueryExpansion}
