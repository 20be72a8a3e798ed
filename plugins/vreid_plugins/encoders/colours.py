"""How an encoder of frames scales colours in [0, 1] before its first layer."""

from __future__ import annotations

import torch
from torch import Tensor

from vreid_bench import InputError

# mean and deviation per colour: a colour becomes (colour - mean) / deviation
SCALES = {
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "symmetric": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),  # to [-1, 1]
}


def find_scale(encoder: str, scale: str) -> tuple[Tensor, Tensor]:
    """Mean and deviation [3, 1, 1] of that scale. Raises InputError that names the encoder for an unknown one."""
    if scale not in SCALES:
        raise InputError(f"encoder {encoder}: scale must be {' or '.join(SCALES)}, got {scale!r}")
    mean, deviation = SCALES[scale]
    return torch.tensor(mean).view(3, 1, 1), torch.tensor(deviation).view(3, 1, 1)
