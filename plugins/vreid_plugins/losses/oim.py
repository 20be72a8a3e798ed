"""Online instance matching (Xiao et al. 2017) as in 3D PersonVLAD (Wu et al. 2019), Eq. 6."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vreid_bench import Batch, InputError, hookimpl


class Oim(nn.Module):
    """Softmax over one stored feature of each identity and the last unlabelled features; it has no parameters.

    temperature: tau of Eq. 6.
    momentum: the share of an identity's row that stays when one of its tracklets updates the row.
    queue_size: Q, how many features of unlabelled tracklets (label -1) are stored. A step has as many of them as its
        stage says (`unlabelled`), if the training list of the data set has some, with pid 0.
    subsample: how many rows of table and queue are in the denominator of a step; 0 means all. The identities of the
        batch always are; the rest is drawn in each step.

    Where the papers are silent:
    - Features are scaled to unit length, so that tau means the same after any aggregator.
    - An update is e <- normalize(momentum e + (1 - momentum) v), for one tracklet after another in the order of the
      batch. At unit length a row's logit stays a cosine. Rows change after the loss of their step, in training only.
    - Empty rows are left out. A row of zeros has a logit of 0 and adds exp(0) to the denominator. While all features
      still look alike, an identity with an empty row would have a loss near 1 / tau that only pushes features away,
      and Q empty places would outweigh the identities. So the first tracklet of an identity fills its row and has no
      loss. The queue, which most datasets never fill, takes no memory before the first unlabelled tracklet.
    """

    takes_unlabelled = True

    table: Tensor  # [identities, E]
    queue: Tensor  # [Q, E], or [0, E] before the first unlabelled tracklet
    queued: Tensor  # how many features ever entered the queue

    def __init__(
        self,
        dims: Mapping[str, int],
        identities: int,
        temperature: float = 0.1,
        momentum: float = 0.5,
        queue_size: int = 5000,
        subsample: int = 0,
    ) -> None:
        super().__init__()
        if temperature <= 0 or not 0 <= momentum < 1 or queue_size < 0 or subsample < 0:
            raise InputError(
                "loss oim: expected temperature > 0, 0 <= momentum < 1, queue_size >= 0 and subsample >= 0, got "
                f"{temperature!r}, {momentum!r}, {queue_size!r}, {subsample!r}"
            )
        self.temperature, self.momentum = temperature, momentum
        self.queue_size, self.subsample = queue_size, subsample
        self.register_buffer("table", torch.zeros(identities, dims["embedding"]))
        self.register_buffer("queue", torch.zeros(0, dims["embedding"]))
        self.register_buffer("queued", torch.zeros((), dtype=torch.long))

    def forward(self, batch: Batch) -> Tensor:
        """The mean of -log p (Eq. 6) over the tracklets whose identity has a row, a scalar; 0 if there are none."""
        v = F.normalize(batch.embedding, dim=1)  # [N, E]
        known = (batch.pids >= 0) & self.table.any(1)[batch.pids.clamp_min(0)]  # [N]
        loss = (v * 0).sum()  # zero, but part of the graph, so that backward() works
        if known.any():
            pids = batch.pids[known]
            entering = self._entering(pids)  # [identities + filled] bool, R of them True
            rows = torch.cat([self.table, self.queue])[: len(entering)][entering]  # [R, E], a copy
            target = (entering.cumsum(0) - 1)[pids]  # [N]
            loss = F.cross_entropy(v[known] @ rows.to(v.dtype).T / self.temperature, target)
        if self.training:
            self._remember(v.detach(), batch.pids)
        return loss

    def _entering(self, pids: Tensor) -> Tensor:
        """Which rows of table and queue enter the denominator: [identities + filled places] bool."""
        filled = min(int(self.queued), self.queue_size)
        entering = torch.cat([self.table.any(1), self.table.new_ones(filled, dtype=torch.bool)])
        if self.subsample == 0:
            return entering
        own = torch.zeros_like(entering)
        own[pids] = True
        others = (entering & ~own).nonzero()[:, 0]
        spare = max(self.subsample - int(own.sum()), 0)
        drawn = torch.randperm(len(others))[:spare]  # on the CPU: alike on any device
        own[others[drawn.to(others.device)]] = True
        return own

    def _remember(self, v: Tensor, pids: Tensor) -> None:
        """Update table and queue in place with the features v [N, E]; the loss used a copy of the rows."""
        for feature, pid in zip(v.to(self.table.dtype), pids.tolist(), strict=True):
            if pid >= 0:
                mixed = self.momentum * self.table[pid] + (1 - self.momentum) * feature
                self.table[pid] = F.normalize(mixed, dim=0)
        strangers = v[pids < 0][-self.queue_size :] if self.queue_size else v[:0]  # [S, E]
        if len(strangers):
            if not len(self.queue):
                self.queue = self.table.new_zeros(self.queue_size, self.table.shape[1])
            skipped = int((pids < 0).sum()) - len(strangers)  # more of them than places: the last ones stay
            first = int(self.queued) + skipped
            places = torch.arange(first, first + len(strangers), device=v.device) % self.queue_size
            self.queue[places] = strangers.to(self.queue.dtype)
            self.queued += skipped + len(strangers)


@hookimpl
def vreid_losses() -> Mapping[str, Callable[..., Any]]:
    """`oim`."""
    return {"oim": Oim}
