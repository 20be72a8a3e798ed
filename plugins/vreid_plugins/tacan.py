"""TACAN (Li et al., "Temporal Aggregation with Clip-level Attention for Video-based Person Re-identification", WACV
2020), in the paper's order: sections 3.3 and 3.4, then its tables. The record of every run holds Eq. 10 as
`cluster_diameter`.

Each row of Table 1 is a method: `tacan-baseline`, `tacan-triplet`, `tacan-attention`, `tacan-clip-attention`,
`tacan` and `tacan-senet`. Two more methods separate what the paper changes together:

- `tacan-embedding` has the embedding layer without clip attention, all w_i = 1. The step of Table 1 with the largest
  gain adds both at once.
- `tacan-tracklets` trains on tracklets of four clips, so that Eq. 3 weighs clips against each other in training, too.
  Section 3.4 says "the unit for training is a video clip", and the other methods follow it: m = 1 in training, where
  w scales the whole vector of a clip. Section 4.5's "sets of tracklets" can be read the other way. The batch is the
  same 32 tracklets of 8 persons, so a step has four times as many clips and takes four times as long.

The file is long because a third of it is the paper's printed tables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vreid_bench import (
    Batch,
    ClipFeatures,
    Clipping,
    Epochs,
    InputError,
    Method,
    Optimizer,
    Part,
    Preset,
    Schedule,
    Train,
    hookimpl,
    part,
    reported_row,
    reported_table,
    shrink_method,
)

PAPER = "Li et al.: Temporal Aggregation with Clip-level Attention for Video-based Person Re-identification, WACV 2020"


class Tacan(nn.Module):
    """Two layers over a clip's feature: one computes the clip's weight, the other its embedding (section 3.3, Fig. 3).

    The weighted mean of clips, f = 1/m sum_i w_i f_Ei (Eq. 3), is the matcher `weighted` with `divide="count"`.

    inner: the aggregator that computes f_C [B, d] from the maps of a clip (section 3.2, Fig. 2); d is their depth.
    dim: D, the length of the embedding.
    weight: `linear` is Eq. 1. `sigmoid` is the sigmoid of it, which keeps weights in (0, 1) and so never negative; the
        weights in the paper's figures are 0.90 to 0.96. `none` sets every weight to 1.
    """

    def __init__(
        self, shape: tuple[int, ...], inner: Callable[..., Any], dim: int = 1024, weight: str = "linear"
    ) -> None:
        super().__init__()
        if weight not in ("linear", "sigmoid", "none"):
            raise InputError(f"aggregator tacan: weight must be linear, sigmoid or none, got {weight!r}")
        self.inner = inner(shape)
        width = shape[0]  # d, "the same d dimensions as image-level features"
        self.activation = weight
        self.weight = nn.Identity() if weight == "none" else nn.Linear(width, 1)
        if isinstance(self.weight, nn.Linear):
            # Training starts from the plain mean of section 4.2's baseline. With random values, half of all clips
            # would have a negative weight. "a FC Layer" has a bias, though Eq. 1 prints none.
            nn.init.zeros_(self.weight.weight)
            nn.init.ones_(self.weight.bias)
        self.embedding = nn.Linear(width, dim)  # one layer without activation; the paper states neither

    def forward(self, maps: Tensor) -> ClipFeatures:
        """maps [B, T', D, h, w] -> embeddings f_E [B, dim] and weights w [B]."""
        clip = self.inner(maps)  # f_C [B, d]
        importance = None
        if self.activation != "none":
            importance = self.weight(clip)[:, 0]  # Eq. 1
            if self.activation == "sigmoid":
                importance = torch.sigmoid(importance)
        return ClipFeatures(self.embedding(clip), importance)  # Eq. 2


class MinMax(nn.Module):
    """The scatter within the identities of the batch, divided by the scatter of their means (Eq. 7-9).

    The paper does not say what happens if the denominator is zero. Here a batch of one identity has a loss of 0, and
    the denominator is never below 1e-12.
    """

    def __init__(self, dims: Mapping[str, int], identities: int) -> None:
        super().__init__()

    def forward(self, batch: Batch) -> Tensor:
        """S_I / S_B over the N tracklets of the batch, a scalar."""
        x = batch.embedding  # [N, E]
        ids, row = torch.unique(batch.pids, return_inverse=True)  # [K], [N]
        if len(ids) == 1:
            return (x * 0).sum()
        member = F.one_hot(row, len(ids)).to(x.dtype)  # [N, K]
        n = member.sum(0)  # [K]
        means = member.T @ x / n[:, None]  # m_k [K, E]
        within = (x - means[row]).square().sum()  # Eq. 7, Eq. 8 left
        between = (n * (means - x.mean(0)).square().sum(1)).sum()  # Eq. 8 right
        return within / between.clamp_min(1e-12)  # Eq. 9


SOFTMAX = {"cross-entropy": 1.0}
HARD = {**SOFTMAX, "triplet": 1.0}
MULTI = {**HARD, "min-max": 1.0}  # Eq. 4


def tacan(preset: Preset) -> Method:
    """Clips weighted by their own features, trained with softmax, triplet and min-max loss (Li et al. 2020)."""
    return replace(_method(preset, MULTI, _clip_attention(preset)), reported=TACAN, quoted=QUOTED)


def tacan_senet(preset: Preset) -> Method:
    """TACAN on SENet-50, which the paper recommends."""
    encoder = part("senet", depth=50 if preset == "paper" else 8)
    return replace(tacan(preset), encoder=encoder, reported=TACAN_SENET, quoted=())


def tacan_baseline(preset: Preset) -> Method:
    """TACAN's baseline: the mean of frames and clips, trained with softmax loss only."""
    return replace(_method(preset, SOFTMAX), reported=BASELINE)


def tacan_triplet(preset: Preset) -> Method:
    """TACAN's second row: the mean of frames and clips, trained with softmax and triplet loss."""
    return replace(_method(preset, HARD), reported=TRIPLET)


def tacan_attention(preset: Preset) -> Method:
    """TACAN's third row: attention over frames, the mean of clips."""
    return replace(_method(preset, HARD), aggregator=_frame_attention(preset), reported=ATTENTION)


def tacan_clip_attention(preset: Preset) -> Method:
    """TACAN's fourth row: attention over frames and over clips, without the min-max loss."""
    return replace(_method(preset, HARD, _clip_attention(preset)), reported=CLIP_ATTENTION)


def tacan_embedding(preset: Preset) -> Method:
    """A control that the paper lacks: TACAN's embedding layer without clip attention, every weight 1."""
    return _method(preset, HARD, _clip_attention(preset, weight="none"))


def tacan_tracklets(preset: Preset) -> Method:
    """TACAN trained on tracklets of four clips, so that Eq. 3 weighs clips in training as in the test."""
    method = tacan(preset)
    (stage,) = method.stages
    assert isinstance(stage, Train)
    stage = replace(stage, clipping=replace(stage.clipping, clips=4))
    return replace(method, stages=(stage,), reported=(), quoted=())


def _frame_attention(preset: Preset) -> Part:
    """The attention of Gao and Nevatia 2018, f_C = 1/T sum_i a_i f_i, with the printed 1/T (section 3.2, Fig. 2).

    The paper names neither the network nor the weighting. Of their two networks this is the one that takes "temporal
    information into consideration"; softmax is the weighting of their best row, which Table 2 quotes.
    """
    return part("temporal-attention", network="temporal-conv", divide=True, width=256)


def _clip_attention(preset: Preset, weight: str = "linear") -> Part:
    inner = _frame_attention(preset)
    return part("tacan", inner=inner, dim=1024, weight=weight)  # section 4.5: D = 1024


def _method(preset: Preset, losses: Mapping[str, float], aggregator: Part | None = None) -> Method:
    method = _paper() if preset == "paper" else _small()
    (stage,) = method.stages
    assert isinstance(stage, Train)
    return replace(
        method,
        aggregator=aggregator or method.aggregator,
        matcher=part("weighted", divide="count") if aggregator else method.matcher,
        losses={name: method.losses[name] for name in losses},
        stages=(replace(stage, losses=losses),),
    )


def _paper() -> Method:
    """The recipe of section 4.5.

    Printed: ResNet-50, 224 x 112, T = 4, batch 32 with 4 tracklets of a person, SGD at 3e-4 with decay. Not printed:
    the margin (0.3), momentum (0.9), weight decay (5e-4), the length of training and the decay (a tenth every 200 of
    800 epochs), and flips. These are Gao and Nevatia's, whose attention the paper uses, and hold for all four data
    sets of the paper. The paper does not say what
    the softmax loss classifies, either. Fig. 1 has the other two losses "after the feature embedding layer"; here all
    three see f.
    """
    stage = Train(
        clipping=Clipping("consecutive", 4),
        losses=MULTI,
        steps=Epochs(800),
        P=8,
        K=4,
        schedule=Schedule("step", 3e-4, every=Epochs(200), factor=0.1),
        optimizer=Optimizer("SGD", {"momentum": 0.9, "weight_decay": 5e-4}),
        augment=(part("flip"),),
    )
    return Method(
        encoder=part("resnet", depth=50),
        aggregator=part("average"),
        matcher=part("mean", metric="euclidean"),  # section 4.2: average pooling of frames and clips
        test=Clipping("dense", 4),
        size=(224, 112),
        losses={
            "cross-entropy": part("cross-entropy"),
            "triplet": part("triplet", margin=0.3, metric="sqeuclidean"),  # Eq. 5, 6
            "min-max": part("min-max"),
        },
        stages=(stage,),
        paper=PAPER,
        begins={"encoder": ("*",)},  # "pre-trained on the ImageNet dataset", ResNet-50 and SENet-50 alike
    )


def _small() -> Method:
    """The same recipe scaled down."""
    return shrink_method(_paper(), encoder=part("resnet", depth=8))


MARS = {"mars": "mAP R1 R5 R20"}
UNMATCHED = "9,330 in the gallery leave 140 of 1,980 queries without a match; how they count is not said"
HALVES = "mean over ten random halves that are not published; backbone not stated"
BASELINE = reported_row("Table 1, baseline", MARS, "61.4 72.6 87.2 93.2", UNMATCHED)
TRIPLET = reported_row("Table 1, Ls + Lt", MARS, "76.2 82.6 93.9 96.8", UNMATCHED)
ATTENTION = reported_row("Table 1, TA + Ls + Lt", MARS, "76.8 83.9 93.9 97.2", UNMATCHED)
CLIP_ATTENTION = reported_row("Table 1, TA + CA + Ls + Lt", MARS, "81.6 86.3 95.4 98.1", UNMATCHED)
TACAN = (
    *reported_row("Table 1, TA + CA + L", MARS, "83.0 88.2 96.0 98.3", UNMATCHED),  # again in Table 2
    *reported_row("Table 4, TACAN", {"ilids-vid": "mAP R1", "prid2011": "mAP R1"}, "93.0 88.9 96.7 95.3", HALVES),
    *reported_row("Table 5, TACAN", {"duke-video": "mAP R1 R5 R10"}, "95.4 96.2 99.4 99.6", "backbone not stated"),
)
TACAN_SENET = reported_row("Table 1, SENet50 + TA + CA + L", MARS, "84.0 89.1 96.1 98.0", UNMATCHED)  # again in Table 2

# Table 3: the diameter (Eq. 10) of the features of five persons of MARS, without and with the min-max loss. The paper
# does not say which persons, nor how the features are scaled.
TABLE_3 = ((0.9204, 0.8882), (0.7038, 0.5321), (0.8364, 0.6553), (0.8448, 0.6056), (0.8931, 0.6629))

OTHERS = "quoted from its own paper"
# The paper's numbers of other systems.
QUOTED = (
    *reported_table(
        "Table 2",
        MARS,
        {
            "ASTPN": "- 44 70 81",
            "JSTRN": "50.7 70.6 90.0 97.6",
            "STAN": "65.8 82.3 - -",
            "RQEN": "71.1 77.8 88.8 94.3",
            "STIM": "72.7 84.4 93.2 96.3",
            "SCAN": "76.7 86.6 94.8 97.1",
            "TA": "76.7 83.3 93.8 97.4",
            "ResNet3D NL": "77.0 84.3 94.6 -",
            "STAL": "73.5 82.2 92.8 98.0",
            "VRSTC": "82.3 88.5 96.5 -",
        },
        OTHERS,
    ),
    *reported_table(
        "Table 4",
        {"ilids-vid": "mAP R1", "prid2011": "mAP R1"},
        {
            "ASTPN": "- 62 - 77",
            "JSTRN": "- 55.2 - 79.4",
            "STAN": "- 80.2 - 93.2",
            "RQEN": "- 80.0 - 93.4",
            "STIM": "- 84.3 - 92.7",
            "SCAN": "89.9 88.0 95.8 95.3",
            "ResNet3D NL": "- 81.3 - 91.2",
            "STAL": "- 82.8 - 92.7",
            "VRSTC": "- 83.4 - -",
        },
        OTHERS,
    ),
    *reported_table(
        "Table 5",
        {"duke-video": "mAP R1 R5 R10"},
        {"EUG": "78.3 83.6 94.6 97.6", "VRSTC": "93.5 95.0 99.1 99.4"},
        OTHERS,
    ),
)


@hookimpl
def vreid_aggregators() -> Mapping[str, Callable[..., Any]]:
    """`tacan`."""
    return {"tacan": Tacan}


@hookimpl
def vreid_losses() -> Mapping[str, Callable[..., Any]]:
    """`min-max`."""
    return {"min-max": MinMax}


@hookimpl
def vreid_methods() -> Mapping[str, Callable[[Preset], Any]]:
    """The rows of Table 1, and two controls."""
    return {
        "tacan": tacan,
        "tacan-senet": tacan_senet,
        "tacan-baseline": tacan_baseline,
        "tacan-triplet": tacan_triplet,
        "tacan-attention": tacan_attention,
        "tacan-clip-attention": tacan_clip_attention,
        "tacan-embedding": tacan_embedding,
        "tacan-tracklets": tacan_tracklets,
    }
