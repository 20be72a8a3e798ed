"""Pooling of a clip's maps (Gao and Nevatia 2018, section 3.1, "Temporal pooling")."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from vreid_bench import hookimpl


class Average(nn.Module):
    """The mean over frames and places."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()

    def forward(self, maps: Tensor) -> Tensor:
        """maps [B, T', D, h, w] -> [B, D]."""
        return maps.mean((1, 3, 4))


class Max(nn.Module):
    """The mean over places, then the maximum over frames."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()

    def forward(self, maps: Tensor) -> Tensor:
        """maps [B, T', D, h, w] -> [B, D]."""
        return maps.mean((3, 4)).amax(1)


@hookimpl
def vreid_aggregators() -> Mapping[str, Callable[..., Any]]:
    """`average` and `max`."""
    return {"average": Average, "max": Max}
