"""k-reciprocal re-ranking (Zhong et al., CVPR 2017), by the two rules that are in use under that name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vreid_bench import InputError, hookimpl
from vreid_bench.scoring.rerank.items import MEMORY, Computed, Given
from vreid_bench.scoring.rerank.k_reciprocal import Rule, k_reciprocal
from vreid_bench.scoring.rerank.neighbours import Metric

Floats = NDArray[np.float32]


class _Sparse(ABC):
    """What the rules share: options, and the two ways in."""

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
    def rule(self, metric: Metric) -> Rule:
        """What `k_reciprocal` needs to know."""

    def rerank(
        self, query_query: Any, query_gallery: Any, gallery_gallery: Any, metric: Metric, *, threads: int = 0
    ) -> Floats:
        """As `vreid_bench.contracts.parts.Reranker.rerank`."""
        return k_reciprocal(Given(query_query, query_gallery, gallery_gallery, threads), self.rule(metric))

    def from_features(
        self, query: Any, gallery: Any, metric: Metric, *, memory: int = MEMORY, threads: int = 0
    ) -> Floats:
        """As `vreid_bench.contracts.parts.Reranker.from_features`."""
        return k_reciprocal(Computed(query, gallery, metric, memory, threads), self.rule(metric))


@dataclass(frozen=True)
class Zhong(_Sparse):
    """k-reciprocal re-ranking as published: squared distances, each over the largest of its item.

    k1: reciprocal neighbours; k2: sets averaged; share: weight of the original distance (lambda). The distances
    are squared whatever their metric, as the published code does: the paper's own are euclidean.
    """

    k1: int = 20
    k2: int = 6
    share: float = 0.3

    def rule(self, metric: Metric) -> Rule:
        """Any metric; Eq. 2 to 12 of the paper."""
        return Rule(
            count=self.k1 + 1,  # the item itself comes first
            half=round(self.k1 / 2) + 1,
            averaged=self.k2,
            exponent=lambda distance, largest: (distance / _positive(largest)) ** 2,
            share=self.share,
            square=True,
            scale=lambda largest: np.divide(1, np.square(_positive(largest))),
        )


@dataclass(frozen=True)
class FastReidEvaluator(_Sparse):
    """The rule that fast-reid's evaluator scores with, under the same name but with other numbers.

    Unlike `zhong`, weights are a softmax over squared Euclidean distances (of unit vectors for the cosine) that are
    not divided by the largest, so they depend on the scale of the features; a neighbourhood has k1 items with
    the item itself among them; and what is blended in is the distance of the metric as it is.
    """

    k1: int = 20
    k2: int = 6
    share: float = 0.3

    def rule(self, metric: Metric) -> Rule:
        """`fastreid/utils/compute_dist.py: compute_jaccard_distance` and `evaluation/reid_evaluation.py`."""
        return Rule(
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
    """Never zero: where all items coincide, every distance is 0 and 0 it stays."""
    result: Floats = np.maximum(largest, np.finfo(np.float32).tiny ** 0.5)
    return result


@hookimpl
def vreid_rerankers() -> Mapping[str, Callable[..., Any]]:
    """`zhong` and `fast-reid-evaluator`."""
    return {"zhong": Zhong, "fast-reid-evaluator": FastReidEvaluator}
