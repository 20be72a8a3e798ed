"""The walk, on one screen: a plan, its data, a model, training, features, scores, a record."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import click
import torch

from vreid_bench.account import account, check, sha256
from vreid_bench.breakdown import breakdowns
from vreid_bench.checkpoint import Checkpoints, Position, load_weights, save_weights
from vreid_bench.data import Split, people
from vreid_bench.embed import Reader, Store, counted, embed
from vreid_bench.environment import Meter, cores, pick_device, prepare, together
from vreid_bench.errors import InputError
from vreid_bench.files import write_atomic
from vreid_bench.labels import Labels
from vreid_bench.metrics import NotComputable, Outcome, judge, npz, per_query
from vreid_bench.model import Model, assemble
from vreid_bench.plan import Plan, Request, plan_run
from vreid_bench.record import Record, Weights
from vreid_bench.registry import Registry
from vreid_bench.rundir import Log, RunDirectory
from vreid_bench.train import Training


@dataclass(frozen=True)
class Run:
    """A plan on its way to a record: what every step of the walk needs."""

    plan: Plan
    registry: Registry
    directory: RunDirectory
    reader: Reader
    checkpoint_every: float  # seconds


@dataclass(frozen=True)
class Fold:
    """One of the splits of a run, and where its weights and features lie."""

    number: int
    split: Split
    directory: RunDirectory
    meter: Meter


def run(request: Request) -> tuple[RunDirectory, Record, bool]:
    """Plan, and do what is not done yet. Returns the run's folder, its record, and whether all was there."""
    registry = Registry.installed()
    device, threads = pick_device(request.device), request.threads or cores()
    prepare(device, threads)
    plan = plan_run(registry, request)
    check(plan)
    directory = RunDirectory(request.runs / plan.id)
    with directory.claimed():
        if directory.record.exists():
            for number in plan.chosen:  # a kill can fall between the record and this
                directory.split(number, len(plan.splits)).checkpoint.unlink(missing_ok=True)
            return directory, Record.from_file(directory.record), True
        reader = Reader(plan.dataset.root, plan.method.size, device, threads, request.quiet)
        record = walk(Run(plan, registry, directory, reader, request.checkpoint_every))
    return directory, record, False


def walk(this: Run) -> Record:
    """Train, embed and score the splits, and write the record last: it says that the run is complete."""
    check_source(this.plan)
    events, directory = this.registry.manager.hook, this.directory
    events.vreid_run_started(run=identity(this))
    scored: list[Outcome] = []
    for fold in (folds := list(folded(this))):
        announce(this, fold)
        model = trained(this, fold)
        store = embedded(this, model, fold)
        scored.append(outcome(this, model, store, fold))
    write_atomic(directory.per_query, npz(per_query(scored, this.plan.chosen)))
    frames = [[len(tracklet.frames) for tracklet in fold.split.test] for fold in folds]
    write_atomic(directory.breakdown, json.dumps(breakdowns(scored, frames, this.plan.conventions)).encode())
    weights = sha256(b"".join(fold.directory.weights.read_bytes() for fold in folds))
    costs = together([fold.meter.costs for fold in folds])
    record = account(this.plan, model, origin(this.plan, weights), scored, costs, this.reader.threads)
    write_atomic(directory.record, record.to_json())
    for fold in folds:
        fold.directory.checkpoint.unlink(missing_ok=True)
    events.vreid_run_finished(record=json.loads(record.to_json()))
    return record


def check_source(plan: Plan) -> None:
    """Raises InputError if `--from` names a run without weights of a split to be tested, or not those of its record."""
    if plan.source is None:
        return
    record = Record.from_file(RunDirectory(plan.source).record)
    ran = range(len(plan.splits)) if record.splits is None else record.splits.ran
    folders = {number: RunDirectory(plan.source).split(number, len(plan.splits)) for number in {*ran, *plan.chosen}}
    for number, folder in sorted(folders.items()):
        if number not in ran:
            raise InputError(f"--from {plan.source}: it has no weights of split {number}; choose others with --splits")
        if not folder.weights.exists():
            name = folder.weights.relative_to(plan.source)
            raise InputError(f"--from {plan.source}: {name} is missing, so there is nothing to evaluate")
    if sha256(b"".join(folders[number].weights.read_bytes() for number in ran)) != plan.source_weights:
        raise InputError(f"--from {plan.source}: its weights are not those that its record was made with; train anew")


def folded(this: Run) -> Iterator[Fold]:
    """The splits that run, each with what a run of other splits has finished of it."""
    plan, total = this.plan, len(this.plan.splits)
    kin = [RunDirectory(path) for path in sorted(this.directory.path.parent.glob(f"{plan.family}*"))]
    for number in plan.chosen:
        directory = this.directory.split(number, total)
        directory.path.mkdir(exist_ok=True)
        directory.adopt(other.split(number, total) for other in kin if total > 1)
        yield Fold(number, plan.splits[number], directory, Meter(directory.costs, this.reader.device))


def announce(this: Run, fold: Fold) -> None:
    """Say on stderr which of several splits it is."""
    if len(this.plan.splits) > 1 and not this.reader.quiet:
        place = this.plan.chosen.index(fold.number) + 1
        click.echo(f"split {fold.number} ({place} of {len(this.plan.chosen)})", err=True)


def trained(this: Run, fold: Fold) -> Model:
    """The model with its final weights: trained here, or taken from the run that `--from` named."""
    split, folder = fold.split, fold.directory
    torch.manual_seed(this.plan.seed)  # the initial weights
    parts = assemble(this.plan.method, this.registry, len(list(people(split.train))))
    if this.plan.source is not None:
        source = RunDirectory(this.plan.source).split(fold.number, len(this.plan.splits))
        write_atomic(folder.weights, source.weights.read_bytes())
    elif not folder.weights.exists():
        with fold.meter.stage("train", resumes=True) as counted:
            checkpoints = Checkpoints(folder.checkpoint, counted, this.checkpoint_every)
            training = Training(parts, split.train, this.reader, this.plan.seed)
            training.run(checkpoints, Logged(this, fold, Log(folder.log)))
            save_weights(folder.weights, parts.model)
    load_weights(folder.weights, parts.model)
    return parts.model.to(this.reader.device)


def embedded(this: Run, model: Model, fold: Fold) -> Store:
    """The features of all test tracklets, from the folder if they are there already."""
    features = fold.directory.features
    if not features.exists():
        with fold.meter.stage("embed"):
            store = embed(model, fold.split.test, this.plan.method.test, this.reader)
            write_atomic(features, store.to_bytes(Labels.of(fold.split), model.matcher))
    return Store.from_file(features)


def outcome(this: Run, model: Model, store: Store, fold: Fold) -> Outcome:
    """One ranking of every query, scored under every convention."""
    labels, headline = Labels.of(fold.split), this.plan.protocol.headline
    with fold.meter.stage("score"):
        part = this.plan.reranker
        reranker = None if part is None else this.registry.factory("rerankers", part)()
        everyone = store.to(this.reader.device).clips(slice(None))
        counts = counted(model.matcher, everyone, labels, reranker, this.plan.memory)
        judged = judge(counts, this.plan.conventions)
    if isinstance(verdict := judged[headline], NotComputable):
        raise InputError(f"{headline}, which heads this protocol: not computable, {verdict.reason}")
    return Outcome(labels, counts, judged)


def origin(plan: Plan, sha: str) -> Weights:
    """Whose weights were tested."""
    if plan.source is None:
        return Weights(sha256=sha, origin="trained")
    return Weights.of(sha, Record.from_file(RunDirectory(plan.source).record))


def identity(this: Run) -> dict[str, Any]:
    """What trackers are told of a run."""
    plan = this.plan
    names = {"method": plan.name, "protocol": plan.protocol.name, "preset": plan.preset, "seed": plan.seed}
    return {"id": plan.id, "directory": str(this.directory.path), **names}


@dataclass(frozen=True)
class Logged:
    """The log of a run, which plugins hear, too."""

    this: Run
    fold: Fold
    log: Log

    def rewind(self, start: Position) -> None:
        """As `Log.rewind`."""
        self.log.rewind(start)

    def write(self, position: Position, values: Mapping[str, float]) -> None:
        """As `Log.write`, and the event `vreid_metrics_logged`."""
        self.log.write(position, values)
        run = identity(self.this) | {"split": self.fold.number}
        self.this.registry.manager.hook.vreid_metrics_logged(run=run, step=position.step, values=values)
