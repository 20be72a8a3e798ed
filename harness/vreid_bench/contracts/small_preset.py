"""Preset `small`: a paper's recipe scaled down to frames of 64 x 32, narrow networks and minutes on two CPU cores.

The rule stands here once, so that the methods of all papers are scaled alike. Losses, margins, optimizer, batch,
augmentations and the shape of the schedule stay as printed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from vreid_bench.contracts.length import Epochs, Length
from vreid_bench.contracts.recipe import Fit, Loadable, Method, Part, Train

SMALL_SIZE = (64, 32)  # height and width in pixels
STEPS = 300  # of all stages of gradient descent together, on every twin; published trainings take 30,000 to 100,000
# optimizer -> factor of the printed rate. So few steps need larger ones.
# Chosen on people and streets that no twin has: docs/small-preset.md says how.
FASTER: Mapping[str, float] = {"Adam": 3.0, "SGD": 10.0}
BEGINS: tuple[Loadable, ...] = ("encoder",)  # from weights that its package ships, as the printed one from published


def shrink_method(method: Method, encoder: Part, steps: int = STEPS) -> Method:
    """The recipe `method` at preset `small`, with the narrow network `encoder`.

    The stages of gradient descent share `steps` in proportion to their printed lengths, and `shrink_training` scales
    each. Raises TypeError if some of these lengths are in epochs and others in steps, which have no proportion.
    """
    printed = [stage.steps for stage in method.stages if isinstance(stage, Train)]
    if len({type(length) for length in printed}) > 1:
        raise TypeError(f"stages of {', '.join(map(str, printed))}: lengths in epochs and steps have no proportion")
    whole = sum(map(_length, printed))
    stages = tuple(
        stage if isinstance(stage, Fit) else shrink_training(stage, round(steps * _length(stage.steps) / whole))
        for stage in method.stages
    )
    return replace(method, encoder=encoder, size=SMALL_SIZE, stages=stages, begins={}, shipped=BEGINS)


def shrink_training(stage: Train, steps: int) -> Train:
    """The stage with `steps` steps. Drops of the learning rate come after the same share of them, and the rate is
    larger by the factor of its optimizer."""
    schedule = stage.schedule
    rate = float(f"{FASTER[stage.optimizer.name] * schedule.rate:.6g}")  # 3e-4 for 3 x 1e-4, not 3.0000000000000003e-4
    every = round(steps * _length(schedule.every) / _length(stage.steps))
    return replace(stage, steps=steps, schedule=replace(schedule, rate=rate, every=every))


def _length(length: Length) -> float:
    return length.number if isinstance(length, Epochs) else length
