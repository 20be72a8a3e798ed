"""The two-stream networks that 3D PersonVLAD is compared with (Wu et al., "3D PersonVLAD: Learning Deep Global
Representations for Video-based Person Re-identification", IEEE TNNLS 2019, sections IV-C a and IV-E).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vreid_bench import (
    ClipFeatures,
    Clipping,
    Fit,
    InputError,
    Method,
    Optimizer,
    Part,
    Preset,
    Reported,
    Schedule,
    Train,
    hookimpl,
    part,
    reported_row,
    shrink_method,
)
from vreid_plugins.aggregators.vlad import MOST_DESCRIPTORS, Vlad, kmeans, sample_rows
from vreid_plugins.encoders.two_streams import STACK
from vreid_plugins.encoders.vgg16 import connected_layers

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


class StreamVlad(nn.Module):
    """The last maps of two streams, each aggregated by a VLAD of its own (ActionVLAD, Girdhar et al. 2017, Wu et al.'s
    reference 48 in Table VII).

    words, alpha: K, the number of centres of each, and the sharpness of the assignment; 64 and 1000 "as suggested in
        [48]" (section III-C).

    A descriptor is the vector of one place of one stack, of unit length. Both VLADs lie side by side, each of length
    one half, so that a linear classifier gives the average of the scores of both streams.
    """

    def __init__(self, shape: tuple[int, ...], words: int = 64, alpha: float = 1000.0) -> None:
        super().__init__()
        self.spatial, self.temporal = Vlad(), Vlad()
        for vlad in (self.spatial, self.temporal):
            vlad.add_words(shape[0] // 2, words, alpha)

    def descriptors(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """maps [B, T', 2 D, h, w] -> spatial and temporal descriptors, each [B, T' h w, D] of unit length."""
        spatial, temporal = maps.movedim(2, -1).flatten(1, 3).chunk(2, dim=2)
        return F.normalize(spatial, dim=2), F.normalize(temporal, dim=2)

    def forward(self, maps: Tensor) -> Tensor:
        """maps [B, T', 2 D, h, w] -> [B, 2 K D]."""
        with torch.autocast(maps.device.type, enabled=False):  # residuals are small differences
            spatial, temporal = self.descriptors(maps if maps.dtype == torch.float64 else maps.float())
            return torch.cat([self.spatial.aggregate(spatial), self.temporal.aggregate(temporal)], 1) / 2

    def fit(self, maps: Iterable[Tensor]) -> None:
        """Place the words of both by k-means over the descriptors of batches of maps [B, T', 2 D, h, w]."""
        with torch.no_grad():
            both = (torch.cat(self.descriptors(each), 2).flatten(0, 1) for each in maps)  # [B T' h w, 2 D]
            rows = sample_rows(both, MOST_DESCRIPTORS).chunk(2, dim=1)
            for vlad, own in zip((self.spatial, self.temporal), rows, strict=True):
                vlad.place(kmeans(own, len(vlad.c)))


PAPER = "Wu, Wang, Shao, Wang: 3D PersonVLAD, IEEE TNNLS 2019"
UNLIKE = "whose protocol is not said, nor whether it was trained on MARS first: not comparable"


def _table_7(row: str, numbers: str) -> tuple[Reported, ...]:
    return reported_row(f"Table VII, {row}", {"ilids-vid": "R1", "prid2011": "R1", "mars": "R1"}, numbers, UNLIKE)


ROWS = {
    "max": _table_7("VGG-16-Element-Max", "56.2 71.6 65.7"),
    "average": _table_7("VGG-16-Element-Average", "57.1 73.8 65.9"),
    "multiply": _table_7("VGG-16-Element-Multiplication", "60.4 76.3 67.8"),
    "vlad": _table_7("ActionVLAD", "65.6 83.7 76.5"),
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
        begins={"encoder": ("*",)},  # IV-C a: "fine-tune the network"; from which weights is not said
        reported=reported,
        paper=PAPER,
    )


def _late(fusion: str, preset: Preset) -> Method:
    fused = part("stream-fusion", fusion=fusion)
    return _at(preset, _paper(part("two-streams", stack=STACK, layer="fc7"), fused, "scored", ROWS[fusion]))


def _at(preset: Preset, method: Method) -> Method:
    """The method at a preset: at `small` with the narrow network."""
    if preset == "paper":
        return method
    encoder = method.encoder
    narrow = part(encoder.name, **{**encoder.options, "narrow": True})
    return shrink_method(method, encoder=narrow)


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
        return replace(method, aggregator=part("stream-convolution", pool=False, grid=(4, 2), width=4096))
    return method


def action_vlad(preset: Preset) -> Method:
    """Spatial and temporal VGG-16, the last maps of each aggregated by a VLAD (ActionVLAD; Wu et al. 2019, Table VII).

    k-means places the words, then all is trained together as in the other two-stream systems, by Adam with the epsilon
    of 1e-4 that III-C requires for descriptors of unit length.
    """
    vlad = part("stream-vlad", words=64, alpha=1000.0)
    method = _paper(part("two-streams", stack=STACK, layer="conv5"), vlad, "embedding", ROWS["vlad"])
    [stage] = method.stages
    assert isinstance(stage, Train)
    joint = replace(stage, optimizer=Optimizer("Adam", {"eps": 1e-4}))
    return _at(preset, replace(method, stages=(Fit("aggregator", Clipping("uniform", STACK)), joint)))


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
    "action-vlad": action_vlad,
    "frame-cnn": frame_cnn,
}


@hookimpl
def vreid_aggregators() -> Mapping[str, Callable[..., Any]]:
    """`stream-fusion`, `stream-convolution` and `stream-vlad`."""
    return {"stream-fusion": StreamFusion, "stream-convolution": StreamConvolution, "stream-vlad": StreamVlad}


@hookimpl
def vreid_methods() -> Mapping[str, Callable[[Preset], Any]]:
    """The two-stream networks of Tables VII and X, and the spatial one alone."""
    return METHODS
