"""Tracklets are compared by all pairs of clips, weighted by learned importance (Matiyali and Sharma, "Video Person
Re-Identification using Learned Clip Similarity Aggregation", WACV 2020, section 3.1)."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vreid_bench import Clips, batch_hard, clip_batch_hard, clip_distance, hookimpl
from vreid_bench.clip_ops_reference import Side, importance, one_clip, sequential


class Learned(nn.Module):
    """1 - the mean of the cosines between clips, weighted by a network's importance of each pair.

    hidden: units of both hidden layers; dropout: after each of them, while training.
    """

    def __init__(self, dim: int, hidden: int = 1024, dropout: float = 0.5) -> None:
        super().__init__()

        def layer(width: int) -> list[nn.Module]:
            return [nn.Linear(width, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Dropout(dropout)]

        self.score = nn.Sequential(*layer(dim), *layer(hidden), nn.Linear(hidden, 1), nn.Softplus())

    def represent(self, clips: Clips) -> Clips:
        """Clips [N, C, E] -> of unit length."""
        return clips.with_embedding(F.normalize(clips.embedding, dim=-1))

    def distance(self, query: Clips, gallery: Clips) -> Tensor:
        """Represented tracklets -> [Q, G]; in training with the statistics of the batch."""
        if self.training:
            left, right = _side(query), _side(gallery)
            each = Side(left.clips[:, None], left.valid[:, None]), Side(right.clips[None], right.valid[None])
            return 1 - sequential(*each, self._trained)
        masks = query.valid, gallery.valid
        return clip_distance(query.embedding, gallery.embedding, self.folded(), *masks, mode="learned", normalize=False)

    def hardest(self, represented: Clips, pids: Tensor) -> Any:
        """Batch-hard over all pairs of tracklets."""
        if self.training:  # batch normalisation sees all pairs, so that all of them have gradients
            return batch_hard(self.distance(represented, represented), pids)
        found = clip_batch_hard(
            represented.embedding, pids, self.folded(), represented.valid, mode="learned", normalize=False
        )
        return found.checked()

    def bounds(self, query: Clips, gallery: Clips) -> tuple[Tensor, Tensor]:
        """Least and largest distance [Q, G] that any importances can give: those of the nearest and farthest clips."""
        product = torch.einsum("qae,gbe->qgab", query.embedding, gallery.embedding)
        pair = query.valid[:, None, :, None] & gallery.valid[None, :, None]  # [Q, G, C, K]
        return 1 - product.masked_fill(~pair, -2).amax((2, 3)), 1 - product.masked_fill(~pair, 2).amin((2, 3))

    def narrowing(self, query: Clips, gallery: Clips) -> Generator[tuple[Tensor, Tensor], Tensor, None]:
        """Bounds [P] of the distances of pairs of tracklets, P of each side, after each query clip; the last are equal.

        Is sent which of the pairs [P] are still of interest, and goes on with these.
        """
        network = self.folded()
        left, right = _side(query), _side(gallery)
        product = torch.einsum("pae,pbe->pab", left.clips, right.clips)  # [P, C, K]
        pair = (left.valid[:, :, None] * right.valid[:, None]) > 0
        most = product.masked_fill(~pair, -2).amax(2).flip(1).cummax(1).values.flip(1)  # [P, C] of a clip and the later
        least = product.masked_fill(~pair, 2).amin(2).flip(1).cummin(1).values.flip(1)
        mean, total = torch.zeros_like(left.clips[:, 0]), torch.zeros_like(left.valid[:, 0])
        for a in range(left.clips.shape[1]):
            own = Side(left.clips[:, a], left.valid[:, a])
            mean, total = one_clip(own, right, (mean, total), lambda difference, _: importance(difference, network))
            similarity = mean.sum(-1)  # [P]
            low, high = similarity, similarity
            if a + 1 < left.clips.shape[1]:  # what is to come moves the mean towards itself, wherever it is
                low = torch.where(total > 0, torch.minimum(similarity, least[:, a + 1]), least[:, a + 1])
                high = torch.where(total > 0, torch.maximum(similarity, most[:, a + 1]), most[:, a + 1])
            kept = yield 1 - high, 1 - low
            left, right = left.rows(kept), right.rows(kept)
            most, least, mean, total = most[kept], least[kept], mean[kept], total[kept]

    def folded(self) -> list[Tensor]:
        """The network with batch normalisation folded into its layers, as `clip_distance` takes it."""
        weights = []
        for at in (0, 4):
            linear, norm = self.score[at], self.score[at + 1]
            scale = norm.weight / (norm.running_var + norm.eps).sqrt()  # [H]
            weights += [linear.weight * scale[:, None], (linear.bias - norm.running_mean) * scale + norm.bias]
        return [*weights, self.score[8].weight, self.score[8].bias]

    def _trained(self, difference: Tensor, asked: Tensor) -> Tensor:
        """Importances where they are asked for; batch statistics are of these pairs alone."""
        if not asked.any():
            return torch.zeros_like(difference[..., 0])
        found = self.score(difference[asked])[:, 0]
        return torch.zeros_like(difference[..., 0]).masked_scatter(asked, found)


def _side(clips: Clips) -> Side:
    return Side(torch.where(clips.valid[..., None], clips.embedding, 0), clips.valid.to(clips.embedding.dtype))


@hookimpl
def vreid_matchers() -> Mapping[str, Callable[..., Any]]:
    """`learned`."""
    return {"learned": Learned}
