"""The recipe of each training of a fold: its lengths in steps on the data, and how it continues an earlier training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from vreid_bench.contracts.length import Epochs, TrainingSize, plain_steps
from vreid_bench.contracts.people import DISTRACTOR, person_ids
from vreid_bench.contracts.recipe import Fit, Method, Stage, Train
from vreid_bench.planning.folds import Fold, TrainingSet
from vreid_bench.registry.registry import Registry
from vreid_bench.system.errors import InputError


def plan_training(method: Method, sets: Sequence[TrainingSet]) -> Method:
    """The recipe of the training on the last of the sets, which continues those on the others; lengths are in steps.

    This is where epochs become steps: on the people and tracklets that are trained on, without those that a protocol
    or `--validate` holds out.
    """
    last = sets[-1]
    continued = method if len(sets) == 1 else continue_method(method, last.rate)
    size = measure_training(last)
    stages = (stage.in_steps(size) if isinstance(stage, Train) else stage for stage in continued.stages)
    return replace(continued, stages=tuple(stages))


def list_trainings(method: Method, fold: Fold) -> Iterator[tuple[TrainingSet, Method]]:
    """Each training set of a fold, in order, with the recipe that trains on it."""
    for number, training in enumerate(fold.training, 1):
        yield training, plan_training(method, fold.training[:number])


def measure_training(training: TrainingSet) -> TrainingSize:
    """How many people, and tracklets of people, are trained on."""
    tracklets = sum(tracklet.pid > DISTRACTOR for tracklet in training.tracklets)
    return TrainingSize(len(person_ids(training.tracklets)), tracklets)


def continue_method(method: Method, rate: float) -> Method:
    """The recipe to continue training on other people: lower learning rates, and no fit of the aggregator.

    Fitting an aggregator only initialises it (k-means centres), so it is left out. Fitting a matcher is how it learns
    (XQDA), so it stays. A length stays as it is, in steps or in epochs: no paper prints another one for fine-tuning.
    """
    stages: list[Stage] = []
    for stage in method.stages:
        if isinstance(stage, Train):
            schedule = replace(stage.schedule, rate=rate * stage.schedule.rate, floor=rate * stage.schedule.floor)
            stages.append(replace(stage, schedule=schedule))
        elif isinstance(stage, Fit) and stage.part == "matcher":
            stages.append(stage)
    return replace(method, stages=tuple(stages))


def find_repeats(method: Method, training: TrainingSet) -> Iterator[str]:
    """A sentence for each stage whose batches have more people than there are to train on."""
    people = measure_training(training).people
    for number, stage in enumerate(method.stages):
        if isinstance(stage, Train) and people < stage.P:
            yield (
                f"stage {number + 1} draws {stage.P} people for each step, but only {people} are trained on, so some "
                f"are drawn twice; --set stages.{number}.P={people} draws each once"
            )


def check_unlabelled(method: Method, registry: Registry, folds: Sequence[Fold]) -> None:
    """Raises InputError for unlabelled tracklets that no loss of a stage takes, or that the training data lacks."""
    for number, stage in enumerate(method.stages):
        if not isinstance(stage, Train) or not stage.unlabelled:
            continue
        asked = f"stages.{number}.unlabelled is {stage.unlabelled}"
        losses = [registry.get("losses", method.losses[name].name) for name in stage.losses]
        if not any(getattr(loss, "takes_unlabelled", False) for loss in losses):
            raise InputError(f"{asked}, but no loss of the stage takes such tracklets, as `oim` does; set it to 0")
        for training in (training for fold in folds for training in fold.training):
            if not any(tracklet.pid == DISTRACTOR for tracklet in training.tracklets):
                raise InputError(
                    f"{asked}, but all training tracklets of {training.dataset.name} in {training.dataset.root} show "
                    "people with a label; list tracklets of unknown people there, with pid 0, or set it to 0"
                )


def describe_trainings(method: Method, folds: Sequence[Fold]) -> list[dict[str, Any]]:
    """The trainings of a method with lengths in epochs as plain JSON; empty if every length is in steps.

    Each has data set, people, tracklets, and for every training stage its lengths in steps. Equal trainings, such as
    those on ten halves of one data set, are one entry.
    """
    if not any(_in_epochs(stage) for stage in method.stages):
        return []
    found: list[dict[str, Any]] = []
    for fold in folds:
        for training, recipe in list_trainings(method, fold):
            stages = [_describe_lengths(stage) for stage in recipe.stages if isinstance(stage, Train)]
            entry = {"dataset": training.dataset.name, **measure_training(training)._asdict(), "stages": stages}
            if entry not in found:
                found.append(entry)
    return found


def _in_epochs(stage: Stage) -> bool:
    return isinstance(stage, Train) and any(isinstance(each, Epochs) for each in (stage.steps, stage.schedule.every))


def _describe_lengths(stage: Train) -> dict[str, int]:
    """Its steps, and the steps from one drop of the rate to the next, 0 without drops."""
    return {"steps": plain_steps(stage.steps), "every": plain_steps(stage.schedule.every)}
