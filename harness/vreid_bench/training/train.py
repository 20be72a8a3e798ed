"""From the training sets of a fold to its final weights: trained here, or from stages that an equal training left."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from torch import Tensor

from vreid_bench.contracts.people import person_ids
from vreid_bench.contracts.precision import DEFAULT
from vreid_bench.contracts.recipe import Fit
from vreid_bench.modeling.embed import FrameReader
from vreid_bench.modeling.flow import describe_sources
from vreid_bench.modeling.model import MethodParts, Model, assemble
from vreid_bench.modeling.probe import keep_streams
from vreid_bench.planning.code import fingerprint_learning
from vreid_bench.planning.folds import Fold, TrainingSet, Validation
from vreid_bench.planning.method import ChosenMethod
from vreid_bench.planning.plan import Plan
from vreid_bench.planning.source import Source
from vreid_bench.planning.trainings import find_repeats, plan_training
from vreid_bench.records.adoption import TrainedStage, adopt_stage, find_stage
from vreid_bench.records.run_directory import FoldDirectory
from vreid_bench.records.stage_state import load_stage, save_stage
from vreid_bench.records.tensors import unpack_tensors
from vreid_bench.records.weights import load_partly, load_state, load_weights, save_weights
from vreid_bench.registry.registry import Registry
from vreid_bench.system.environment import Machine
from vreid_bench.system.event_log import LOGGER
from vreid_bench.system.files import write_atomic
from vreid_bench.system.fingerprint import digest
from vreid_bench.system.meter import Meter, read_costs
from vreid_bench.system.processes import decide, processes, wait
from vreid_bench.system.progress import write_line
from vreid_bench.training.checkpoint import Checkpoints, Position
from vreid_bench.training.log import Listener, StepLog
from vreid_bench.training.stage_keys import TESTED, StageKey, describe_places, key_stages
from vreid_bench.training.stages import Training, Validate
from vreid_bench.training.validation import Validator


@dataclass(frozen=True)
class Assembled:
    """The parts of a method with their initial values, and what decides what a training makes of them."""

    parts: MethodParts
    data: TrainingSet  # that they are trained on
    stages: tuple[StageKey, ...]
    made_by: str  # a hash over all that decides the weights, including the machine's arithmetic


@dataclass(frozen=True)
class TrainingRecipe:
    """What decides the weights, besides the data: on one machine, equal recipes on equal data give equal weights."""

    chosen: ChosenMethod
    registry: Registry
    seed: int
    source: Source

    @classmethod
    def of(cls, plan: Plan) -> TrainingRecipe:
        """The recipe of a plan."""
        return cls(plan.chosen, plan.registry, plan.seed, plan.source)

    def build(self, sets: Sequence[TrainingSet], machine: Machine) -> Assembled:
        """Build the parts for training on the last of the sets after the others."""
        method, registry = plan_training(self.chosen.method, sets), self.registry
        identities = len(person_ids(sets[-1].tracklets)) or 1  # losses are also built for data that is only tested on
        parts = assemble(method, registry.factories(method), identities, self.seed)
        where = [machine.arithmetic, self.source.precision, *describe_sources(parts.model.planes)]
        files = self.source.fingerprints if self.source.trains else {}
        # what went before on the other sets is decided by the recipe as a whole
        earlier = [self.chosen.settings, *self.chosen.providers] if len(sets) > 1 else []
        data = [each.fingerprint for each in sets]
        begun = digest([fingerprint_learning(), self.seed, where, data, files, earlier])
        stages = key_stages(parts, method, registry, begun)
        decided = [begun, *(stage.made_by for stage in stages[-1:]), describe_places(list(TESTED), method, registry)]
        return Assembled(parts, sets[-1], stages, digest(decided))

    def build_validator(self, validation: Validation | None, parts: MethodParts, reader: FrameReader) -> Validate:
        """What scores the training of `parts`; without a validation, nothing does. No random stream moves."""
        if validation is None:
            return lambda position, log: None
        method = self.chosen.method
        with keep_streams():
            double = Model(method, self.registry.factories(method))
        return Validator(validation, parts, double, method.test, reader)


def train(
    recipe: TrainingRecipe,
    fold: Fold,
    folder: FoldDirectory,
    machine: Machine,
    listen: Callable[[int, Position, Mapping[str, float]], None],
) -> Model:
    """The model of a fold with its final weights, which are then in the fold's folder.

    Weights are copied if the recipe's source has them, or if an equal training of another run left them.
    `listen` is called with the number of the training, from 0, and the position and values of each logged step.
    """
    ready = recipe.source.weights(fold.number)
    if ready is not None:
        return take_weights(recipe, fold, folder, ready, machine).to(machine.device)
    before = None
    for last in range(len(fold.training)):
        place = folder if last == len(fold.training) - 1 else folder.pretrained
        if place is not folder and decide(folder.weights.exists):
            continue  # only the last training needs the ones before it
        model = train_on(recipe, fold.training[: last + 1], place, before, machine, partial(listen, last))
        before = place.weights
    return model.to(machine.device)


def take_weights(recipe: TrainingRecipe, fold: Fold, folder: FoldDirectory, ready: Path, machine: Machine) -> Model:
    """The model with weights that are trained already. They are copied into the folder only if they fit."""
    parts = recipe.build(fold.training, machine).parts
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
    assembled = recipe.build(sets, machine)
    parts = assembled.parts
    found = decide(lambda: find_stage(folder, [stage.made_by for stage in assembled.stages]))
    if found:
        adopt_stage(found, folder)
        sentence = _describe_found(found, len(assembled.stages))
        LOGGER.info("%s: %s", folder.path, sentence)
        write_line(sentence, quiet=machine.quiet)
        wait()
    if not decide(folder.weights.exists):
        if before is None:
            recipe.source.begin(parts.model)
        else:
            load_earlier(before, parts)
        if found and found.number == len(assembled.stages):
            load_partly(parts.model, load_stage(folder.stage(found.number)), found.path)
        else:
            run_stages(recipe, assembled, folder, found, machine, listen)
        save_weights(folder.weights, parts.model, assembled.made_by)
        wait()
    load_weights(folder.weights, parts.model)
    return parts.model


def run_stages(
    recipe: TrainingRecipe,
    assembled: Assembled,
    folder: FoldDirectory,
    found: TrainedStage | None,
    machine: Machine,
    listen: Listener,
) -> None:
    """Train the parts, after the stage that was `found`, and keep the state after each stage."""
    parts, data = assembled.parts, assembled.data
    LOGGER.info("%s: trains", folder.path)
    for sentence in find_repeats(recipe.chosen.method, data):
        LOGGER.warning("%s", sentence)
        write_line(f"warning: {sentence}", quiet=machine.quiet)
    with Meter(folder.costs, machine.device).stage("train", resumes=True) as stage:
        size, planes = recipe.chosen.method.size, parts.model.planes
        reader = FrameReader.of(data.dataset, size, planes, machine, stage.see)
        validate = recipe.build_validator(data.validation, parts, reader)
        checkpoints = Checkpoints(folder.checkpoint, stage.write, machine.checkpoint_every)
        training = Training(parts, data.tracklets, reader, recipe.seed, recipe.source.precision or DEFAULT)
        if found:
            training.go_on_after(found.number, load_stage(folder.stage(found.number)), found.path, checkpoints)

        def keep(done: int, tensors: Mapping[str, Tensor]) -> None:
            if not processes().first:
                return
            stage.write()
            key, cost = assembled.stages[done - 1], read_costs(folder.costs)["train"]
            save_stage(folder.stage(done), key.select(tensors), key.made_by, cost)

        training.run(checkpoints, StepLog(folder.log, listen), validate, keep)
    LOGGER.info("%s: trained", folder.path)


def _describe_found(found: TrainedStage, total: int) -> str:
    """In words, what need not be trained again."""
    if found.number == total:
        return f"already trained: the weights are copied from {found.path.parent}"
    if found.number == 1:
        return f"stage 1 of {total} is already trained: it is copied from {found.path.parent}"
    return f"stages 1 to {found.number} of {total} are already trained: they are copied from {found.path.parent}"


def load_earlier(path: Path, parts: MethodParts) -> None:
    """Begin with the weights of the training before; a matcher that this training fits again begins unfitted.

    Fitting changes what a matcher represents, and the losses learn from what the unfitted one does.
    """
    fits = any(isinstance(stage, Fit) and stage.part == "matcher" for stage in parts.stages)
    own = {name: value for name, value in parts.model.state_dict().items() if fits and name.startswith("matcher.")}
    load_state(parts.model, {**unpack_tensors(path)[0], **own}, path)
