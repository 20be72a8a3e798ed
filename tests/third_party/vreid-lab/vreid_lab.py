"""A stranger's encoder and loss, and the method that trains them."""

import torch
from torch import nn

from vreid_bench import Batch, Clipping, Method, Schedule, Train, hookimpl, part


class Shallow(nn.Module):
    """Two convolutions over each frame: clips [B, T, 3, H, W] in [0, 1] -> maps [B, T, width, h, w].

    width: how many channels the maps have.
    """

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, width, 5, stride=2), nn.BatchNorm2d(width), nn.ReLU(), nn.Conv2d(width, width, 3, stride=2)
        )

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        frames = 2 * clips.flatten(0, 1) - 1  # an encoder normalises its own input
        return self.layers(frames).unflatten(0, clips.shape[:2])


class Spread(nn.Module):
    """Keeps the mean distance of different people above a margin.

    margin: in the matcher's distance.
    """

    def __init__(self, dims: dict[str, int], identities: int, margin: float = 2.0) -> None:
        super().__init__()  # dims: width of what a batch has, such as dims["embedding"]; identities: how many train
        self.margin = margin

    def forward(self, batch: Batch) -> torch.Tensor:
        different = batch.pids[:, None] != batch.pids  # [N, N]
        if not different.any():  # a batch of one person: nothing to keep apart, but a part of the graph
            return (batch.distance * 0).sum()
        return (self.margin - batch.distance[different].mean()).relu()


def lab(preset: str) -> Method:
    """Batches of 4 people with 2 tracklets each; cross-entropy, triplet loss and spread."""
    train = Train(
        clipping=Clipping("consecutive", T=4),
        losses={"identity": 1.0, "triplet": 1.0, "spread": 0.1},  # weights
        steps=20_000 if preset == "paper" else 300,
        P=4,
        K=2,
        schedule=Schedule("constant", rate=3e-4),
    )
    return Method(
        encoder=part("shallow", width=64),
        aggregator=part("average"),
        matcher=part("mean", metric="euclidean"),
        test=Clipping("dense", T=4),
        size=(256, 128) if preset == "paper" else (64, 32),
        losses={"identity": part("cross-entropy"), "triplet": part("triplet", margin=0.3), "spread": part("spread")},
        stages=(train,),
    )


@hookimpl
def vreid_encoders():
    return {"shallow": Shallow}


@hookimpl
def vreid_losses():
    return {"spread": Spread}


@hookimpl
def vreid_methods():
    return {"lab": lab}
