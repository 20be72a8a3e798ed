"""KISSME (Koestinger, Hirzer, Wohlhart, Roth and Bischof, "Large Scale Metric Learning from Equivalence
Constraints", CVPR 2012, section 3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy.linalg import eigh

from vreid_bench import InputError, hookimpl
from vreid_plugins.matchers.mahalanobis import (
    Floats,
    Ints,
    Mahalanobis,
    QuadraticForm,
    check_pairs,
    pair_covariances,
    span,
)


class Kissme(Mahalanobis):
    """KISSME: the ratio of the likelihoods of a difference between tracklets of one person and of two.

    pca: how many principal components are used, or fewer if the pairs determine fewer.
    floor: eigenvalues of the metric below this are raised to it, so that it is a metric.
    pairs: `cross-camera` or `all`. All pairs of two persons are used; none are sampled.
    normalize: scale each tracklet to unit length first.
    """

    def __init__(
        self, dim: int, pca: int = 200, floor: float = 1e-6, pairs: str = "cross-camera", normalize: bool = True
    ) -> None:
        super().__init__(normalize)
        check_pairs("kissme", pairs)
        if pca < 1 or floor < 0:
            raise InputError(f"matcher kissme: pca must be at least 1 and floor at least 0, got {pca} and {floor}")
        self.pca, self.floor, self.pairs = pca, floor, pairs

    def learn(self, vectors: Floats, pids: Ints, camids: Ints) -> QuadraticForm:
        """M = S_same^-1 - S_other^-1 with its eigenvalues raised to `floor`, from vectors [N, E]."""
        coordinates, basis = span(vectors)
        size = coordinates.shape[1]
        kept = min(self.pca, size, max(1, self._rank(pids, camids)))
        axes = eigh(coordinates.T @ coordinates, subset_by_index=(size - kept, size - 1))[1]  # [e, p]
        same, other = pair_covariances(coordinates @ axes, pids, camids, self.pairs)
        spread = np.linalg.eigvalsh(same)
        if spread[0] <= 1e-12 * max(spread[-1], np.finfo(float).tiny):
            raise InputError(f"matcher kissme: tracklets of one person vary in fewer than {kept} ways; set pca lower")
        values, directions = np.linalg.eigh(np.linalg.inv(same) - np.linalg.inv(other))
        return QuadraticForm(basis @ axes @ directions, np.maximum(values, self.floor))

    def _rank(self, pids: Ints, camids: Ints) -> int:
        """The greatest number of directions in which pairs of one person can differ."""
        people = [camids[pids == pid] for pid in np.unique(pids)]
        return sum(len(c) - 1 for c in people if self.pairs == "all" or len(np.unique(c)) > 1)


@hookimpl
def vreid_matchers() -> Mapping[str, Callable[..., Any]]:
    """`kissme`."""
    return {"kissme": Kissme}
