"""Identification: a linear classifier over the training identities."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from vreid_bench import Batch, InputError, hookimpl


class CrossEntropy(nn.Module):
    """Softmax cross-entropy of a linear classifier (Gao and Nevatia 2018, Eq. 5).

    smoothing: the share of the target that is spread evenly over all identities (Szegedy et al. 2016).
    on: the feature of the batch that is classified: `embedding`, `clips` or an extra of the aggregator.
    neck: normalise that feature over the batch before the classifier (Luo et al. 2019). The classifier can then
        separate identities while the features themselves still lie close together.
    """

    def __init__(
        self,
        dims: Mapping[str, int],
        identities: int,
        smoothing: float = 0.0,
        on: str = "embedding",
        neck: bool = False,
    ) -> None:
        super().__init__()
        if not 0 <= smoothing < 1:
            raise InputError(f"loss cross-entropy: smoothing must be at least 0 and below 1, got {smoothing!r}")
        if on not in dims:
            raise InputError(f"loss cross-entropy: on must be one of {', '.join(sorted(dims))}, got {on!r}")
        self.smoothing, self.on = smoothing, on
        self.neck = nn.BatchNorm1d(dims[on]) if neck else nn.Identity()
        self.classifier = nn.Linear(dims[on], identities)
        # All identities are almost equally likely at first, whatever the scale of the features.
        nn.init.normal_(self.classifier.weight, std=0.001)
        nn.init.zeros_(self.classifier.bias)

    def forward(self, batch: Batch) -> Tensor:
        """The mean over the N tracklets of the batch, a scalar."""
        logits = self.classifier(self.neck(batch.select(self.on)))  # [N, identities]
        return F.cross_entropy(logits, batch.pids, label_smoothing=self.smoothing)


@hookimpl
def vreid_losses() -> Mapping[str, Callable[..., Any]]:
    """`cross-entropy`."""
    return {"cross-entropy": CrossEntropy}
