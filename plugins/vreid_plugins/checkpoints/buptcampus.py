"""Checkpoints of BUPTCampus (Du et al., IEEE TIFS 2023): one residual network with a stem for each modality.

Names are those of its `ckpt_res34_real.pth`: visible and infrared frames have a first convolution of their own, the
layers after it are shared. Its test averages 10 evenly spaced frames.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from vreid_bench import Checkpoint, CheckpointFamily, Clipping, InputError, Method, Renaming, Shapes, hookimpl, part
from vreid_plugins.encoders.colours import find_scale

WIDTHS, STRIDES = (64, 128, 256, 512), (1, 2, 2, 1)  # of the four layers; the last one does not stride
FRAMES = 10  # of a tracklet at test
# A frame of an infrared camera has three equal colours. Below this mean difference, of colours in [0, 1], a clip is
# taken for infrared; compression tints grey frames by less, and visible ones differ by more.
GREY = 4 / 255
SHARED = "shared_module.backbone."


class Block(nn.Module):
    """Two convolutions of 3, or three of 1, 3 and 1, around a shortcut."""

    def __init__(self, channels: int, width: int, stride: int, deep: bool) -> None:
        super().__init__()
        out = 4 * width if deep else width
        sides = ((1, 1), (3, stride), (1, 1)) if deep else ((3, stride), (3, 1))
        inside = channels
        for at, (side, step) in enumerate(sides, start=1):
            wide = out if at == len(sides) else width
            self.add_module(f"conv{at}", nn.Conv2d(inside, wide, side, step, side // 2, bias=False))
            self.add_module(f"bn{at}", nn.BatchNorm2d(wide))
            inside = wide
        self.steps = len(sides)
        self.downsample: nn.Module | None = None
        if stride != 1 or channels != out:
            self.downsample = nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x: Tensor) -> Tensor:
        """[N, channels, h, w] -> [N, out, h', w']."""
        y = x
        for at in range(1, self.steps + 1):
            y = self.get_submodule(f"bn{at}")(self.get_submodule(f"conv{at}")(y))
            y = torch.relu(y) if at < self.steps else y
        return torch.relu(y + (x if self.downsample is None else self.downsample(x)))


class Stem(nn.Module):
    """The first convolution, of one modality."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(3, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        """[N, 3, H, W] -> [N, 64, h, w]."""
        y: Tensor = self.maxpool(torch.relu(self.bn1(self.conv1(x))))
        return y


class TwoStemResnet(nn.Module):
    """A residual network for visible and infrared clips, frame by frame: D = 512, or 2048 of deep blocks, at stride 16.

    counts: blocks of each layer. deep: three convolutions in each block instead of two.
    frames: of each clip only so many count, the first of each of `frames` equal parts, and a shorter clip repeats its
        own (the `uniform` of BUPTCampus); 0: all.
    infrared: which clips go through the infrared stem: `grey`, those whose three colours are equal; `none`; `all`.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        counts: Sequence[int] = (3, 4, 6, 3),
        deep: bool = False,
        frames: int = FRAMES,
        infrared: str = "grey",
    ) -> None:
        super().__init__()
        if len(counts) != 4 or min(counts) < 1:
            raise InputError(f"encoder two-stem-resnet: counts must be four numbers of 1 or more, got {list(counts)}")
        if infrared not in ("grey", "none", "all"):
            raise InputError(f"encoder two-stem-resnet: infrared must be grey, none or all, got {infrared!r}")
        if frames < 0:
            raise InputError(f"encoder two-stem-resnet: frames must be 0 or more, got {frames!r}")
        self.frames, self.infrared = frames, infrared
        self.rgb_module, self.ir_module = Stem(), Stem()
        channels = 64
        for number, (width, stride, count) in enumerate(zip(WIDTHS, STRIDES, counts, strict=True), start=1):
            blocks = nn.Sequential()
            for at in range(count):
                blocks.append(Block(channels, width, stride if at == 0 else 1, deep))
                channels = 4 * width if deep else width
            self.add_module(f"layer{number}", blocks)
        mean, std = find_scale("two-stem-resnet", "imagenet")
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("std", std, persistent=False)

    def forward(self, clips: Tensor) -> Tensor:
        """clips [B, T, 3, H, W] in [0, 1] -> maps [B, T', D, h, w] of the T' frames that count."""
        if self.frames:
            clips = clips[:, torch.arange(self.frames, device=clips.device) * clips.shape[1] // self.frames]
        x = (clips - self.mean) / self.std  # [B, T', 3, H, W]
        dark = self._find_infrared(clips)
        stems = [self._stem(clip, bool(is_dark)) for clip, is_dark in zip(x, dark, strict=True)]
        maps = torch.cat(stems)  # [B T', 64, h, w]
        for number in (1, 2, 3, 4):
            maps = self.get_submodule(f"layer{number}")(maps)
        return torch.unflatten(maps, 0, clips.shape[:2])

    def _stem(self, clip: Tensor, infrared: bool) -> Tensor:
        """[T', 3, H, W] -> [T', 64, h, w]."""
        y: Tensor = self.ir_module(clip) if infrared else self.rgb_module(clip)
        return y

    def _find_infrared(self, clips: Tensor) -> Tensor:
        """Which clips [B, T, 3, H, W] go through the infrared stem: [B]."""
        if self.infrared == "grey":
            return (clips.amax(2) - clips.amin(2)).mean((1, 2, 3)) < GREY
        return torch.full((len(clips),), self.infrared == "all")


def read(shapes: Shapes) -> Checkpoint:
    """The network that the names tell. Raises InputError for attention over time, and for a layer without blocks."""
    if any(name.startswith("temporal_module.transformer.") for name in shapes):
        raise InputError(
            "found BUPTCampus' network with self-attention, which its code lets run over the tracklets of a batch "
            "instead of their frames, so that a tracklet has no features of its own; expected --temporal gap, which "
            "all its published files have"
        )
    counts = tuple(_count(shapes, number) for number in (1, 2, 3, 4))
    if not all(counts):
        raise InputError(f"found layers with {list(counts)} blocks, expected blocks in all four")
    method = Method(
        encoder=part("two-stem-resnet", counts=counts, deep=f"{SHARED}layer1.0.conv3.weight" in shapes),
        aggregator=part("neck-embedding", pool="average"),  # after a mean of frames or before it: the neck is linear
        matcher=part("mean", metric="cosine"),  # ranks as the Euclidean distance of its unit vectors
        test=Clipping("all", T=0),  # the encoder takes 10 of them
        size=(256, 128),
        paper="BUPTCampus' ResNet",
    )
    renamings = (
        Renaming(f"{SHARED}layer", "encoder.layer"),
        Renaming("rgb_module.", "encoder.rgb_module."),
        Renaming("ir_module.", "encoder.ir_module."),
        Renaming("bottleneck.bn.", "aggregator.bottleneck.0."),
    )
    left = ("classifier.", f"{SHARED}conv1.", f"{SHARED}bn1.")  # the shared network's own stem is never used
    notes = (
        "clips whose three colours are equal are taken for infrared, since no method here is told the modality; the "
        "authors' test is",
    )
    return Checkpoint(method, renamings, left, notes)


def _count(shapes: Shapes, layer: int) -> int:
    pattern = re.compile(re.escape(SHARED) + rf"layer{layer}\.(\d+)\.conv1\.weight")
    return len({match[1] for name in shapes if (match := pattern.fullmatch(name))})


FAMILY = CheckpointFamily(
    "BUPTCampus (ckpt_res34_real.pth, epoch<N>.pth): ResNet with a stem for visible and one for infrared frames.",
    signs=((f"{SHARED}layer1.0.conv1.weight", "rgb_module.conv1.weight", "ir_module.conv1.weight"),),
    read=read,
)


@hookimpl
def vreid_encoders() -> Mapping[str, Callable[..., Any]]:
    """`two-stem-resnet`."""
    return {"two-stem-resnet": TwoStemResnet}


@hookimpl
def vreid_checkpoints() -> Mapping[str, Any]:
    """`buptcampus`."""
    return {"buptcampus": FAMILY}
