"""Who computes the clip ops: native kernels where there are any for the device and the dtype, else plain torch.

Plain torch means the twin, some rows at a time, so that no more than a tile of the products of clips is ever there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from vreid_bench import native
from vreid_bench.clip_ops_reference import (
    Hardest,
    Rule,
    Side,
    apart,
    between,
    folded,
    for_both,
    hardest,
    side,
    similarity,
)

Masked = tuple[Tensor, Tensor | None]  # clips [N, C, E] and which of them are valid, [N, C] bool or None

TILE = 1 << 24  # numbers of a tile in plain torch


def backend(device: str = "cpu") -> str:
    """Which implementation runs: `torch`, or `native-` and the instruction set."""
    module = _module(device)
    return f"native-{module.PATH}" if module else "torch"


def distance(query: Masked, gallery: Masked, weights: Sequence[Tensor], rule: Rule) -> Tensor:
    """Forward of `clip_distance`; the arguments fit each other."""
    if _is_native(query[0], rule):
        if rule.mode == "factored":
            u, v = weights or (None, None)
            return between(_fold(query, u, rule), _fold(gallery, v, rule), rule.metric)
        masks = _mask(query), _mask(gallery)
        found: Tensor = torch.ops.vreid.clip_similarity(
            *_operands(query, gallery), *masks, _weight(weights), *_numbers(rule)
        )
        return found.neg_().add_(1)
    left, right = side(*query, rule), side(*gallery, rule)
    if rule.mode == "factored":
        u, v = weights or (None, None)
        return between(folded(left, u, rule), folded(right, v, rule), rule.metric)
    tiles = [_tile(left, right, rows, weights, rule) for rows in _rows(left, right, rule)]
    return torch.cat([left.clips.new_zeros(0, len(gallery[0])), *tiles])


def distance_backward(
    grad: Tensor, query: Masked, gallery: Masked, weights: Sequence[Tensor], rule: Rule
) -> list[Tensor]:
    """Gradients of query, gallery and each of the weights for grad [Q, G]; memory as of the forward."""
    inputs = [x.detach().requires_grad_() for x in (query[0], gallery[0], *weights)]
    totals = [torch.zeros_like(x) for x in inputs]
    with torch.enable_grad():
        if rule.mode == "factored":
            left, right = side(inputs[0], query[1], rule), side(inputs[1], gallery[1], rule)
            u, v = inputs[2:] or (None, None)
            value = between(folded(left, u, rule), folded(right, v, rule), rule.metric)
            return list(torch.autograd.grad(value, inputs, grad))
        for rows in _rows(Side(query[0], query[0]), Side(gallery[0], gallery[0]), rule):
            left, right = side(inputs[0], query[1], rule), side(inputs[1], gallery[1], rule)
            value = _tile(left, right, rows, inputs[2:], rule)
            parts = torch.autograd.grad(value, inputs, grad[rows])
            totals = [total + part for total, part in zip(totals, parts, strict=True)]
    return totals


def batch_hard(both: Masked, pids: Tensor, weights: Sequence[Tensor], rule: Rule) -> Hardest:
    """Forward of `clip_batch_hard`; weights as of a distance."""
    if _is_native(both[0], rule) and rule.mode != "factored":
        args = _flat(both), pids.contiguous(), _mask(both), _weight(weights)
        return Hardest(*torch.ops.vreid.clip_hardest(*args, *_numbers(rule)))
    every = side(*both, rule)
    if rule.mode == "factored":
        u, v = weights or (None, None)
        return hardest(between(folded(every, u, rule), folded(every, v, rule), rule.metric), pids)
    tiles = [
        hardest(_tile(every, every, rows, weights, rule), pids, first=rows.start) for rows in _rows(every, every, rule)
    ]
    value = every.clips.new_zeros(0)
    empty = Hardest(value, value, pids[:0], pids[:0])
    return Hardest(*(torch.cat(parts) for parts in zip(empty, *tiles, strict=True)))


def batch_hard_backward(
    chosen: Sequence[tuple[Tensor, Tensor]], both: Masked, weights: Sequence[Tensor], rule: Rule
) -> list[Tensor]:
    """Gradients of the clips and each of the weights, through the chosen pairs only.

    chosen: gradient [N] of a distance and the index [N] of the tracklet it leads to, -1 for none; for positives and
    for negatives.
    """
    clips, valid = both
    if _is_native(clips, rule) and rule.mode != "factored":
        (grad_positive, positive), (grad_negative, negative) = chosen
        grads = grad_positive.contiguous(), grad_negative.contiguous()
        args = _flat(both), _mask(both), _weight(weights), positive, negative
        found = torch.ops.vreid.clip_hardest_backward(*grads, *args, *_numbers(rule))
        return [x.to(like.dtype) for x, like in zip(found, (clips, *weights), strict=False)]
    anchor = torch.arange(clips.shape[0], device=clips.device).repeat(2)  # [2 N]
    index = torch.cat([index for _, index in chosen])  # [2 N]
    grad = torch.where(index < 0, 0, torch.cat([grad for grad, _ in chosen]))  # [2 N]
    other = index.clamp_min(0)
    inputs = [x.detach().requires_grad_() for x in (clips, *weights)]
    with torch.enable_grad():
        every = side(inputs[0], valid, rule)
        value = _paired(every, anchor, other, for_both(inputs[1:], rule), rule)
        return list(torch.autograd.grad(value, inputs, grad))


def _paired(every: Side, anchor: Tensor, other: Tensor, weights: Sequence[Tensor], rule: Rule) -> Tensor:
    """Distance [P] of the tracklets anchor [P] to the tracklets other [P]."""
    if rule.mode == "factored":
        u, v = weights or (None, None)
        return apart(folded(every, u, rule)[anchor], folded(every, v, rule)[other], rule.metric)
    each = [weights[0][anchor, other]] if rule.mode == "pairwise" else weights
    return 1 - similarity(every.rows(anchor), every.rows(other), each, rule)


def _tile(left: Side, right: Side, rows: slice, weights: Sequence[Tensor], rule: Rule) -> Tensor:
    """Distance [R, G] of some of the left tracklets to all of the right ones."""
    some = [weights[0][rows]] if rule.mode == "pairwise" else weights
    part = left.rows((rows,))
    return 1 - similarity(part.rows((slice(None), None)), right.rows((None, slice(None))), some, rule)


def _rows(left: Side, right: Side, rule: Rule) -> Iterator[slice]:
    """As many of the left tracklets at a time as fill a tile."""
    (Q, C, E), (G, K, _) = left.clips.shape, right.clips.shape
    step = max(1, TILE // max(1, G * (E if rule.mode == "learned" else C * K)))
    return (slice(begin, min(begin + step, Q)) for begin in range(0, Q, step))


def _module(device: str) -> Any:
    return native.load("C") if device == "cpu" else None


def _is_native(clips: Tensor, rule: Rule) -> bool:
    """`learned` is one product of matrices after the other, which torch's own are made for."""
    return clips.dtype != torch.float64 and rule.mode != "learned" and _module(clips.device.type) is not None


def _fold(tracklets: Masked, weight: Tensor | None, rule: Rule) -> Tensor:
    scale = None if weight is None else weight.float().contiguous()
    clips = tracklets[0] if tracklets[0].dtype == torch.bfloat16 else tracklets[0].float()
    found: Tensor = torch.ops.vreid.clip_fold(clips.contiguous(), _mask(tracklets), scale, *_numbers(rule)[1:])
    return found


def _flat(tracklets: Masked) -> Tensor:
    return tracklets[0].float().contiguous()


def _operands(query: Masked, gallery: Masked) -> tuple[Tensor, Tensor]:
    """Clips as they are multiplied: bfloat16 where the processor has it, and products come in pairs, else float32."""
    sides = query[0], gallery[0]
    if sides[0].dtype == torch.bfloat16 and sides[0].shape[2] % 2 == 0 and getattr(native.load("C"), "HALVES", False):
        return sides[0].contiguous(), sides[1].contiguous()
    return sides[0].float().contiguous(), sides[1].float().contiguous()


def _mask(tracklets: Masked) -> Tensor | None:
    return None if tracklets[1] is None else tracklets[1].contiguous()


def _weight(weights: Sequence[Tensor]) -> Tensor | None:
    return weights[0].float().contiguous() if weights else None


def _numbers(rule: Rule) -> tuple[float, bool, bool]:
    return rule.top, rule.normalize, rule.divide == "count"


def _hardest_backward_fake(
    grad_positive: Tensor, grad_negative: Tensor, clips: Tensor, valid: Tensor | None, weight: Tensor | None, *_: Any
) -> tuple[Tensor, Tensor]:
    return torch.empty_like(clips), clips.new_empty(0) if weight is None else torch.empty_like(weight)


if native.load("C") is not None:  # the other native ops run inside the public ones, which a compiler does not look into
    torch.library.register_fake("vreid::clip_hardest_backward", _hardest_backward_fake)
