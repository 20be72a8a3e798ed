"""Two networks side by side: one sees colours, the other optical flow (Simonyan and Zisserman 2014), here VGG-16."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from vreid_bench import InputError, Published, hookimpl
from vreid_plugins.encoders.vgg16 import IMAGENET, MEAN, STD, VggLayers, unused

STACK = 10  # L of Wu et al. 2019: "a stack of 10 dense optical flow frames"
FLOW_STD = 0.45  # what flow is divided by: it spans [-1, 1] and colours [0, 1], whose deviation in ImageNet is 0.23
FIRST = "features.0.weight"  # of VGG-16: the only tensor whose shape depends on the channels of the input


class TwoStreams(nn.Module):
    """A spatial and a temporal VGG-16 side by side (Wu et al. 2019, section IV-C a).

    A clip is cut into stacks of L frames. The spatial network sees the middle frame of a stack, less the mean colour;
    the temporal network sees the flow of all L frames as 2 L channels. A short stack repeats the last frame.

    stack: L.
    narrow, layer: as in the encoder `vgg16`.

    A file of torchvision's `vgg16` fills both networks. The first convolution of the temporal one takes the mean over
    the colours for each of its channels. Wu et al. "fine-tune the network" and do not say from which weights.
    """

    planes = ("rgb", "flow")
    published = (Published("torchvision vgg16", file=IMAGENET),)
    mean: Tensor
    std: Tensor

    def __init__(self, stack: int = STACK, narrow: bool = False, layer: str = "fc7") -> None:
        super().__init__()
        if stack < 1:
            raise InputError(f"encoder two-streams: stack must be 1 or more frames, got {stack!r}")
        self.stack = stack
        self.spatial = VggLayers(3, narrow, layer)
        self.temporal = VggLayers(2 * stack, narrow, layer)
        self.published = (Published("torchvision vgg16", head=unused(layer), own=self._own, file=IMAGENET),)
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(3, 1, 1), persistent=False)

    def forward(self, clips: Tensor) -> Tensor:
        """clips [B, T, 5, H, W] -> maps [B, T', 2 D, h, w] for T' = T / L, rounded up: first spatial, then temporal."""
        missing = -clips.shape[1] % self.stack
        whole = torch.cat([clips, clips[:, -1:].expand(-1, missing, -1, -1, -1)], 1)
        stacks = torch.unflatten(whole, 1, (-1, self.stack))  # [B, T', L, 5, H, W]
        colours = (stacks[:, :, self.stack // 2, :3] - self.mean) / self.std  # [B, T', 3, H, W]
        flow = stacks[:, :, :, 3:].flatten(2, 3) / FLOW_STD  # [B, T', 2 L, H, W]
        streams = (self.spatial.maps(colours.flatten(0, 1)), self.temporal.maps(flow.flatten(0, 1)))
        return torch.unflatten(torch.cat(streams, 1), 0, stacks.shape[:2])

    def _own(self, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """torchvision's tensors for both networks; those that neither has stay as they are."""
        known, found = self.spatial.state_dict().keys(), dict[str, Tensor]()
        for name, value in tensors.items():
            if name not in known:
                found[name] = value
                continue
            found[f"spatial.{name}"] = found[f"temporal.{name}"] = value
            if name == FIRST and value.ndim == 4:
                found[f"temporal.{name}"] = value.mean(1, keepdim=True).repeat(1, 2 * self.stack, 1, 1)
        return found


@hookimpl
def vreid_encoders() -> Mapping[str, Callable[..., Any]]:
    """`two-streams`."""
    return {"two-streams": TwoStreams}
