"""The native kernels of the clip ops: when one can be used, and how it is called."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from vreid_bench.ops.clip_rule import ClipRule
from vreid_bench.ops.distance import Hardest
from vreid_bench.system import native

Masked = tuple[Tensor, Tensor | None]  # clips [N, C, E] and which of them are valid, [N, C] bool or None

MOST_CLIPS = (128, 64)  # of a query and of a gallery tracklet on the GPU: they must fit in a tile


def backend(device: str = "cpu") -> str:
    """What reduces pairs of clips: `native-` and the instruction set, `native-cuda`, or `torch` without kernels."""
    module = _module(device)
    if module is None:
        return "torch"
    return "native-cuda" if device == "cuda" else f"native-{module.INSTRUCTION_SET}"


def reduces_pairs(query: Tensor, gallery: Tensor, rule: ClipRule) -> bool:
    """Is there a kernel for all pairs of clips? `learned` has none: it runs on torch's own products of matrices."""
    if rule.mode not in ("top", "pairwise") or query.dtype == torch.float64 or _module(query.device.type) is None:
        return False
    return query.device.type == "cpu" or _fits_gpu(query, gallery)


def averages(clips: Tensor, rule: ClipRule) -> bool:
    """Is there a kernel for weighted means? On the GPU torch's own are as good."""
    cpu = clips.device.type == "cpu" and _module("cpu") is not None
    return cpu and rule.mode == "factored" and clips.dtype != torch.float64


def differentiates(clips: Tensor, rule: ClipRule) -> bool:
    """Is there a kernel for the backward of batch-hard?"""
    return clips.device.type == "cpu" and reduces_pairs(clips, clips, rule)


def weighted_mean(tracklets: Masked, weight: Tensor | None, rule: ClipRule) -> Tensor:
    """The weighted mean of the clips of each tracklet: [N, E]."""
    clips = tracklets[0] if tracklets[0].dtype == torch.bfloat16 else tracklets[0].float()
    _, normalize, count = _numbers(rule)
    found: Tensor = torch.ops.vreid.clip_mean(
        clips.contiguous(), _mask(tracklets), _weight([] if weight is None else [weight]), normalize, count
    )
    return found


def similarity(query: Masked, gallery: Masked, weights: Sequence[Tensor], rule: ClipRule) -> Tensor:
    """Similarities [Q, G]."""
    operands = _operand(query[0]), _operand(gallery[0])
    found: Tensor = torch.ops.vreid.clip_similarity(
        *operands, _mask(query), _mask(gallery), _weight(weights), *_numbers(rule), _tf32()
    )
    return found


def hardest(both: Masked, pids: Tensor, weights: Sequence[Tensor], rule: ClipRule) -> Hardest:
    """Batch-hard among all."""
    clips = both[0].float().contiguous() if both[0].device.type == "cpu" else _operand(both[0])
    found = torch.ops.vreid.clip_hardest(
        clips, pids.contiguous(), _mask(both), _weight(weights), *_numbers(rule), _tf32()
    )
    return Hardest(*found)


def hardest_backward(
    chosen: Sequence[tuple[Tensor, Tensor]], both: Masked, weights: Sequence[Tensor], rule: ClipRule
) -> list[Tensor]:
    """Gradients of the clips and the weights; arguments as for `clip_dispatch.batch_hard_backward`."""
    (grad_positive, positive), (grad_negative, negative) = chosen
    grads = grad_positive.contiguous(), grad_negative.contiguous()
    args = both[0].float().contiguous(), _mask(both), _weight(weights), positive, negative
    found = torch.ops.vreid.clip_hardest_backward(*grads, *args, *_numbers(rule))
    # without clips the kernel returns an empty gradient of its own shape
    return [grad.reshape(like.shape).to(like.dtype) for grad, like in zip(found, (both[0], *weights), strict=False)]


def _hardest_backward_fake(
    grad_positive: Tensor, grad_negative: Tensor, clips: Tensor, valid: Tensor | None, weight: Tensor | None, *_: Any
) -> tuple[Tensor, Tensor]:
    return torch.empty_like(clips), clips.new_empty(0) if weight is None else torch.empty_like(weight)


def _module(device: str) -> Any:
    """The module with the kernels of a device; those of the GPU need a torch with CUDA."""
    module = native.load("clip_cpu") if device in ("cpu", "cuda") else None
    if module is None or device == "cpu":
        return module
    return native.load("clip_cuda") if torch.version.cuda else None


def _fits_gpu(query: Tensor, gallery: Tensor) -> bool:
    most = query.shape[1] <= MOST_CLIPS[0] and gallery.shape[1] <= MOST_CLIPS[1]
    return most and min(query.shape[1:]) > 0 and gallery.shape[1] > 0 and _has_cores(query.device.index or 0)


@cache
def _has_cores(gpu: int) -> bool:
    """Are there tensor cores for bfloat16 and TF32?"""
    return torch.cuda.get_device_capability(gpu) >= (8, 0)


def _operand(clips: Tensor) -> Tensor:
    """Clips in the form that is multiplied: on the CPU bfloat16 where the processor multiplies it and E is even."""
    if clips.device.type == "cuda":
        whole = 16 // clips.element_size()  # the kernels copy 16 bytes at a time
        return F.pad(clips, (0, -clips.shape[2] % whole)).contiguous()
    halves = clips.dtype == torch.bfloat16 and clips.shape[2] % 2 == 0 and _module("cpu").HALVES
    return (clips if halves else clips.float()).contiguous()


def _mask(tracklets: Masked) -> Tensor | None:
    return None if tracklets[1] is None else tracklets[1].contiguous()


def _weight(weights: Sequence[Tensor]) -> Tensor | None:
    return weights[0].float().contiguous() if weights else None


def _numbers(rule: ClipRule) -> tuple[float, bool, bool]:
    return rule.top, rule.normalize, rule.divide == "count"


def _tf32() -> bool:
    """May the GPU round float32 operands to TF32, as torch's own products may? Torch has this off by default."""
    return bool(torch.backends.cuda.matmul.fp32_precision == "tf32")  # however it was set: torch has two ways


if (
    native.load("clip_cpu") is not None
):  # the other native ops run inside the public ones, which a compiler does not look into
    torch.library.register_fake("vreid::clip_hardest_backward", _hardest_backward_fake)
