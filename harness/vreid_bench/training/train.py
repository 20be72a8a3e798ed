"""From the training sets of a fold to its final weights: trained here, or copied from an equal training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import torch

from vreid_bench.contracts.dataset import person_ids
from vreid_bench.contracts.precision import DEFAULT
from vreid_bench.contracts.recipe import Fit
from vreid_bench.modeling.embed import FrameReader
from vreid_bench.modeling.flow import describe_sources
from vreid_bench.modeling.model import MethodParts, Model, assemble
from vreid_bench.modeling.probe import keep_streams
from vreid_bench.planning.folds import Fold, TrainingSet, Validation
from vreid_bench.planning.method import ChosenMethod
from vreid_bench.planning.plan import Plan
from vreid_bench.planning.source import Source
from vreid_bench.planning.trainings import find_repeats, plan_training
from vreid_bench.records.adoption import adopt_weights
from vreid_bench.records.run_directory import FoldDirectory
from vreid_bench.records.tensors import unpack_tensors
from vreid_bench.records.weights import load_state, load_weights, save_weights
from vreid_bench.registry.registry import Registry
from vreid_bench.registry.settings import describe
from vreid_bench.system.environment import Machine
from vreid_bench.system.event_log import LOGGER
from vreid_bench.system.files import write_atomic
from vreid_bench.system.fingerprint import digest
from vreid_bench.system.meter import Meter
from vreid_bench.system.progress import write_line
from vreid_bench.training.checkpoint import Checkpoints
from vreid_bench.training.log import Listener, StepLog
from vreid_bench.training.stages import Training, Validate
from vreid_bench.training.validation import Validator


@dataclass(frozen=True)
class TrainingRecipe:
    """What decides the weights, besides the data: on one machine, equal recipes on equal data give equal weights."""

    chosen: ChosenMethod
    registry: Registry
    code: str  # a hash over the code that trains
    seed: int
    source: Source

    @classmethod
    def of(cls, plan: Plan) -> TrainingRecipe:
        """The recipe of a plan."""
        return cls(plan.chosen, plan.registry, plan.code.training, plan.seed, plan.source)

    def build(self, sets: Sequence[TrainingSet], machine: Machine) -> tuple[MethodParts, str]:
        """The parts with their initial values, for training on the last of the sets after the others.

        Also returns a hash over all that decides the weights of that training, including the machine's arithmetic.
        """
        method = plan_training(self.chosen.method, sets)
        recipe = {name: value for name, value in describe(method).items() if name != "test"}
        begun = self.source.fingerprints if self.source.trains else {}
        torch.manual_seed(self.seed)  # the initial weights
        identities = len(person_ids(sets[-1].tracklets)) or 1  # losses are also built for data that is only tested on
        parts = assemble(method, self.registry.factories(method), identities)
        where = [machine.arithmetic, self.source.precision, *describe_sources(parts.model.planes)]
        made_by = digest([recipe, self.code, self.seed, where, [each.fingerprint for each in sets], begun])
        return parts, made_by

    def build_validator(self, validation: Validation | None, parts: MethodParts, reader: FrameReader) -> Validate:
        """What scores the training of `parts`; without a validation, nothing does. No random stream moves."""
        if validation is None:
            return lambda position, log: None
        method = self.chosen.method
        with keep_streams():
            double = Model(method, self.registry.factories(method))
        return Validator(validation, parts, double, method.test, reader)


def train(recipe: TrainingRecipe, fold: Fold, folder: FoldDirectory, machine: Machine, listen: Listener) -> Model:
    """The model of a fold with its final weights, which are then in the fold's folder.

    Weights are copied if the recipe's source has them, or if an equal training of another run left them.
    `listen` is called with the values of each logged step.
    """
    ready = recipe.source.weights(fold.number)
    if ready is not None:
        return take_weights(recipe, fold, folder, ready, machine).to(machine.device)
    before = None
    for last in range(len(fold.training)):
        place = folder if last == len(fold.training) - 1 else folder.pretrained
        if place is not folder and folder.weights.exists():
            continue  # only the last training needs the ones before it
        model = train_on(recipe, fold.training[: last + 1], place, before, machine, listen)
        before = place.weights
    return model.to(machine.device)


def take_weights(recipe: TrainingRecipe, fold: Fold, folder: FoldDirectory, ready: Path, machine: Machine) -> Model:
    """The model with weights that are trained already. They are copied into the folder only if they fit."""
    parts, _ = recipe.build(fold.training, machine)
    load_weights(ready, parts.model)
    folder.path.mkdir(parents=True, exist_ok=True)
    write_atomic(folder.weights, ready.read_bytes())
    return parts.model


def train_on(
    recipe: TrainingRecipe,
    sets: Sequence[TrainingSet],
    folder: FoldDirectory,
    before: Path | None,
    machine: Machine,
    listen: Listener,
) -> Model:
    """The model trained on the last of the sets, starting from `before`, the weights of training on the others."""
    folder.path.mkdir(parents=True, exist_ok=True)
    parts, made_by = recipe.build(sets, machine)
    found = adopt_weights(folder, made_by)
    if found:
        LOGGER.info("%s: weights copied from %s", folder.path, found)
    if found and not machine.quiet:
        click.echo(f"already trained: the weights are copied from {found}", err=True)
    if not folder.weights.exists():
        LOGGER.info("%s: trains", folder.path)
        for sentence in find_repeats(recipe.chosen.method, sets[-1]):
            LOGGER.warning("%s", sentence)
            write_line(f"warning: {sentence}", quiet=machine.quiet)
        with Meter(folder.costs, machine.device).stage("train", resumes=True) as stage:
            if before is None:
                recipe.source.begin(parts.model)
            else:
                load_earlier(before, parts)
            planes = parts.model.planes
            reader = FrameReader.of(sets[-1].dataset, recipe.chosen.method.size, planes, machine, stage.see)
            validate = recipe.build_validator(sets[-1].validation, parts, reader)
            checkpoints = Checkpoints(folder.checkpoint, stage.write, machine.checkpoint_every)
            log = StepLog(folder.log, listen)
            precision = recipe.source.precision or DEFAULT
            Training(parts, sets[-1].tracklets, reader, recipe.seed, precision).run(checkpoints, log, validate)
            save_weights(folder.weights, parts.model, made_by)
        LOGGER.info("%s: trained", folder.path)
    load_weights(folder.weights, parts.model)
    return parts.model


def load_earlier(path: Path, parts: MethodParts) -> None:
    """Begin with the weights of the training before; a matcher that this training fits again begins unfitted.

    Fitting changes what a matcher represents, and the losses learn from what the unfitted one does.
    """
    fits = any(isinstance(stage, Fit) and stage.part == "matcher" for stage in parts.stages)
    own = {name: value for name, value in parts.model.state_dict().items() if fits and name.startswith("matcher.")}
    load_state(parts.model, {**unpack_tensors(path)[0], **own}, path)
