"""A tracklet is the mean of its clips by their importance; tracklets are compared as vectors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from vreid_bench import ClipRule, Clips, InputError, clip_mean, hookimpl
from vreid_plugins.matchers.mean import Mean

DIVIDE = ("weights", "count")


class Weighted(Mean):
    """The mean over the clips of a tracklet, weighted by the aggregator's importances, then a distance between vectors.

    metric, normalize: as in `mean`.
    divide: by the sum of the `weights`, or by the `count` of clips (Li et al., TACAN, WACV 2020, Eq. 3).

    With the cosine, the ranking is that of the mean similarity over all pairs of clips, weighted by both importances.
    """

    def __init__(self, dim: int, metric: str = "euclidean", normalize: bool = False, divide: str = "weights") -> None:
        super().__init__(dim, metric, normalize)
        if divide not in DIVIDE:
            raise InputError(f"matcher weighted: divide must be one of {', '.join(DIVIDE)}, got {divide!r}")
        self.divide = divide

    def represent(self, clips: Clips) -> Clips:
        """Clips [N, C, E] -> one vector a tracklet, [N, 1, E]."""
        rule = ClipRule(normalize=self.normalize, divide=self.divide)
        return Clips.single(clip_mean(clips.embedding, clips.importance, clips.valid, rule=rule))


@hookimpl
def vreid_matchers() -> Mapping[str, Callable[..., Any]]:
    """`weighted`."""
    return {"weighted": Weighted}
