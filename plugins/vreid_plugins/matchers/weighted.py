"""A tracklet is the mean of its clips by their importance; tracklets are compared as vectors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from vreid_bench import Clips, InputError, clip_distance, clip_fold, hookimpl

METRICS = ("euclidean", "sqeuclidean", "cosine")
DIVIDE = ("weights", "count")


class Weighted(nn.Module):
    """Mean over the clips of a tracklet by the importance that the aggregator gave them, then a distance of vectors.

    With the cosine this ranks as the mean of all similarities of clips, weighted by both importances.
    metric: euclidean, sqeuclidean or cosine.
    normalize: scale each clip to unit length before the mean.
    divide: by the sum of the weights, or by the `count` of clips (Li et al., TACAN, WACV 2020, Eq. 3).
    """

    def __init__(self, dim: int, metric: str = "euclidean", normalize: bool = False, divide: str = "weights") -> None:
        super().__init__()
        for name, value, known in (("metric", metric, METRICS), ("divide", divide, DIVIDE)):
            if value not in known:
                raise InputError(f"matcher weighted: {name} must be one of {', '.join(known)}, got {value!r}")
        self.metric: Any = metric
        self.normalize, self.divide = normalize, divide

    def represent(self, clips: Clips) -> Clips:
        """Clips [N, C, E] -> one vector a tracklet, [N, 1, E]."""
        options: dict[str, Any] = {"normalize": self.normalize, "divide": self.divide}
        return Clips.single(clip_fold(clips.embedding, clips.importance, clips.valid, **options))

    def vectors(self, represented: Clips) -> Tensor:
        """What is compared by the metric: [N, E]."""
        return represented.mean()

    def distance(self, query: Clips, gallery: Clips) -> Tensor:
        """Represented tracklets -> [Q, G]."""
        return clip_distance(query.embedding, gallery.embedding, normalize=False, metric=self.metric)


@hookimpl
def vreid_matchers() -> Mapping[str, Callable[..., Any]]:
    """`weighted`."""
    return {"weighted": Weighted}
