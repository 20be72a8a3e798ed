"""What matchers with a learned quadratic distance share: the pairs they learn from, and how they are applied."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from vreid_bench import Clips, InputError, pairwise_distance

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Learned(NamedTuple):
    """A distance sum_k weight_k (w_k . (a - b))^2."""

    projection: Floats  # [E, r], w_k its columns
    weight: Floats  # [r]


class Mahalanobis(nn.Module, ABC):
    """A tracklet is the mean of its clips; until it is fitted, the distance is Euclidean.

    normalize: scale each tracklet to unit length first. Fitting is in float64, and so is the projection.
    """

    def __init__(self, normalize: bool) -> None:
        super().__init__()
        self.normalize = normalize
        # without columns: not fitted; fitting sets their number, which a stored state brings along
        self.register_buffer("projection", torch.empty(0, 0, dtype=torch.float64))
        self.register_buffer("sign", torch.empty(0, dtype=torch.float64))
        self.projection: Tensor  # [E, r], the size of each weight in it
        self.sign: Tensor  # [r] of each weight

    @property
    def metric(self) -> str:
        """How represented vectors compare. Raises AttributeError where that is no metric: some weight is negative."""
        if (self.sign < 0).any():
            raise AttributeError("a quadratic form with negative weights is no metric")
        return "sqeuclidean" if self.sign.numel() else "euclidean"

    def represent(self, clips: Clips) -> Clips:
        """Clips [N, C, E] -> one vector a tracklet: [N, 1, E], once fitted [N, 1, r]."""
        vectors = clips.mean()
        if self.normalize:
            vectors = F.normalize(vectors, dim=1)
        if self.sign.numel():
            vectors = (vectors.double() @ self.projection).to(vectors.dtype)
        return Clips.single(vectors)

    def vectors(self, represented: Clips) -> Tensor:
        """Represented tracklets -> [N, E], once fitted [N, r]."""
        return represented.mean()

    def distance(self, query: Clips, gallery: Clips) -> Tensor:
        """Represented tracklets -> [Q, G]; where a weight is negative, a distance may be."""
        q, g = query.mean(), gallery.mean()
        if not self.sign.numel():
            return pairwise_distance(q, g, "euclidean")
        sign = self.sign.to(q.dtype)
        square = (q.square() @ sign)[:, None] + g.square() @ sign  # [Q, G]
        return square - 2 * (q * sign) @ g.T

    def fit(self, represented: Clips, pids: Tensor, camids: Tensor) -> None:
        """Learn from represented training tracklets, once. Raises InputError for tracklets that teach nothing."""
        if self.sign.numel():
            raise ValueError(f"{type(self).__name__} is fitted already: what it represents is projected")
        vectors = represented.mean().double().cpu().numpy()  # [N, E]
        learned = self.learn(vectors, pids.cpu().numpy(), camids.cpu().numpy())
        projection = learned.projection * np.sqrt(np.abs(learned.weight))
        for name, value in (("projection", projection), ("sign", np.sign(learned.weight))):
            setattr(self, name, torch.from_numpy(np.ascontiguousarray(value)).to(pids.device))

    @abstractmethod
    def learn(self, vectors: Floats, pids: Ints, camids: Ints) -> Learned:
        """The distance that tracklets [N, E] teach."""


class Pairs(NamedTuple):
    """Mean of (a - b)(a - b)^T over pairs of tracklets."""

    same: Floats  # [E, E] over pairs of one person
    other: Floats  # [E, E] over pairs of two persons


def pair_covariances(vectors: Floats, pids: Ints, camids: Ints, pairs: str) -> Pairs:
    """The two covariances of differences, in closed form over all pairs: no pair is drawn, none is left out.

    vectors: [N, E]; pairs: "cross-camera", or "all" to add those within a camera. The sum over the pairs of a
    group of n vectors with the sum s is n sum_i x_i x_i^T - s s^T; pairs across cameras are all without those
    within each. For two cameras this is section 4.3 of Liao et al. (CVPR 2015). Raises InputError where there are
    no pairs of one kind.
    """
    everyone = np.zeros_like(pids)
    place = np.unique(np.stack([pids, camids]), axis=1, return_inverse=True)[1]  # person in camera
    same, other = _Sum.over(vectors, pids), _Sum.over(vectors, everyone)
    if pairs == "cross-camera":
        same, other = same.less(_Sum.over(vectors, place)), other.less(_Sum.over(vectors, camids))
    other = other.less(same)
    for number, who in ((same.number, "one person"), (other.number, "two persons")):
        if not number:
            where = " in two cameras" if pairs == "cross-camera" else ""
            hint = "; try pairs=all" if pairs == "cross-camera" else ""
            raise InputError(f"metric learning: no two training tracklets show {who}{where}{hint}")
    return Pairs(same.total / same.number, other.total / other.number)


class _Sum(NamedTuple):
    """A sum of (a - b)(a - b)^T over pairs, and the number of them."""

    total: Floats  # [E, E]
    number: int

    @classmethod
    def over(cls, vectors: Floats, group: Any) -> _Sum:
        """All pairs within each group [N]."""
        _, member = np.unique(group, return_inverse=True)
        size = np.bincount(member)
        sums = np.zeros((len(size), vectors.shape[1]))
        np.add.at(sums, member, vectors)
        total = (vectors * size[member, None]).T @ vectors - sums.T @ sums
        return cls(total, int((size * (size - 1) // 2).sum()))

    def less(self, other: _Sum) -> _Sum:
        return _Sum(self.total - other.total, self.number - other.number)


def span(vectors: Floats) -> tuple[Floats, Floats]:
    """Centred vectors [N, E] in an orthonormal basis of what they span: coordinates [N, e], basis [E, e].

    With fewer vectors than dimensions, e = N, and no distance between any two of them changes.
    """
    centred = vectors - vectors.mean(0)
    if len(vectors) >= vectors.shape[1]:
        return centred, np.eye(vectors.shape[1])
    basis = np.linalg.qr(centred.T)[0]  # [E, N]
    return centred @ basis, basis


def check_pairs(matcher: str, pairs: str) -> None:
    """Raise InputError unless `pairs` is a rule of `pair_covariances`."""
    if pairs not in ("cross-camera", "all"):
        raise InputError(f"matcher {matcher}: pairs must be cross-camera or all, got {pairs!r}")
