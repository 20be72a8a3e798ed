"""VGG-16 (Simonyan and Zisserman 2015, configuration D), frame by frame, and a narrow one for a CPU."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from vreid_bench import InputError, Published, WeightFile, hookimpl
from vreid_plugins.weights import WEIGHTS

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, per colour
CONVOLUTIONS = (2, 2, 3, 3, 3)  # in each of the five blocks
LAYERS = ("conv5", "pool5", "fc7")
IMAGENET = WeightFile("vgg16-397923af.pth", "ImageNet", "https://github.com/pytorch/vision", "397923af")


class Widths(NamedTuple):
    """What `narrow` changes besides the batch normalisation."""

    blocks: tuple[int, ...]  # channels of the five blocks
    pools: int  # how many of the blocks, from the first on, end in a max pooling by two
    grid: tuple[int, int]  # height and width of the maps that fc6 takes
    connected: int  # outputs of fc6 and of fc7


FULL = Widths((64, 128, 256, 512, 512), 5, (7, 7), 4096)
NARROW = Widths((8, 16, 32, 64, 64), 3, (4, 2), 128)


class VggLayers(nn.Module):
    """The layers of VGG-16 up to `layer`, for pictures of any number of channels; it does not normalise its input.

    channels: of the input.
    narrow, layer: as in `Vgg16`.

    Names and shapes are those of torchvision's `vgg16`, but for the first convolution if there are not three channels.
    """

    def __init__(self, channels: int, narrow: bool = False, layer: str = "pool5") -> None:
        super().__init__()
        if layer not in LAYERS:
            raise InputError(f"encoder vgg16: layer must be one of {', '.join(LAYERS)}, got {layer!r}")
        widths = NARROW if narrow else FULL
        layers: list[nn.Module] = []
        for block, (width, count) in enumerate(zip(widths.blocks, CONVOLUTIONS, strict=True)):
            for _ in range(count):
                layers.append(nn.Conv2d(channels, width, 3, padding=1, bias=not narrow))
                layers += [nn.BatchNorm2d(width), nn.ReLU()] if narrow else [nn.ReLU()]
                channels = width
            if block < widths.pools and not (layer == "conv5" and block == len(CONVOLUTIONS) - 1):
                layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        if layer == "fc7":
            self.avgpool = nn.AdaptiveAvgPool2d(widths.grid)
            self.classifier = connected_layers(channels * widths.grid[0] * widths.grid[1], widths.connected)
        for module in self.features:
            if isinstance(module, nn.Conv2d):
                initialize(module)
        self.layer = layer

    def maps(self, pictures: Tensor) -> Tensor:
        """pictures [N, channels, H, W] -> maps [N, D, h, w]; those of fc7 have h = w = 1."""
        x: Tensor = self.features(pictures)
        if self.layer != "fc7":
            return x
        vectors: Tensor = self.classifier(self.avgpool(x).flatten(1))
        return vectors[:, :, None, None]


class Vgg16(VggLayers):
    """VGG-16 without its classifier, applied to each frame separately.

    layer: whose output it returns. `conv5`: D = 512 at stride 16, before the last pooling; `pool5`: the same at stride
        32; `fc7`: D = 4096, one place. fc6 takes 7 x 7 maps, those of 224 x 224 frames; others are averaged to that.
    narrow False: names and shapes are those of torchvision's `vgg16` without its later layers.
    narrow True: an eighth of the channels and three poolings, with batch normalisation, because a network without
        normalisation hardly learns from random weights in minutes: D = 64 at stride 8, or 128 for `fc7`. It has no
        fifth pooling, so `conv5` and `pool5` are the same.
    """

    published = (Published("torchvision vgg16", file=IMAGENET),)
    shipped = (WEIGHTS / "vgg16-small.safetensors",)
    mean: Tensor
    std: Tensor

    def __init__(self, narrow: bool = False, layer: str = "pool5") -> None:
        super().__init__(3, narrow, layer)
        self.published = (Published("torchvision vgg16", head=unused(layer), file=IMAGENET),)
        # not persistent: the state dict stays torchvision's
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(3, 1, 1), persistent=False)

    def forward(self, clips: Tensor) -> Tensor:
        """clips [B, T, 3, H, W] in [0, 1] -> maps [B, T, D, h, w]."""
        B, T = clips.shape[:2]
        x = self.maps(((clips - self.mean) / self.std).flatten(0, 1))  # [B T, D, h, w]
        return x.reshape(B, T, *x.shape[1:])  # [B, T, D, h, w]


def connected_layers(inputs: int, outputs: int) -> nn.Sequential:
    """fc6 and fc7, each with ReLU and dropout: [N, inputs] -> [N, outputs]."""
    fc6, fc7 = nn.Linear(inputs, outputs), nn.Linear(outputs, outputs)
    for layer in (fc6, fc7):
        initialize(layer)
    return nn.Sequential(fc6, nn.ReLU(), nn.Dropout(), fc7, nn.ReLU(), nn.Dropout())


def initialize(layer: nn.Conv2d | nn.Linear) -> None:
    """Random weights that keep the scale of what passes through a ReLU behind the layer (He et al. 2015)."""
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def unused(layer: str) -> tuple[str, ...]:
    """The prefixes of torchvision's names that a network up to this layer does not use."""
    return ("classifier.6.",) if layer == "fc7" else ("classifier.",)


@hookimpl
def vreid_encoders() -> Mapping[str, Callable[..., Any]]:
    """`vgg16`."""
    return {"vgg16": Vgg16}
