"""Inception-v3 (Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", 2016), frame by frame."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vreid_bench import InputError, Published, WeightFile, hookimpl
from vreid_plugins.weights import WEIGHTS

Unit = tuple[str, int, int | tuple[int, int]]  # torchvision's name, channels, kernel
Chain = tuple[Unit | str | tuple[Unit, Unit], ...]  # units, "avg" or "max" pooling, or two units side by side


def block_a(pool: int) -> tuple[Chain, ...]:
    """Their Fig. 5: 5x5 beside two 3x3."""
    return (
        (("branch1x1", 64, 1),),
        (("branch5x5_1", 48, 1), ("branch5x5_2", 64, 5)),
        (("branch3x3dbl_1", 64, 1), ("branch3x3dbl_2", 96, 3), ("branch3x3dbl_3", 96, 3)),
        ("avg", ("branch_pool", pool, 1)),
    )


def block_c(width: int) -> tuple[Chain, ...]:
    """Their Fig. 6 with n = 7: kernels of one row and of one column."""
    return (
        (("branch1x1", 192, 1),),
        (("branch7x7_1", width, 1), ("branch7x7_2", width, (1, 7)), ("branch7x7_3", 192, (7, 1))),
        (
            ("branch7x7dbl_1", width, 1),
            ("branch7x7dbl_2", width, (7, 1)),
            ("branch7x7dbl_3", width, (1, 7)),
            ("branch7x7dbl_4", width, (7, 1)),
            ("branch7x7dbl_5", 192, (1, 7)),
        ),
        ("avg", ("branch_pool", 192, 1)),
    )


# Their Fig. 7: kernels of one row beside kernels of one column
BLOCK_E: tuple[Chain, ...] = (
    (("branch1x1", 320, 1),),
    (("branch3x3_1", 384, 1), (("branch3x3_2a", 384, (1, 3)), ("branch3x3_2b", 384, (3, 1)))),
    (
        ("branch3x3dbl_1", 448, 1),
        ("branch3x3dbl_2", 384, 3),
        (("branch3x3dbl_3a", 384, (1, 3)), ("branch3x3dbl_3b", 384, (3, 1))),
    ),
    ("avg", ("branch_pool", 192, 1)),
)
# Their Fig. 10: the last unit of each branch has stride 2
BLOCK_B: tuple[Chain, ...] = (
    (("branch3x3", 384, 3),),
    (("branch3x3dbl_1", 64, 1), ("branch3x3dbl_2", 96, 3), ("branch3x3dbl_3", 96, 3)),
    ("max",),
)
BLOCK_D: tuple[Chain, ...] = (
    (("branch3x3_1", 192, 1), ("branch3x3_2", 320, 3)),
    (
        ("branch7x7x3_1", 192, 1),
        ("branch7x7x3_2", 192, (1, 7)),
        ("branch7x7x3_3", 192, (7, 1)),
        ("branch7x7x3_4", 192, 3),
    ),
    ("max",),
)
ROWS = (
    (("Mixed_5b", block_a(32)), ("Mixed_5c", block_a(64)), ("Mixed_5d", block_a(64))),
    (
        ("Mixed_6b", block_c(128)),
        ("Mixed_6c", block_c(160)),
        ("Mixed_6d", block_c(160)),
        ("Mixed_6e", block_c(192)),
    ),
    (("Mixed_7b", BLOCK_E), ("Mixed_7c", BLOCK_E)),
)
REDUCTIONS = (None, ("Mixed_6a", BLOCK_B), ("Mixed_7a", BLOCK_D))


class ConvUnit(nn.Module):
    """Convolution, batch normalisation and ReLU."""

    def __init__(self, channels: int, width: int, kernel: int | tuple[int, int], stride: int, padded: bool) -> None:
        super().__init__()
        sides = (kernel, kernel) if isinstance(kernel, int) else kernel
        padding = (sides[0] // 2, sides[1] // 2) if padded else (0, 0)
        self.conv = nn.Conv2d(channels, width, sides, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(width, eps=0.001)
        nn.init.kaiming_normal_(self.conv.weight, nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """[N, channels, h, w] -> [N, width, h', w']."""
        return torch.relu(self.bn(self.conv(x)))


class Mixed(nn.Module):
    """An Inception block: branches side by side, their channels concatenated.

    With stride 2, the last unit of each branch halves the map, without padding.
    """

    def __init__(self, channels: int, chains: Sequence[Chain], shrink: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.steps: list[list[str | list[str]]] = []  # of each branch: names of units, of units side by side, a pooling
        self.width = 0
        for chain in chains:
            steps: list[str | list[str]] = []
            width = channels
            for i, step in enumerate(chain):
                if isinstance(step, str):
                    steps.append(step)
                    continue
                units: Any = (step,) if isinstance(step[0], str) else step
                last = stride if i == len(chain) - 1 else 1
                for name, full, kernel in units:
                    self.add_module(name, ConvUnit(width, full // shrink, kernel, last, padded=last == 1))
                steps.append([name for name, _, _ in units])
                width = sum(full // shrink for _, full, _ in units)
            self.steps.append(steps)
            self.width += width

    def forward(self, x: Tensor) -> Tensor:
        """[N, channels, h, w] -> [N, width, h', w']."""
        return torch.cat([self._branch(x, steps) for steps in self.steps], 1)

    def _branch(self, x: Tensor, steps: Sequence[str | list[str]]) -> Tensor:
        for step in steps:
            if step == "avg":
                x = F.avg_pool2d(x, 3, 1, 1)
            elif step == "max":
                x = F.max_pool2d(x, 3, self.stride)
            else:
                x = torch.cat([self.get_submodule(name)(x) for name in step], 1)
        return x


class InceptionV3(nn.Module):
    """Inception-v3 without its classifiers, applied to each frame separately; D = 2048 / shrink.

    Names and shapes are those of torchvision's `inception_v3` without `AuxLogits` and `fc`. Its weights were converted
    from TensorFlow and expect colours in [-1, 1], which is what the network sees here.

    shrink: divides every number of channels.
    depths: the number of blocks of each of the three sizes.
    pools: whether to have the two max poolings of the stem; a frame of 64 x 32 is too small for them.
    """

    published = (
        Published(
            "torchvision and timm inception_v3",
            head=("fc.", "AuxLogits."),
            file=WeightFile(
                "inception_v3_google-0cc3c7bd.pth",
                "ImageNet",
                "https://github.com/pytorch/vision",
                "0cc3c7bd",
            ),
        ),
    )
    shipped = (WEIGHTS / "inception-v3-small.safetensors",)

    def __init__(self, shrink: int = 1, depths: Sequence[int] = (3, 4, 2), pools: bool = True) -> None:
        super().__init__()
        full = tuple(map(len, ROWS))
        if (
            shrink not in (1, 2, 4, 8, 16)
            or len(depths) != 3
            or any(not 1 <= depth <= most for depth, most in zip(depths, full, strict=True))
        ):
            raise InputError(
                f"encoder inception-v3: expected shrink 1, 2, 4, 8 or 16 and depths from (1, 1, 1) to {full}, "
                f"got shrink={shrink!r}, depths={depths!r}"
            )
        self.pools = pools
        stem = [width // shrink for width in (32, 32, 64, 80, 192)]
        self.Conv2d_1a_3x3 = ConvUnit(3, stem[0], 3, 2, padded=False)
        self.Conv2d_2a_3x3 = ConvUnit(stem[0], stem[1], 3, 1, padded=False)
        self.Conv2d_2b_3x3 = ConvUnit(stem[1], stem[2], 3, 1, padded=True)
        self.Conv2d_3b_1x1 = ConvUnit(stem[2], stem[3], 1, 1, padded=False)
        self.Conv2d_4a_3x3 = ConvUnit(stem[3], stem[4], 3, 1, padded=False)
        channels = stem[4]
        self.blocks: list[str] = []
        for reduction, row, depth in zip(REDUCTIONS, ROWS, depths, strict=True):
            chosen = [(reduction, 2)] if reduction else []
            for (name, chains), stride in [*chosen, *((block, 1) for block in row[:depth])]:
                block = Mixed(channels, chains, shrink, stride)
                self.add_module(name, block)
                self.blocks.append(name)
                channels = block.width

    def forward(self, clips: Tensor) -> Tensor:
        """clips [B, T, 3, H, W] in [0, 1] -> maps [B, T, D, h, w]."""
        B, T = clips.shape[:2]
        x = (clips * 2 - 1).flatten(0, 1)  # [B T, 3, H, W] in [-1, 1]
        x = self._pool(self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x))))
        x = self._pool(self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(x)))
        for name in self.blocks:
            x = self.get_submodule(name)(x)
        return x.reshape(B, T, *x.shape[1:])  # [B, T, D, h, w]

    def _pool(self, x: Tensor) -> Tensor:
        return F.max_pool2d(x, 3, 2) if self.pools else x


@hookimpl
def vreid_encoders() -> Mapping[str, Callable[..., Any]]:
    """`inception-v3`."""
    return {"inception-v3": InceptionV3}
