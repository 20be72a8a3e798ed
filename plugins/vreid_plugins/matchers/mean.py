"""A tracklet is the mean of its clips; tracklets are compared as vectors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from vreid_bench import ClipRule, Clips, Hardest, InputError, clip_batch_hard, clip_distance, clip_mean, hookimpl

METRICS = ("euclidean", "sqeuclidean", "cosine")


class Mean(nn.Module):
    """The mean over the clips of a tracklet, then a distance between vectors.

    metric: euclidean, sqeuclidean or cosine.
    normalize: scale each clip to unit length before the mean, so that all clips count equally.
    """

    def __init__(self, dim: int, metric: str = "euclidean", normalize: bool = False) -> None:
        super().__init__()
        if metric not in METRICS:
            name = type(self).__name__.lower()
            raise InputError(f"matcher {name}: metric must be one of {', '.join(METRICS)}, got {metric!r}")
        self.metric: Any = metric
        self.normalize = normalize

    def represent(self, clips: Clips) -> Clips:
        """Clips [N, C, E] -> one vector a tracklet, [N, 1, E]."""
        rule = ClipRule(normalize=self.normalize)
        return Clips.single(clip_mean(clips.embedding, valid=clips.valid, rule=rule))

    def vectors(self, represented: Clips) -> Tensor:
        """The vectors [N, E] that the metric compares."""
        return represented.mean()

    def distance(self, query: Clips, gallery: Clips) -> Tensor:
        """Represented tracklets -> [Q, G]."""
        rule = ClipRule(normalize=False, metric=self.metric)
        return clip_distance(query.embedding, gallery.embedding, rule=rule)

    def hardest(self, represented: Clips, pids: Tensor) -> Hardest:
        """Batch-hard over all pairs of tracklets."""
        return clip_batch_hard(represented.embedding, pids, rule=ClipRule(normalize=False, metric=self.metric))


@hookimpl
def vreid_matchers() -> Mapping[str, Callable[..., Any]]:
    """`mean`."""
    return {"mean": Mean}
