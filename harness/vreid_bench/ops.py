"""Distances and batch-hard mining over tracklet vectors, in plain torch: the definition of each."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

Metric = Literal["euclidean", "sqeuclidean", "cosine"]


def pairwise_distance(query: Tensor, gallery: Tensor, metric: Metric) -> Tensor:
    """Distance of each query vector to each gallery vector.

    query: [Q, E]; gallery: [G, E]; returns [Q, G], smaller is closer. `cosine` is 1 - cosine similarity.
    """
    if metric == "cosine":
        return 1 - F.normalize(query, dim=1) @ F.normalize(gallery, dim=1).T  # [Q, G]
    square = query.square().sum(1)[:, None] + gallery.square().sum(1) - 2 * query @ gallery.T  # [Q, G]
    square = square.clamp_min(0)  # rounding can push the distance of equal vectors below zero
    if metric == "sqeuclidean":
        return square
    if metric == "euclidean":
        return square.clamp_min(1e-12).sqrt()  # the root's gradient is infinite at zero
    raise ValueError(f"metric must be euclidean, sqeuclidean or cosine, got {metric!r}")


class Hardest(NamedTuple):
    """Per anchor: distance of its farthest positive and nearest negative, and whether both exist."""

    positive: Tensor  # [N]
    negative: Tensor  # [N]
    ok: Tensor  # [N] bool; where False the two distances are 0 and carry no gradient


def batch_hard(distance: Tensor, pids: Tensor) -> Hardest:
    """Hardest positive and negative of each anchor (Hermans et al. 2017, Eq. 5).

    distance: [N, N]; pids: [N]. The anchor itself is not its own positive. An anchor that lacks a positive
    or a negative is `ok = False`, never an infinity that a later square would turn around.
    """
    same = pids[:, None] == pids  # [N, N]
    positives = same & ~torch.eye(len(pids), dtype=torch.bool, device=pids.device)
    ok = positives.any(1) & ~same.all(1)  # [N]
    infinity = torch.finfo(distance.dtype).max
    positive = distance.masked_fill(~positives, -infinity).amax(1)  # [N]
    negative = distance.masked_fill(same, infinity).amin(1)  # [N]
    zero = distance.new_zeros(())
    return Hardest(torch.where(ok, positive, zero), torch.where(ok, negative, zero), ok)
