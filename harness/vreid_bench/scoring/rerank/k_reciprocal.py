"""Re-ranking by weighted sets of k-reciprocal neighbours (Zhong et al., CVPR 2017), sparse throughout."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from vreid_bench.ops.metric import Metric
from vreid_bench.scoring.ranks.counting import Counts, count_from_distances
from vreid_bench.scoring.ranks.labels import Labels
from vreid_bench.scoring.ranks.scale import scale_rows
from vreid_bench.scoring.rerank.neighbours import Floats, Items, load_kernels
from vreid_bench.system.errors import InputError

if TYPE_CHECKING:
    from vreid_bench.contracts.parts import Reranker  # imports torch, which is not needed here


@dataclass(frozen=True)
class KReciprocalRule:
    """The choices in which the rules in use differ."""

    count: int  # how many nearest items are neighbours, the item itself among them
    half: int  # the same for the smaller sets that expand the first (Eq. 4)
    averaged: int  # over the sets of how many nearest items a set is averaged (Eq. 11); 1 leaves it as it is
    exponent: Callable[[Floats, Floats], Floats]  # distances [P], largest distance of their item [P] -> e: exp(-e)
    share: float  # of the original distance in the blend (Eq. 12)
    square: bool  # is the original distance squared first?
    scale: Callable[[Floats], Floats]  # largest distances [Q] -> what the original is multiplied by


def k_reciprocal_distance(items: Items, rule: KReciprocalRule) -> Floats:
    """Distances [Q, G] after re-ranking; smaller is closer. Raises InputError for distances too large to be squared."""
    queries, size = items.shape[0], sum(items.shape)
    survey = items.survey(min(size, max(rule.count, rule.averaged)))
    largest = float(survey.largest.max())
    if rule.square and largest >= np.finfo(np.float32).max ** 0.5:
        raise InputError(
            f"re-ranking: distances go up to {largest:.3g}, and float32 does not hold their squares; scale the "
            "features or the distances"
        )
    sets = _weight_sets(items, rule, survey.nearest, survey.largest)  # [N, N]
    if rule.averaged > 1:
        sets = _average(sets, survey.nearest[:, : rule.averaged])
    own, theirs = _arrays(sets[:queries]), _arrays(sets[queries:].tocsc())
    out = survey.query_gallery if items.fresh else np.empty(items.shape, np.float32)
    scale = rule.scale(survey.largest[:queries]).astype(np.float32)  # [Q]
    load_kernels().blend(*own, *theirs, survey.query_gallery, scale, rule.share, rule.square, out, items.threads)
    return out


def count_reranked_features(
    reranker: Reranker, vectors: tuple[Floats, Floats], labels: Labels, metric: Metric, memory: int, threads: int = 0
) -> Counts:
    """Count ranks by the distances that a re-ranker computes from vectors, query [Q, E] and gallery [G, E].

    It gets the gallery as it is ranked, junk included; a query that is also in the gallery is two items. threads: 0 for
    all cores.
    """
    distance = rerank_features(reranker, vectors, metric, memory, threads)  # [Q, G]
    return count_from_distances([(slice(0, len(distance)), distance)], labels, threads or None)


def rerank_features(
    reranker: Reranker, vectors: tuple[Floats, Floats], metric: Metric, memory: int, threads: int = 0
) -> Floats:
    """The distances [Q, G] that a re-ranker computes from vectors of any scale, query [Q, E] and gallery [G, E]."""
    query, gallery = map(scale_rows, vectors) if metric == "cosine" else vectors
    return reranker.from_features(query, gallery, metric, memory=memory, threads=threads)


def count_reranked_distances(
    reranker: Reranker, distances: tuple[Any, Any, Any], labels: Labels, metric: Metric, threads: int = 0
) -> Counts:
    """The same from given distances of the metric: query-query [Q, Q], query-gallery [Q, G], gallery-gallery [G, G]."""
    distance = reranker.rerank(*distances, metric, threads=threads)  # [Q, G]
    return count_from_distances([(slice(0, len(distance)), distance)], labels, threads or None)


def _weight_sets(items: Items, rule: KReciprocalRule, nearest: NDArray[np.int32], largest: Floats) -> sparse.csr_array:
    """The expanded sets of each item with weights that sum to 1 (Eq. 7): [N, N]."""
    size = len(nearest)
    start, member = load_kernels().reciprocal(nearest, min(rule.count, size), min(rule.half, size), items.threads)
    number = np.diff(start)  # [N]
    with np.errstate(over="ignore"):  # of an infinite exponent the weight is 0, as it has to be
        e = rule.exponent(items.between(start, member), np.repeat(largest, number))  # [P]
    filled = number > 0  # where more than k items coincide, an item may be missing among its own k nearest
    first, number = start[:-1][filled], number[filled]
    least = np.minimum.reduceat(e, first)  # subtracted, so that not all weights of a set can vanish
    weight = np.exp(np.repeat(least, number) - e)  # [P]
    total = np.add.reduceat(weight, first)
    return sparse.csr_array((weight / np.repeat(total, number), member, start), shape=(size, size))


def _average(sets: sparse.csr_array, nearest: NDArray[np.int32]) -> sparse.csr_array:
    """The mean of the sets of each item's nearest items, nearest [N, k] (Eq. 11): [N, N]."""
    size, k = nearest.shape
    ones = np.full(nearest.size, 1 / k, np.float32)
    chosen = sparse.csr_array((ones, nearest.ravel(), np.arange(0, nearest.size + 1, k)), shape=(size, size))
    return chosen @ sets


def _arrays(matrix: Any) -> tuple[NDArray[np.int64], NDArray[np.int32], Floats]:
    """A compressed matrix in the form that the kernels take: start, member, weight."""
    return matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32), matrix.data.astype(np.float32)
