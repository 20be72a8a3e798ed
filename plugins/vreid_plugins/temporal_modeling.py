"""Gao and Nevatia, "Revisiting Temporal Modeling for Video-based Person ReID", 2018: the image baseline and
temporal pooling (sections 3 and 4), and the tables that report them.

Three methods on one network and one loss:

- `image-baseline`: trained on single frames, tested on one frame of a tracklet. No temporal modelling at all.
- `image-averaged`: the same training; at test the features of many frames are averaged. This is what the paper
  itself calls its image baseline (section 4.1: "the same similarity calculation procedure").
- `mean-pooling`: trained and tested on clips of T = 4, whose frames' features are averaged.

All three see the same number of tracklets in a step, P x K, as in the paper (batch 32, K = 4, whatever T is), so
that batch-hard mining chooses among equally many. The image methods therefore see a quarter of the frames and
take about a third of the time. With equal frames instead (P x K four times as large) they gain far more from the
larger batch than `mean-pooling` gains from clips, and the comparison would be one of batch sizes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from vreid_bench import Clipping, Method, Optimizer, Preset, Reported, Schedule, Train, hookimpl, part

PAPER = "Gao, Nevatia: Revisiting Temporal Modeling for Video-based Person ReID, 2018"


def mean_pooling(preset: Preset) -> Method:
    """Mean of the frames' features over clips of four, trained and tested so (Gao and Nevatia 2018).

    Section 3.1, "Temporal pooling": f_c = (1/T) sum_t f_c^t; T = 4 is the best of Table 3.
    """
    if preset == "paper":
        # section 3.3: "consecutive non-overlap clips", the mean of all
        return replace(_paper(T=4), test=Clipping("dense", 4), reported=TABLE_3_T4)
    return replace(_small(T=4), test=Clipping("uniform", 4, clips=8), reported=TABLE_3_T4)


def image_averaged(preset: Preset) -> Method:
    """Trained on single frames, tested on the mean of many frames' features (Gao and Nevatia 2018).

    Section 4.1, "Image-based baseline models": T = 1.
    """
    if preset == "paper":
        return replace(_paper(T=1), test=Clipping("dense", 1), reported=TABLE_3_T1)
    return replace(_small(T=1), test=Clipping("uniform", 1, clips=8), reported=TABLE_3_T1)


def image_baseline(preset: Preset) -> Method:
    """Trained on single frames, tested on the middle frame of a tracklet alone.

    What a method gains by looking at more than one frame is its distance to this. The paper reports no such number.
    """
    return replace(image_averaged(preset), test=Clipping("uniform", 1), reported=())


def _paper(T: int) -> Method:
    """Section 4.1. Printed: ResNet-50, 224 x 112, Adam, 3e-4 for pooling, batch 32 with 4 tracklets of a person,
    Eq. 4 + Eq. 5 unweighted. Not printed, and taken from the authors' published code: margin 0.3, weight decay 5e-4,
    800 epochs of one group per identity, a tenth of the rate every 200. Their code also smooths the labels
    and flips and shifts every frame by itself; Eq. 5 does not smooth, and a clip here is flipped as a whole."""
    epoch = 625 // 8  # groups of 8 of MARS' 625 training identities
    stage = Train(
        clipping=Clipping("consecutive", T),
        losses={"cross-entropy": 1.0, "triplet": 1.0},  # Eq. 6
        steps=800 * epoch,
        P=8,
        K=4,
        schedule=Schedule("step", 3e-4, every=200 * epoch, factor=0.1),
        optimizer=Optimizer("Adam", {"weight_decay": 5e-4}),
        augment=(part("flip"),),
    )
    return Method(
        encoder=part("resnet", depth=50),
        aggregator=part("average"),
        matcher=part("mean", metric="euclidean"),  # section 3.3: mean of the clips, L2 distance
        test=Clipping("dense", T),
        size=(224, 112),
        losses={"cross-entropy": part("cross-entropy"), "triplet": part("triplet", margin=0.3)},
        stages=(stage,),
        paper=PAPER,
    )


def _small(T: int) -> Method:
    """The same recipe for 64 x 32 crops: a narrow network from random weights, and what lets it train in a minute:
    AdamW with one cycle, crops shifted by a few pixels, smoothed labels, a margin that never stops pulling, and a
    batch normalisation in front of the classifier alone. Without the last, batch-hard mining pulls all random features
    into one point before the classifier has learned anything to hold them apart."""
    stage = Train(
        clipping=Clipping("consecutive", T),
        losses={"cross-entropy": 1.0, "triplet": 1.0},
        steps=900,
        P=8,
        K=4,
        schedule=Schedule("one-cycle", 3e-3),
        optimizer=Optimizer("AdamW", {"weight_decay": 1e-2}),
        augment=(part("flip"), part("shift")),
    )
    return replace(
        _paper(T),
        encoder=part("resnet", depth=8),
        size=(64, 32),
        losses={
            "cross-entropy": part("cross-entropy", smoothing=0.1, neck=True),
            "triplet": part("triplet", margin="soft"),
        },
        stages=(stage,),
    )


def _row(where: str, values: tuple[float, ...], note: str = "") -> tuple[Reported, ...]:
    metrics = ("mAP", "R1", "R5", "R10", "R20")
    return tuple(
        Reported("mars", metric, round(value / 100, 4), where, note)
        for metric, value in zip(metrics, values, strict=True)
    )


# Table 10 repeats the row T = 1 as it is, and the row T = 4 with another rank 1.
TABLE_3_T1 = _row("Table 3, T = 1", (74.1, 81.3, 92.6, 94.8, 96.7))
TABLE_3_T4 = (
    *_row("Table 3, T = 4", (76.5, 83.5, 93.0, 95.3, 96.8)),
    Reported("mars", "R1", 0.833, "Table 10, Ours (pool)", "Table 3 prints 83.5 for the same model"),
)


@hookimpl
def vreid_methods() -> Mapping[str, Callable[[Preset], Any]]:
    """`image-baseline`, `image-averaged` and `mean-pooling`."""
    return {
        "image-baseline": image_baseline,
        "image-averaged": image_averaged,
        "mean-pooling": mean_pooling,
    }
