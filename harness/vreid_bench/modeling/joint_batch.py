"""One training batch on several processes, with the mathematics of one.

Each process runs the network on its share of the clips. Features are gathered, so that every process computes the
losses of the whole batch; batch normalisation uses the statistics of the whole batch; gradients of the network are
summed. With one process, everything here does nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from vreid_bench.contracts.parts import ClipFeatures
from vreid_bench.system.errors import InputError
from vreid_bench.system.processes import processes


def divide(counts: Sequence[int], people: int, tracklets: int) -> list[slice]:
    """Which clips of a PK batch each process computes: those of whole identities, then of single unlabelled tracklets.

    counts: how many clips each of the N tracklets has, N = P K + unlabelled; people: P, tracklets: K. Raises InputError
    if some process would have none.
    """
    total = processes().total
    if total == 1:
        return [slice(0, sum(counts))]
    known = people * tracklets
    begins = [*range(0, known, tracklets), *range(known, len(counts)), len(counts)]  # of groups, in tracklets
    groups = len(begins) - 1
    if groups < total:
        raise InputError(
            f"a step has {people} identities (P), fewer than the {total} processes; start {people} processes, or set a "
            "larger P"
        )
    clips = [0, *torch.tensor(counts).cumsum(0).tolist()]
    cuts = [clips[begins[groups * number // total]] for number in range(total + 1)]
    return [slice(first, last) for first, last in pairwise(cuts)]


def gather_features(features: ClipFeatures, shares: Sequence[slice]) -> ClipFeatures:
    """The features of all clips from those of this process's share; gradients go back to the share."""
    if len(shares) == 1:
        return features
    importance = None if features.importance is None else gather(features.importance, shares)
    extra = {name: gather(value, shares) for name, value in features.extra.items()}
    return ClipFeatures(gather(features.embedding, shares), importance, extra)


def gather(part: Tensor, shares: Sequence[slice]) -> Tensor:
    """[s, ...] of each process, whose places among all are the `shares` -> [S, ...]."""
    whole: Tensor = _Gather.apply(part, shares)  # type: ignore[no-untyped-call]  # torch has no types for it
    return whole


class _Gather(torch.autograd.Function):
    """Every process computes the same losses of the whole, so that its own gradient is all that its share needs."""

    @staticmethod
    def forward(ctx: Any, part: Tensor, shares: Sequence[slice]) -> Tensor:
        from torch import distributed

        ctx.mine = shares[processes().rank]
        sizes = [share.stop - share.start for share in shares]
        padded = part.new_zeros(max(sizes), *part.shape[1:])
        padded[: len(part)] = part
        found = [torch.empty_like(padded) for _ in sizes]
        distributed.all_gather(found, padded)
        return torch.cat([each[:size] for each, size in zip(found, sizes, strict=True)])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return gradients[0][ctx.mine].contiguous(), None


def sum_gradients(shared: Iterable[Tensor], alike: Iterable[Tensor]) -> None:
    """Complete the gradients of a step.

    shared: parameters of the network, of whose gradient each process has the part of its clips. alike: parameters
    whose gradient each process has computed from the whole batch; the first's is taken, so that no rounding of another
    kind of processor can part them.
    """
    if processes().total == 1:
        return
    from torch import distributed

    _for_all(shared, distributed.all_reduce)
    _for_all(alike, lambda flat: distributed.broadcast(flat, 0))


def _for_all(parameters: Iterable[Tensor], exchange: Callable[[Tensor], Any]) -> None:
    """Exchange the gradients of these parameters as one tensor for each type."""
    kinds: dict[torch.dtype, list[Tensor]] = {}
    for parameter in parameters:
        if parameter.grad is not None:
            kinds.setdefault(parameter.grad.dtype, []).append(parameter.grad)
    for gradients in kinds.values():
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        exchange(flat)
        parts = torch.split(flat, [gradient.numel() for gradient in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))


@contextmanager
def joint_statistics() -> Iterator[None]:
    """In the block, batch normalisation in training uses mean and variance over the clips of all processes.

    `torch.nn.SyncBatchNorm` does so on GPUs alone, and would have to take the place of every layer.
    """
    if processes().total == 1:
        yield
        return
    before = F.batch_norm

    def normalise(  # noqa: PLR0913 - as `F.batch_norm`
        input: Tensor,
        running_mean: Tensor | None,
        running_var: Tensor | None,
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        training: bool = False,
        momentum: float = 0.1,
        eps: float = 1e-5,
    ) -> Tensor:
        if not training:
            return before(input, running_mean, running_var, weight, bias, training, momentum, eps)
        y, mean, var, count = _Normalise.apply(input, weight, bias, eps)  # type: ignore[no-untyped-call]  # as above
        with torch.no_grad():
            if running_mean is not None:
                running_mean.lerp_(mean.to(running_mean.dtype), momentum)
            if running_var is not None:
                running_var.lerp_((var * count / (count - 1)).to(running_var.dtype), momentum)
        normalised: Tensor = y
        return normalised

    F.batch_norm = normalise
    try:
        yield
    finally:
        F.batch_norm = before


class _Normalise(torch.autograd.Function):
    """Batch normalisation (Ioffe & Szegedy 2015, Algorithm 1) whose sums are over the clips of all processes."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        values = _widen(x)
        axes, shape = [0, *range(2, x.dim())], [1, -1] + [1] * (x.dim() - 2)
        count = _add_up(values.new_tensor([x.numel() / x.shape[1]]))
        mean = _add_up(values.sum(axes)) / count
        centred = values - mean.view(shape)
        var = _add_up(centred.square().sum(axes)) / count
        scale = 1 / (var + eps).sqrt()
        y = centred * scale.view(shape)
        if weight is not None:
            y = y * weight.view(shape)
        if bias is not None:
            y = y + bias.view(shape)
        ctx.save_for_backward(x, weight, mean, scale, count)
        ctx.shifts = bias is not None
        ctx.mark_non_differentiable(mean, var, count)
        return y.to(x.dtype), mean, var, count

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None, None]:
        x, weight, mean, scale, count = ctx.saved_tensors
        axes, shape = [0, *range(2, x.dim())], [1, -1] + [1] * (x.dim() - 2)
        dy, standard = _widen(gradients[0]), (_widen(x) - mean.view(shape)) * scale.view(shape)
        own = torch.stack([dy.sum(axes), (dy * standard).sum(axes)])  # [2, D]
        whole = _add_up(own.clone()) / count
        dx = dy - whole[0].view(shape) - standard * whole[1].view(shape)
        factor = scale if weight is None else scale * weight
        to_weight = None if weight is None else own[1].to(weight.dtype)
        to_bias = own[0].to(weight.dtype if weight is not None else x.dtype) if ctx.shifts else None
        return (dx * factor.view(shape)).to(x.dtype), to_weight, to_bias, None


def _widen(x: Tensor) -> Tensor:
    """Sums of half precision are taken in float32, as torch's own normalisation does."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def _add_up(x: Tensor) -> Tensor:
    from torch import distributed

    distributed.all_reduce(x)
    return x
