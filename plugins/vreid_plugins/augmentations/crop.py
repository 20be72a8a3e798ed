"""Enlarging a clip and cropping it back to its size."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from vreid_bench import InputError, hookimpl


class Crop:
    """With probability p, enlarges a clip and crops it to its own size at a random place, the same in all its frames.

    enlarge: the factor; 1.125 enlarges 256 x 128 to 288 x 144, as most re-ID recipes do.
    """

    def __init__(self, enlarge: float = 1.125, p: float = 1.0) -> None:
        if not (enlarge >= 1 and 0 <= p <= 1):
            raise InputError(
                f"augmentation crop: expected enlarge >= 1 and p between 0 and 1, got {enlarge!r} and {p!r}"
            )
        self.enlarge, self.p = enlarge, p

    def __call__(self, clips: Tensor, generator: torch.Generator, planes: Sequence[str]) -> Tensor:
        """clips [B, T, 3, H, W] -> the same shape; the argument is left as it is."""
        if tuple(planes) != ("rgb",):
            raise InputError(f"augmentation crop: takes colour frames, but the clips have {planes}")
        height, width = clips.shape[3:]
        wide = (round(self.enlarge * height), round(self.enlarge * width))
        draws = torch.rand(len(clips), 3, generator=generator, dtype=torch.float64).tolist()
        result = clips.clone()
        for row, (chance, down, right) in enumerate(draws):
            if chance < self.p:
                large = F.interpolate(clips[row], wide, mode="bilinear", align_corners=False)  # [T, 3, H', W']
                top, left = int(down * (wide[0] - height + 1)), int(right * (wide[1] - width + 1))
                result[row] = large[:, :, top : top + height, left : left + width]
        return result


@hookimpl
def vreid_augmentations() -> Mapping[str, Callable[..., Any]]:
    """`crop`."""
    return {"crop": Crop}
