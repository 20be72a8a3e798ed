"""Rotating a clip by a small angle."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from vreid_bench import InputError, hookimpl


class Rotation:
    """Rotates a clip around the middle of its frames, all of them by the same angle; border pixels are repeated.

    degrees: the largest angle to either side; each angle up to it is as likely.
    """

    def __init__(self, degrees: float = 10.0) -> None:
        if not 0 <= degrees <= 180:
            raise InputError(f"augmentation rotation: degrees must be 0 to 180, got {degrees!r}")
        self.degrees = degrees

    def __call__(self, clips: Tensor, generator: torch.Generator, planes: Sequence[str]) -> Tensor:
        """clips [B, T, 3, H, W] -> the same shape."""
        if tuple(planes) != ("rgb",):
            raise InputError(f"augmentation rotation: takes colour frames, but the clips have {planes}")
        shares = torch.rand(len(clips), generator=generator, dtype=torch.float64).tolist()
        angles = [math.radians(self.degrees) * (2 * share - 1) for share in shares]
        return torch.stack([rotate(clip, angle) for clip, angle in zip(clips, angles, strict=True)])


def rotate(frames: Tensor, angle: float) -> Tensor:
    """frames [T, 3, H, W] -> the same, turned counter-clockwise by the angle in radians."""
    H, W = frames.shape[2:]
    cos, sin = math.cos(angle), math.sin(angle)
    # from a place in the result to its place in the frame; both sides are counted as 2 long, whatever their pixels
    turn = frames.new_tensor([[cos, -sin * H / W, 0], [sin * W / H, cos, 0]]).expand(len(frames), 2, 3)
    grid = F.affine_grid(turn, list(frames.shape), align_corners=False)  # [T, H, W, 2]
    return F.grid_sample(frames, grid, mode="bilinear", padding_mode="border", align_corners=False)


@hookimpl
def vreid_augmentations() -> Mapping[str, Callable[..., Any]]:
    """`rotation`."""
    return {"rotation": Rotation}
