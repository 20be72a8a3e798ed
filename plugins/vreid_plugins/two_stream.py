"""The two-stream networks that 3D PersonVLAD is compared with (Wu et al., "3D PersonVLAD: Learning Deep Global
Representations for Video-based Person Re-identification", IEEE TNNLS 2019, section IV-C a, Table VII).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from vreid_bench import (
    ClipFeatures,
    Clipping,
    InputError,
    Method,
    Optimizer,
    Preset,
    Published,
    Reported,
    Schedule,
    Train,
    hookimpl,
    part,
    reported_row,
    shrink_method,
)
from vreid_plugins.encoders.vgg16 import MEAN, STD, VggLayers, unused

STACK = 10  # L: "a stack of 10 dense optical flow frames"
FLOW_STD = 0.45  # what flow is divided by: it spans [-1, 1] and colours [0, 1], whose deviation in ImageNet is 0.23
FIRST = "features.0.weight"  # of VGG-16: the only tensor whose shape depends on the channels of the input


class TwoStreams(nn.Module):
    """A spatial and a temporal VGG-16 side by side (section IV-C a).

    A clip is cut into stacks of L frames. The spatial network sees the middle frame of a stack, less the mean colour;
    the temporal network sees the flow of all L frames as 2 L channels. A short stack repeats the last frame.

    stack: L.
    narrow, layer: as in the encoder `vgg16`.

    A file of torchvision's `vgg16` fills both networks. The first convolution of the temporal one takes the mean over
    the colours for each of its channels. Wu et al. "fine-tune the network" and do not say from which weights.
    """

    planes = ("rgb", "flow")
    mean: Tensor
    std: Tensor

    def __init__(self, stack: int = STACK, narrow: bool = False, layer: str = "fc7") -> None:
        super().__init__()
        if stack < 1:
            raise InputError(f"encoder two-streams: stack must be 1 or more frames, got {stack!r}")
        self.stack = stack
        self.spatial = VggLayers(3, narrow, layer)
        self.temporal = VggLayers(2 * stack, narrow, layer)
        self.published = (Published("torchvision vgg16", head=unused(layer), own=self._own),)
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


FUSIONS: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "max": torch.maximum,
    "average": lambda spatial, temporal: (spatial + temporal) / 2,
    "multiply": torch.mul,
}


class StreamFusion(nn.Module):
    """Two streams of fc7, fused element by element (section IV-C a, the "aggregation function").

    fusion: `max`, `average` or `multiply`.

    The embedding is the fused feature, mean over the stacks of a clip. The extra `scored` is half of each feature, side
    by side: one linear classifier on it gives the average of the scores of two classifiers, one on each stream. Wu et
    al. average these scores "before softmax normalization", and name the three functions, but not how the two belong
    together. Here the scores are what is trained on and the function makes the descriptor, so the three systems train
    alike. The product is as wide as the others, although Wu et al. call it "high-dimensional".
    """

    def __init__(self, shape: tuple[int, ...], fusion: str = "average") -> None:
        super().__init__()
        if fusion not in FUSIONS:
            raise InputError(f"aggregator stream-fusion: fusion must be one of {', '.join(FUSIONS)}, got {fusion!r}")
        self.fuse = FUSIONS[fusion]

    def forward(self, maps: Tensor) -> ClipFeatures:
        """maps [B, T', 2 D, h, w] -> embedding [B, D], and the extra `scored` [B, 2 D]."""
        streams = maps.mean((3, 4))  # [B, T', 2 D]
        spatial, temporal = streams.chunk(2, dim=2)
        return ClipFeatures(self.fuse(spatial, temporal).mean(1), extra={"scored": streams.mean(1) / 2})


PAPER = "Wu, Wang, Shao, Wang: 3D PersonVLAD, IEEE TNNLS 2019"
UNLIKE = "whose protocol is not said, nor whether it was trained on MARS first: not comparable"


def _table_7(row: str, numbers: str) -> tuple[Reported, ...]:
    return reported_row(f"Table VII, {row}", {"ilids-vid": "R1", "prid2011": "R1", "mars": "R1"}, numbers, UNLIKE)


ROWS = {
    "max": _table_7("VGG-16-Element-Max", "56.2 71.6 65.7"),
    "average": _table_7("VGG-16-Element-Average", "57.1 73.8 65.9"),
    "multiply": _table_7("VGG-16-Element-Multiplication", "60.4 76.3 67.8"),
}


def _two_stream(fusion: str, preset: Preset) -> Method:
    """The recipe of section IV-C a, with what it does not say.

    Batch (15 = 5 persons with 3 tracklets each), flip, rate (1e-4) and steps are those of PersonVLAD's second step
    (III-C); so is the descriptor of a tracklet, the mean of its clips. Clips are stacks of ten frames without overlap,
    as in Table X ("by stacking every 10 frames"). Descriptors are compared by the cosine, because the three functions
    give them different lengths.
    """
    stage = Train(
        clipping=Clipping("consecutive", STACK),
        losses={"cross-entropy": 1.0},
        steps=50_000,
        P=5,
        K=3,
        schedule=Schedule("constant", 1e-4),
        optimizer=Optimizer("Adam"),
        augment=(part("flip", p=0.5),),
    )
    method = Method(
        encoder=part("two-streams", stack=STACK, layer="fc7"),
        aggregator=part("stream-fusion", fusion=fusion),
        matcher=part("mean", metric="cosine"),
        test=Clipping("dense", STACK),
        size=(224, 224),
        losses={"cross-entropy": part("cross-entropy", on="scored")},
        stages=(stage,),
        reported=ROWS[fusion],
        paper=PAPER,
    )
    return _at(preset, method)


def _at(preset: Preset, method: Method) -> Method:
    """The method at a preset: at `small` with the narrow network."""
    encoder = method.encoder
    narrow = part(encoder.name, **{**encoder.options, "narrow": True})
    return method if preset == "paper" else shrink_method(method, encoder=narrow)


def two_stream_max(preset: Preset) -> Method:
    """Spatial and temporal VGG-16, fused by the maximum of their features (Wu et al. 2019, Table VII)."""
    return _two_stream("max", preset)


def two_stream_average(preset: Preset) -> Method:
    """Spatial and temporal VGG-16, fused by the mean of their features (Wu et al. 2019, Table VII)."""
    return _two_stream("average", preset)


def two_stream_multiply(preset: Preset) -> Method:
    """Spatial and temporal VGG-16, fused by the product of their features (Wu et al. 2019, Table VII)."""
    return _two_stream("multiply", preset)


METHODS: Mapping[str, Callable[[Preset], Method]] = {
    "two-stream-max": two_stream_max,
    "two-stream-average": two_stream_average,
    "two-stream-multiply": two_stream_multiply,
}


@hookimpl
def vreid_encoders() -> Mapping[str, Callable[..., Any]]:
    """`two-streams`."""
    return {"two-streams": TwoStreams}


@hookimpl
def vreid_aggregators() -> Mapping[str, Callable[..., Any]]:
    """`stream-fusion`."""
    return {"stream-fusion": StreamFusion}


@hookimpl
def vreid_methods() -> Mapping[str, Callable[[Preset], Any]]:
    """The two-stream networks of Table VII."""
    return METHODS
