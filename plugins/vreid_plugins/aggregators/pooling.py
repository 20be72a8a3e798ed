"""Pooling of a clip's maps (Gao and Nevatia 2018, section 3.1, "Temporal pooling")."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn
from vreid_bench import ClipFeatures, hookimpl


class Average(nn.Module):
    """Mean over frames and places.

    neck: normalise the result over the batch (Luo et al. 2019); what went in is then the extra `before`.
    """

    def __init__(self, shape: tuple[int, ...], neck: bool = False) -> None:
        super().__init__()
        self.neck = nn.BatchNorm1d(shape[0]) if neck else None

    def forward(self, maps: Tensor) -> Tensor | ClipFeatures:
        """maps [B, T', D, h, w] -> [B, D]."""
        return _behind(self.neck, maps.mean((1, 3, 4)))


class Max(nn.Module):
    """Mean over places, then the greatest over frames. neck: as for `Average`."""

    def __init__(self, shape: tuple[int, ...], neck: bool = False) -> None:
        super().__init__()
        self.neck = nn.BatchNorm1d(shape[0]) if neck else None

    def forward(self, maps: Tensor) -> Tensor | ClipFeatures:
        """maps [B, T', D, h, w] -> [B, D]."""
        return _behind(self.neck, maps.mean((3, 4)).amax(1))


def _behind(neck: nn.Module | None, pooled: Tensor) -> Tensor | ClipFeatures:
    return pooled if neck is None else ClipFeatures(neck(pooled), extra={"before": pooled})


@hookimpl
def vreid_aggregators() -> Mapping[str, Callable[..., Any]]:
    """`average` and `max`."""
    return {"average": Average, "max": Max}
