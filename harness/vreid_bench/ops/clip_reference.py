"""What the clip ops mean, in plain torch and differentiable: the twin of `clip_ops`, name by name, and its truth.

Clips `x [N, C, E]` of N tracklets, where `valid [N, C]` says which of them there are. The similarity of two tracklets
is a weighted mean of the products of their clips, sim(i, j) = sum_ab w_ijab <x_ia, x_jb> / Z over valid pairs of clips.
Halves are computed in float32, float64 in float64.
"""
# ruff: noqa: PLR0913  (an op takes flat arguments)

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from vreid_bench.ops.distance import Hardest, batch_hard, pairwise_distance

MODES = ("factored", "top", "pairwise", "learned")
LAYERS = 6  # tensors of the network of `learned`


@dataclass(frozen=True)
class Rule:
    """How the products of clips become one distance: the options of both ops."""

    mode: str = "factored"
    top: float = 0.2
    normalize: bool = True
    divide: str = "weights"
    metric: str = "dot"


class Side(NamedTuple):
    """Tracklets as they are compared, with any leading axes that broadcast against the other side's."""

    clips: Tensor  # [..., C, E] in the dtype of the result, zero where there is no clip
    valid: Tensor  # [..., C] 1 or 0 in that dtype

    def rows(self, rows: Tensor | tuple[slice | None, ...]) -> Side:
        """The same, indexed in the leading axes."""
        return Side(self.clips[rows], self.valid[rows])


def clip_distance(
    query: Tensor,
    gallery: Tensor,
    weights: Sequence[Tensor] = (),
    query_valid: Tensor | None = None,
    gallery_valid: Tensor | None = None,
    *,
    mode: str = "factored",
    top: float = 0.2,
    normalize: bool = True,
    divide: str = "weights",
    metric: str = "dot",
) -> Tensor:
    """Distance [Q, G] of each query to each gallery tracklet; arguments as for `clip_ops.clip_distance`."""
    rule = Rule(mode, top, normalize, divide, metric)
    return _distance(side(query, query_valid, rule), side(gallery, gallery_valid, rule), weights, rule)


def clip_batch_hard(
    clips: Tensor,
    pids: Tensor,
    weights: Sequence[Tensor] = (),
    valid: Tensor | None = None,
    *,
    mode: str = "factored",
    top: float = 0.2,
    normalize: bool = True,
    divide: str = "weights",
    metric: str = "dot",
) -> Hardest:
    """Hardest positive and negative of each tracklet; arguments as for `clip_ops.clip_batch_hard`."""
    rule = Rule(mode, top, normalize, divide, metric)
    both = side(clips, valid, rule)
    return batch_hard(_distance(both, both, for_both(weights, rule), rule), pids)


def side(clips: Tensor, valid: Tensor | None, rule: Rule) -> Side:
    """Clips [N, C, E] of any floating dtype and their mask, made ready."""
    clips = clips.to(torch.promote_types(clips.dtype, torch.float32))
    if valid is None:
        valid = torch.ones(clips.shape[:2], dtype=torch.bool, device=clips.device)
    clips = torch.where(valid[..., None], clips, 0)  # whatever lies in padding, a NaN too, does not count
    return Side(F.normalize(clips, dim=-1) if rule.normalize else clips, valid.to(clips.dtype))


def for_both(weights: Sequence[Tensor], rule: Rule) -> Sequence[Tensor]:
    """The weights of clips that are queries and gallery at once: `factored` has them once."""
    return [*weights, *weights] if rule.mode == "factored" else weights


def _distance(query: Side, gallery: Side, weights: Sequence[Tensor], rule: Rule) -> Tensor:
    """[Q, G] of Q and G tracklets."""
    if rule.mode == "factored":
        u, v = weights or (None, None)
        return pairwise_distance(folded(query, u, rule), folded(gallery, v, rule), rule.metric)
    left, right = query.rows((slice(None), None)), gallery.rows((None, slice(None)))  # [Q, 1, ...], [1, G, ...]
    return 1 - similarity(left, right, weights, rule)


def folded(tracklets: Side, weight: Tensor | None, rule: Rule) -> Tensor:
    """One vector a tracklet, [N, E]: the mean of its clips, weighted by weight [N, C].

    As sum_ab u_a v_b <x_a, y_b> = <sum_a u_a x_a, sum_b v_b y_b>, pairs of clips need not be formed. The mean divides
    by the sum of the weights or by the number of clips (Li et al. 2020, TACAN, Eq. 3: `divide="count"`).
    """
    weighted = tracklets.valid if weight is None else tracklets.valid * weight.to(tracklets.valid.dtype)  # [N, C]
    divisor = weighted if rule.divide == "weights" else tracklets.valid
    total = divisor.sum(1, keepdim=True)  # [N, 1]
    return (tracklets.clips * weighted[..., None]).sum(1) / torch.where(total == 0, 1, total)


def similarity(query: Side, gallery: Side, weights: Sequence[Tensor], rule: Rule) -> Tensor:
    """Similarity [...] of the tracklets whose leading axes meet, for the modes that do not fold; 0 without a pair.

    `pairwise` takes one weight [..., C, K], `learned` the network of `importance`.
    """
    if rule.mode == "learned":
        return sequential(query, gallery, lambda difference, _: importance(difference, weights))
    product = torch.einsum("...ae,...be->...ab", query.clips, gallery.clips)  # [..., C, K]
    pair = query.valid[..., :, None] * gallery.valid[..., None, :]  # [..., C, K]
    number = pair.sum((-2, -1))  # [...]
    if rule.mode == "top":
        # Matiyali and Sharma 2020, Eq. 9; stable: of equal products those of the earlier clips count
        ranked = (
            product.masked_fill(pair == 0, -torch.inf).flatten(-2).sort(dim=-1, descending=True, stable=True).values
        )
        kept = (rule.top * number.double() - 1e-9).ceil()  # [...]; 0.28 * 25 is above 7 in binary
        chosen = torch.arange(ranked.shape[-1], device=ranked.device) < kept[..., None]  # [..., C K]
        return torch.where(chosen, ranked, 0).sum(-1) / kept.clamp_min(1).to(ranked.dtype)
    weight = pair * weights[0].to(pair.dtype)
    total = weight.sum((-2, -1)) if rule.divide == "weights" else number
    return (weight * product).sum((-2, -1)) / torch.where(total == 0, 1, total)


def sequential(query: Side, gallery: Side, score: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """Similarity [...] by learned importance (Matiyali and Sharma 2020, Eq. 1-4).

    score: differences [..., E], where they count [...] bool -> importances [...]. Pairs come in the order of the
    query's clips and, for each of them, of the gallery's; pairs that are not valid are passed over. The first one has
    importance 1: the paper starts from r_1 = c_1, and leaves alpha_1 open.
    """
    mean = torch.zeros_like(query.clips.sum(-2) * gallery.clips.sum(-2))  # [..., E], r_t
    total = torch.zeros_like(query.valid.sum(-1) * gallery.valid.sum(-1))  # [...], A_t
    for a in range(query.clips.shape[-2]):
        own = Side(query.clips[..., a, :], query.valid[..., a])
        mean, total = one_clip(own, gallery, (mean, total), score)
    return mean.sum(-1)  # Eq. 4


def one_clip(
    query: Side, gallery: Side, state: tuple[Tensor, Tensor], score: Callable[[Tensor, Tensor], Tensor]
) -> tuple[Tensor, Tensor]:
    """Take the pairs of one query clip [..., E] with all gallery clips into a mean [..., E] and its weight [...]."""
    mean, total = state
    for b in range(gallery.clips.shape[-2]):
        pair = query.clips * gallery.clips[..., b, :]  # [..., E], c_t
        there = query.valid * gallery.valid[..., b]  # [...]
        asked = (there > 0) & (total > 0)
        alpha = torch.where(total > 0, score(mean - pair, asked), 1) * there  # [...], Eq. 1
        share = alpha / torch.where(total + alpha > 0, total + alpha, 1)
        mean, total = mean + share[..., None] * (pair - mean), total + alpha  # Eq. 2
    return mean, total


def importance(difference: Tensor, network: Sequence[Tensor]) -> Tensor:
    """g of Eq. 1: differences [..., E] -> [...], positive.

    network: weight and bias of two hidden layers, [H, E], [H], [H', H], [H'], and of the output, [1, H'], [1], with
    batch normalisation folded into them.
    """
    w1, b1, w2, b2, w3, b3 = (layer.to(difference.dtype) for layer in network)
    hidden = F.relu(F.linear(F.relu(F.linear(difference, w1, b1)), w2, b2))
    return F.softplus(F.linear(hidden, w3, b3))[..., 0]
