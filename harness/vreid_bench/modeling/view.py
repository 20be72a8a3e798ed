"""The ways in which a test can have its tracklets embedded."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vreid_bench.contracts.dataset import Tracklet

Distort = Callable[[Tracklet, NDArray[np.uint8]], NDArray[np.uint8]]  # clips [C, T, H, W, 3] -> the same shape


class View(NamedTuple):
    """One way in which the clips of tracklets are embedded and stored."""

    represented: bool = True  # stored as the matcher represents tracklets; False: as the aggregator returns clips
    distort: Distort | None = None  # applied to the frames of each clip before the encoder
    distortion: str = ""  # all that decides what `distort` does
