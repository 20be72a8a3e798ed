"""Models that boxmot ships or trains: `.pt` of OSNet, ResNet-50, MobileNetV2 and LightMBN, and `.onnx`.

Names are those of its state dicts, which are torchreid's where both have a network. boxmot embeds boxes and scales each
vector to unit length; here those of all frames of a tracklet are averaged.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vreid_bench import (
    Checkpoint,
    CheckpointFamily,
    Clipping,
    Container,
    InputError,
    Method,
    Opened,
    Part,
    Renaming,
    Shapes,
    hookimpl,
    part,
)
from vreid_plugins.checkpoints import torchreid
from vreid_plugins.checkpoints.onnx_graph import is_graph, open_graph
from vreid_plugins.checkpoints.torchreid import CHANNELS, ConvBlock, OmniScale
from vreid_plugins.encoders.colours import find_scale

EACH_FRAME = Clipping("dense", T=1)  # every frame is a clip of its own, and the matcher averages clips
MATCHER = part("mean", metric="cosine", normalize=True)
ENGINES = (".engine", ".plan", ".trt")  # endings of what TensorRT builds
MAGIC = b"ftrt"  # with which such a file begins
# MobileNetV2: expansion, channels, blocks, stride of the first block (Sandler et al. 2018, Table 2)
STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
BRANCHES = ("global_branch", "partial_branch", "channel_branch")
TALL = (384, 128)  # frames of LightMBN


class CappedConv(nn.Module):
    """Convolution, normalisation, and a ReLU that ends at 6."""

    def __init__(self, channels: int, width: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, width, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        """[N, channels, h, w] -> [N, width, h', w']."""
        return torch.clamp(self.bn(self.conv(x)), 0, 6)


class InvertedBlock(nn.Module):
    """Wide, a convolution for each channel, and narrow again; around a shortcut where the shape allows one."""

    def __init__(self, channels: int, width: int, expansion: int, stride: int) -> None:
        super().__init__()
        wide = expansion * channels
        self.conv1, self.dwconv2 = CappedConv(channels, wide), CappedConv(wide, wide, 3, stride, wide)
        self.conv3 = nn.Sequential(nn.Conv2d(wide, width, 1, bias=False), nn.BatchNorm2d(width))
        self.shortcut = stride == 1 and channels == width

    def forward(self, x: Tensor) -> Tensor:
        """[N, channels, h, w] -> [N, width, h', w']."""
        y: Tensor = self.conv3(self.dwconv2(self.conv1(x)))
        return x + y if self.shortcut else y


class MobileNetV2(nn.Module):
    """torchreid's and boxmot's MobileNetV2 without its classifier, frame by frame: D = 1280 or more at stride 32.

    width: of all layers; 1 and 1.4 are published.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        if width < 0.1:
            raise InputError(f"encoder mobilenetv2: width must be at least 0.1, got {width!r}")
        channels = int(32 * width)
        self.conv1 = CappedConv(3, channels, 3, 2)
        for number, (expansion, wide, count, stride) in enumerate(STAGES, start=2):
            blocks = nn.Sequential()
            for at in range(count):
                blocks.append(InvertedBlock(channels, int(wide * width), expansion, stride if at == 0 else 1))
                channels = int(wide * width)
            self.add_module(f"conv{number}", blocks)
        self.conv9 = CappedConv(channels, int(1280 * max(width, 1)))
        mean, std = find_scale("mobilenetv2", "imagenet")
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("std", std, persistent=False)

    def forward(self, clips: Tensor) -> Tensor:
        """clips [B, T, 3, H, W] in [0, 1] -> maps [B, T, D, h, w]."""
        x = ((clips - self.mean) / self.std).flatten(0, 1)  # [B T, 3, H, W]
        for layer in self.children():
            x = layer(x)
        return torch.unflatten(x, 0, clips.shape[:2])


class LightMbn(nn.Module):
    """LightMBN's OSNet (Herzog et al., ICIP 2021), which ends in three branches; frame by frame at stride 16.

    Its maps are those of the branches side by side, D = 3 x 512: of the whole, of parts, and of halves of the channels.
    """

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        stem, first, second, third = CHANNELS
        second_stage = [OmniScale(stem, first, False), OmniScale(first, first, False), _transition(first)]
        self.backbone = nn.ModuleDict(
            {
                "0": ConvBlock(3, stem, 7, 2),
                "2": nn.Sequential(*second_stage),
                "3": OmniScale(first, second, False),
            }
        )
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        for branch in BRANCHES:
            rest = nn.ModuleDict({"1": OmniScale(second, second, False), "2": _transition(second)})
            last = nn.Sequential(OmniScale(second, third, False), OmniScale(third, third, False))
            self.add_module(branch, nn.ModuleDict({"0": rest, "1": last, "2": ConvBlock(third, third)}))
        mean, std = find_scale("light-mbn", "imagenet")
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("std", std, persistent=False)

    def forward(self, clips: Tensor) -> Tensor:
        """clips [B, T, 3, H, W] in [0, 1] -> maps [B, T, D, h, w]."""
        x = self.backbone["0"](((clips - self.mean) / self.std).flatten(0, 1))  # [B T, 64, H / 2, W / 2]
        x = self.backbone["3"](self.backbone["2"](self.maxpool(x)))
        maps = torch.cat([self._branch(name, x) for name in BRANCHES], 1)
        return torch.unflatten(maps, 0, clips.shape[:2])

    def _branch(self, name: str, x: Tensor) -> Tensor:
        """[N, 384, h, w] -> [N, 512, h / 2, w / 2]."""
        parts: Any = self.get_submodule(name)
        y: Tensor = parts["2"](parts["1"](parts["0"]["2"](parts["0"]["1"](x))))
        return y


def _transition(width: int) -> nn.Sequential:
    return nn.Sequential(ConvBlock(width, width), nn.AvgPool2d(2, 2))


class Reduction(nn.Module):
    """A linear layer and batch normalisation."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.reduction = nn.Conv2d(channels, width, 1, bias=False)
        self.bn = nn.BatchNorm1d(width)

    def forward(self, x: Tensor) -> Tensor:
        """[N, channels] -> [N, width]."""
        y: Tensor = self.bn(self.reduction(x[..., None, None])[..., 0, 0])
        return y


class LightMbnEmbedding(nn.Module):
    """The seven vectors of LightMBN's branches, number by number beside each other, and their mean over frames.

    The whole once as it is and once by its peaks, parts by their peaks, the upper and the lower half, and two halves of
    the channels.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        width = shape[0] // len(BRANCHES)
        self.drop_batch_bottleneck = OmniScale(width, width, False)
        for at in range(5):
            self.add_module(f"reduction_{at}", Reduction(width, width))
        self.shared = nn.Sequential(nn.Conv2d(width // 2, width, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU())
        self.reduction_ch_0, self.reduction_ch_1 = (nn.ModuleDict({"bn": nn.BatchNorm1d(width)}) for _ in range(2))

    def forward(self, maps: Tensor) -> Tensor:
        """maps [B, T, D, h, w] -> [B, 7 D / 3]."""
        whole, parts, channels = maps.flatten(0, 1).chunk(3, 1)  # [B T, D / 3, h, w] each
        whole = self.drop_batch_bottleneck(whole)
        halves = nn.functional.adaptive_avg_pool2d(parts, (2, 1))[..., 0]  # [B T, D / 3, 2]
        pooled = (whole.mean((2, 3)), parts.amax((2, 3)), halves[..., 0], halves[..., 1], whole.amax((2, 3)))
        plain, peak, upper, lower, peaks = (self.get_submodule(f"reduction_{n}")(x) for n, x in enumerate(pooled))
        inner = [
            self.get_submodule(f"reduction_ch_{n}.bn")(self.shared(half.mean((2, 3), keepdim=True))[..., 0, 0])
            for n, half in enumerate(channels.chunk(2, 1))
        ]
        vectors = torch.stack([plain, peaks, peak, upper, lower, *inner], 2).flatten(1)
        return torch.unflatten(vectors, 0, maps.shape[:2]).mean(1)


def read(shapes: Shapes, beside: Mapping[str, float | str]) -> Checkpoint:
    """The network that the names tell. Raises InputError for another one."""
    notes = ["boxmot embeds boxes, not tracklets: the unit vectors of all frames are averaged"]
    if beside.get("preprocess") not in (None, "resize"):
        notes.append(f"frames are stretched, where the file says {beside['preprocess']}")
    encoder: Part
    renamings: tuple[Renaming, ...]
    if "batch_drop_block.drop_batch_bottleneck.conv3.conv.weight" in shapes:
        renamings = (
            Renaming("batch_drop_block.", "aggregator."),
            Renaming("reduction_", "aggregator.reduction_"),
            Renaming("shared.", "aggregator.shared."),
            Renaming("", "encoder."),
        )
        heads = [f"reduction_{which}.classifier." for which in ("0", "1", "2", "3", "4", "ch_0", "ch_1")]
        encoder, aggregator, size, paper = part("light-mbn"), part("light-mbn-embedding"), TALL, "boxmot's LightMBN"
        left = tuple(heads)
    elif "conv9.conv.weight" in shapes:
        encoder = part("mobilenetv2", width=_find_width(shapes["conv9.conv.weight"]))
        aggregator, size, paper = part("average"), (256, 128), "boxmot's MobileNetV2"
        renamings, left = (Renaming("", "encoder."),), ("classifier.",)
    else:
        theirs = torchreid.read(shapes)
        method = replace(theirs.method, matcher=MATCHER, test=EACH_FRAME)
        method = replace(method, paper=theirs.method.paper.replace("torchreid", "boxmot"))
        return replace(theirs, method=method, notes=tuple(notes))
    method = Method(encoder, aggregator, MATCHER, EACH_FRAME, size, paper=paper)
    return Checkpoint(method, renamings, left, tuple(notes))


def _find_width(last: tuple[int, ...]) -> float:
    """The width of a MobileNetV2 by its last convolution [1280 width, 320 width, 1, 1]."""
    return last[1] / 320


def matches(path: Path) -> bool:
    """Is it a graph of ONNX, or what TensorRT made of one?"""
    return is_graph(path) or _is_engine(path)


def _is_engine(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return path.suffix in ENGINES or file.read(len(MAGIC)) == MAGIC


def open_export(path: Path) -> Opened:
    """A graph of ONNX. Raises InputError for an engine of TensorRT, and as `open_graph` does."""
    if _is_engine(path):
        raise InputError(
            "it is an engine of TensorRT, which runs on the kind of GPU and in the version of TensorRT that built it "
            "and nowhere else; name the .pt or .onnx that it was made from"
        )
    told = _read_sidecar(path)
    padded = told.get("preprocess")
    notes = [] if padded in (None, "resize") else [f"frames are stretched, where its metadata say {padded}"]
    return open_graph(path, *notes)


def _read_sidecar(path: Path) -> Mapping[str, Any]:
    """What boxmot's export wrote beside the graph; empty if nothing did, because another program made it."""
    try:
        told = json.loads(path.with_name(f"{path.name}.metadata.json").read_text())
    except (OSError, ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


FAMILY = CheckpointFamily(
    "boxmot (.pt, .onnx): OSNet of any width and its IBN variant, ResNet-50, MobileNetV2, LightMBN, any graph of ONNX.",
    signs=(
        *torchreid.FAMILY.signs,
        ("conv1.conv.weight", "conv2.0.dwconv2.conv.weight", "conv9.conv.weight"),
        ("backbone.0.conv.weight", "partial_branch.2.conv.weight", "reduction_ch_0.bn.weight"),
    ),
    read=read,
    container=Container(matches, open_export),
)


@hookimpl
def vreid_encoders() -> Mapping[str, Callable[..., Any]]:
    """`mobilenetv2` and `light-mbn`."""
    return {"mobilenetv2": MobileNetV2, "light-mbn": LightMbn}


@hookimpl
def vreid_aggregators() -> Mapping[str, Callable[..., Any]]:
    """`light-mbn-embedding`."""
    return {"light-mbn-embedding": LightMbnEmbedding}


@hookimpl
def vreid_checkpoints() -> Mapping[str, Any]:
    """`boxmot`."""
    return {"boxmot": FAMILY}
