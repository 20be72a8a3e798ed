"""Corrupts clips in training as a corruption protocol does in the test."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from vreid_bench import Distortion, InputError, distort, hookimpl


class ClipCorruption:
    """Corrupts each clip with probability `share`.

    kind, strength, quality: those of `vreid_bench.Distortion`; quality is that of the JPEG.
    """

    corrupts = True  # the record says so of a method that trains with it

    def __init__(
        self, share: float = 0.5, kind: Any = "low-resolution", strength: float = 5.0, quality: int = 20
    ) -> None:
        if not 0 <= share <= 1:
            raise InputError(f"augmentation clip-corruption: share must be 0 to 1, got {share!r}")
        self.share = share
        self.distortion = Distortion(kind, strength, quality)

    def __call__(self, clips: Tensor, generator: torch.Generator, planes: Sequence[str]) -> Tensor:
        """clips [B, T, 3, H, W] in [0, 1] -> the same shape; the argument is left as it is."""
        if tuple(planes) != ("rgb",):
            raise InputError(f"augmentation clip-corruption: takes colour frames, but the clips have {planes}")
        draws = torch.rand(len(clips), 3, generator=generator, dtype=torch.float64)
        rows = torch.nonzero(draws[:, 0] < self.share)[:, 0]
        result = clips.clone()
        if len(rows):
            chosen = rows.to(clips.device)
            frames = (clips[chosen] * 255).round().to(torch.uint8).permute(0, 1, 3, 4, 2).cpu().numpy()
            corrupted = torch.from_numpy(distort(self.distortion, frames, draws[rows, 1:].numpy()))
            result[chosen] = corrupted.permute(0, 1, 4, 2, 3).to(clips) / 255
        return result


@hookimpl
def vreid_augmentations() -> Mapping[str, Callable[..., Any]]:
    """`clip-corruption`."""
    return {"clip-corruption": ClipCorruption}
