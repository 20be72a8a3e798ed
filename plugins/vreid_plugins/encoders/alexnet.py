"""AlexNet (Krizhevsky et al. 2012), the published one-column form, frame by frame, and a narrow one for a CPU."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from torch import Tensor, nn

from vreid_bench import Published, WeightFile, hookimpl
from vreid_plugins.encoders.colours import find_scale
from vreid_plugins.weights import WEIGHTS


class Conv(NamedTuple):
    """One of the five convolutions."""

    width: int
    kernel: int
    stride: int
    padding: int
    pool: bool  # whether a 3x3 max pooling of stride 2 follows


FULL = (
    Conv(64, 11, 4, 2, True),
    Conv(192, 5, 1, 2, True),
    Conv(384, 3, 1, 1, False),
    Conv(256, 3, 1, 1, False),
    Conv(256, 3, 1, 1, True),
)
NARROW = (
    Conv(16, 5, 2, 2, True),
    Conv(48, 5, 1, 2, True),
    Conv(96, 3, 1, 1, False),
    Conv(64, 3, 1, 1, False),
    Conv(64, 3, 1, 1, False),
)


class Alexnet(nn.Module):
    """The five convolutions of AlexNet without its fully connected layers, applied to each frame separately.

    The fully connected layers need frames of 224 x 224; the maps of conv5 can have any size.

    narrow False: D = 256 at stride 32. Names and shapes are those of torchvision's `alexnet` without `classifier`.
    narrow True: a quarter of the channels after a 5x5 stem, with batch normalisation, because a network without
        normalisation hardly learns from random weights in minutes: D = 64 at stride 8.
    scale: as in `resnet`.
    """

    published = (
        Published(
            "torchvision alexnet",
            head=("classifier.",),
            file=WeightFile(
                "alexnet-owt-7be5be79.pth",
                "ImageNet",
                "https://github.com/pytorch/vision",
                "7be5be79",
            ),
        ),
    )
    shipped = (WEIGHTS / "alexnet-small.safetensors",)
    mean: Tensor
    std: Tensor

    def __init__(self, narrow: bool = False, scale: str = "imagenet") -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for conv in NARROW if narrow else FULL:
            layer = nn.Conv2d(channels, conv.width, conv.kernel, conv.stride, conv.padding, bias=not narrow)
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
            layers += [layer, nn.BatchNorm2d(conv.width)] if narrow else [layer]
            layers += [nn.ReLU(), nn.MaxPool2d(3, 2)] if conv.pool else [nn.ReLU()]
            channels = conv.width
        self.features = nn.Sequential(*layers)
        # not persistent: the state dict stays torchvision's
        mean, std = find_scale("alexnet", scale)
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("std", std, persistent=False)

    def forward(self, clips: Tensor) -> Tensor:
        """clips [B, T, 3, H, W] in [0, 1] -> maps [B, T, D, h, w]."""
        B, T = clips.shape[:2]
        x: Tensor = self.features(((clips - self.mean) / self.std).flatten(0, 1))  # [B T, D, h, w]
        return x.reshape(B, T, *x.shape[1:])  # [B, T, D, h, w]


@hookimpl
def vreid_encoders() -> Mapping[str, Callable[..., Any]]:
    """`alexnet`."""
    return {"alexnet": Alexnet}
