"""Cluster diameter: how far apart the vectors of one person are (Li et al., WACV 2020, TACAN, section 4.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vreid_bench.contracts.people import DISTRACTOR

if TYPE_CHECKING:  # imports torch, which `mean_diameter` does not need
    from vreid_bench.contracts.parts import Clips, Matcher


def cluster_diameter(matcher: Matcher, tracklets: Clips, pids: NDArray[np.int64]) -> float | None:
    """`mean_diameter` of represented tracklets, if the matcher compares one vector of each; else None."""
    import torch

    from vreid_bench.contracts.parts import ComparesVectors

    if not isinstance(matcher, ComparesVectors):
        return None
    with torch.inference_mode():
        return mean_diameter(matcher.vectors(tracklets).float().cpu().numpy(), pids)


def mean_diameter(vectors: NDArray[Any], pids: NDArray[np.int64]) -> float | None:
    """Eq. 10, the largest Euclidean distance between two vectors of one person, mean over persons.

    vectors: [N, E]; pids: [N]. Each vector is first scaled to unit length: the paper does not say how it scales its
    features, its results (0.53 to 0.92) fit unit length, and unscaled distances would mostly compare scales. Junk,
    distractors and persons with a single vector do not count; None if no person is left.
    """
    from scipy.spatial.distance import pdist

    length = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    unit = vectors / np.maximum(length, np.finfo(np.float64).tiny)
    persons = (unit[pids == pid] for pid in np.unique(pids[pids > DISTRACTOR]))
    largest = [pdist(cluster).max() for cluster in persons if len(cluster) > 1]
    return float(np.mean(largest)) if largest else None
