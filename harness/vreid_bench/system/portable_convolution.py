"""Convolutions as products of matrices, for those that torch would compute by MKL.

torch computes most convolutions by oneDNN, whose bits depend on the instruction set alone. Small ones, such as those of
a single clip, it computes by MKL, whose bits depend on the maker of the processor as well.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

Gradients = tuple[Tensor | None, Tensor | None, Tensor | None]


class Geometry(NamedTuple):
    """How a kernel moves over its input, by spatial dimension."""

    stride: Sequence[int]
    padding: Sequence[int]
    dilation: Sequence[int]
    groups: int


def convolve(x: Tensor, weight: Tensor, bias: Tensor | None, geometry: Geometry) -> Tensor:
    """x [B, C, ...], weight [O, C / groups, ...], bias [O] -> [B, O, ...]; as many spatial dimensions as there are."""
    patches = _patches(x, weight, geometry)  # [G, B places, C / G taps]
    kernels = _kernels(weight, geometry)  # [G, O / G, C / G taps]
    values = torch.bmm(patches, kernels.transpose(1, 2))  # [G, B places, O / G]
    places = _count_places(x, weight, geometry)
    out = (
        values.reshape(geometry.groups, len(x), -1, values.shape[2]).permute(1, 0, 3, 2).flatten(1, 2)
    )  # [B, O, places]
    if bias is not None:
        out = out + bias[:, None]
    return out.reshape(len(x), len(weight), *places).contiguous()


def convolve_backward(
    gradient: Tensor, x: Tensor, weight: Tensor, geometry: Geometry, needed: Sequence[bool]
) -> Gradients:
    """The gradients of x, weight and bias, those that are `needed`, from that of the result."""
    split = gradient.reshape(len(x), geometry.groups, len(weight) // geometry.groups, -1)
    rows = split.permute(1, 0, 3, 2).flatten(1, 2)  # [G, B places, O / G]
    grad_x = grad_weight = grad_bias = None
    if needed[0]:
        grad_x = _scatter(torch.bmm(rows, _kernels(weight, geometry)), x, weight, geometry)
    if needed[1]:
        grad_weight = torch.bmm(rows.transpose(1, 2), _patches(x, weight, geometry)).reshape(weight.shape)
    if needed[2]:
        grad_bias = gradient.flatten(2).sum((0, 2))
    return grad_x, grad_weight, grad_bias


def _kernels(weight: Tensor, geometry: Geometry) -> Tensor:
    """weight [O, C / G, taps...] -> [G, O / G, C / G taps]."""
    return weight.reshape(geometry.groups, len(weight) // geometry.groups, -1)


def _count_places(x: Tensor, weight: Tensor, geometry: Geometry) -> list[int]:
    sizes = zip(x.shape[2:], weight.shape[2:], geometry.stride, geometry.padding, geometry.dilation, strict=True)
    return [
        (size + 2 * padding - dilation * (taps - 1) - 1) // stride + 1
        for size, taps, stride, padding, dilation in sizes
    ]


def _pad(x: Tensor, geometry: Geometry) -> Tensor:
    return F.pad(x, [each for padding in reversed(geometry.padding) for each in (padding, padding)])


def _patches(x: Tensor, weight: Tensor, geometry: Geometry) -> Tensor:
    """What the kernel meets at each place: [G, B places, C / G taps]."""
    windows = _pad(x, geometry)  # [B, C, ...]
    spatial = len(geometry.stride)
    for at in range(spatial):
        reach = geometry.dilation[at] * (weight.shape[2 + at] - 1) + 1
        windows = windows.unfold(2 + at, reach, geometry.stride[at])[..., :: geometry.dilation[at]]
    # [B, C, places..., taps...]
    batch, channels = windows.shape[:2]
    places, taps = math.prod(windows.shape[2 : 2 + spatial]), math.prod(windows.shape[2 + spatial :])
    split = windows.reshape(batch, geometry.groups, channels // geometry.groups, places, taps)
    return split.permute(1, 0, 3, 2, 4).reshape(geometry.groups, batch * places, -1)


def _scatter(patches: Tensor, x: Tensor, weight: Tensor, geometry: Geometry) -> Tensor:
    """The transpose of `_patches`: each patch is added to where it was taken from."""
    places, taps = _count_places(x, weight, geometry), weight.shape[2:]
    # [G, B, places..., C / G, taps...]; typed as if tensors took no tuple of places and slices
    parts: Any = patches.reshape(geometry.groups, len(x), *places, -1, *taps)
    total: Any = torch.zeros_like(_pad(x, geometry))
    spatial = len(places)
    for tap in product(*map(range, taps)):
        moved = parts[(..., *tap)].movedim(-1, 2)  # [G, B, C / G, places...]
        begin = [step * index for step, index in zip(geometry.dilation, tap, strict=True)]
        window: list[Any] = [
            slice(first, first + stride * (count - 1) + 1, stride)
            for first, stride, count in zip(begin, geometry.stride, places, strict=True)
        ]
        total[(slice(None), slice(None), *window)] += moved.transpose(0, 1).flatten(1, 2)
    inside = [
        slice(padding, padding + size) for padding, size in zip(geometry.padding, x.shape[-spatial:], strict=True)
    ]
    inner: Tensor = total[(slice(None), slice(None), *inside)]
    return inner.contiguous()
