"""Preset `small`: a paper's recipe scaled down to 64 x 32 frames, random weights and minutes on two CPU cores.

The rule stands here once, so that the methods of all papers differ at preset `small` only in what they propose.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from vreid_bench.contracts.recipe import Clipping, Fit, Loadable, Method, Optimizer, Part, Schedule, Train

SMALL_SIZE = (64, 32)  # height and width in pixels
STEPS = 900  # on every twin; the epochs of a paper are far too many, and the twins differ in people
CLIPS = 8  # of a test tracklet
BEGINS: tuple[Loadable, ...] = ()  # ("encoder",) lets every method begin from the weights that its encoder ships
LOSSES: Mapping[str, Mapping[str, Any]] = {
    "cross-entropy": {"smoothing": 0.1, "neck": True},
    "triplet": {"margin": "soft"},
}


def shrink_method(method: Method, encoder: Part, augment: tuple[Part, ...] = ()) -> Method:
    """The recipe `method` at preset `small`, with the small network `encoder`.

    The stages keep their batches and clips, train as `shrink_training` says, and get `augment` in addition to their own
    augmentations. The losses change as `shrink_loss` says. A test tracklet becomes eight clips, spread evenly, with the
    same number of frames in each.
    """
    stages = tuple(
        stage if isinstance(stage, Fit) else replace(shrink_training(stage), augment=(*stage.augment, *augment))
        for stage in method.stages
    )
    return replace(
        method,
        encoder=encoder,
        test=Clipping("uniform", method.test.T, clips=CLIPS),
        size=SMALL_SIZE,
        losses={name: shrink_loss(loss) for name, loss in method.losses.items()},
        stages=stages,
        begins={},
        shipped=BEGINS,
    )


def shrink_training(stage: Train, steps: int = STEPS) -> Train:
    """The stage with AdamW and one cycle of the learning rate, by which random weights train in few steps."""
    schedule, optimizer = Schedule("one-cycle", 3e-3), Optimizer("AdamW", {"weight_decay": 1e-2})
    return replace(stage, steps=steps, schedule=schedule, optimizer=optimizer)


def shrink_loss(loss: Part) -> Part:
    """The loss with the options that let it train random weights; a loss without a rule stays as it is.

    `cross-entropy` smooths the labels and normalises the features in front of its classifier. Without that
    normalisation, batch-hard mining pulls all random features into one point before the classifier has learned to
    tell identities apart. The margin of `triplet` is soft, so that it never stops pulling.
    """
    return Part(loss.name, {**loss.options, **LOSSES.get(loss.name, {})})
