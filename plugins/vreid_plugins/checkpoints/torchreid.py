"""Checkpoints of torchreid: OSNet (Zhou et al., ICCV 2019) of any width, and ResNet-50 with or without a layer of 512.

Names are those of its state dicts. Its test of videos averages the features of 15 evenly spaced frames.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from vreid_bench import Checkpoint, CheckpointFamily, Clipping, InputError, Method, Renaming, Shapes, hookimpl, part
from vreid_plugins.encoders.colours import find_scale

CHANNELS = (64, 256, 384, 512)  # of OSNet at width 1: stem and stages (Table 1)
REDUCTION, GATED = 4, 16  # how much narrower a block and its gate are inside
SCALES = (1, 2, 3, 4)  # depths of a block's streams (section 3.2)
TEST = Clipping("evenly", T=15)


class ConvBlock(nn.Module):
    """Convolution, normalisation and ReLU."""

    def __init__(
        self, channels: int, width: int, kernel: int = 1, stride: int = 1, relu: bool = True, instance: bool = False
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, width, kernel, stride, kernel // 2, bias=False)
        self.bn: nn.Module = nn.InstanceNorm2d(width, affine=True) if instance else nn.BatchNorm2d(width)
        self.last = nn.ReLU() if relu else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """[N, channels, h, w] -> [N, width, h', w']."""
        y: Tensor = self.last(self.bn(self.conv(x)))
        return y


class LightConv(nn.Module):
    """A 3x3 convolution as a linear 1x1 and a 3x3 for each channel (Fig. 3 b)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 1, bias=False)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False)
        self.bn = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        """[N, width, h, w] -> the same shape."""
        return torch.relu(self.bn(self.conv2(self.conv1(x))))


class Gate(nn.Module):
    """Weights each channel by its mean over all places (section 3.2, the aggregation gate)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(width, width // GATED, 1)
        self.fc2 = nn.Conv2d(width // GATED, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """[N, width, h, w] -> the same shape."""
        weight = torch.relu(self.fc1(x.mean((2, 3), keepdim=True)))
        return x * torch.sigmoid(self.fc2(weight))


class OmniScale(nn.Module):
    """Four streams of one to four light convolutions, summed by one shared gate, around a shortcut (Fig. 4 b)."""

    def __init__(self, channels: int, width: int, instance: bool) -> None:
        super().__init__()
        inner = width // REDUCTION
        self.conv1 = ConvBlock(channels, inner)
        self.conv2a = LightConv(inner)
        for letter, depth in zip("bcd", SCALES[1:], strict=True):
            self.add_module(f"conv2{letter}", nn.Sequential(*(LightConv(inner) for _ in range(depth))))
        self.gate = Gate(inner)
        self.conv3 = ConvBlock(inner, width, relu=False)
        self.downsample = None if channels == width else ConvBlock(channels, width, relu=False)
        self.IN = nn.InstanceNorm2d(width, affine=True) if instance else None

    def forward(self, x: Tensor) -> Tensor:
        """[N, channels, h, w] -> [N, width, h, w]."""
        y = self.conv1(x)
        streams = [self.gate(self.get_submodule(f"conv2{letter}")(y)) for letter in "abcd"]
        y = self.conv3(torch.stack(streams).sum(0)) + (x if self.downsample is None else self.downsample(x))
        return torch.relu(y if self.IN is None else self.IN(y))


class OSNet(nn.Module):
    """OSNet without its embedding and classifier, applied to each frame separately: D = 512 width at stride 16.

    width: of all layers; 1, 0.75, 0.5 and 0.25 are published.
    instance: instance normalisation in the stem and the first stage, as in `osnet_ibn_x1_0`.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, width: float = 1.0, instance: bool = False) -> None:
        super().__init__()
        stem, *stages = (round(width * channels) for channels in CHANNELS)
        if min(stages) // REDUCTION < GATED:
            raise InputError(f"encoder osnet: width must be at least 0.25, got {width!r}")
        self.conv1 = ConvBlock(3, stem, 7, 2, instance=instance)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        channels = stem
        for number, wide in enumerate(stages, start=2):
            first = instance and number == 2
            steps: list[nn.Module] = [OmniScale(channels, wide, first), OmniScale(wide, wide, first)]
            if number < 4:
                steps.append(nn.Sequential(ConvBlock(wide, wide), nn.AvgPool2d(2, 2)))
            self.add_module(f"conv{number}", nn.Sequential(*steps))
            channels = wide
        self.conv5 = ConvBlock(channels, channels)
        mean, std = find_scale("osnet", "imagenet")
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("std", std, persistent=False)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, clips: Tensor) -> Tensor:
        """clips [B, T, 3, H, W] in [0, 1] -> maps [B, T, D, h, w]."""
        x = ((clips - self.mean) / self.std).flatten(0, 1)  # [B T, 3, H, W]
        for step in self.children():
            x = step(x)
        return x.reshape(*clips.shape[:2], *x.shape[1:])  # [B, T, D, h, w]


class LinearEmbedding(nn.Module):
    """Each frame's mean over places through a linear layer, batch normalisation and ReLU; then the mean over frames.

    width: of the embedding.
    """

    def __init__(self, shape: tuple[int, ...], width: int = 512) -> None:
        super().__init__()
        self.fc = nn.Sequential(nn.Linear(shape[0], width), nn.BatchNorm1d(width), nn.ReLU())

    def forward(self, maps: Tensor) -> Tensor:
        """maps [B, T, D, h, w] -> [B, width]."""
        frames = self.fc(maps.mean((3, 4)).flatten(0, 1))  # [B T, width]
        return torch.unflatten(frames, 0, maps.shape[:2]).mean(1)


def read(shapes: Shapes) -> Checkpoint:
    """OSNet if the stem is a block of its own, else ResNet-50. Raises InputError for a network of another width."""
    linear = shapes.get("fc.0.weight")
    if "conv1.conv.weight" in shapes:
        stem = shapes["conv1.conv.weight"][0]
        encoder = part("osnet", width=stem / CHANNELS[0], instance="conv1.bn.running_mean" not in shapes)
        paper = "torchreid's OSNet"
    else:
        # resnet50 has stride 2 in its last layer; resnet50_fc512 has 1
        encoder = part("resnet", depth=50, last_stride=1 if linear else 2, scale="imagenet")
        paper = "torchreid's ResNet-50"
    aggregator = part("linear-embedding", width=linear[0]) if linear else part("average")
    method = Method(
        encoder=encoder,
        aggregator=aggregator,
        matcher=part("mean", metric="sqeuclidean"),
        test=TEST,
        size=(256, 128),
        paper=paper,
    )
    return Checkpoint(method, (Renaming("fc.", "aggregator.fc."), Renaming("", "encoder.")), left=("classifier.",))


FAMILY = CheckpointFamily(
    "torchreid (.pth.tar): OSNet of any width and its IBN variant, ResNet-50 and its variant with 512 numbers.",
    signs=(
        ("conv1.conv.weight", "conv2.0.conv2a.conv1.weight", "conv5.conv.weight"),
        ("conv1.weight", "layer4.2.conv3.weight", "classifier.weight"),
    ),
    read=read,
)


@hookimpl
def vreid_encoders() -> Mapping[str, Callable[..., Any]]:
    """`osnet`."""
    return {"osnet": OSNet}


@hookimpl
def vreid_aggregators() -> Mapping[str, Callable[..., Any]]:
    """`linear-embedding`."""
    return {"linear-embedding": LinearEmbedding}


@hookimpl
def vreid_checkpoints() -> Mapping[str, Any]:
    """`torchreid`."""
    return {"torchreid": FAMILY}
