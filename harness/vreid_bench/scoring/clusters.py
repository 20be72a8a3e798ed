"""How closely a model gathers what it sees of one person (Li et al., WACV 2020, TACAN, section 4.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vreid_bench.contracts.dataset import DISTRACTOR

if TYPE_CHECKING:  # torch, which scores of vectors are computed without
    from vreid_bench.contracts.parts import Clips, Matcher


def cluster_diameter(matcher: Matcher, tracklets: Clips, pids: NDArray[np.int64]) -> float | None:
    """`mean_diameter` of represented tracklets, where the matcher compares one vector each; else None."""
    import torch

    from vreid_bench.contracts.parts import ComparesVectors

    if not isinstance(matcher, ComparesVectors):
        return None
    with torch.inference_mode():
        return mean_diameter(matcher.vectors(tracklets).float().cpu().numpy(), pids)


def mean_diameter(vectors: NDArray[Any], pids: NDArray[np.int64]) -> float | None:
    """Eq. 10, the largest Euclidean distance between two vectors of one person, mean over persons.

    vectors: [N, E]; pids: [N]. Each vector is scaled to unit length first: the paper does not say how its features are
    scaled, what it prints (0.53 to 0.92) would fit that, and raw distances would compare no more than scales. Persons
    with one vector alone count no more than junk and distractors do; None if there is nobody else.
    """
    from scipy.spatial.distance import pdist

    length = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    unit = vectors / np.maximum(length, np.finfo(np.float64).tiny)
    persons = (unit[pids == pid] for pid in np.unique(pids[pids > DISTRACTOR]))
    largest = [pdist(cluster).max() for cluster in persons if len(cluster) > 1]
    return float(np.mean(largest)) if largest else None
