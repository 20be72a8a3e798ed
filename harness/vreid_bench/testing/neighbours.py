"""The small parts that stand beside a part while it is checked, and the method that they make up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vreid_bench.contracts.parts import PLANES, Batch, ClipFeatures, Clips
from vreid_bench.contracts.recipe import Clipping, Method, Part, Schedule, Train
from vreid_bench.registry.entry import Entry
from vreid_bench.registry.plugins import HARNESS, Plugin

FRAMES, SIZE = 4, (64, 32)  # of the clips on which parts are checked
PEOPLE = 8  # of the training part
NEIGHBOUR = "kit"  # the name of each of these parts
CHANNELS, WIDTH = 8, 6  # of the maps, and of the embedding of a clip


class Convolution(nn.Module):
    """Clips [B, T, P, H, W] -> maps [B, T, 8, h, w], frame by frame."""

    planes: tuple[str, ...] = ("rgb",)

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(sum(PLANES[plane] for plane in self.planes), CHANNELS, 5, stride=8)

    def forward(self, clips: Tensor) -> Tensor:
        """The maps, none below 0 and not all 0."""
        maps = F.softplus(self.layer(2 * clips.flatten(0, 1) - 1))  # [B T, 8, h, w]
        return maps.reshape(*clips.shape[:2], *maps.shape[1:])


class Pooling(nn.Module):
    """The mean of the maps through a linear layer, with an importance for each clip."""

    def __init__(self, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.embed, self.weigh = nn.Linear(shape[0], WIDTH, bias=False), nn.Linear(shape[0], 1)

    def forward(self, maps: Tensor) -> ClipFeatures:
        """maps [B, T', D, h, w] -> embedding [B, 6] and importance [B]."""
        mean = maps.mean((1, 3, 4))
        return ClipFeatures(self.embed(mean), torch.sigmoid(self.weigh(mean))[:, 0])


class Means(nn.Module):
    """Euclidean distances between the weighted means of the clips."""

    def __init__(self, dim: int) -> None:
        super().__init__()

    def represent(self, clips: Clips) -> Clips:
        """Clips [N, C, E] -> one vector a tracklet."""
        weight = clips.valid * clips.importance + clips.valid * 1e-3  # [N, C]
        return Clips.single((clips.embedding * weight[..., None]).sum(1) / weight.sum(1, keepdim=True))

    def distance(self, query: Clips, gallery: Clips) -> Tensor:
        """[Q, G]."""
        return torch.cdist(query.mean(), gallery.mean(), compute_mode="donot_use_mm_for_euclid_dist")


class Objective(nn.Module):
    """Cross-entropy, and the mean distances of one person against those of others: it uses all that a batch has."""

    def __init__(self, dims: Mapping[str, int], identities: int) -> None:
        super().__init__()
        self.classifier = nn.Linear(dims["embedding"], identities)

    def forward(self, batch: Batch) -> Tensor:
        """A scalar."""
        known: Tensor = F.cross_entropy(self.classifier(batch.embedding), batch.pids)
        same = batch.pids[:, None] == batch.pids  # [N, N]
        return known + F.softplus(batch.distance[same].mean() - batch.distance[~same].mean())


PARTS = {"encoders": Convolution, "aggregators": Pooling, "matchers": Means, "losses": Objective}
STAGE = Train(
    Clipping("random", FRAMES), {"loss": 1.0}, steps=2, P=4, K=2, schedule=Schedule("constant", 1e-3)
)  # P: so that a loss that compares many people finds them
METHOD = Method(
    Part(NEIGHBOUR),
    Part(NEIGHBOUR),
    Part(NEIGHBOUR),
    Clipping("evenly", FRAMES),
    SIZE,
    losses={"loss": Part(NEIGHBOUR)},
    stages=(STAGE,),
)


def list_neighbours() -> list[Entry]:
    """The entries of these parts."""
    plugin = Plugin(NEIGHBOUR, SimpleNamespace(), HARNESS, "")
    return [Entry(kind, NEIGHBOUR, value, plugin) for kind, value in PARTS.items()]


def surround(kind: str, part: Part, entry: Entry) -> Method:
    """The method in which a part is checked: with this part of that kind in place of its own."""
    if kind == "losses":
        return replace(METHOD, losses={"loss": part})
    if kind == "augmentations":
        return replace(METHOD, stages=(replace(STAGE, augment=(part,)),))
    if kind == "rerankers":
        return METHOD
    name: Any = kind.removesuffix("s")
    return METHOD.with_part(name, part, fits=entry.can_fit)
