"""k-reciprocal re-ranking (Zhong et al., CVPR 2017), by the two rules in use under that name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vreid_bench import (
    RERANK_MEMORY,
    FromDistances,
    FromFeatures,
    InputError,
    KReciprocalRule,
    Metric,
    hookimpl,
    k_reciprocal_distance,
)

Floats = NDArray[np.float32]


class _KReciprocal(ABC):
    """What both rules share: the options, and re-ranking from distances and from features."""

    k1: int
    k2: int
    share: float

    def __post_init__(self) -> None:
        for name in ("k1", "k2"):
            if getattr(self, name) < 1:
                raise InputError(f"k-reciprocal re-ranking: {name} must be at least 1, got {getattr(self, name)}")
        if not 0 <= self.share <= 1:
            raise InputError(f"k-reciprocal re-ranking: share must be a fraction, got {self.share}")

    @abstractmethod
    def rule(self, metric: Metric) -> KReciprocalRule:
        """The rule for distances of this metric."""

    def rerank(
        self, query_query: Any, query_gallery: Any, gallery_gallery: Any, metric: Metric, *, threads: int = 0
    ) -> Floats:
        """As `vreid_bench.contracts.parts.Reranker.rerank`."""
        items = FromDistances(query_query, query_gallery, gallery_gallery, threads)
        return k_reciprocal_distance(items, self.rule(metric))

    def from_features(
        self, query: Any, gallery: Any, metric: Metric, *, memory: int = RERANK_MEMORY, threads: int = 0
    ) -> Floats:
        """As `vreid_bench.contracts.parts.Reranker.from_features`."""
        return k_reciprocal_distance(FromFeatures(query, gallery, metric, memory, threads), self.rule(metric))


@dataclass(frozen=True)
class Zhong(_KReciprocal):
    """k-reciprocal re-ranking as published: squared distances, each over the largest of its item.

    k1: reciprocal neighbours; k2: sets averaged; share: weight of the original distance (lambda). The distances
    are squared whatever their metric, as the published code does: the paper's own are euclidean.
    """

    k1: int = 20
    k2: int = 6
    share: float = 0.3

    def rule(self, metric: Metric) -> KReciprocalRule:
        """Any metric; Eq. 2 to 12 of the paper."""
        return KReciprocalRule(
            count=self.k1 + 1,  # the item itself comes first
            half=round(self.k1 / 2) + 1,
            averaged=self.k2,
            exponent=lambda distance, largest: (distance / _positive(largest)) ** 2,
            share=self.share,
            square=True,
            scale=lambda largest: np.divide(1, np.square(_positive(largest))),
        )


@dataclass(frozen=True)
class FastReidEvaluator(_KReciprocal):
    """The rule that fast-reid's evaluator scores with, under the same name but with other numbers.

    Unlike `zhong`, weights are a softmax over squared Euclidean distances (of unit vectors for the cosine) that are
    not divided by the largest, so they depend on the scale of the features; a neighbourhood has k1 items with
    the item itself among them; and what is blended in is the distance of the metric as it is.
    """

    k1: int = 20
    k2: int = 6
    share: float = 0.3

    def rule(self, metric: Metric) -> KReciprocalRule:
        """`fastreid/utils/compute_dist.py: compute_jaccard_distance` and `evaluation/reid_evaluation.py`."""
        return KReciprocalRule(
            count=self.k1,  # the search returns k1, the item itself among them
            half=min(self.k1, round(self.k1 / 2) + 1),
            averaged=min(self.k1, self.k2),
            exponent=lambda distance, _: SQUARED[metric](distance),
            share=self.share,
            square=False,
            scale=np.ones_like,
        )


SQUARED: Mapping[Metric, Callable[[Floats], Floats]] = {
    "euclidean": np.square,
    "sqeuclidean": np.positive,
    "cosine": lambda distance: 2 * distance,  # of unit vectors, |a - b|^2 = 2 (1 - cos)
}


def _positive(largest: Floats) -> Floats:
    """Never zero, so that distances of 0 stay 0 where all items coincide."""
    result: Floats = np.maximum(largest, np.finfo(np.float32).tiny ** 0.5)
    return result


@hookimpl
def vreid_rerankers() -> Mapping[str, Callable[..., Any]]:
    """`zhong` and `fast-reid-evaluator`."""
    return {"zhong": Zhong, "fast-reid-evaluator": FastReidEvaluator}
