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
    drawn: draw the factor from 1 to `enlarge` for each clip, so that the share of the frame that is kept is random.
    """

    def __init__(self, enlarge: float = 1.125, p: float = 1.0, drawn: bool = False) -> None:
        if not (enlarge >= 1 and 0 <= p <= 1):
            raise InputError(
                f"augmentation crop: expected enlarge >= 1 and p between 0 and 1, got {enlarge!r} and {p!r}"
            )
        self.enlarge, self.p, self.drawn = enlarge, p, drawn

    def __call__(self, clips: Tensor, generator: torch.Generator, planes: Sequence[str]) -> Tensor:
        """clips [B, T, 3, H, W] -> the same shape; the argument is left as it is."""
        if tuple(planes) != ("rgb",):
            raise InputError(f"augmentation crop: takes colour frames, but the clips have {planes}")
        height, width = clips.shape[3:]
        draws = torch.rand(len(clips), 3, generator=generator, dtype=torch.float64).tolist()
        factors = [self.enlarge] * len(clips)
        if self.drawn:
            share = torch.rand(len(clips), generator=generator, dtype=torch.float64)
            factors = (1 + share * (self.enlarge - 1)).tolist()
        result = clips.clone()
        for row, ((chance, down, right), factor) in enumerate(zip(draws, factors, strict=True)):
            if chance < self.p:
                wide = (round(factor * height), round(factor * width))
                large = F.interpolate(clips[row], wide, mode="bilinear", align_corners=False)  # [T, 3, H', W']
                top, left = int(down * (wide[0] - height + 1)), int(right * (wide[1] - width + 1))
                result[row] = large[:, :, top : top + height, left : left + width]
        return result


@hookimpl
def vreid_augmentations() -> Mapping[str, Callable[..., Any]]:
    """`crop`."""
    return {"crop": Crop}
