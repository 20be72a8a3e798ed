"""One ranking of a test whose order is asked for, query by query."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vreid_bench.scoring.ranks.labels import Labels


@dataclass(frozen=True)
class RankedTest:
    """The labels of a test, and its distances as far as they are asked for."""

    labels: Labels
    measure: Callable[[Sequence[int]], NDArray[np.float64]]  # numbers of R queries -> distances [R, G]
    similarity: bool  # is 1 - distance a cosine?
