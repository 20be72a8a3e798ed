"""Distances of tracklet vectors and batch-hard mining, in plain torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from vreid_bench.ops.metric import METRICS

ROOTED = ("euclidean", "sqeuclidean")  # the metrics that depend on |a - b|


def pairwise_distance(query: Tensor, gallery: Tensor, metric: str) -> Tensor:
    """Distance of each query vector to each gallery vector.

    query: [Q, E]; gallery: [G, E]; returns [Q, G], smaller is closer. `dot` is 1 - <q, g>, `cosine` the same for
    vectors scaled to unit length.
    """
    query, gallery = _scale(query, metric), _scale(gallery, metric)
    squares = (query.square().sum(1)[:, None], gallery.square().sum(1)) if metric in ROOTED else ()
    return _by_metric(query @ gallery.T, squares, metric)


def paired_distance(one: Tensor, other: Tensor, metric: str) -> Tensor:
    """The same for pairs of vectors: [P, E] and [P, E] -> [P]."""
    one, other = _scale(one, metric), _scale(other, metric)
    squares = (one.square().sum(1), other.square().sum(1)) if metric in ROOTED else ()
    return _by_metric((one * other).sum(1), squares, metric)


def _scale(x: Tensor, metric: str) -> Tensor:
    if metric not in METRICS:
        raise ValueError(f"metric must be one of {', '.join(METRICS)}, got {metric!r}")
    return F.normalize(x, dim=1) if metric == "cosine" else x


def _by_metric(product: Tensor, squares: Sequence[Tensor], metric: str) -> Tensor:
    if not squares:
        return 1 - product
    square = squares[0] + squares[1] - 2 * product
    square = square.clamp_min(0)  # rounding can push the distance of equal vectors below zero
    return square if metric == "sqeuclidean" else square.clamp_min(1e-12).sqrt()  # the root's gradient at 0 is infinite


class Hardest(NamedTuple):
    """The farthest positive and the nearest negative of each of N anchors."""

    positive: Tensor  # [N] distance of the farthest other tracklet of the same label; 0 where there is none
    negative: Tensor  # [N] distance of the nearest tracklet of another label; 0 where there is none
    positive_index: Tensor  # [N] int64, its index, the lowest of several; -1 where there is none
    negative_index: Tensor  # [N]

    @property
    def ok(self) -> Tensor:
        """Which anchors have both: [N] bool."""
        return (self.positive_index >= 0) & (self.negative_index >= 0)


def batch_hard(distance: Tensor, pids: Tensor, first: int = 0) -> Hardest:
    """Hardest positive and negative (Hermans et al. 2017, Eq. 5) of R anchors by their distances to all N tracklets.

    distance: [R, N]; pids: [N]; the anchors are the tracklets from `first` on. An anchor is not its own positive. Where
    there is none, the distance is 0 without a gradient, not an infinity whose sign a later square would lose.
    """
    place = torch.arange(len(pids), device=pids.device)
    anchor = place[first : first + len(distance)]  # [R]
    same = pids[anchor, None] == pids  # [R, N]
    itself = anchor[:, None] == place  # [R, N]
    positive, positive_index = _extreme(distance, same & ~itself, farthest=True)
    negative, negative_index = _extreme(distance, ~same, farthest=False)
    return Hardest(positive, negative, positive_index, negative_index)


def _extreme(distance: Tensor, among: Tensor, *, farthest: bool) -> tuple[Tensor, Tensor]:
    """The largest or smallest number of each row where `among` [R, N], and its place; 0 and -1 where there is none."""
    if not distance.shape[1]:
        return distance.new_zeros(0), torch.zeros(0, dtype=torch.long, device=distance.device)
    masked = distance.masked_fill(~among, -torch.inf if farthest else torch.inf)
    index = masked.argmax(1) if farthest else masked.argmin(1)  # the first of several
    found = among.any(1)
    value = distance.gather(1, index[:, None])[:, 0]
    return torch.where(found, value, 0), torch.where(found, index, -1)
