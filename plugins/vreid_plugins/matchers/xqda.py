"""Cross-view quadratic discriminant analysis (Liao, Hu, Zhu and Li, "Person Re-identification by Local Maximal
Occurrence Representation and Metric Learning", CVPR 2015, section 4)."""

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


class Xqda(Mahalanobis):
    """XQDA: the subspace where persons differ most compared with views of one person, and a quadratic distance in it.

    ridge: lambda, added to the diagonal of the intra-personal covariance; the paper's 0.001 is for unit vectors.
    least: eigenvalues above this are kept, and at least one.
    dims: keep this many eigenvalues instead; 0 means the rule of `least`.
    pairs: `cross-camera`, as in the paper, or `all`.
    normalize: scale each tracklet to unit length first.
    """

    def __init__(
        self,
        dim: int,
        ridge: float = 0.001,
        least: float = 1.0,
        dims: int = 0,
        pairs: str = "cross-camera",
        normalize: bool = True,
    ) -> None:
        super().__init__(normalize)
        check_pairs("xqda", pairs)
        if ridge <= 0 or dims < 0:
            raise InputError(f"matcher xqda: ridge must be above 0 and dims at least 0, got {ridge} and {dims}")
        self.ridge, self.least, self.dims, self.pairs = ridge, least, dims, pairs

    def learn(self, vectors: Floats, pids: Ints, camids: Ints) -> QuadraticForm:
        """d(x, z) = (x - z)^T W (S_I^-1 - S_E^-1) W^T (x - z), learned from vectors [N, E].

        The generalized eigenvectors of (S_E, S_I) have W^T S_I W = 1 and W^T S_E W = diag(eigenvalues). The kernel
        between them is therefore diag(1 - 1 / eigenvalue), which is positive for eigenvalues above 1.
        """
        coordinates, basis = span(vectors)
        same, other = pair_covariances(coordinates, pids, camids, self.pairs)
        values, directions = eigh(other, same + self.ridge * np.eye(len(same)))
        values, directions = values[::-1], directions[:, ::-1]  # largest first
        possible = int((values > 1e-12 * max(values[0], 1.0)).sum())
        if not possible:
            raise InputError("matcher xqda: the training tracklets of two persons do not differ; check the features")
        kept = min(self.dims or max(1, int((values > self.least).sum())), possible)
        return QuadraticForm(basis @ directions[:, :kept], 1 - 1 / values[:kept])


@hookimpl
def vreid_matchers() -> Mapping[str, Callable[..., Any]]:
    """`xqda`."""
    return {"xqda": Xqda}
