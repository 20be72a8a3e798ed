"""Mirroring a clip."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from vreid_bench import InputError, hookimpl


class Flip:
    """With probability p, mirrors a clip left to right, all its frames alike."""

    def __init__(self, p: float = 0.5) -> None:
        if not 0 <= p <= 1:
            raise InputError(f"augmentation flip: p must be between 0 and 1, got {p!r}")
        self.p = p

    def __call__(self, clips: Tensor, generator: torch.Generator, planes: Sequence[str]) -> Tensor:
        """clips [B, T, P, H, W] -> the same shape; the argument is left as it is."""
        chosen = torch.rand(len(clips), generator=generator) < self.p  # [B]
        sign = torch.ones(clips.shape[2], dtype=clips.dtype)  # [P]
        if "flow" in planes:
            # Mirrored, a movement to the right is one to the left. Channels are in the order of `planes`.
            sign[3 if tuple(planes).index("flow") else 0] = -1
        mirrored = clips.flip(-1) * sign.to(clips.device)[:, None, None]
        return torch.where(chosen.to(clips.device)[:, None, None, None, None], mirrored, clips)


@hookimpl
def vreid_augmentations() -> Mapping[str, Callable[..., Any]]:
    """`flip`."""
    return {"flip": Flip}
