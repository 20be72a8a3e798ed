"""How the weights of convolutions lie in memory."""

from __future__ import annotations

import torch
from torch import nn

CHANNELS_LAST = {4: torch.channels_last, 5: torch.channels_last_3d}  # by the number of dimensions


def lay_out(module: nn.Module) -> None:
    """Bring the weights of convolutions into the order in memory that is fast on their device; no value changes.

    On a CPU the channels come last. The maps that a convolution computes follow its weights in that, as the decoded
    frames do, and are then not reordered around each convolution. GPUs keep the order of torch.
    """
    for each in module.modules():
        if isinstance(each, nn.Conv2d | nn.Conv3d):
            for weight in each.parameters(recurse=False):
                last = weight.device.type == "cpu" and weight.dim() in CHANNELS_LAST
                order = CHANNELS_LAST[weight.dim()] if last else torch.contiguous_format
                weight.data = weight.data.contiguous(memory_format=order)
