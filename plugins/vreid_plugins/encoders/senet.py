"""SENet-50 (Hu et al., "Squeeze-and-Excitation Networks", 2018), frame by frame, and a narrow one for a CPU."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from vreid_bench import Published, WeightFile, hookimpl
from vreid_plugins.encoders.residual import IMAGES, Kind, Plan, Residual
from vreid_plugins.weights import WEIGHTS

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, per colour


class SqueezeExcite(nn.Module):
    """Multiplies each channel by a weight in (0, 1), computed from all channels' means (Hu et al. 2018, Fig. 3)."""

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, channels // reduction, 1)  # 1x1 convolutions, as the published files have them
        self.fc2 = nn.Conv2d(channels // reduction, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """[N, channels, h, w] -> the same shape."""
        weight = torch.sigmoid(self.fc2(torch.relu(self.fc1(x.mean((2, 3), keepdim=True)))))  # [N, channels, 1, 1]
        return x * weight


def accept_caffe(tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """The tensors unchanged, or {} if no name begins with `layer0`: only networks of Caffe's form have one."""
    return tensors if any(name.startswith("layer0.") for name in tensors) else {}


class Senet(Residual):
    """A residual network with re-weighted channels, without its classifier, applied to each frame separately.

    depth 50: maps of D = 2048 at stride 32. Names and shapes are those of `se_resnet50` of pretrained-models.pytorch
        (timm's `legacy_seresnet50`, the converted Caffe weights) without `last_linear`, so its files load unchanged.
        timm's `seresnet50` and moskomule/senet.pytorch stride in another convolution; their files are refused
        although most names agree.
    depth 8: the encoder `resnet` of depth 8, with a squeeze to a quarter: D = 64 at stride 8.
    """

    published = (
        Published(
            "pretrained-models.pytorch se_resnet50",
            head=("last_linear.",),
            own=accept_caffe,
            file=WeightFile(
                "se_resnet50-ce0d4300.pth",
                "ImageNet",
                "http://data.lip6.fr/cadene/pretrainedmodels/se_resnet50-ce0d4300.pth",
                "ce0d4300",
            ),
        ),
    )
    shipped = (WEIGHTS / "senet-small.safetensors",)
    mean: Tensor
    std: Tensor

    def __init__(self, depth: int = 50) -> None:
        weighting = partial(SqueezeExcite, reduction=16 if depth == 50 else 4)
        super().__init__(IMAGES._replace(weighting=weighting, early=True), depth)
        # not persistent: the state dict stays the published one
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(3, 1, 1), persistent=False)

    def stem(self, kind: Kind, plan: Plan) -> None:
        """Add `layer0`. Its pooling rounds sizes up, as Caffe does; torchvision's pads on both sides."""
        self.layer0 = nn.Sequential()
        self.layer0.add_module("conv1", kind.convolution(3, plan.stem, plan.kernel, 2, plan.kernel // 2, bias=False))
        self.layer0.add_module("bn1", kind.norm(plan.stem))
        self.layer0.add_module("relu1", nn.ReLU())
        self.layer0.add_module("pool", kind.pooling(3, 2, ceil_mode=True) if plan.pool else nn.Identity())

    def forward(self, clips: Tensor) -> Tensor:
        """clips [B, T, 3, H, W] in [0, 1] -> maps [B, T, D, h, w]."""
        B, T = clips.shape[:2]
        x = self.maps(((clips - self.mean) / self.std).flatten(0, 1))  # of [B T, 3, H, W]
        return x.reshape(B, T, *x.shape[1:])  # [B, T, D, h, w]


@hookimpl
def vreid_encoders() -> Mapping[str, Callable[..., Any]]:
    """`senet`."""
    return {"senet": Senet}
