"""Checkpoints of AP3D (Gu et al., ECCV 2020) and its children: ResNet-50 over clips, with AP3D and non-local blocks.

Names are those of its state dicts. Its test takes all frames of a tracklet, 32 at a time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vreid_bench import Checkpoint, CheckpointFamily, Clipping, InputError, Method, Renaming, Shapes, hookimpl, part
from vreid_plugins.encoders.colours import find_scale

WIDTHS, STRIDES = (64, 128, 256, 512), (1, 2, 2, 1)
TEMPERATURE, NARROW = 4.0, 16  # of the alignment's softmax; how much narrower its features are (sections 3.2 and 4.2)
PLAIN, ALIGNED, NONLOCAL = "can"  # letters of the blocks of a layer


def _conv(channels: int, width: int, kernel: tuple[int, int, int] = (1, 1, 1), stride: int = 1) -> nn.Conv3d:
    padding = (0, kernel[1] // 2, kernel[2] // 2)
    return nn.Conv3d(channels, width, kernel, (1, stride, stride), padding, bias=False)


class Alignment(nn.Module):
    """Brings each place of a neighbouring frame to where it appears in the central one (section 3.2, the APM)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        narrow = channels // NARROW
        self.semantic_mapping, self.x_mapping, self.n_mapping = (_conv(channels, narrow) for _ in range(3))
        self.contrastive_att_net = nn.Sequential(_conv(narrow, 1), nn.Sigmoid())

    def forward(self, x: Tensor, shift: int) -> Tensor:
        """x [B, C, T, h, w] -> the frame `shift` after each one, as seen at its places; zero beyond the clip."""
        h, w = x.shape[3:]
        semantic = F.normalize(self.semantic_mapping(x), dim=1)
        theirs, places = _shift(semantic, shift), _shift(x, shift)
        similarity = torch.einsum("bcthw,bctyx->bthwyx", semantic, theirs).flatten(-2)  # [B, T, h, w, h w]
        weight = torch.unflatten(torch.softmax(TEMPERATURE * similarity, -1), -1, (h, w))
        aligned = torch.einsum("bthwyx,bctyx->bcthw", weight, places)
        agreement: Tensor = self.contrastive_att_net(self.x_mapping(x) * self.n_mapping(aligned))
        return aligned * agreement


def _shift(x: Tensor, by: int) -> Tensor:
    """[B, C, T, h, w] -> frame t is frame t + by, or zero."""
    before, after = max(-by, 0), max(by, 0)
    return F.pad(x, (0, 0, 0, 0, before, after))[:, :, after : after + x.shape[2]]


class AlignedConv(nn.Module):
    """A 3x3 convolution, plus one over its result and both neighbours aligned to it (Fig. 4, AP3D-C)."""

    def __init__(self, width: int, stride: int) -> None:
        super().__init__()
        self.APM = Alignment(width)
        self.spatial_conv3d = _conv(width, width, (1, 3, 3), stride)
        self.temporal_conv3d = nn.Conv3d(width, width, (3, 1, 1), bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """[B, width, T, h, w] -> [B, width, T, h', w']."""
        x = self.spatial_conv3d(x)
        frames = (self.APM(x, -1), x, self.APM(x, 1))
        kernel = self.temporal_conv3d.weight  # [width, width, 3, 1, 1]
        for at, frame in enumerate(frames):
            x = x + F.conv3d(frame, kernel[:, :, at : at + 1])
        return x


class Block(nn.Module):
    """Convolutions of 1, 3 and 1 around a shortcut, frame by frame or with alignment in the middle."""

    def __init__(self, channels: int, width: int, stride: int, aligned: bool) -> None:
        super().__init__()
        out = 4 * width
        self.conv1, self.bn1 = _conv(channels, width), nn.BatchNorm3d(width)
        self.conv2: nn.Module = AlignedConv(width, stride) if aligned else _conv(width, width, (1, 3, 3), stride)
        self.bn2 = nn.BatchNorm3d(width)
        self.conv3, self.bn3 = _conv(width, out), nn.BatchNorm3d(out)
        self.downsample: nn.Module | None = None
        if stride != 1 or channels != out:
            self.downsample = nn.Sequential(_conv(channels, out, stride=stride), nn.BatchNorm3d(out))

    def forward(self, x: Tensor) -> Tensor:
        """[B, channels, T, h, w] -> [B, 4 width, T, h', w']."""
        y = torch.relu(self.bn1(self.conv1(x)))
        y = self.bn3(self.conv3(torch.relu(self.bn2(self.conv2(y)))))
        return torch.relu(y + (x if self.downsample is None else self.downsample(x)))


class NonLocal(nn.Module):
    """Every place of a clip plus a weighted mean over all places of all its frames (Wang et al. 2018)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = channels // 2
        self.g = nn.Sequential(nn.Conv3d(channels, inner, 1), nn.MaxPool3d((1, 2, 2)))
        self.theta = nn.Conv3d(channels, inner, 1)
        self.phi = nn.Sequential(nn.Conv3d(channels, inner, 1), nn.MaxPool3d((1, 2, 2)))
        self.W = nn.Sequential(nn.Conv3d(inner, channels, 1), nn.BatchNorm3d(channels))

    def forward(self, x: Tensor) -> Tensor:
        """[B, channels, T, h, w] -> the same shape."""
        g, theta, phi = (each(x).flatten(2) for each in (self.g, self.theta, self.phi))  # [B, inner, places]
        weight = torch.softmax(theta.transpose(1, 2) @ phi, -1)  # [B, places, pooled places]
        y = (weight @ g.transpose(1, 2)).transpose(1, 2)
        more: Tensor = self.W(y.reshape(len(x), -1, *x.shape[2:]))
        return more + x


class Ap3dResnet(nn.Module):
    """AP3D's ResNet-50 without its head: D = 2048 at stride 16, one map for each frame.

    layers: the blocks of each layer: `c` is plain, `a` has AP3D's convolution, `n` is a non-local block.
    chunk: how many frames see each other; a longer clip is cut, and its last piece may be shorter.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, layers: Sequence[str] = ("ccc", "acac", "acacac", "ccc"), chunk: int = 32) -> None:
        super().__init__()
        if len(layers) != 4 or any(set(layer) - set("can") or layer[:1] in ("", "n") for layer in layers):
            raise InputError(
                "encoder ap3d-resnet: layers must be four texts of c, a and n that begin with c or a, got "
                f"{list(layers)}"
            )
        if chunk < 1:
            raise InputError(f"encoder ap3d-resnet: chunk must be at least 1, got {chunk!r}")
        self.chunk = chunk
        self.conv1 = _conv(3, 64, (1, 7, 7), 2)
        self.bn1 = nn.BatchNorm3d(64)
        channels = 64
        for number, (width, stride, letters) in enumerate(zip(WIDTHS, STRIDES, layers, strict=True), start=1):
            blocks = nn.Sequential()
            for at, letter in enumerate(letters):
                if letter == NONLOCAL:
                    blocks.append(NonLocal(channels))
                    continue
                blocks.append(Block(channels, width, stride if at == 0 else 1, letter == ALIGNED))
                channels = 4 * width
            self.add_module(f"layer{number}", blocks)
        mean, std = find_scale("ap3d-resnet", "imagenet")
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("std", std, persistent=False)

    def forward(self, clips: Tensor) -> Tensor:
        """clips [B, T, 3, H, W] in [0, 1] -> maps [B, T, D, h, w]."""
        x = ((clips - self.mean) / self.std).transpose(1, 2)  # [B, 3, T, H, W]
        return torch.cat([self._maps(piece) for piece in torch.split(x, self.chunk, 2)], 2).transpose(1, 2)

    def _maps(self, x: Tensor) -> Tensor:
        """[B, 3, T, H, W] -> [B, D, T, h, w]."""
        x = F.max_pool3d(torch.relu(self.bn1(self.conv1(x))), (1, 3, 3), (1, 2, 2), (0, 1, 1))
        for number in (1, 2, 3, 4):
            x = self.get_submodule(f"layer{number}")(x)
        return x


class PeakEmbedding(nn.Module):
    """The largest value over places, the mean over frames, then batch normalisation."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.bn = nn.BatchNorm1d(shape[0])

    def forward(self, maps: Tensor) -> Tensor:
        """maps [B, T, D, h, w] -> [B, D]."""
        embedding: Tensor = self.bn(maps.amax((3, 4)).mean(1))
        return embedding


def read(shapes: Shapes) -> Checkpoint:
    """The blocks that the names tell. Raises InputError for a network without blocks in one of its layers."""
    layers = tuple(_letters(shapes, number) for number in (1, 2, 3, 4))
    if not all(layers):
        raise InputError(f"found layers with {[len(each) for each in layers]} blocks, expected blocks in all four")
    method = Method(
        encoder=part("ap3d-resnet", layers=layers),
        aggregator=part("peak-embedding"),
        matcher=part("mean", metric="cosine"),
        test=Clipping("all", T=0),
        size=(256, 128),
        paper="AP3D's ResNet-50",
    )
    renamings = (Renaming("bn.", "aggregator.bn."), Renaming("", "encoder."))
    return Checkpoint(method, renamings, left=("classifier.",))


def _letters(shapes: Shapes, number: int) -> str:
    """The letters of the blocks of a layer, as `Ap3dResnet` takes them."""
    kinds: dict[int, str] = {}
    for name in shapes:
        match = re.fullmatch(rf"layer{number}\.(\d+)\.(conv1|theta|conv2\.APM\.semantic_mapping)\.weight", name)
        if match and match[2].startswith("conv2"):
            kinds[int(match[1])] = ALIGNED
        elif match:
            kinds.setdefault(int(match[1]), NONLOCAL if match[2] == "theta" else PLAIN)
    return "".join(kinds[at] for at in sorted(kinds))


FAMILY = CheckpointFamily(
    "AP3D and its children (checkpoint_ep240.pth.tar): ResNet-50 over clips, with AP3D and non-local blocks.",
    signs=(("conv1.weight", "layer2.0.conv2.APM.semantic_mapping.weight", "layer4.2.conv3.weight", "bn.weight"),),
    read=read,
)


@hookimpl
def vreid_encoders() -> Mapping[str, Callable[..., Any]]:
    """`ap3d-resnet`."""
    return {"ap3d-resnet": Ap3dResnet}


@hookimpl
def vreid_aggregators() -> Mapping[str, Callable[..., Any]]:
    """`peak-embedding`."""
    return {"peak-embedding": PeakEmbedding}


@hookimpl
def vreid_checkpoints() -> Mapping[str, Any]:
    """`ap3d`."""
    return {"ap3d": FAMILY}
