"""SENet-50 (Hu et al., "Squeeze-and-Excitation Networks", 2018), frame by frame, and a narrow one for a CPU."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from vreid_bench import InputError, Published, hookimpl

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, per colour


class SqueezeExcite(nn.Module):
    """A weight in (0, 1) for each channel, from the mean of all channels (Hu et al. 2018, Fig. 3)."""

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, channels // reduction, 1)  # 1x1 convolutions, as the published files have them
        self.fc2 = nn.Conv2d(channels // reduction, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """[N, channels, h, w] -> the same shape."""
        weight = torch.sigmoid(self.fc2(torch.relu(self.fc1(x.mean((2, 3), keepdim=True)))))  # [N, channels, 1, 1]
        return x * weight


class Basic(nn.Module):
    """Two 3x3 convolutions, re-weighted, around a shortcut."""

    expansion = 1

    def __init__(self, channels: int, width: int, stride: int, reduction: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.se_module = SqueezeExcite(width, reduction)
        self.downsample = _shortcut(channels, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        """[N, channels, h, w] -> [N, width, h / stride, w / stride]."""
        y = torch.relu(self.bn1(self.conv1(x)))
        y = self.se_module(self.bn2(self.conv2(y)))
        return torch.relu(y + (x if self.downsample is None else self.downsample(x)))


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1, re-weighted, around a shortcut (Hu et al. 2018, Table 1, second column)."""

    expansion = 4

    def __init__(self, channels: int, width: int, stride: int, reduction: int) -> None:
        super().__init__()
        # Caffe's ResNet strides here, torchvision's in the 3x3; the published weights of SENet come from Caffe.
        self.conv1 = nn.Conv2d(channels, width, 1, stride, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.se_module = SqueezeExcite(4 * width, reduction)
        self.downsample = _shortcut(channels, 4 * width, stride)

    def forward(self, x: Tensor) -> Tensor:
        """[N, channels, h, w] -> [N, 4 width, h / stride, w / stride]."""
        y = torch.relu(self.bn1(self.conv1(x)))
        y = torch.relu(self.bn2(self.conv2(y)))
        y = self.se_module(self.bn3(self.conv3(y)))
        return torch.relu(y + (x if self.downsample is None else self.downsample(x)))


def _shortcut(channels: int, out: int, stride: int) -> nn.Module | None:
    if stride == 1 and channels == out:
        return None
    return nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))


class Plan(NamedTuple):
    """What a depth stands for."""

    stem: int  # channels of layer0
    kernel: int  # of its convolution
    pool: bool  # is there a pooling behind it?
    block: type[Basic] | type[Bottleneck]
    widths: tuple[int, ...]  # of the layers
    counts: tuple[int, ...]  # blocks in each
    strides: tuple[int, ...]
    reduction: int  # how much narrower the squeezed channels are


PLANS = {
    8: Plan(16, 5, False, Basic, (16, 32, 64), (1, 1, 1), (1, 2, 2), 4),
    50: Plan(64, 7, True, Bottleneck, (64, 128, 256, 512), (3, 4, 6, 3), (1, 2, 2, 2), 16),
}


def of_caffe(tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """The tensors as they are, or none: only networks of Caffe's form have a `layer0`."""
    return tensors if any(name.startswith("layer0.") for name in tensors) else {}


class Senet(nn.Module):
    """A residual network whose blocks re-weight their channels, without its classifier, run on every frame by itself.

    depth 50: maps of D = 2048 at stride 32. Names and shapes are those of `se_resnet50` of pretrained-models.pytorch
        (timm's `legacy_seresnet50`, the converted Caffe weights) less `last_linear`: its files load as they are.
        timm's `seresnet50` and moskomule/senet.pytorch stride elsewhere, so their files are refused although most of
        their names agree.
    depth 8: as encoder resnet of depth 8, with a squeeze to a quarter: D = 64 at stride 8.
    """

    published = (Published("pretrained-models.pytorch se_resnet50", head=("last_linear.",), own=of_caffe),)
    mean: Tensor
    std: Tensor

    def __init__(self, depth: int = 50) -> None:
        super().__init__()
        if depth not in PLANS:
            raise InputError(f"encoder senet: depth must be 8 or 50, got {depth!r}")
        plan = PLANS[depth]
        self.layer0 = nn.Sequential()
        self.layer0.add_module("conv1", nn.Conv2d(3, plan.stem, plan.kernel, 2, plan.kernel // 2, bias=False))
        self.layer0.add_module("bn1", nn.BatchNorm2d(plan.stem))
        self.layer0.add_module("relu1", nn.ReLU())
        # Caffe rounds the size up where torchvision pads on both sides
        self.layer0.add_module("pool", nn.MaxPool2d(3, 2, ceil_mode=True) if plan.pool else nn.Identity())
        channels = plan.stem
        self.layers = ["layer0"]
        rows = zip(plan.widths, plan.counts, plan.strides, strict=True)
        for i, (width, count, stride) in enumerate(rows, start=1):
            out = plan.block.expansion * width
            blocks = [plan.block(channels, width, stride, plan.reduction)]
            blocks += [plan.block(out, width, 1, plan.reduction) for _ in range(count - 1)]
            self.layers.append(f"layer{i}")
            self.add_module(self.layers[-1], nn.Sequential(*blocks))
            channels = out
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        # not persistent: the state dict stays the published one
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(3, 1, 1), persistent=False)

    def forward(self, clips: Tensor) -> Tensor:
        """clips [B, T, 3, H, W] in [0, 1] -> maps [B, T, D, h, w]."""
        B, T = clips.shape[:2]
        x: Tensor = ((clips - self.mean) / self.std).flatten(0, 1)  # [B T, 3, H, W]
        for name in self.layers:
            x = self.get_submodule(name)(x)
        return x.reshape(B, T, *x.shape[1:])  # [B, T, D, h, w]


@hookimpl
def vreid_encoders() -> Mapping[str, Callable[..., Any]]:
    """`senet`."""
    return {"senet": Senet}
