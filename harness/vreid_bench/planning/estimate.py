"""How long a run will take and how much memory it needs, estimated before it starts."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from vreid_bench.contracts.dataset import Tracklet
from vreid_bench.contracts.length import plain_steps
from vreid_bench.contracts.parts import PLANES
from vreid_bench.contracts.recipe import Clipping, Method, Train
from vreid_bench.modeling.clips import clip_indices
from vreid_bench.modeling.model import Model
from vreid_bench.planning.folds import Fold
from vreid_bench.planning.plan import Plan
from vreid_bench.planning.trainings import list_trainings
from vreid_bench.system.environment import Machine
from vreid_bench.system.errors import InputError
from vreid_bench.system.terminal import echo

PASSES = 2  # the quicker one counts: the other may have waited for the processor
SHORT = 300.0  # seconds: a run of this estimate needs no `--yes`
BACKWARD = 3  # a training step costs about three forward passes
COPIES = 4  # of every parameter: its value, its gradient and the two averages of Adam
PROGRAM = 0.5e9  # bytes of a process that has loaded everything but the network


@dataclass(frozen=True)
class FrameCost:
    """The cost of one frame in a network on this machine."""

    seconds: float  # forward
    kept: float  # bytes kept for the backward pass
    parameters: int


@dataclass(frozen=True)
class Estimate:
    """What a run will need."""

    seconds: float
    step: float  # seconds of the longest training step
    steps: int
    memory: float  # bytes

    def describe(self) -> str:
        """The estimate as a sentence, and where it comes from."""
        return (
            f"about {_describe_time(self.seconds)} ({self.steps} training steps, the longest about {self.step:.2g} s, "
            f"and the test) and {self.memory / 1e9:.1f} GB of memory, estimated from forward passes on this machine"
        )


def check_cost(plan: Plan, machine: Machine, accepted: bool) -> None:
    """Print what the preset `paper` will cost on a CPU; the estimate itself takes a few forward passes.

    Raises InputError if that is long and not `accepted` (`--yes`). Nothing is printed if weights are only tested.
    """
    if machine.device.type != "cpu" or plan.chosen.preset != "paper" or not plan.source.trains:
        return
    expected = estimate_plan(plan)
    if expected.seconds > SHORT and not accepted:
        raise InputError(
            f"--preset paper on a CPU takes {expected.describe()}; "
            "repeat the command with --yes to run it, or with --preset small"
        )
    echo(f"--preset paper on a CPU takes {expected.describe()}", err=True)


def estimate_plan(plan: Plan, model: Model | None = None) -> Estimate:
    """The cost of all trainings and tests of a plan on this CPU; it takes a few forward passes of its `model`."""
    method = plan.chosen.method
    frame = measure_frame(method, model or Model(method, plan.registry.factories(method)))
    return estimate(method, plan.folds, frame)


def measure_frame(method: Method, model: Model) -> FrameCost:
    """Pass two black clips through the network of a method, a few times, and measure."""
    black = torch.zeros(2, method.test.T or 4, sum(PLANES[plane] for plane in model.planes), *method.size)
    parameters = {p.untyped_storage().data_ptr(): p.numel() for p in model.parameters()}
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in parameters:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    passes = []
    for _ in range(PASSES):
        kept.clear()
        began = time.monotonic()
        with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            features = model.features(black)
        passes.append(time.monotonic() - began)
        del features
    seconds = min(passes)
    frames = black.shape[0] * black.shape[1]
    return FrameCost(seconds / frames, sum(kept.values()) / frames, sum(parameters.values()))


def estimate(method: Method, folds: Sequence[Fold], frame: FrameCost) -> Estimate:
    """The cost of training and testing a method on these folds, if each of its frames costs that much."""
    passes, steps = 0.0, 0  # forward passes of one frame
    largest = 0  # frames of the largest step
    for fold in folds:
        passes += count_frames(method.test, fold.test.test)
        for training, recipe in list_trainings(method, fold):
            if training.validation is not None:
                passes += count_scores(recipe, training.validation.every) * count_frames(
                    method.test, training.validation.split.test
                )
            for stage in recipe.stages:
                if not isinstance(stage, Train):
                    passes += count_frames(stage.clipping, training.tracklets)
                    continue
                in_stage = plain_steps(stage.steps)
                steps += in_stage
                of_tracklet = stage.clipping.clips * stage.clipping.T
                if stage.cached:  # the network sees every tracklet once for each view, and no step
                    passes += stage.cached * of_tracklet * len(training.tracklets)
                else:
                    passes += BACKWARD * in_stage * stage.tracklets * of_tracklet
                    largest = max(largest, stage.tracklets * of_tracklet)
    return Estimate(
        seconds=passes * frame.seconds,
        step=BACKWARD * largest * frame.seconds,
        steps=steps,
        memory=PROGRAM + 4 * COPIES * frame.parameters + largest * frame.kept,
    )


def count_scores(method: Method, every: int) -> int:
    """How often a training is scored: after each `every` steps, and after the last one."""
    return math.ceil(method.budget["steps"] / every)


def count_frames(clipping: Clipping, tracklets: Sequence[Tracklet]) -> int:
    """How many frames are cut from these tracklets in evaluation."""
    cuts = (clip_indices(clipping, len(tracklet.frames), None) for tracklet in tracklets)
    return sum(len(cut) * len(cut[0]) for cut in cuts)


def _describe_time(seconds: float) -> str:
    amount, unit = seconds, "s"
    for longer, size, most in (("min", 60, 90), ("h", 60, 90), ("days", 24, 48)):
        if amount < most:
            break
        amount, unit = amount / size, longer
    return f"{amount:.0f} {unit}"
