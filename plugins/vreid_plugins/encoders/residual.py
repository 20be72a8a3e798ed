"""Shared by the residual networks of frames and of clips: blocks, layers and plans (He et al. 2016, Hara et al. 2018,
Hu et al. 2018). Names are those of the published weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from vreid_bench import InputError


class Kind(NamedTuple):
    """The modules that a network is built from, at any depth."""

    convolution: type[nn.Conv2d] | type[nn.Conv3d]
    norm: type[nn.BatchNorm2d] | type[nn.BatchNorm3d]
    pooling: type[nn.MaxPool2d] | type[nn.MaxPool3d]
    stride: Any  # of the stem, along each dimension
    weighting: Callable[[int], nn.Module] = nn.Identity  # for a block's channels, before its sum
    early: bool = False  # whether a bottleneck strides in its first convolution


IMAGES = Kind(nn.Conv2d, nn.BatchNorm2d, nn.MaxPool2d, (2, 2))
CLIPS = Kind(nn.Conv3d, nn.BatchNorm3d, nn.MaxPool3d, (1, 2, 2))


class Basic(nn.Module):
    """Two convolutions of 3 around a shortcut (He et al. 2016, Fig. 5 left; Hara et al. 2018, Fig. 3 a)."""

    expansion = 1

    def __init__(self, kind: Kind, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = kind.convolution(channels, width, 3, stride, 1, bias=False)
        self.bn1 = kind.norm(width)
        self.conv2 = kind.convolution(width, width, 3, 1, 1, bias=False)
        self.bn2 = kind.norm(width)
        self.se_module = kind.weighting(width)
        self.downsample = _shortcut(kind, channels, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        """[N, channels, (t,) h, w] -> [N, width, ...], the other sizes divided by the stride and rounded up."""
        y = torch.relu(self.bn1(self.conv1(x)))
        y = self.se_module(self.bn2(self.conv2(y)))
        return torch.relu(y + (x if self.downsample is None else self.downsample(x)))


class Bottleneck(nn.Module):
    """Convolutions of 1, 3 and 1 around a shortcut (He et al. 2016, Fig. 5 right; Hara et al. 2018, Fig. 3 b)."""

    expansion = 4

    def __init__(self, kind: Kind, channels: int, width: int, stride: int) -> None:
        super().__init__()
        # He et al. and the weights from Caffe stride in conv1; those of torchvision and of Hara et al. in conv2.
        first, second = (stride, 1) if kind.early else (1, stride)
        self.conv1 = kind.convolution(channels, width, 1, first, bias=False)
        self.bn1 = kind.norm(width)
        self.conv2 = kind.convolution(width, width, 3, second, 1, bias=False)
        self.bn2 = kind.norm(width)
        self.conv3 = kind.convolution(width, 4 * width, 1, bias=False)
        self.bn3 = kind.norm(4 * width)
        self.se_module = kind.weighting(4 * width)
        self.downsample = _shortcut(kind, channels, 4 * width, stride)

    def forward(self, x: Tensor) -> Tensor:
        """[N, channels, (t,) h, w] -> [N, 4 width, ...], the others over the stride, rounded up."""
        y = torch.relu(self.bn1(self.conv1(x)))
        y = torch.relu(self.bn2(self.conv2(y)))
        y = self.se_module(self.bn3(self.conv3(y)))
        return torch.relu(y + (x if self.downsample is None else self.downsample(x)))


def _shortcut(kind: Kind, channels: int, out: int, stride: int) -> nn.Module | None:
    """The shortcut of type B, which the published ResNet-50s have; None where the shapes agree."""
    if stride == 1 and channels == out:
        return None
    return nn.Sequential(kind.convolution(channels, out, 1, stride, bias=False), kind.norm(out))


class Plan(NamedTuple):
    """The network of a depth."""

    stem: int  # channels of the first convolution
    kernel: int  # of the first convolution, along each dimension
    pool: bool  # whether a pooling follows that halves all dimensions
    block: type[Basic] | type[Bottleneck]
    widths: tuple[int, ...]  # of the layers
    counts: tuple[int, ...]  # blocks in each


PLANS = {
    8: Plan(16, 5, False, Basic, (16, 32, 64), (1, 1, 1)),
    50: Plan(64, 7, True, Bottleneck, (64, 128, 256, 512), (3, 4, 6, 3)),
}


class Residual(nn.Module):
    """A residual network without its classifier; every layer but the first halves all dimensions.

    depth: 8 or 50. last_stride: the stride of the last layer.
    Its children are its steps in order: those that `stem` adds, then `layer1` and so on.
    """

    def __init__(self, kind: Kind, depth: int, last_stride: int = 2) -> None:
        super().__init__()
        if depth not in PLANS:
            raise InputError(f"encoder {type(self).__name__.lower()}: depth must be 8 or 50, got {depth!r}")
        plan = PLANS[depth]
        self.stem(kind, plan)
        channels = plan.stem
        strides = (1, *[2] * (len(plan.widths) - 2), last_stride)
        rows = zip(plan.widths, plan.counts, strides, strict=True)
        for i, (width, count, stride) in enumerate(rows, start=1):
            out = plan.block.expansion * width
            first = plan.block(kind, channels, width, stride)
            rest = (plan.block(kind, out, width, 1) for _ in range(count - 1))
            self.add_module(f"layer{i}", nn.Sequential(first, *rest))
            channels = out
        for module in self.modules():
            if isinstance(module, kind.convolution):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def stem(self, kind: Kind, plan: Plan) -> None:
        """Add the steps before the layers."""
        self.conv1 = kind.convolution(3, plan.stem, plan.kernel, kind.stride, plan.kernel // 2, bias=False)
        self.bn1 = kind.norm(plan.stem)
        self.relu = nn.ReLU()
        self.maxpool = kind.pooling(3, 2, 1) if plan.pool else nn.Identity()

    def maps(self, x: Tensor) -> Tensor:
        """[N, 3, (T,) H, W] -> [N, D, (t,) h, w]."""
        for step in self.children():
            x = step(x)
        return x
