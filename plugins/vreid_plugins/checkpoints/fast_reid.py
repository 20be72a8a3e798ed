"""Checkpoints of fast-reid (He et al. 2020): ResNet-50 or 101, plain or with IBN or non-local blocks, and a BN-neck.

Names are those of `model_final.pth`. fast-reid tests images; here the features of all frames of a tracklet are
averaged.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from vreid_bench import Checkpoint, CheckpointFamily, Clipping, InputError, Method, Renaming, Shapes, hookimpl, part
from vreid_plugins.encoders.colours import find_scale

WIDTHS = (64, 128, 256, 512)  # inside the blocks of a layer; they give four times as many channels
EACH_FRAME = Clipping("dense", T=1)  # every frame is a clip of its own, and the matcher averages clips
EPS = 1e-6  # the smallest value that generalised pooling takes


class HalfInstance(nn.Module):
    """Instance normalisation of the first half of the channels, batch normalisation of the others (IBN-a)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.share = width // 2
        self.IN = nn.InstanceNorm2d(self.share, affine=True)
        self.BN = nn.BatchNorm2d(width - self.share)

    def forward(self, x: Tensor) -> Tensor:
        """[N, width, h, w] -> the same shape."""
        first, second = x[:, : self.share], x[:, self.share :]
        return torch.cat((self.IN(first.contiguous()), self.BN(second.contiguous())), 1)


class Block(nn.Module):
    """Convolutions of 1, 3 and 1 around a shortcut; the second one strides."""

    def __init__(self, channels: int, width: int, stride: int, ibn: bool) -> None:
        super().__init__()
        out = 4 * width
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.bn1: nn.Module = HalfInstance(width) if ibn else nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out)
        self.downsample: nn.Module | None = None
        if stride != 1 or channels != out:
            self.downsample = nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x: Tensor) -> Tensor:
        """[N, channels, h, w] -> [N, 4 width, h', w']."""
        y = torch.relu(self.bn1(self.conv1(x)))
        y = self.bn3(self.conv3(torch.relu(self.bn2(self.conv2(y)))))
        return torch.relu(y + (x if self.downsample is None else self.downsample(x)))


class NonLocal(nn.Module):
    """Every place plus a sum over all places, by dot products of one channel over their number (Wang et al. 2018)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.g, self.theta, self.phi = (nn.Conv2d(channels, 1, 1) for _ in range(3))
        self.W = nn.Sequential(nn.Conv2d(1, channels, 1), nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        """[N, channels, h, w] -> the same shape."""
        g, theta, phi = (each(x).flatten(2) for each in (self.g, self.theta, self.phi))  # [N, 1, h w]
        y = theta * (phi * g).mean(2, keepdim=True)  # with one channel the sum over places is one number
        more: Tensor = self.W(y.view(len(x), 1, *x.shape[2:]))
        return more + x


class FastReidResnet(nn.Module):
    """fast-reid's ResNet without its head, applied to each frame separately: D = 2048 at stride 16.

    counts: blocks of each layer. last_stride: of the last layer.
    ibn: instance normalisation of half of the channels in the first three layers.
    non_local: how many blocks at the end of each layer are followed by a non-local block.
    pool: of the stem, `ceil` without padding as since version 1.0, or `padded` as before and in torchvision.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        counts: Sequence[int] = (3, 4, 6, 3),
        last_stride: int = 1,
        ibn: bool = False,
        non_local: Sequence[int] = (0, 0, 0, 0),
        pool: str = "ceil",
    ) -> None:
        super().__init__()
        if pool not in ("ceil", "padded"):
            raise InputError(f"encoder fast-reid-resnet: pool must be ceil or padded, got {pool!r}")
        if len(counts) != 4 or len(non_local) != 4 or any(n > c for n, c in zip(non_local, counts, strict=True)):
            raise InputError(
                f"encoder fast-reid-resnet: counts and non_local must each have 4 numbers, the second no larger, got "
                f"{list(counts)} and {list(non_local)}"
            )
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(3, 2, ceil_mode=True) if pool == "ceil" else nn.MaxPool2d(3, 2, 1)
        channels = 64
        for number, (width, count) in enumerate(zip(WIDTHS, counts, strict=True), start=1):
            stride = {1: 1, 4: last_stride}.get(number, 2)
            blocks = nn.Sequential()
            for at in range(count):
                blocks.append(Block(channels, width, stride if at == 0 else 1, ibn and number < 4))
                channels = 4 * width
            self.add_module(f"layer{number}", blocks)
        for number, (width, more) in enumerate(zip(WIDTHS, non_local, strict=True), start=1):
            if more:
                self.add_module(f"NL_{number}", nn.ModuleList(NonLocal(4 * width) for _ in range(more)))
        mean, std = find_scale("fast-reid-resnet", "imagenet")
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("std", std, persistent=False)

    def forward(self, clips: Tensor) -> Tensor:
        """clips [B, T, 3, H, W] in [0, 1] -> maps [B, T, D, h, w]."""
        x = ((clips - self.mean) / self.std).flatten(0, 1)  # [B T, 3, H, W]
        x = self.maxpool(torch.relu(self.bn1(self.conv1(x))))
        parts = dict(self.named_children())
        for number in (1, 2, 3, 4):
            blocks = list(parts[f"layer{number}"].children())
            after = list(parts[f"NL_{number}"].children()) if f"NL_{number}" in parts else []
            for at, block in enumerate(blocks, start=len(after) - len(blocks)):
                x = block(x)
                if at >= 0:
                    x = after[at](x)
        maps: Tensor = x.reshape(*clips.shape[:2], *x.shape[1:])  # [B, T, D, h, w]
        return maps


class NeckEmbedding(nn.Module):
    """Each frame's pooled maps through batch normalisation (the BN-neck); then the mean over frames.

    pool: over places: `average`; `gem`, the generalised mean with exponent 3; or `gem-learned`, with a learned one.
    width: of a linear layer before the normalisation; 0: none.
    """

    def __init__(self, shape: tuple[int, ...], pool: str = "average", width: int = 0) -> None:
        super().__init__()
        if pool not in ("average", "gem", "gem-learned"):
            raise InputError(f"aggregator neck-embedding: pool must be average, gem or gem-learned, got {pool!r}")
        self.pool, channels = pool, shape[0]
        if pool == "gem-learned":
            self.p = nn.Parameter(torch.full((1,), 3.0))
        narrow = [nn.Conv2d(channels, width, 1, bias=False)] if width else []
        self.bottleneck = nn.Sequential(*narrow, nn.BatchNorm2d(width or channels))

    def forward(self, maps: Tensor) -> Tensor:
        """maps [B, T, D, h, w] -> [B, E]."""
        x = maps.flatten(0, 1)  # [B T, D, h, w]
        if self.pool == "average":
            pooled = x.mean((2, 3), keepdim=True)
        else:
            p: Any = self.p if self.pool == "gem-learned" else 3.0
            pooled = x.clamp(min=EPS).pow(p).mean((2, 3), keepdim=True).pow(1 / p)
        frames = self.bottleneck(pooled)[..., 0, 0]  # [B T, E]
        return torch.unflatten(frames, 0, maps.shape[:2]).mean(1)


def read(shapes: Shapes) -> Checkpoint:
    """The network that the names tell. Raises InputError for one with basic blocks or without a BN-neck."""
    counts = tuple(_count(shapes, rf"backbone\.layer{number}\.(\d+)\.conv1\.weight") for number in (1, 2, 3, 4))
    if "backbone.layer1.0.conv3.weight" not in shapes:
        raise InputError("found fast-reid's ResNet with blocks of two convolutions (18x, 34x), expected 50x or 101x")
    narrow = shapes.get("heads.bottleneck.0.weight", ())
    non_local = tuple(_count(shapes, rf"backbone\.NL_{number}\.(\d+)\.g\.weight") for number in (1, 2, 3, 4))
    learned = "heads.pool_layer.p" in shapes
    pool = "gem-learned" if learned else "gem" if any(non_local) else "average"
    method = Method(
        encoder=part(
            "fast-reid-resnet",
            counts=counts,
            ibn="backbone.layer1.0.bn1.IN.weight" in shapes,
            non_local=non_local,
        ),
        aggregator=part("neck-embedding", pool=pool, width=narrow[0] if len(narrow) == 4 else 0),
        matcher=part("mean", metric="cosine"),
        test=EACH_FRAME,
        size=(384, 128) if learned else (256, 128),
        paper="fast-reid's ResNet",
    )
    renamings = (
        Renaming("backbone.", "encoder."),
        Renaming("heads.pool_layer.p", "aggregator.p"),
        Renaming("heads.bottleneck.", "aggregator.bottleneck."),
    )
    left = ("heads.weight", "heads.classifier.", "heads.cls_layer.", "pixel_mean", "pixel_std")
    notes = ("fast-reid publishes no test of tracklets: the features of all frames are averaged",)
    return Checkpoint(method, renamings, left, notes)


def _count(shapes: Shapes, pattern: str) -> int:
    return len({match[1] for name in shapes if (match := re.fullmatch(pattern, name))})


FAMILY = CheckpointFamily(
    "fast-reid (model_final.pth): ResNet-50 or 101, plain, IBN or with non-local blocks, and the BN-neck.",
    signs=(("backbone.conv1.weight", "backbone.layer4.0.conv1.weight", "heads.bottleneck.0.weight"),),
    read=read,
)


@hookimpl
def vreid_encoders() -> Mapping[str, Callable[..., Any]]:
    """`fast-reid-resnet`."""
    return {"fast-reid-resnet": FastReidResnet}


@hookimpl
def vreid_aggregators() -> Mapping[str, Callable[..., Any]]:
    """`neck-embedding`."""
    return {"neck-embedding": NeckEmbedding}


@hookimpl
def vreid_checkpoints() -> Mapping[str, Any]:
    """`fast-reid`."""
    return {"fast-reid": FAMILY}
