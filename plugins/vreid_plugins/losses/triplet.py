"""Batch-hard triplet loss (Hermans et al. 2017)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from vreid_bench import Batch, ClipRule, InputError, clip_batch_hard, hookimpl


class Triplet(nn.Module):
    """Compares each anchor's farthest positive with its nearest negative (Gao and Nevatia 2018, Eq. 4).

    margin: a number, or "soft" for softplus(positive - negative), which is never zero.
    metric: null for the matcher's own distance; or euclidean, sqeuclidean or cosine between vectors.
    on: the feature to compare. All but `embedding` need a metric, because the matcher compares embeddings.

    The paper sums over the anchors. This takes the mean over the anchors that have a positive and a negative, so that
    the weight relative to other losses does not depend on the batch size.
    """

    def __init__(
        self,
        dims: Mapping[str, int],
        identities: int,
        margin: float | str = 0.3,
        metric: str | None = None,
        on: str = "embedding",
    ) -> None:
        super().__init__()
        if isinstance(margin, str) and margin != "soft":
            raise InputError(f'loss triplet: margin must be a number or "soft", got {margin!r}')
        if metric not in (None, "euclidean", "sqeuclidean", "cosine"):
            raise InputError(f"loss triplet: metric must be euclidean, sqeuclidean or cosine, got {metric!r}")
        if on not in dims:
            raise InputError(f"loss triplet: on must be one of {', '.join(sorted(dims))}, got {on!r}")
        if on != "embedding" and metric is None:
            raise InputError(f"loss triplet: on={on!r} needs a metric; the matcher compares embeddings only")
        self.margin, self.on = margin, on
        self.metric: Any = metric

    def forward(self, batch: Batch) -> Tensor:
        """The mean over the anchors that have both a positive and a negative, a scalar; 0 if there are none."""
        if self.metric is None:
            hardest = batch.hardest
        else:
            x = batch.select(self.on)  # [N, E]
            hardest = clip_batch_hard(x[:, None], batch.pids, rule=ClipRule(normalize=False, metric=self.metric))
        gap = hardest.positive - hardest.negative  # [N]
        loss = F.softplus(gap) if isinstance(self.margin, str) else F.relu(self.margin + gap)
        return (loss * hardest.ok).sum() / hardest.ok.sum().clamp_min(1)


@hookimpl
def vreid_losses() -> Mapping[str, Callable[..., Any]]:
    """`triplet`."""
    return {"triplet": Triplet}
