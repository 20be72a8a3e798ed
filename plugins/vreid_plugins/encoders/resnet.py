"""Residual networks, frame by frame: ResNet-50 and a narrow one that trains in minutes on a CPU."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from vreid_bench import InputError, Published, hookimpl

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, per colour


class Basic(nn.Module):
    """Two 3x3 convolutions around a shortcut (He et al. 2016, Fig. 5 left)."""

    expansion = 1

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = _shortcut(channels, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        """[N, channels, h, w] -> [N, width, h / stride, w / stride]."""
        y = torch.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return torch.relu(y + (x if self.downsample is None else self.downsample(x)))


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 (He et al. 2016, Fig. 5 right)."""

    expansion = 4

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        # The paper strides in conv1; the weights everybody loads were trained with the stride here.
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.downsample = _shortcut(channels, 4 * width, stride)

    def forward(self, x: Tensor) -> Tensor:
        """[N, channels, h, w] -> [N, 4 width, h / stride, w / stride]."""
        y = torch.relu(self.bn1(self.conv1(x)))
        y = torch.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return torch.relu(y + (x if self.downsample is None else self.downsample(x)))


def _shortcut(channels: int, out: int, stride: int) -> nn.Module | None:
    if stride == 1 and channels == out:
        return None
    return nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))


class Plan(NamedTuple):
    """What a depth stands for."""

    stem: int  # channels of conv1
    kernel: int  # of conv1
    pool: bool  # is there a pooling behind it?
    block: type[Basic] | type[Bottleneck]
    widths: tuple[int, ...]  # of the layers
    counts: tuple[int, ...]  # blocks in each
    strides: tuple[int, ...]  # of all layers but the last


PLANS = {
    8: Plan(16, 5, False, Basic, (16, 32, 64), (1, 1, 1), (1, 2)),
    50: Plan(64, 7, True, Bottleneck, (64, 128, 256, 512), (3, 4, 6, 3), (1, 2, 2)),
}


class Resnet(nn.Module):
    """A residual network without its classifier, run on every frame by itself.

    depth 50: maps of D = 2048 at stride 32. Names and shapes of parameters and buffers are torchvision's
        `resnet50` (and timm's) less `fc`, so that its files load as they are; they take colours as this does, less the
        mean of ImageNet and over its deviation.
    depth 8: 5x5 stem and one basic block each of 16, 32 and 64 channels: D = 64 at stride 8.
    last_stride: of the last layer; 1 doubles the maps' height and width, as many re-ID networks do.
    """

    published = (Published("torchvision and timm resnet50", head=("fc.",)),)
    mean: Tensor
    std: Tensor

    def __init__(self, depth: int = 50, last_stride: int = 2) -> None:
        super().__init__()
        if depth not in PLANS:
            raise InputError(f"encoder resnet: depth must be 8 or 50, got {depth!r}")
        if last_stride not in (1, 2):
            raise InputError(f"encoder resnet: last_stride must be 1 or 2, got {last_stride!r}")
        plan = PLANS[depth]
        self.conv1 = nn.Conv2d(3, plan.stem, plan.kernel, 2, plan.kernel // 2, bias=False)
        self.bn1 = nn.BatchNorm2d(plan.stem)
        self.maxpool = nn.MaxPool2d(3, 2, 1) if plan.pool else nn.Identity()
        channels = plan.stem
        self.layers = [f"layer{i + 1}" for i in range(len(plan.widths))]  # torchvision's names, in order
        strides = (*plan.strides, last_stride)
        for name, width, count, stride in zip(self.layers, plan.widths, plan.counts, strides, strict=True):
            self.add_module(name, _layer(plan.block, channels, width, count, stride))
            channels = plan.block.expansion * width
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        # not persistent: the state dict stays torchvision's
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(3, 1, 1), persistent=False)

    def forward(self, clips: Tensor) -> Tensor:
        """clips [B, T, 3, H, W] in [0, 1] -> maps [B, T, D, h, w]."""
        B, T = clips.shape[:2]
        x: Tensor = ((clips - self.mean) / self.std).flatten(0, 1)  # [B T, 3, H, W]
        x = self.maxpool(torch.relu(self.bn1(self.conv1(x))))
        for name in self.layers:
            x = self.get_submodule(name)(x)
        return x.reshape(B, T, *x.shape[1:])  # [B, T, D, h, w]


def _layer(block: type[Basic] | type[Bottleneck], channels: int, width: int, count: int, stride: int) -> nn.Module:
    first = block(channels, width, stride)
    rest = (block(block.expansion * width, width, 1) for _ in range(count - 1))
    return nn.Sequential(first, *rest)


@hookimpl
def vreid_encoders() -> Mapping[str, Callable[..., Any]]:
    """`resnet`."""
    return {"resnet": Resnet}
