"""What a run would do (`run --dry-run`): its data, the stages of its trainings in steps, and their cost on a CPU."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from vreid_bench.contracts.length import Epochs, Over, TrainingSize, plain_steps, steps_of_epoch
from vreid_bench.contracts.people import person_ids
from vreid_bench.contracts.recipe import Fit, Method, Train
from vreid_bench.planning.folds import Fold
from vreid_bench.planning.plan import Plan, RunRequest, plan_run
from vreid_bench.planning.source import NewTraining
from vreid_bench.planning.trainings import find_repeats, list_trainings, measure_training
from vreid_bench.registry.registry import Registry
from vreid_bench.registry.settings import describe
from vreid_bench.system.errors import InputError


@dataclass(frozen=True)
class Drop:
    """A drop of the learning rate."""

    step: int  # the first with the new rate
    epoch: float
    rate: float


@dataclass(frozen=True)
class StageOutline:
    """A stage of gradient descent, on the data that it trains on."""

    given: int | str  # its length as the recipe has it: steps, or text such as `500 epochs over people`
    steps: int
    epochs: float
    over: Over  # what its epochs visit once
    steps_of_epoch: int
    drops: tuple[Drop, ...]
    frames: int  # of a step
    recipe: dict[str, Any]  # the stage as plain JSON, its lengths in steps


@dataclass(frozen=True)
class FitOutline:
    """A stage in closed form."""

    recipe: dict[str, Any]  # the stage as plain JSON


@dataclass(frozen=True)
class TrainingOutline:
    """A training; with several splits, one that equals those on the other splits stands for all of them."""

    dataset: str
    data: str  # which copy: `official`, `synthetic`, or the folder of an unverified one
    root: str
    people: int
    tracklets: int
    held_out: int  # people whom `--validate` holds out
    stages: tuple[StageOutline | FitOutline, ...]
    warnings: tuple[str, ...] = ()  # sentences that the run prints as well


@dataclass(frozen=True)
class TestOutline:
    """The test; with several splits, that of the first."""

    dataset: str
    data: str
    people: int
    tracklets: int
    queries: int
    clips: dict[str, Any]  # how a tracklet is cut into clips


@dataclass(frozen=True)
class Cost:
    """The estimate of `planning.estimate` for a CPU."""

    seconds: float
    step_seconds: float  # of the longest training step
    steps: int  # of all splits
    memory: float  # bytes
    words: str


@dataclass(frozen=True)
class Outline:
    """All that `run --dry-run` shows."""

    method: str
    preset: str
    seed: int
    protocol: str
    splits: tuple[int, ...]  # those that run
    size: tuple[int, int]  # height and width of a frame, in pixels
    parts: dict[str, Any]  # encoder, aggregator, matcher and losses as plain JSON
    first_weights: dict[str, str]  # part -> the file that it begins from, in words; all other values are random
    trainings: tuple[TrainingOutline, ...]
    test: TestOutline
    cost: Cost


def outline_run(request: RunRequest) -> Outline:
    """Plan a run and describe it: no frame is read, nothing is trained and no folder of a run is made.

    Raises InputError for a request that cannot be run, for parts that fail one of the checks before a training, and
    for a request with `--from`.
    """
    if request.source is not None:
        raise InputError(f"--dry-run: shows a training, but --from {request.source} does not train; leave one out")
    if request.checkpoint is not None:
        raise InputError(
            f"--dry-run: shows a training, but --checkpoint {request.checkpoint} does not train; leave one out"
        )
    registry = Registry.installed()
    plan = plan_run(registry, request, dry=True)
    from vreid_bench.modeling.model import assemble  # imports torch, to measure the network
    from vreid_bench.planning.estimate import estimate_plan
    from vreid_bench.system.environment import prepare

    prepare("cpu", request.threads)
    factories = registry.factories(plan.chosen.method)
    sizes = {measure_training(each).people for fold in plan.folds for each in fold.training}
    parts = [assemble(plan.chosen.method, factories, people) for people in sorted(sizes)]  # checks as `run` does
    expected = estimate_plan(plan, parts[0].model)
    cost = Cost(expected.seconds, expected.step, expected.steps, expected.memory, expected.describe())
    return outline_plan(plan, cost)


def outline_plan(plan: Plan, cost: Cost) -> Outline:
    """What a plan of a new training would do."""
    chosen, test = plan.chosen, plan.folds[0].test
    pretrained = plan.source.fit() if isinstance(plan.source, NewTraining) else ()
    return Outline(
        method=chosen.name,
        preset=chosen.preset,
        seed=plan.seed,
        protocol=plan.protocol.name,
        splits=tuple(fold.number for fold in plan.folds),
        size=chosen.method.size,
        parts={name: chosen.settings[name] for name in ("encoder", "aggregator", "matcher", "losses")},
        first_weights={each.file.part: each.entry.words for each in pretrained} | plan.beginning.describe(),
        trainings=tuple(_outline_trainings(chosen.method, plan.folds)),
        test=TestOutline(
            dataset=plan.dataset.name,
            data=plan.dataset.label,
            people=len(person_ids(test.test)),
            tracklets=len(test.test),
            queries=len(test.query),
            clips=describe(chosen.method.test),
        ),
        cost=cost,
    )


def _outline_trainings(method: Method, folds: Sequence[Fold]) -> list[TrainingOutline]:
    found: list[TrainingOutline] = []
    for fold in folds:
        for training, recipe in list_trainings(method, fold):
            size, data = measure_training(training), training.dataset
            outline = TrainingOutline(
                dataset=data.name,
                data=data.label,
                root=str(data.root),
                people=size.people,
                tracklets=size.tracklets,
                held_out=len(person_ids(training.validation.split.test)) if training.validation else 0,
                stages=tuple(_outline_stages(method, recipe, size)),
                warnings=tuple(find_repeats(method, training)),
            )
            if outline not in found:
                found.append(outline)
    return found


def _outline_stages(method: Method, recipe: Method, size: TrainingSize) -> Iterator[StageOutline | FitOutline]:
    """The stages of a training by `recipe`, which is that of `method` with its lengths in steps."""
    given = iter([stage for stage in method.stages if isinstance(stage, Train)])
    for stage in recipe.stages:
        yield FitOutline(describe(stage)) if isinstance(stage, Fit) else outline_stage(next(given), size, stage)


def outline_stage(given: Train, size: TrainingSize, stage: Train) -> StageOutline:
    """A training stage on a training set of that size; `stage` is `given` with its lengths in steps."""
    lengths = (given.steps, given.schedule.every)
    over: Over = next((length.over for length in lengths if isinstance(length, Epochs)), "people")
    epoch, steps = steps_of_epoch(over, size, stage.P, stage.K), plain_steps(stage.steps)
    return StageOutline(
        given=describe(given.steps),
        steps=steps,
        epochs=steps / epoch,
        over=over,
        steps_of_epoch=epoch,
        drops=tuple(Drop(step, step / epoch, rate) for step, rate in list_drops(stage)),
        frames=stage.tracklets * stage.clipping.clips * stage.clipping.T,
        recipe=describe(stage),
    )


def list_drops(stage: Train) -> list[tuple[int, float]]:
    """(first step with it, rate) of each drop of the rate, for a stage whose lengths are in steps."""
    schedule = stage.schedule
    if schedule.kind != "step":
        return []
    starts = range(plain_steps(schedule.every), plain_steps(stage.steps), plain_steps(schedule.every))
    return [(step, schedule.rate_after(number)) for number, step in enumerate(starts, 1)]
