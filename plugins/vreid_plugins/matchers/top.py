"""Tracklets are compared by their most similar pairs of clips (Chen et al., CVPR 2018; Matiyali and Sharma, WACV 2020,
Eq. 9)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from vreid_bench import Clips, InputError, clip_batch_hard, clip_distance, hookimpl


class Top(nn.Module):
    """1 - the mean of the largest cosines between clips.

    top: the share of the valid pairs of clips that count, above 0 and at most 1.
    project: learn a linear layer [E, E] before the cosine, as the paper does.
    """

    def __init__(self, dim: int, top: float = 0.2, project: bool = False) -> None:
        super().__init__()
        if not 0 < top <= 1:
            raise InputError(f"matcher top: top must be above 0 and at most 1, got {top}")
        self.top = top
        self.projection = nn.Linear(dim, dim, bias=False) if project else nn.Identity()

    def represent(self, clips: Clips) -> Clips:
        """Clips [N, C, E] -> projected, of unit length."""
        return clips.with_embedding(F.normalize(self.projection(clips.embedding), dim=-1))

    def distance(self, query: Clips, gallery: Clips) -> Tensor:
        """Represented tracklets -> [Q, G]."""
        masks = query.valid, gallery.valid
        return clip_distance(query.embedding, gallery.embedding, (), *masks, **self._rule())

    def hardest(self, represented: Clips, pids: Tensor) -> Any:
        """Batch-hard over all pairs of tracklets."""
        return clip_batch_hard(represented.embedding, pids, (), represented.valid, **self._rule()).checked()

    def _rule(self) -> dict[str, Any]:
        return {"mode": "top", "top": self.top, "normalize": False}


@hookimpl
def vreid_matchers() -> Mapping[str, Callable[..., Any]]:
    """`top`."""
    return {"top": Top}
