"""Shifting a clip within its frame."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from vreid_bench import InputError, hookimpl


class Shift:
    """Shifts a clip by up to `share` of its height and width, all its frames alike; border pixels are repeated.

    The effect is that of a detector's inexact box.
    """

    def __init__(self, share: float = 0.08) -> None:
        if not 0 <= share < 0.5:
            raise InputError(f"augmentation shift: share must be at least 0 and below 0.5, got {share!r}")
        self.share = share

    def __call__(self, clips: Tensor, generator: torch.Generator, planes: Sequence[str]) -> Tensor:
        """clips [B, T, P, H, W] -> the same shape; the argument is left as it is."""
        height, width = clips.shape[3:]
        down, right = round(self.share * height), round(self.share * width)
        wide = F.pad(clips.flatten(0, 1), (right, right, down, down), mode="replicate")  # [B T, P, H', W']
        wide = torch.unflatten(wide, 0, clips.shape[:2])
        tops = torch.randint(2 * down + 1, (len(clips),), generator=generator).tolist()
        lefts = torch.randint(2 * right + 1, (len(clips),), generator=generator).tolist()
        moved = [
            clip[:, :, top : top + height, left : left + width]
            for clip, top, left in zip(wide, tops, lefts, strict=True)
        ]
        return torch.stack(moved)


@hookimpl
def vreid_augmentations() -> Mapping[str, Callable[..., Any]]:
    """`shift`."""
    return {"shift": Shift}
