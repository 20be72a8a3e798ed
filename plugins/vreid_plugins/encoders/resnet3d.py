"""Residual networks over the whole clip: the 3D ResNet-50 of Hara et al. and a narrow one that trains in minutes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from vreid_bench import Published, WeightFile, hookimpl
from vreid_plugins.encoders.residual import CLIPS, Residual
from vreid_plugins.weights import WEIGHTS

MEAN = (
    114.7748,
    107.7354,
    99.4750,
)  # of ActivityNet, per colour in 0..255, as in the training of the published weights


class Resnet3d(Residual):
    """A residual network of 3D convolutions without its classifier.

    depth 50: maps of D = 2048 at stride 32 in space and 16 in time. Names and shapes are those of the published
        Kinetics `resnet-50` without `fc` and without the prefix `module.` (Hara et al., "Can Spatiotemporal 3D CNNs
        Retrace the History of 2D CNNs and ImageNet?", CVPR 2018).
    depth 8: the plan of `resnet` at depth 8 with 3D kernels: D = 64 at stride 8 in space and 4 in time.

    The published weights were trained on colours in 0..255 minus the mean of ActivityNet; the network sees the same.
    The files of 2020 (`r3d50_*`) have the same names, but were trained on colours in [0, 1] with another mean and
    deviation: they load, but the first layer gets another scale.

    A clip may have any number of frames; every stride rounds up, so one frame is T' = 1.
    """

    published = (
        Published(
            "kenshohara/3D-ResNets-PyTorch",
            head=("fc.",),
            file=WeightFile("resnet-50-kinetics.pth", "Kinetics", "https://github.com/kenshohara/3D-ResNets-PyTorch"),
        ),
    )
    shipped = (WEIGHTS / "resnet3d-small.safetensors",)
    mean: Tensor

    def __init__(self, depth: int = 50) -> None:
        super().__init__(CLIPS, depth)
        # not persistent: the state dict stays the published one's
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1), persistent=False)

    def forward(self, clips: Tensor) -> Tensor:
        """clips [B, T, 3, H, W] in [0, 1] -> maps [B, T', D, h, w]."""
        x = (255 * clips - self.mean).transpose(1, 2)  # [B, 3, T, H, W]; as in the published code, no deviation
        return self.maps(x).transpose(1, 2)  # [B, T', D, h, w]


@hookimpl
def vreid_encoders() -> Mapping[str, Callable[..., Any]]:
    """`resnet3d`."""
    return {"resnet3d": Resnet3d}
