"""A stranger's aggregator: what the weakest frame still shows."""

import torch
from torch import Tensor, nn

from vreid_bench import hookimpl


class SoftMin(nn.Module):
    """A soft minimum over time of the spatially averaged maps."""

    def __init__(self, shape: tuple[int, int, int], heat: float = 5.0) -> None:
        super().__init__()
        self.heat = nn.Parameter(torch.tensor(heat))

    def forward(self, maps: Tensor) -> Tensor:
        frames = maps.mean((3, 4))  # [B, T, D]
        weight = torch.softmax(-self.heat * frames, dim=1)  # [B, T, D]
        return (weight * frames).sum(1)  # [B, D]


@hookimpl
def vreid_aggregators():
    return {"softmin": SoftMin}
