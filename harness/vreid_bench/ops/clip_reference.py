"""The definition of each op of `clip_ops`, under the same name, in plain differentiable torch.

Clips `x [N, C, E]` of N tracklets, where `valid [N, C]` says which clips exist. The similarity of two tracklets
is a weighted mean of the products of their clips, sim(i, j) = sum_ab w_ijab <x_ia, x_jb> / Z over valid pairs of clips.
Halves are computed in float32, float64 in float64.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from vreid_bench.ops.clip_rule import MEAN, ClipRule
from vreid_bench.ops.distance import Hardest, batch_hard, pairwise_distance

LAYERS = 6  # tensors of the network of `learned`


class ClipSide(NamedTuple):
    """The tracklets of one side, ready to be compared; leading axes broadcast against those of the other side."""

    clips: Tensor  # [..., C, E] in the dtype of the result, zero at the padding
    valid: Tensor  # [..., C] 1 or 0 in that dtype

    def rows(self, rows: Tensor | tuple[slice | None, ...]) -> ClipSide:
        """Some of the tracklets, by indexing the leading axes."""
        return ClipSide(self.clips[rows], self.valid[rows])


def clip_distance(
    query: Tensor,
    gallery: Tensor,
    weights: Sequence[Tensor] = (),
    query_valid: Tensor | None = None,
    gallery_valid: Tensor | None = None,
    *,
    rule: ClipRule = MEAN,
) -> Tensor:
    """Distance [Q, G] of each query to each gallery tracklet; arguments as for `clip_ops.clip_distance`."""
    return _distance(prepare(query, query_valid, rule), prepare(gallery, gallery_valid, rule), weights, rule)


def clip_batch_hard(
    clips: Tensor, pids: Tensor, weights: Sequence[Tensor] = (), valid: Tensor | None = None, *, rule: ClipRule = MEAN
) -> Hardest:
    """Hardest positive and negative of each tracklet; arguments as for `clip_ops.clip_batch_hard`."""
    both = prepare(clips, valid, rule)
    return batch_hard(_distance(both, both, for_both(weights, rule), rule), pids)


def prepare(clips: Tensor, valid: Tensor | None, rule: ClipRule) -> ClipSide:
    """Clips [N, C, E] of any floating dtype and their mask, promoted, masked and scaled by the rule."""
    clips = clips.to(torch.promote_types(clips.dtype, torch.float32))
    if valid is None:
        valid = torch.ones(clips.shape[:2], dtype=torch.bool, device=clips.device)
    clips = torch.where(valid[..., None], clips, 0)  # padding may hold anything, a NaN too
    return ClipSide(F.normalize(clips, dim=-1) if rule.normalize else clips, valid.to(clips.dtype))


def for_both(weights: Sequence[Tensor], rule: ClipRule) -> Sequence[Tensor]:
    """The weights of both sides, where the same clips are queries and gallery: `factored` is given them once."""
    return [*weights, *weights] if rule.mode == "factored" else weights


def _distance(query: ClipSide, gallery: ClipSide, weights: Sequence[Tensor], rule: ClipRule) -> Tensor:
    """[Q, G] of Q and G tracklets."""
    if rule.mode == "factored":
        u, v = weights or (None, None)
        return pairwise_distance(weighted_mean(query, u, rule), weighted_mean(gallery, v, rule), rule.metric)
    left, right = query.rows((slice(None), None)), gallery.rows((None, slice(None)))  # [Q, 1, ...], [1, G, ...]
    return 1 - similarity(left, right, weights, rule)


def weighted_mean(tracklets: ClipSide, weight: Tensor | None, rule: ClipRule) -> Tensor:
    """One vector for each tracklet, [N, E]: the mean of its clips, weighted by weight [N, C].

    As sum_ab u_a v_b <x_a, y_b> = <sum_a u_a x_a, sum_b v_b y_b>, this needs no pairs of clips. The mean is divided
    by the sum of the weights or by the number of clips (Li et al. 2020, TACAN, Eq. 3: `divide="count"`).
    """
    weighted = tracklets.valid if weight is None else tracklets.valid * weight.to(tracklets.valid.dtype)  # [N, C]
    divisor = weighted if rule.divide == "weights" else tracklets.valid
    total = divisor.sum(1, keepdim=True)  # [N, 1]
    return (tracklets.clips * weighted[..., None]).sum(1) / torch.where(total == 0, 1, total)


def similarity(query: ClipSide, gallery: ClipSide, weights: Sequence[Tensor], rule: ClipRule) -> Tensor:
    """Similarity [...] of two sides' tracklets, for the modes that need all pairs of clips; 0 without a valid pair.

    weights: for `pairwise` one tensor [..., C, K], for `learned` the network of `pair_importance`.
    """
    if rule.mode == "learned":
        return sequential_similarity(query, gallery, lambda difference, _: pair_importance(difference, weights))
    product = torch.einsum("...ae,...be->...ab", query.clips, gallery.clips)  # [..., C, K]
    pair = query.valid[..., :, None] * gallery.valid[..., None, :]  # [..., C, K]
    number = pair.sum((-2, -1))  # [...]
    if rule.mode == "top":
        # Matiyali and Sharma 2020, Eq. 9; stable: of equal products those of the earlier clips count
        ranked = (
            product.masked_fill(pair == 0, -torch.inf).flatten(-2).sort(dim=-1, descending=True, stable=True).values
        )
        kept = count_top(number, rule)  # [...]
        chosen = torch.arange(ranked.shape[-1], device=ranked.device) < kept[..., None]  # [..., C K]
        return torch.where(chosen, ranked, 0).sum(-1) / kept.clamp_min(1).to(ranked.dtype)
    weight = pair * weights[0].to(pair.dtype)
    total = weight.sum((-2, -1)) if rule.divide == "weights" else number
    return (weight * product).sum((-2, -1)) / torch.where(total == 0, 1, total)


def count_top(number: Tensor, rule: ClipRule) -> Tensor:
    """How many of `number` [...] valid pairs of clips count in the mode `top`: [...] float64."""
    return (rule.top * number.double() - 1e-9).ceil()  # 0.28 * 25 is above 7 in binary


def sequential_similarity(query: ClipSide, gallery: ClipSide, score: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """Similarity [...] by learned importance (Matiyali and Sharma 2020, Eq. 1-4).

    score: differences [..., E] and where their importance is used [...] bool -> importances [...]. Pairs come in the
    order of the query's clips and, for each of these, of the gallery's; pairs that are not valid are skipped. The first
    pair has importance 1: the paper starts from r_1 = c_1 and does not give alpha_1.
    """
    if not query.clips.shape[-2] or not gallery.clips.shape[-2]:
        none = slice(0, 0)  # 0 with a gradient of 0, as the other modes have without clips
        return query.clips[..., none, :].sum((-2, -1)) + gallery.clips[..., none, :].sum((-2, -1))
    mean = torch.zeros_like(query.clips.sum(-2) * gallery.clips.sum(-2))  # [..., E], r_t
    total = torch.zeros_like(query.valid.sum(-1) * gallery.valid.sum(-1))  # [...], A_t
    for a in range(query.clips.shape[-2]):
        own = ClipSide(query.clips[..., a, :], query.valid[..., a])
        mean, total = add_query_clip(own, gallery, (mean, total), score)
    return mean.sum(-1)  # Eq. 4


def add_query_clip(
    query: ClipSide, gallery: ClipSide, state: tuple[Tensor, Tensor], score: Callable[[Tensor, Tensor], Tensor]
) -> tuple[Tensor, Tensor]:
    """Add the pairs of one query clip [..., E] with all gallery clips to a mean [..., E] and its total weight [...]."""
    mean, total = state
    for b in range(gallery.clips.shape[-2]):
        pair = query.clips * gallery.clips[..., b, :]  # [..., E], c_t
        there = query.valid * gallery.valid[..., b]  # [...]
        used = (there > 0) & (total > 0)
        alpha = torch.where(total > 0, score(mean - pair, used), 1) * there  # [...], Eq. 1
        share = alpha / torch.where(total + alpha > 0, total + alpha, 1)
        mean, total = mean + share[..., None] * (pair - mean), total + alpha  # Eq. 2
    return mean, total


def pair_importance(difference: Tensor, network: Sequence[Tensor]) -> Tensor:
    """The importance of pairs of clips, g of Eq. 1: differences [..., E] -> [...], positive.

    network: weight and bias of two hidden layers, [H, E], [H], [H', H], [H'], and of the output, [1, H'], [1], with
    batch normalisation merged into them.
    """
    w1, b1, w2, b2, w3, b3 = (layer.to(difference.dtype) for layer in network)
    hidden = F.relu(F.linear(F.relu(F.linear(difference, w1, b1)), w2, b2))
    return F.softplus(F.linear(hidden, w3, b3))[..., 0]
