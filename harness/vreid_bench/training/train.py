"""From a fold's lessons to its final weights: trained here, or taken from where they were trained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click
import torch

from vreid_bench.contracts.dataset import person_ids
from vreid_bench.contracts.protocol import digest
from vreid_bench.contracts.recipe import Fit, Method, Stage, Train
from vreid_bench.evaluation.run_record import sha256
from vreid_bench.modeling.model import Model, assemble
from vreid_bench.planning.folds import Lesson
from vreid_bench.planning.plan import Plan
from vreid_bench.planning.work import Run, Work
from vreid_bench.records.record import Record
from vreid_bench.records.run_directory import Log, RunDirectory
from vreid_bench.registry.settings import described
from vreid_bench.system.environment import Meter
from vreid_bench.system.errors import InputError
from vreid_bench.system.files import write_atomic
from vreid_bench.training.checkpoint import Checkpoints, Position, load_weights, note_of, save_weights
from vreid_bench.training.stages import Training

TRAINING = "training"  # the note in a file of weights that says which training they came from
PLACES = ("", "split-*/", "pretrained/", "split-*/pretrained/")  # where a run folder has weights


def trained(this: Run, work: Work) -> Model:
    """The model with its final weights."""
    weights: Path | None = None
    for place in range(len(work.fold.lessons)):
        last = place == len(work.fold.lessons) - 1
        directory = work.directory if last else work.directory.pretrained
        if not last and (this.plan.source is not None or work.directory.weights.exists()):
            continue
        model = taught(this, work, place, directory, weights)
        weights = directory.weights
    return model.to(this.reader.device)


def taught(this: Run, work: Work, place: int, directory: RunDirectory, before: Path | None) -> Model:
    """The model after one of the fold's lessons, its weights in the folder; `before` has those it goes on from."""
    lesson = work.fold.lessons[place]
    torch.manual_seed(this.plan.seed)  # the initial weights
    method = this.plan.method if place == 0 else going_on(this.plan.method, lesson.rate)
    parts = assemble(method, this.registry, len(list(person_ids(lesson.tracklets))))
    if this.plan.source is not None:
        write_atomic(directory.weights, source_weights(this.plan, work.number).read_bytes())
    directory.path.mkdir(exist_ok=True)
    whole = training(this, work.fold.lessons[: place + 1])
    adopt(this, directory, whole)
    meter = work.meter if directory is work.directory else Meter(directory.costs, this.reader.device)
    meter.read()  # what was adopted has been counted where it was trained
    if not directory.weights.exists():
        with meter.stage("train", resumes=True) as counted:
            if before is not None:
                load_weights(before, parts.model)
            elif this.pretrained is not None:
                this.pretrained.load(parts.model.encoder)
            checkpoints = Checkpoints(directory.checkpoint, counted, this.checkpoint_every)
            reader = replace(this.reader, root=lesson.dataset.root)
            log = Logged(this, work, Log(directory.log))
            Training(parts, lesson.tracklets, reader, this.plan.seed).run(checkpoints, log)
            save_weights(directory.weights, parts.model, {TRAINING: whole})
    load_weights(directory.weights, parts.model)
    return parts.model


def meters(this: Run, works: Sequence[Work]) -> list[Meter]:
    """Everything that was counted, what went before the last lesson included."""
    found = [work.meter for work in works]
    for work in works:
        if work.directory.pretrained.costs.exists():
            found.append(Meter(work.directory.pretrained.costs, this.reader.device))
    return found


def going_on(method: Method, rate: float) -> Method:
    """The recipe for trained weights on other people: lower learning rates, and no aggregator is fitted anew.

    An aggregator's fit gives training its start (k-means centres); a matcher's is what it learns (XQDA), so it stays.
    """
    stages: list[Stage] = []
    for stage in method.stages:
        if isinstance(stage, Train):
            schedule = replace(stage.schedule, rate=rate * stage.schedule.rate, floor=rate * stage.schedule.floor)
            stages.append(replace(stage, schedule=schedule))
        elif isinstance(stage, Fit) and stage.part == "matcher":
            stages.append(stage)
    return replace(method, stages=tuple(stages))


def training(this: Run, lessons: Sequence[Lesson]) -> str:
    """A hash over all that decides weights: equal trainings end in equal weights on this machine."""
    recipe = {name: value for name, value in described(this.plan.method).items() if name != "test"}
    parts = [dict(p) for p in this.plan.providers if p["kind"] not in ("method", "re-ranker")]
    where = [this.reader.device.type, torch.get_num_threads(), torch.__version__]
    begun = [] if this.plan.pretrained is None else [this.plan.pretrained.sha256]
    return digest([recipe, parts, this.plan.seed, where, [lesson.fingerprint for lesson in lessons], *begun])


def adopt(this: Run, directory: RunDirectory, wanted: str) -> None:
    """Take the weights of this very training from a run that has finished it, if none are here or begun here."""
    if directory.weights.exists() or directory.checkpoint.exists():
        return
    for weights in candidates(this.directory.path):
        if note_of(weights).get(TRAINING) == wanted:
            other = RunDirectory(weights.parent)
            within = weights.is_relative_to(this.directory.path)  # then its costs are among this run's already
            for name in ("log", "weights") if within else ("log", "costs", "weights"):  # the weights last
                source: Path = getattr(other, name)
                if source.exists():
                    write_atomic(getattr(directory, name), source.read_bytes())
            if not this.reader.quiet:
                click.echo(f"trained already: its weights are taken from {weights.parent}", err=True)
            return


def candidates(run: Path) -> Iterator[Path]:
    """The files of weights in the run's own folder, then in those beside it, in a fixed order."""
    for folders in (run.name, "*"):
        for place in PLACES:
            yield from sorted(run.parent.glob(f"{folders}/{place}weights.safetensors"))


def source_weights(plan: Plan, number: int) -> Path:
    """The weights that `--from` names for that fold; a run of one split serves every fold."""
    assert plan.source is not None, "only a run with --from asks for this"
    splits = Record.from_file(RunDirectory(plan.source).record).splits
    if splits is None:
        return RunDirectory(plan.source).weights
    return RunDirectory(plan.source).split(number % splits.total, splits.total).weights


def check_source(plan: Plan) -> None:
    """Raises InputError if `--from` names a run without weights of a split to be tested, or not those of its record."""
    if plan.source is None:
        return
    splits = Record.from_file(RunDirectory(plan.source).record).splits
    ran = (0,) if splits is None else splits.ran
    wanted = {0} if splits is None else {number % splits.total for number in plan.chosen}
    for number in sorted({*ran, *wanted}):
        weights = source_weights(plan, number)
        if number not in ran:
            raise InputError(f"--from {plan.source}: it has no weights of split {number}; choose others with --splits")
        if not weights.exists():
            name = weights.relative_to(plan.source)
            raise InputError(f"--from {plan.source}: {name} is missing, so there is nothing to evaluate")
    if sha256(b"".join(source_weights(plan, number).read_bytes() for number in ran)) != plan.source_weights:
        raise InputError(f"--from {plan.source}: its weights are not those that its record was made with; train anew")


@dataclass(frozen=True)
class Logged:
    """The log of a run, which plugins hear, too."""

    this: Run
    work: Work
    log: Log

    def rewind(self, start: Position) -> None:
        """As `Log.rewind`."""
        self.log.rewind(start)

    def write(self, position: Position, values: Mapping[str, float]) -> None:
        """As `Log.write`, and the event `vreid_metrics_logged`."""
        self.log.write(position, values)
        run = self.this.identity | {"split": self.work.number}
        self.this.registry.manager.hook.vreid_metrics_logged(run=run, step=position.step, values=values)
