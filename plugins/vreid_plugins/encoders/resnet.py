"""Residual networks, frame by frame: ResNet-50 and a narrow one that trains in minutes on a CPU."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from vreid_bench import InputError, Published, WeightFile, hookimpl
from vreid_plugins.encoders.colours import find_scale
from vreid_plugins.encoders.residual import IMAGES, Residual
from vreid_plugins.weights import WEIGHTS


class Resnet(Residual):
    """A residual network without its classifier, applied to each frame separately.

    depth 50: maps of D = 2048 at stride 32. Names and shapes are those of torchvision's and timm's `resnet50` without
        `fc`, so their files load unchanged.
    depth 8: a 5x5 stem and one basic block each of 16, 32 and 64 channels: D = 64 at stride 8.
    last_stride: the stride of the last layer; 1 doubles the maps' height and width, as many re-ID networks do.
    scale: `imagenet` normalises colours by the mean and deviation of ImageNet, as the published weights expect;
        `symmetric` scales them to [-1, 1]. Published weights are loaded as they are with both.
    """

    published = (
        Published(
            "torchvision and timm resnet50",
            head=("fc.",),
            file=WeightFile(
                "resnet50-0676ba61.pth",
                "ImageNet",
                "https://github.com/pytorch/vision",
                "0676ba61",
            ),
        ),
    )
    shipped = (WEIGHTS / "resnet-small.safetensors",)
    mean: Tensor
    std: Tensor

    def __init__(self, depth: int = 50, last_stride: int = 2, scale: str = "imagenet") -> None:
        if last_stride not in (1, 2):
            raise InputError(f"encoder resnet: last_stride must be 1 or 2, got {last_stride!r}")
        super().__init__(IMAGES, depth, last_stride)
        # not persistent: the state dict stays torchvision's
        mean, std = find_scale("resnet", scale)
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("std", std, persistent=False)

    def forward(self, clips: Tensor) -> Tensor:
        """clips [B, T, 3, H, W] in [0, 1] -> maps [B, T, D, h, w]."""
        B, T = clips.shape[:2]
        x = self.maps(((clips - self.mean) / self.std).flatten(0, 1))  # of [B T, 3, H, W]
        return x.reshape(B, T, *x.shape[1:])  # [B, T, D, h, w]


@hookimpl
def vreid_encoders() -> Mapping[str, Callable[..., Any]]:
    """`resnet`."""
    return {"resnet": Resnet}
