"""Re-ranking by weighted sets of k-reciprocal neighbours (Zhong et al., CVPR 2017), sparse throughout."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from vreid_bench.scoring.ranks.counting import Counts, from_distances
from vreid_bench.scoring.ranks.labels import Labels
from vreid_bench.scoring.rerank.neighbours import Floats, Items, Metric, kernels

if TYPE_CHECKING:
    from vreid_bench.contracts.parts import Reranker  # torch, which is not needed here


@dataclass(frozen=True)
class Rule:
    """What the rules in use disagree on."""

    count: int  # how many nearest items are neighbours, the item itself among them
    half: int  # the same for the smaller sets that expand the first (Eq. 4)
    averaged: int  # over the sets of how many nearest items a set is averaged (Eq. 11); 1 leaves it as it is
    exponent: Callable[[Floats, Floats], Floats]  # distances [P], largest distance of their item [P] -> e: exp(-e)
    share: float  # of the original distance in the blend (Eq. 12)
    square: bool  # is the original distance squared first?
    scale: Callable[[Floats], Floats]  # largest distances [Q] -> what the original is multiplied by


def k_reciprocal(items: Items, rule: Rule) -> Floats:
    """Distances [Q, G] after re-ranking; smaller is closer."""
    queries, size = items.shape[0], sum(items.shape)
    survey = items.survey(min(size, max(rule.count, rule.averaged)))
    sets = _weighted(items, rule, survey.nearest, survey.largest)  # [N, N]
    if rule.averaged > 1:
        sets = _averaged(sets, survey.nearest[:, : rule.averaged])
    own, theirs = _arrays(sets[:queries]), _arrays(sets[queries:].tocsc())
    out = survey.query_gallery if items.fresh else np.empty(items.shape, np.float32)
    scale = rule.scale(survey.largest[:queries]).astype(np.float32)  # [Q]
    kernels().blend(*own, *theirs, survey.query_gallery, scale, rule.share, rule.square, out, items.threads)
    return out


def reranked(
    reranker: Reranker, vectors: tuple[Floats, Floats], labels: Labels, metric: Metric, memory: int, threads: int = 0
) -> Counts:
    """Count ranks by what a re-ranker makes of vectors query [Q, E] and gallery [G, E], on `threads` (0: all cores).

    It sees the gallery as it is ranked, junk included; a query that is in the gallery, too, is two items.
    """
    distance = reranker.from_features(*vectors, metric, memory=memory, threads=threads)  # [Q, G]
    return from_distances([(slice(0, len(distance)), distance)], labels, threads or None)


def reranked_distances(
    reranker: Reranker, distances: tuple[Any, Any, Any], labels: Labels, metric: Metric, threads: int = 0
) -> Counts:
    """The same for given distances of the metric: query-query [Q, Q], query-gallery [Q, G], gallery-gallery [G, G]."""
    distance = reranker.rerank(*distances, metric, threads=threads)  # [Q, G]
    return from_distances([(slice(0, len(distance)), distance)], labels, threads or None)


def _weighted(items: Items, rule: Rule, nearest: NDArray[np.int32], largest: Floats) -> sparse.csr_array:
    """The expanded sets of each item with weights that sum to 1 (Eq. 7): [N, N]."""
    size = len(nearest)
    start, member = kernels().reciprocal(nearest, min(rule.count, size), min(rule.half, size), items.threads)
    number = np.diff(start)  # [N]
    e = rule.exponent(items.between(start, member), np.repeat(largest, number))  # [P]
    filled = number > 0  # where over k items coincide, an item may not be among its own k nearest
    first, number = start[:-1][filled], number[filled]
    least = np.minimum.reduceat(e, first)  # taken off, so that not all weights of a set can vanish
    weight = np.exp(np.repeat(least, number) - e)  # [P]
    total = np.add.reduceat(weight, first)
    return sparse.csr_array((weight / np.repeat(total, number), member, start), shape=(size, size))


def _averaged(sets: sparse.csr_array, nearest: NDArray[np.int32]) -> sparse.csr_array:
    """The mean of the sets of each item's nearest items, nearest [N, k] (Eq. 11): [N, N]."""
    size, k = nearest.shape
    ones = np.full(nearest.size, 1 / k, np.float32)
    chosen = sparse.csr_array((ones, nearest.ravel(), np.arange(0, nearest.size + 1, k)), shape=(size, size))
    return chosen @ sets


def _arrays(matrix: Any) -> tuple[NDArray[np.int64], NDArray[np.int32], Floats]:
    """A compressed matrix as the kernels take it: start, member, weight."""
    return matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32), matrix.data.astype(np.float32)
