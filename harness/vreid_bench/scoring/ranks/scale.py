"""Vectors of any scale, so that their cosine does not depend on it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

EXPONENT = 30  # largest numbers from 2^-30 to 2^30 can be squared and added up in float32, their smaller ones too


def scale_rows(vectors: NDArray[Any]) -> NDArray[Any]:
    """The vectors [N, E] with very large and very small rows multiplied by a power of two.

    That changes no bit of a direction, while products of such rows would leave the range of float32: their cosine would
    be 0, or infinite. Other rows stay as they are, as do rows of zeros, and rows that are not finite.
    """
    largest = np.maximum(vectors.max(1), -vectors.min(1))  # [N]
    exponent = np.frexp(largest)[1]
    far = (np.abs(exponent) > EXPONENT) & (largest > 0) & np.isfinite(largest)
    if not far.any():
        return vectors
    scaled = vectors.copy()
    scaled[far] = np.ldexp(vectors[far], -exponent[far, None])
    return scaled
