"""Distances and batch-hard mining over all pairs of clips, as `torch.ops.vreid.clip_distance` and `.clip_batch_hard`.

The products of clips are never all in memory: tiles of them are reduced at once, by native kernels where these were
built, else in plain torch (`clip_dispatch`). `clip_reference` defines the ops; float64 always runs on it.

    sim(i, j) = sum_ab w_ijab <x_ia, x_jb> / Z, over the valid pairs of the clips of tracklets i and j

mode      weights                               w_ijab
factored  () or (u [Q, C], v [G, K])            u_ia v_jb, 1 without weights: one product of two weighted means
top       ()                                    1 for the largest ceil(top n) of the n valid pairs, else 0
pairwise  (w [Q, G, C, K],)                     as given
learned   (W1 [H, E], b1 [H], W2 [J, H],        a network's, pair by pair, given the pairs before: Matiyali and
           b2 [J], W3 [1, J], b3 [1])           Sharma (WACV 2020), Eq. 1-4; batch normalisation merged in

Z is the sum of w, or with `divide="count"` (`factored`, `pairwise`) the number of valid pairs. Weights are not
negative. Without a valid pair, or with a sum of weights of 0, sim is 0. The distance is 1 - sim, metric `dot`;
`factored` also compares the weighted means by their `cosine`, `euclidean` or `sqeuclidean` distance.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor

from vreid_bench.ops import clip_dispatch as dispatch
from vreid_bench.ops.clip_checks import Inputs
from vreid_bench.ops.clip_reference import for_both, prepare, weighted_mean
from vreid_bench.ops.clip_rule import MEAN, ClipRule
from vreid_bench.ops.distance import Hardest

# no tensor has a default: PyTorch drops those that are left out, and its autograd then miscounts beside a list
_LIBRARY: Any = torch.library.Library("vreid", "FRAGMENT")  # type: ignore[no-untyped-call]  # torch has no types for it
_LIBRARY.define(
    "clip_distance(Tensor query, Tensor gallery, Tensor[] weights, Tensor? query_valid, "
    f"Tensor? gallery_valid, *, {ClipRule.schema()}) -> Tensor"
)
_LIBRARY.define(
    f"clip_batch_hard(Tensor clips, Tensor pids, Tensor[] weights, Tensor? valid, *, {ClipRule.schema()}) "
    "-> (Tensor positive, Tensor negative, Tensor positive_index, Tensor negative_index)"
)


def clip_distance(
    query: Tensor,
    gallery: Tensor,
    weights: Sequence[Tensor] = (),
    query_valid: Tensor | None = None,
    gallery_valid: Tensor | None = None,
    *,
    rule: ClipRule = MEAN,
) -> Tensor:
    """Distance of each query to each gallery tracklet: [Q, G], float32 (float64 of float64), smaller is closer.

    query: [Q, C, E], gallery: [G, K, E], float16, bfloat16, float32 or float64; float16 and bfloat16 are multiplied as
    they are and summed in float32. query_valid: [Q, C], gallery_valid: [G, K] bool, None where every clip is valid.
    weights: by the mode of the rule, see the module.
    Differentiable in query, gallery and weights. Raises ValueError for arguments that do not fit each other.
    """
    tensors = query, gallery, list(weights), query_valid, gallery_valid
    return cast(Tensor, torch.ops.vreid.clip_distance(*tensors, **rule.options()))


def clip_batch_hard(
    clips: Tensor,
    pids: Tensor,
    weights: Sequence[Tensor] = (),
    valid: Tensor | None = None,
    *,
    rule: ClipRule = MEAN,
) -> Hardest:
    """Farthest positive and nearest negative of each tracklet among all N (Hermans et al. 2017, Eq. 5).

    clips: [N, C, E]; pids: [N] int64, any numbers, compared for equality; valid: [N, C]; the rest as for
    `clip_distance`, the tracklets being queries and gallery; `factored` takes one weight [N, C]. An anchor is not its
    own positive, but another tracklet with the same clips may be. Of several at the same distance the lowest index is
    chosen. Without a positive or a negative, the distance is 0 without a gradient, and the index is -1. The
    gradient goes through the selected pairs only. Raises ValueError for arguments that do not fit each other.
    """
    return Hardest(*torch.ops.vreid.clip_batch_hard(clips, pids, list(weights), valid, **rule.options()))


def clip_mean(
    clips: Tensor, weight: Tensor | None = None, valid: Tensor | None = None, *, rule: ClipRule = MEAN
) -> Tensor:
    """The weighted mean of the clips of each tracklet, which is what `factored` compares: [N, E].

    clips: [N, C, E]; weight: [N, C], None for 1; valid: [N, C] bool; rule: `normalize` and `divide` count, as for
    `clip_distance`. In plain torch.
    """
    return weighted_mean(prepare(clips, valid, rule), weight, rule)


def _distance(
    query: Tensor,
    gallery: Tensor,
    weights: Sequence[Tensor],
    query_valid: Tensor | None,
    gallery_valid: Tensor | None,
    **options: Any,
) -> Tensor:
    rule = ClipRule(**options)
    Inputs("clip_distance", rule).distance(query, gallery, (query_valid, gallery_valid), weights)
    return dispatch.distance((query, query_valid), (gallery, gallery_valid), weights, rule)


def _distance_fake(
    query: Tensor,
    gallery: Tensor,
    weights: Sequence[Tensor],
    query_valid: Tensor | None,
    gallery_valid: Tensor | None,
    **options: Any,
) -> Tensor:
    Inputs("clip_distance", ClipRule(**options)).distance(query, gallery, (query_valid, gallery_valid), weights)
    return query.new_empty(query.shape[0], gallery.shape[0], dtype=torch.promote_types(query.dtype, torch.float32))


def _distance_setup(ctx: Any, inputs: Any, keyword_only_inputs: dict[str, Any], output: Any) -> None:
    query, gallery, weights, query_valid, gallery_valid = inputs
    ctx.rule = ClipRule(**keyword_only_inputs)
    ctx.save_for_backward(query, gallery, query_valid, gallery_valid, *weights)


def _distance_backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
    query, gallery, query_valid, gallery_valid, *weights = ctx.saved_tensors
    grad_query, grad_gallery, *grad_weights = dispatch.distance_backward(
        grad, (query, query_valid), (gallery, gallery_valid), weights, ctx.rule
    )
    return grad_query, grad_gallery, grad_weights, None, None


def _batch_hard(
    clips: Tensor, pids: Tensor, weights: Sequence[Tensor], valid: Tensor | None, **options: Any
) -> Hardest:
    rule = ClipRule(**options)
    Inputs("clip_batch_hard", rule).batch_hard(clips, pids, valid, weights)
    return dispatch.batch_hard((clips, valid), pids, for_both(weights, rule), rule)


def _batch_hard_fake(
    clips: Tensor, pids: Tensor, weights: Sequence[Tensor], valid: Tensor | None, **options: Any
) -> Hardest:
    Inputs("clip_batch_hard", ClipRule(**options)).batch_hard(clips, pids, valid, weights)
    value = clips.new_empty(clips.shape[0], dtype=torch.promote_types(clips.dtype, torch.float32))
    return Hardest(value, torch.empty_like(value), torch.empty_like(pids), torch.empty_like(pids))


def _batch_hard_setup(ctx: Any, inputs: Any, keyword_only_inputs: dict[str, Any], output: Any) -> None:
    clips, _, weights, valid = inputs
    ctx.rule = ClipRule(**keyword_only_inputs)
    ctx.mark_non_differentiable(*output[2:])
    ctx.save_for_backward(clips, valid, *output[2:], *weights)


def _batch_hard_backward(ctx: Any, grad_positive: Tensor, grad_negative: Tensor, *_: Any) -> tuple[Any, ...]:
    clips, valid, positive_index, negative_index, *weights = ctx.saved_tensors
    chosen = (grad_positive, positive_index), (grad_negative, negative_index)
    grad_clips, *grad_weights = dispatch.batch_hard_backward(chosen, (clips, valid), weights, ctx.rule)
    return grad_clips, None, grad_weights, None


for _name, _run, _fake, _setup, _backward in (
    ("clip_distance", _distance, _distance_fake, _distance_setup, _distance_backward),
    ("clip_batch_hard", _batch_hard, _batch_hard_fake, _batch_hard_setup, _batch_hard_backward),
):
    for _device in ("CPU", "CUDA"):
        _LIBRARY.impl(_name, _run, _device)
    torch.library.register_fake(f"vreid::{_name}", _fake, lib=_LIBRARY)
    torch.library.register_autograd(f"vreid::{_name}", _backward, setup_context=_setup, lib=_LIBRARY)
