"""Chooses what computes a clip op: native kernels if the device and the dtype have them, else plain torch.

Plain torch runs `clip_reference` on some rows at a time, so that only one tile of the products of clips is in memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from vreid_bench.ops import clip_native as native
from vreid_bench.ops.clip_native import Masked
from vreid_bench.ops.clip_reference import ClipSide, for_both, prepare, similarity, weighted_mean
from vreid_bench.ops.clip_rule import ClipRule
from vreid_bench.ops.distance import Hardest, paired_distance, pairwise_distance
from vreid_bench.ops.distance import batch_hard as mine_hardest

TILE = 1 << 24  # numbers of a tile in plain torch


def distance(query: Masked, gallery: Masked, weights: Sequence[Tensor], rule: ClipRule) -> Tensor:
    """Forward of `clip_distance`; the arguments fit each other."""
    if native.reduces_pairs(query[0], gallery[0], rule):
        return native.similarity(query, gallery, weights, rule).neg_().add_(1)
    u, v = weights if rule.mode == "factored" and weights else (None, None)
    if native.averages(query[0], rule):
        one, other = native.weighted_mean(query, u, rule), native.weighted_mean(gallery, v, rule)
        return pairwise_distance(one, other, rule.metric)
    left, right = prepare(*query, rule), prepare(*gallery, rule)
    if rule.mode == "factored":
        return pairwise_distance(weighted_mean(left, u, rule), weighted_mean(right, v, rule), rule.metric)
    tiles = [_tile(left, right, rows, weights, rule) for rows in _rows(left, right, rule)]
    return torch.cat([left.clips.new_zeros(0, len(gallery[0])), *tiles])


def distance_backward(
    grad: Tensor, query: Masked, gallery: Masked, weights: Sequence[Tensor], rule: ClipRule
) -> list[Tensor]:
    """Gradients of query, gallery and each of the weights for grad [Q, G]; needs as much memory as the forward."""
    inputs = [x.detach().requires_grad_() for x in (query[0], gallery[0], *weights)]
    totals = [torch.zeros_like(x) for x in inputs]
    with torch.enable_grad():
        if rule.mode == "factored":
            left, right = prepare(inputs[0], query[1], rule), prepare(inputs[1], gallery[1], rule)
            u, v = inputs[2:] or (None, None)
            value = pairwise_distance(weighted_mean(left, u, rule), weighted_mean(right, v, rule), rule.metric)
            return list(torch.autograd.grad(value, inputs, grad))
        for rows in _rows(ClipSide(query[0], query[0]), ClipSide(gallery[0], gallery[0]), rule):
            left, right = prepare(inputs[0], query[1], rule), prepare(inputs[1], gallery[1], rule)
            value = _tile(left, right, rows, inputs[2:], rule)
            parts = torch.autograd.grad(value, inputs, grad[rows], materialize_grads=True)
            totals = [total + part for total, part in zip(totals, parts, strict=True)]
    return totals


def batch_hard(both: Masked, pids: Tensor, weights: Sequence[Tensor], rule: ClipRule) -> Hardest:
    """Forward of `clip_batch_hard`; weights as for `distance`."""
    if native.reduces_pairs(both[0], both[0], rule):
        return native.hardest(both, pids, weights, rule)
    every = prepare(*both, rule)
    if rule.mode == "factored":
        u, v = weights or (None, None)
        one, other = weighted_mean(every, u, rule), weighted_mean(every, v, rule)
        return mine_hardest(pairwise_distance(one, other, rule.metric), pids)
    tiles = [
        mine_hardest(_tile(every, every, rows, weights, rule), pids, first=rows.start)
        for rows in _rows(every, every, rule)
    ]
    value = every.clips.new_zeros(0)
    empty = Hardest(value, value, pids[:0], pids[:0])
    return Hardest(*(torch.cat(parts) for parts in zip(empty, *tiles, strict=True)))


def batch_hard_backward(
    chosen: Sequence[tuple[Tensor, Tensor]], both: Masked, weights: Sequence[Tensor], rule: ClipRule
) -> list[Tensor]:
    """Gradients of the clips and each of the weights, through the chosen pairs only.

    chosen: the gradient [N] of a distance and the index [N] of the other tracklet, -1 for none; once for positives,
    once for negatives.
    """
    clips, valid = both
    if native.differentiates(clips, rule):
        return native.hardest_backward(chosen, both, weights, rule)
    anchor = torch.arange(clips.shape[0], device=clips.device).repeat(2)  # [2 N]
    index = torch.cat([index for _, index in chosen])  # [2 N]
    grad = torch.where(index < 0, 0, torch.cat([grad for grad, _ in chosen]))  # [2 N]
    other = index.clamp_min(0)
    inputs = [x.detach().requires_grad_() for x in (clips, *weights)]
    with torch.enable_grad():
        every = prepare(inputs[0], valid, rule)
        value = _measure_pairs(every, anchor, other, for_both(inputs[1:], rule), rule)
        return list(torch.autograd.grad(value, inputs, grad, materialize_grads=True))


def _measure_pairs(every: ClipSide, anchor: Tensor, other: Tensor, weights: Sequence[Tensor], rule: ClipRule) -> Tensor:
    """Distance [P] of the tracklets anchor [P] to the tracklets other [P]."""
    if rule.mode == "factored":
        u, v = weights or (None, None)
        return paired_distance(weighted_mean(every, u, rule)[anchor], weighted_mean(every, v, rule)[other], rule.metric)
    each = [weights[0][anchor, other]] if rule.mode == "pairwise" else weights
    return 1 - similarity(every.rows(anchor), every.rows(other), each, rule)


def _tile(left: ClipSide, right: ClipSide, rows: slice, weights: Sequence[Tensor], rule: ClipRule) -> Tensor:
    """Distance [R, G] of some of the left tracklets to all of the right ones."""
    some = [weights[0][rows]] if rule.mode == "pairwise" else weights
    part = left.rows((rows,))
    return 1 - similarity(part.rows((slice(None), None)), right.rows((None, slice(None))), some, rule)


def _rows(left: ClipSide, right: ClipSide, rule: ClipRule) -> Iterator[slice]:
    """As many of the left tracklets at a time as fill a tile."""
    (Q, C, E), (G, K, _) = left.clips.shape, right.clips.shape
    step = max(1, TILE // max(1, G * (E if rule.mode == "learned" else C * K)))
    return (slice(begin, min(begin + step, Q)) for begin in range(0, Q, step))
