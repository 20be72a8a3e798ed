"""The names of the distances of vectors. Importing this loads no torch."""

from __future__ import annotations

from typing import Literal

Metric = Literal["cosine", "euclidean", "sqeuclidean"]  # of features
METRICS = ("dot", "cosine", "euclidean", "sqeuclidean")  # of clips, too
