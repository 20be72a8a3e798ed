"""Residual networks over the whole clip: the 3D ResNet-50 of Hara et al. and a narrow one that trains in minutes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from vreid_bench import Published, hookimpl
from vreid_plugins.encoders.residual import CLIPS, Residual

MEAN = (114.7748, 107.7354, 99.4750)  # of ActivityNet, per colour in 0..255: what the published weights have seen


class Resnet3d(Residual):
    """A residual network of 3D convolutions without its classifier.

    depth 50: maps of D = 2048 at stride 32, and 16 in time. Names and shapes of parameters and buffers are those of
        the published Kinetics `resnet-50` less `fc` and less `module.` in front (Hara et al., "Can Spatiotemporal 3D
        CNNs Retrace the History of 2D CNNs and ImageNet?", CVPR 2018).
    depth 8: the plan of `resnet` at depth 8 with 3D kernels: D = 64 at stride 8, and 4 in time.

    These files have seen colours in 0..255 less the mean of ActivityNet, which this gives them. The files of 2020
    (`r3d50_*`) have the same names and took colours in [0, 1], less a mean and over a deviation of their own: they
    load, but their first layer meets another scale.

    Clips may have any number of frames: what is left over by a stride counts as one more, so one frame gives T' = 1.
    """

    published = (Published("kenshohara/3D-ResNets-PyTorch", head=("fc.",)),)
    mean: Tensor

    def __init__(self, depth: int = 50) -> None:
        super().__init__(CLIPS, depth)
        # not persistent: the state dict stays the published one's
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1), persistent=False)

    def forward(self, clips: Tensor) -> Tensor:
        """clips [B, T, 3, H, W] in [0, 1] -> maps [B, T', D, h, w]."""
        x = (255 * clips - self.mean).transpose(1, 2)  # [B, 3, T, H, W]; the published code divides by no deviation
        return self.maps(x).transpose(1, 2)  # [B, T', D, h, w]


@hookimpl
def vreid_encoders() -> Mapping[str, Callable[..., Any]]:
    """`resnet3d`."""
    return {"resnet3d": Resnet3d}
