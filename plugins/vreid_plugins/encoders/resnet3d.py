"""Residual networks over the whole clip: the 3D ResNet-50 of Hara et al. and a narrow one that trains in minutes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from vreid_bench import InputError, Published, hookimpl

MEAN = (114.7748, 107.7354, 99.4750)  # of ActivityNet, per colour in 0..255: what the published weights have seen


class Basic3d(nn.Module):
    """Two 3x3x3 convolutions around a shortcut (Hara et al. 2018, Fig. 3 a)."""

    expansion = 1

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv3d(channels, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm3d(width)
        self.conv2 = nn.Conv3d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm3d(width)
        self.downsample = _shortcut(channels, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        """[B, channels, t, h, w] -> [B, width, t / stride, h / stride, w / stride], rounded up."""
        y = torch.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return torch.relu(y + (x if self.downsample is None else self.downsample(x)))


class Bottleneck3d(nn.Module):
    """1x1x1, 3x3x3, 1x1x1; the stride is in the middle (Hara et al. 2018, Fig. 3 b)."""

    expansion = 4

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv3d(channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm3d(width)
        self.conv2 = nn.Conv3d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm3d(width)
        self.conv3 = nn.Conv3d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm3d(4 * width)
        self.downsample = _shortcut(channels, 4 * width, stride)

    def forward(self, x: Tensor) -> Tensor:
        """[B, channels, t, h, w] -> [B, 4 width, t / stride, h / stride, w / stride], rounded up."""
        y = torch.relu(self.bn1(self.conv1(x)))
        y = torch.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return torch.relu(y + (x if self.downsample is None else self.downsample(x)))


def _shortcut(channels: int, out: int, stride: int) -> nn.Module | None:
    """Shortcut type B, which the published ResNet-50 has."""
    if stride == 1 and channels == out:
        return None
    return nn.Sequential(nn.Conv3d(channels, out, 1, stride, bias=False), nn.BatchNorm3d(out))


class Plan(NamedTuple):
    """What a depth stands for."""

    stem: int  # channels of conv1
    kernel: int  # of conv1, in time, height and width
    pool: bool  # is there a pooling behind it, which halves the frames as well?
    block: type[Basic3d] | type[Bottleneck3d]
    widths: tuple[int, ...]  # of the layers
    counts: tuple[int, ...]  # blocks in each
    strides: tuple[int, ...]  # of the layers, in time, height and width


PLANS = {
    8: Plan(16, 5, False, Basic3d, (16, 32, 64), (1, 1, 1), (1, 2, 2)),
    50: Plan(64, 7, True, Bottleneck3d, (64, 128, 256, 512), (3, 4, 6, 3), (1, 2, 2, 2)),
}


class Resnet3d(nn.Module):
    """A residual network of 3D convolutions without its classifier.

    depth 50: maps of D = 2048 at stride 32, and 16 in time. Names and shapes of parameters and buffers are those of
        the published Kinetics `resnet-50` less `fc` and less `module.` in front (Hara et al., "Can Spatiotemporal 3D
        CNNs Retrace the History of 2D CNNs and ImageNet?", CVPR 2018).
    depth 8: the plan of `resnet` at depth 8 with 3D kernels: D = 64 at stride 8, and 4 in time.

    These files have seen colours in 0..255 less the mean of ActivityNet, which this gives them. The files of 2020
    (`r3d50_*`) have the same names and took colours in [0, 1], less a mean and over a deviation of their own: they
    load, but their first layer meets another scale.

    Clips may have any number of frames: what is left over by a stride counts as one more, so one frame gives T' = 1.
    """

    published = (Published("kenshohara/3D-ResNets-PyTorch", head=("fc.",)),)
    mean: Tensor

    def __init__(self, depth: int = 50) -> None:
        super().__init__()
        if depth not in PLANS:
            raise InputError(f"encoder resnet3d: depth must be 8 or 50, got {depth!r}")
        plan = PLANS[depth]
        self.conv1 = nn.Conv3d(3, plan.stem, plan.kernel, (1, 2, 2), plan.kernel // 2, bias=False)
        self.bn1 = nn.BatchNorm3d(plan.stem)
        self.maxpool = nn.MaxPool3d(3, 2, 1) if plan.pool else nn.Identity()
        channels = plan.stem
        self.layers = [f"layer{i + 1}" for i in range(len(plan.widths))]  # the published names, in order
        for name, width, count, stride in zip(self.layers, plan.widths, plan.counts, plan.strides, strict=True):
            self.add_module(name, _layer(plan.block, channels, width, count, stride))
            channels = plan.block.expansion * width
        for module in self.modules():
            if isinstance(module, nn.Conv3d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        # not persistent: the state dict stays the published one's
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1), persistent=False)

    def forward(self, clips: Tensor) -> Tensor:
        """clips [B, T, 3, H, W] in [0, 1] -> maps [B, T', D, h, w]."""
        x = (255 * clips - self.mean).transpose(1, 2)  # [B, 3, T, H, W]; the published code divides by no deviation
        x = self.maxpool(torch.relu(self.bn1(self.conv1(x))))
        for name in self.layers:
            x = self.get_submodule(name)(x)
        return x.transpose(1, 2)  # [B, T', D, h, w]


def _layer(block: type[Basic3d] | type[Bottleneck3d], channels: int, width: int, count: int, stride: int) -> nn.Module:
    first = block(channels, width, stride)
    rest = (block(block.expansion * width, width, 1) for _ in range(count - 1))
    return nn.Sequential(first, *rest)


@hookimpl
def vreid_encoders() -> Mapping[str, Callable[..., Any]]:
    """`resnet3d`."""
    return {"resnet3d": Resnet3d}
