"""Shared by the matchers with a learned quadratic distance: the pairs they learn from, and how they compare."""

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


class QuadraticForm(NamedTuple):
    """The distance sum_k weight_k (w_k . (a - b))^2 between vectors a and b."""

    projection: Floats  # [E, r]; its columns are w_k
    weight: Floats  # [r]


class Mahalanobis(nn.Module, ABC):
    """A tracklet is the mean of its clips, and the distance is a learned quadratic form; Euclidean before the fit.

    normalize: scale each tracklet to unit length first.
    Fitting and projection compute in float64.
    """

    def __init__(self, normalize: bool) -> None:
        super().__init__()
        self.normalize = normalize
        # No columns: not fitted. Fitting decides their number; a stored state has it.
        self.register_buffer("projection", torch.empty(0, 0, dtype=torch.float64))
        self.register_buffer("sign", torch.empty(0, dtype=torch.float64))
        self.projection: Tensor  # [E, r], scaled by the root of each weight's size
        self.sign: Tensor  # [r], the sign of each weight
        self.metric: str  # of represented vectors; missing if a weight is negative: then there is none
        self.name_metric()
        self.register_load_state_dict_post_hook(_name_metric_of)  # type: ignore[no-untyped-call]  # untyped in torch

    def name_metric(self) -> None:
        """Set or remove `metric`: since Python 3.12, a property is there for a protocol, also one that raises."""
        if (self.sign < 0).any():
            self.__dict__.pop("metric", None)
        else:
            self.metric = "sqeuclidean" if self.sign.numel() else "euclidean"

    def represent(self, clips: Clips) -> Clips:
        """Clips [N, C, E] -> one vector per tracklet: [N, 1, E], after the fit [N, 1, r]."""
        vectors = clips.mean()
        if self.normalize:
            vectors = F.normalize(vectors, dim=1)
        if self.sign.numel():
            vectors = (vectors.double() @ self.projection).to(vectors.dtype)
        return Clips.single(vectors)

    def vectors(self, represented: Clips) -> Tensor:
        """Represented tracklets -> [N, E], after the fit [N, r]."""
        return represented.mean()

    def distance(self, query: Clips, gallery: Clips) -> Tensor:
        """Represented tracklets -> [Q, G]; a distance can be negative if a weight is."""
        q, g = query.mean(), gallery.mean()
        if not self.sign.numel():
            return pairwise_distance(q, g, "euclidean")
        sign = self.sign.to(q.dtype)
        square = (q.square() @ sign)[:, None] + g.square() @ sign  # [Q, G]
        return square - 2 * (q * sign) @ g.T

    def fit(self, represented: Clips, pids: Tensor, camids: Tensor) -> None:
        """Learn from represented training tracklets, pids [N] and camids [N].

        Raises ValueError if it is fitted already, and InputError if the tracklets do not have the pairs to learn from.
        """
        if self.sign.numel():
            raise ValueError(f"{type(self).__name__} is fitted already: what it represents is projected")
        vectors = represented.mean().double().cpu().numpy()  # [N, E]
        name = type(self).__name__.lower()
        bad = np.flatnonzero(~np.isfinite(vectors).all(1))
        if bad.size:
            raise InputError(
                f"matcher {name}: the vector of training tracklet {bad[0]} is not finite ({bad.size} of {len(vectors)} "
                "are not); check the encoder that made it"
            )
        try:
            learned = self.learn(vectors, pids.cpu().numpy(), camids.cpu().numpy())
        except np.linalg.LinAlgError as fault:
            raise InputError(
                f"matcher {name}: the covariances of the training tracklets cannot be inverted ({fault}); let the "
                "vectors be normalized, or regularize more"
            ) from fault
        projection = learned.projection * np.sqrt(np.abs(learned.weight))
        for name, value in (("projection", projection), ("sign", np.sign(learned.weight))):
            setattr(self, name, torch.from_numpy(np.ascontiguousarray(value)).to(pids.device))
        self.name_metric()

    @abstractmethod
    def learn(self, vectors: Floats, pids: Ints, camids: Ints) -> QuadraticForm:
        """The distance learned from tracklets [N, E], pids [N] and camids [N]."""


def _name_metric_of(matcher: nn.Module, _: object) -> None:
    if isinstance(matcher, Mahalanobis):
        matcher.name_metric()


class Pairs(NamedTuple):
    """The mean of (a - b)(a - b)^T over pairs of tracklets."""

    same: Floats  # [E, E] over pairs of one person
    other: Floats  # [E, E] over pairs of two persons


def pair_covariances(vectors: Floats, pids: Ints, camids: Ints, pairs: str) -> Pairs:
    """The covariances of differences over all pairs of one person and all pairs of two persons, in closed form.

    vectors: [N, E]. pairs: "cross-camera", or "all" to include those within a camera.

    The sum over the pairs of a group of n vectors with the sum s is n sum_i x_i x_i^T - s s^T. Pairs across cameras
    are all pairs minus those within each camera. For two cameras this is section 4.3 of Liao et al. (CVPR 2015).
    Raises InputError if one kind has no pairs.
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
    """A sum of (a - b)(a - b)^T over pairs, and the number of these pairs."""

    total: Floats  # [E, E]
    number: int

    @classmethod
    def over(cls, vectors: Floats, group: Any) -> _Sum:
        """Over all pairs within each group; `group` [N] labels the vectors."""
        _, member = np.unique(group, return_inverse=True)
        size = np.bincount(member)
        sums = np.zeros((len(size), vectors.shape[1]))
        np.add.at(sums, member, vectors)
        total = (vectors * size[member, None]).T @ vectors - sums.T @ sums
        return cls(total, int((size * (size - 1) // 2).sum()))

    def less(self, other: _Sum) -> _Sum:
        return _Sum(self.total - other.total, self.number - other.number)


def span(vectors: Floats) -> tuple[Floats, Floats]:
    """Centred vectors [N, E] in an orthonormal basis of their span: coordinates [N, e] and basis [E, e].

    With fewer vectors than dimensions, e = N; the distances between the vectors stay the same.
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
