"""C3D (Tran et al. 2015): eight 3x3x3 convolutions over the whole clip."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vreid_bench import InputError, Published, WeightFile, hookimpl
from vreid_plugins.weights import WEIGHTS

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, per colour

GROUPS = (("conv1",), ("conv2",), ("conv3a", "conv3b"), ("conv4a", "conv4b"), ("conv5a", "conv5b"))
POOLS = ((1, 2, 2), (2, 2, 2), (2, 2, 2), (2, 2, 2), (2, 2, 2))

SPORTS_1M = WeightFile("c3d.pickle", "Sports-1M", "http://imagelab.ing.unimore.it/files/c3d_pytorch/c3d.pickle")
CAFFE_MEAN = (102.0, 98.0, 90.0)  # of Sports-1M, per colour in 0..255, red first
FEATURES = (0, 3, 6, 8, 11, 13, 16, 18)  # numbers of the eight convolutions in a module `features`


def convert_caffe(tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Weights for BGR in 0..255 minus CAFFE_MEAN -> the same network for z = (RGB in [0, 1] - MEAN) / STD.

    In terms of z the input of the Caffe network is 255 STD z + 255 MEAN - CAFFE_MEAN; weight and bias of conv1 absorb
    this. The result is exact except at the borders of frames and clip, where padding is MEAN instead of CAFFE_MEAN.
    """
    if not {"conv1.weight", "conv1.bias"} <= tensors.keys() or tensors["conv1.weight"].shape[1:] != (3, 3, 3, 3):
        return tensors
    weight = tensors["conv1.weight"].flip(1)  # [width, RGB, t, h, w]
    std, mean, caffe = torch.tensor(STD), torch.tensor(MEAN), torch.tensor(CAFFE_MEAN)
    shift = (weight.sum((2, 3, 4)) * (255 * mean - caffe)).sum(1)  # [width]
    scaled = weight * (255 * std).view(3, 1, 1, 1)
    return {**tensors, "conv1.weight": scaled, "conv1.bias": tensors["conv1.bias"] + shift}


def convert_features(tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Like `convert_caffe`, for files that number the convolutions in one `features`, as `ucf101-caffe.pth` does."""
    names = dict(zip(FEATURES, itertools.chain(*GROUPS), strict=True))
    renamed = {f"features.{i}.{kind}": f"{name}.{kind}" for i, name in names.items() for kind in ("weight", "bias")}
    return convert_caffe({renamed.get(name, name): value for name, value in tensors.items()})


class C3d(nn.Module):
    """Convolutions in five groups, each followed by a max pooling, without C3D's fully connected layers.

    widths: channels of each group; the default is C3D's, 64|128|256,256|512,512|512,512.
    pools: kernel and stride (t, h, w) of each group's pooling; the default is C3D's.
    norm: batch normalisation after each convolution. C3D has none, and its published weights need none; a network
        that trains from random weights in minutes needs it.

    The published weights come from Caffe; `convert_caffe` adapts conv1 to the colours that this class feeds it. With
    other `widths` than the default ones, the layers fit whose inputs and outputs are as wide as there.
    """

    published = (
        Published(
            "DavideA/c3d-pytorch",
            head=("fc8.",),
            others=("fc6.", "fc7."),
            own=convert_caffe,
            file=SPORTS_1M,
        ),
        Published("jfzhang95/pytorch-video-recognition", others=("classifier.",), own=convert_features),
    )
    shipped = (WEIGHTS / "c3d-small.safetensors",)
    mean: Tensor
    std: Tensor

    def __init__(
        self,
        widths: Sequence[int] = (64, 128, 256, 512, 512),
        pools: Sequence[Sequence[int]] = POOLS,
        norm: bool = False,
    ) -> None:
        super().__init__()
        if len(widths) != 5 or len(pools) != 5 or any(len(kernel) != 3 for kernel in pools):
            raise InputError(
                f"encoder c3d: expected 5 widths and 5 pools (t, h, w), got widths={widths!r}, pools={pools!r}"
            )
        self.pools = tuple((t, h, w) for t, h, w in pools)
        channels = 3
        for names, width in zip(GROUPS, widths, strict=True):
            for name in names:
                conv = nn.Conv3d(channels, width, 3, padding=1, bias=not norm)
                nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
                if conv.bias is not None:
                    nn.init.zeros_(conv.bias)
                self.add_module(name, conv)
                self.add_module(_norm_name(name), nn.BatchNorm3d(width) if norm else nn.Identity())
                channels = width
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(3, 1, 1), persistent=False)

    def forward(self, clips: Tensor) -> Tensor:
        """clips [B, T, 3, H, W] in [0, 1] -> maps [B, T', D, h, w]."""
        x = ((clips - self.mean) / self.std).transpose(1, 2)  # [B, 3, T, H, W]
        for i, (names, kernel) in enumerate(zip(GROUPS, self.pools, strict=True), start=1):
            for name in names:
                x = torch.relu(self.get_submodule(_norm_name(name))(self.get_submodule(name)(x)))
            x = _pool(x, kernel, last=i == len(GROUPS))
        return x.transpose(1, 2)  # [B, T', D, h, w]


def _norm_name(conv: str) -> str:
    return conv.replace("conv", "bn")


def _pool(x: Tensor, kernel: tuple[int, int, int], last: bool) -> Tensor:
    """Max pooling of [B, D, t, h, w] that rounds time up: t -> ceil(t / kernel)."""
    # A clip of 16 frames is halved four times to one. Rounded down, a shorter clip would end with no frame, and an odd
    # number of frames would lose the last one. Padding with zeros does not change a maximum after a ReLU. Height and
    # width are rounded down, as in C3D.
    missing = -x.shape[2] % kernel[0]
    x = F.pad(x, (0, 0, 0, 0, 0, missing))
    halves = kernel[1] > 1 and kernel[2] > 1
    return F.max_pool3d(x, kernel, padding=(0, 1, 1) if last and halves else 0)  # pool5 of C3D pads in space


@hookimpl
def vreid_encoders() -> Mapping[str, Callable[..., Any]]:
    """`c3d`."""
    return {"c3d": C3d}
