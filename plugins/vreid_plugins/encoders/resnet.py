"""Residual networks, frame by frame: ResNet-50 and a narrow one that trains in minutes on a CPU."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from vreid_bench import InputError, hookimpl

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


class Resnet(nn.Module):
    """A residual network without its classifier, run on every frame by itself.

    depth 50: maps of D = 2048 at stride 32. Names and shapes of parameters and buffers are torchvision's
        `resnet50` less `fc`, so that its files load as they are.
    depth 8: 5x5 stem and one block each of 16, 32 and 64 channels: D = 64 at stride 8.
    last_stride: of the last layer; 1 doubles the maps' height and width, as many re-ID networks do.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, depth: int = 50, last_stride: int = 2) -> None:
        super().__init__()
        if last_stride not in (1, 2):
            raise InputError(f"encoder resnet: last_stride must be 1 or 2, got {last_stride!r}")
        if depth == 50:
            self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
            self.bn1 = nn.BatchNorm2d(64)
            self.maxpool: nn.Module = nn.MaxPool2d(3, 2, 1)
            blocks, widths, counts, strides = Bottleneck, (64, 128, 256, 512), (3, 4, 6, 3), (1, 2, 2)
        elif depth == 8:
            self.conv1 = nn.Conv2d(3, 16, 5, 2, 2, bias=False)
            self.bn1 = nn.BatchNorm2d(16)
            self.maxpool = nn.Identity()
            blocks, widths, counts, strides = Basic, (16, 32, 64), (1, 1, 1), (1, 2)
        else:
            raise InputError(f"encoder resnet: depth must be 8 or 50, got {depth!r}")
        channels = self.conv1.out_channels
        self.layers: list[str] = []  # the order of forward; the names are torchvision's
        for i, (width, count, stride) in enumerate(
            zip(widths, counts, (*strides, last_stride), strict=True), start=1
        ):
            name = f"layer{i}"
            self.add_module(name, _layer(blocks, channels, width, count, stride))
            self.layers.append(name)
            channels = blocks.expansion * width
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        # not persistent: the state dict stays torchvision's
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(3, 1, 1), persistent=False)

    def forward(self, clips: Tensor) -> Tensor:
        """clips [B, T, 3, H, W] in [0, 1] -> maps [B, T, D, h, w]."""
        B, T = clips.shape[:2]
        x = ((clips - self.mean) / self.std).flatten(0, 1)  # [B T, 3, H, W]
        x = self.maxpool(torch.relu(self.bn1(self.conv1(x))))
        for name in self.layers:
            x = self.get_submodule(name)(x)
        return x.unflatten(0, (B, T))  # [B, T, D, h, w]


def _layer(
    block: type[Basic] | type[Bottleneck], channels: int, width: int, count: int, stride: int
) -> nn.Module:
    first = block(channels, width, stride)
    rest = (block(block.expansion * width, width, 1) for _ in range(count - 1))
    return nn.Sequential(first, *rest)


@hookimpl
def vreid_encoders() -> Mapping[str, Callable[..., Any]]:
    """`resnet`."""
    return {"resnet": Resnet}
