"""The two-stream networks that 3D PersonVLAD is compared with (Wu et al., "3D PersonVLAD: Learning Deep Global
Representations for Video-based Person Re-identification", IEEE TNNLS 2019, sections IV-C a and IV-E).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from vreid_bench import (
    ClipFeatures,
    Clipping,
    InputError,
    Method,
    Optimizer,
    Part,
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
from vreid_plugins.encoders.vgg16 import MEAN, STD, VggLayers, connected_layers, unused

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


class StreamConvolution(nn.Module):
    """Maps of two streams, fused by a convolution, then fc6 and fc7 of VGG-16 (Feichtenhofer et al. 2016, Wu et al.'s
    reference 46 in Tables VII and X).

    pool: whether a max pooling by two follows the fusion, the fifth of VGG-16.
    grid: height and width to which the pooled maps are averaged before fc6.
    width: outputs of fc6 and of fc7.

    The kernel is 1 x 1, so the channels of both streams are combined place by place, from 2 D to D; it starts as the
    mean of both streams, channel by channel. fc6 and fc7 start from random weights, because `--weights` fills the
    encoder alone. Wu et al. print 97.58 million parameters for this network; fc6 of VGG-16 alone has 102.76.
    """

    def __init__(
        self, shape: tuple[int, ...], pool: bool = True, grid: tuple[int, int] = (7, 7), width: int = 4096
    ) -> None:
        super().__init__()
        channels = shape[0] // 2
        self.fusion = nn.Conv2d(2 * channels, channels, 1)
        with torch.no_grad():
            self.fusion.weight.copy_(torch.eye(channels).repeat(1, 2)[:, :, None, None] / 2)
            self.fusion.bias.zero_()  # type: ignore[union-attr]  # it has one
        self.pool = nn.MaxPool2d(2) if pool else nn.Identity()
        self.average = nn.AdaptiveAvgPool2d(grid)
        self.classifier = connected_layers(channels * grid[0] * grid[1], width)

    def forward(self, maps: Tensor) -> Tensor:
        """maps [B, T', 2 D, h, w] -> fc7 [B, width], mean over the stacks."""
        fused = torch.relu(self.fusion(maps.flatten(0, 1)))  # [B T', D, h, w]
        vectors: Tensor = self.classifier(self.average(self.pool(fused)).flatten(1))
        return torch.unflatten(vectors, 0, maps.shape[:2]).mean(1)


PAPER = "Wu, Wang, Shao, Wang: 3D PersonVLAD, IEEE TNNLS 2019"
UNLIKE = "whose protocol is not said, nor whether it was trained on MARS first: not comparable"


def _table_7(row: str, numbers: str) -> tuple[Reported, ...]:
    return reported_row(f"Table VII, {row}", {"ilids-vid": "R1", "prid2011": "R1", "mars": "R1"}, numbers, UNLIKE)


ROWS = {
    "max": _table_7("VGG-16-Element-Max", "56.2 71.6 65.7"),
    "average": _table_7("VGG-16-Element-Average", "57.1 73.8 65.9"),
    "multiply": _table_7("VGG-16-Element-Multiplication", "60.4 76.3 67.8"),
    "fusion": (
        *_table_7("Two-stream Fusion", "64.1 83.0 74.9"),
        *reported_row("Table X, 2D ConvNets", {"mars": "mAP"}, "51.4", f"with Brox's optical flow; {UNLIKE}"),
    ),
}


def _paper(encoder: Part, aggregator: Part, scored: str, reported: tuple[Reported, ...]) -> Method:
    """The recipe of section IV-C a, with what it does not say.

    Batch (15 = 5 persons with 3 tracklets each), flip, rate (1e-4) and steps are those of PersonVLAD's second step
    (III-C); so is the descriptor of a tracklet, the mean of its clips. Clips are stacks of ten frames without overlap,
    as in Table X ("by stacking every 10 frames"). Descriptors are compared by the cosine, because the three functions
    give them different lengths.

    scored: what the classifier learns from.
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
    return Method(
        encoder=encoder,
        aggregator=aggregator,
        matcher=part("mean", metric="cosine"),
        test=Clipping("dense", STACK),
        size=(224, 224),
        losses={"cross-entropy": part("cross-entropy", on=scored)},
        stages=(stage,),
        reported=reported,
        paper=PAPER,
    )


def _late(fusion: str, preset: Preset) -> Method:
    fused = part("stream-fusion", fusion=fusion)
    return _at(preset, _paper(part("two-streams", stack=STACK, layer="fc7"), fused, "scored", ROWS[fusion]))


def _at(preset: Preset, method: Method) -> Method:
    """The method at a preset: at `small` with the narrow network."""
    encoder = method.encoder
    narrow = part(encoder.name, **{**encoder.options, "narrow": True})
    return method if preset == "paper" else shrink_method(method, encoder=narrow)


def two_stream_max(preset: Preset) -> Method:
    """Spatial and temporal VGG-16, fused by the maximum of their features (Wu et al. 2019, Table VII)."""
    return _late("max", preset)


def two_stream_average(preset: Preset) -> Method:
    """Spatial and temporal VGG-16, fused by the mean of their features (Wu et al. 2019, Table VII)."""
    return _late("average", preset)


def two_stream_multiply(preset: Preset) -> Method:
    """Spatial and temporal VGG-16, fused by the product of their features (Wu et al. 2019, Table VII)."""
    return _late("multiply", preset)


def two_stream_fusion(preset: Preset) -> Method:
    """Spatial and temporal VGG-16, their last maps fused by a convolution (Wu et al. 2019, Tables VII and X)."""
    fused = part("stream-convolution")
    method = _at(preset, _paper(part("two-streams", stack=STACK, layer="conv5"), fused, "embedding", ROWS["fusion"]))
    if preset == "small":  # the narrow network has no fifth pooling
        return replace(method, aggregator=part("stream-convolution", pool=False, grid=(4, 2), width=128))
    return method


def frame_cnn(preset: Preset) -> Method:
    """The spatial VGG-16 of the two-stream networks alone: what is left without optical flow.

    A frame in ten is seen, as by the spatial stream. No printed number stands beside it: the "2D ConvNets [46]" of
    Table X have a temporal stream on "optical flows" and "convolutional fusion", so they are `two-stream-fusion`.
    """
    method = _paper(part("vgg16", layer="fc7"), part("average"), "embedding", ())
    [stage] = method.stages
    assert isinstance(stage, Train)
    frames = replace(stage, clipping=Clipping("consecutive", 1))
    return _at(preset, replace(method, stages=(frames,), test=Clipping("dense", 1, step=STACK)))


METHODS: Mapping[str, Callable[[Preset], Method]] = {
    "two-stream-max": two_stream_max,
    "two-stream-average": two_stream_average,
    "two-stream-multiply": two_stream_multiply,
    "two-stream-fusion": two_stream_fusion,
    "frame-cnn": frame_cnn,
}


@hookimpl
def vreid_encoders() -> Mapping[str, Callable[..., Any]]:
    """`two-streams`."""
    return {"two-streams": TwoStreams}


@hookimpl
def vreid_aggregators() -> Mapping[str, Callable[..., Any]]:
    """`stream-fusion` and `stream-convolution`."""
    return {"stream-fusion": StreamFusion, "stream-convolution": StreamConvolution}


@hookimpl
def vreid_methods() -> Mapping[str, Callable[[Preset], Any]]:
    """The two-stream networks of Tables VII and X, and the spatial one alone."""
    return METHODS
