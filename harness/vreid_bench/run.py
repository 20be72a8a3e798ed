"""The walk, on one screen: a plan, its data, a model, training, features, scores, a record."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from vreid_bench.account import account, check, sha256
from vreid_bench.breakdown import breakdowns
from vreid_bench.checkpoint import Checkpoints, Position, load_weights, save_weights
from vreid_bench.data import Split, people
from vreid_bench.embed import Reader, Store, counted, embed
from vreid_bench.environment import Meter, cores, pick_device, prepare
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
    meter: Meter
    checkpoint_every: float  # seconds


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
            directory.checkpoint.unlink(missing_ok=True)  # a kill can fall between the record and this
            return directory, Record.from_file(directory.record), True
        reader = Reader(plan.dataset.root, plan.method.size, device, threads, request.quiet)
        record = walk(Run(plan, registry, directory, reader, Meter(directory.costs, device), request.checkpoint_every))
    return directory, record, False


def walk(this: Run) -> Record:
    """Train, embed and score every split, and write the record last: it says that the run is complete."""
    check_source(this.plan)
    events, directory, splits = this.registry.manager.hook, this.directory, this.plan.splits
    events.vreid_run_started(run=identity(this))
    folders = [directory.split(number, len(splits)) for number in range(len(splits))]
    scored: list[Outcome] = []
    for number, (split, folder) in enumerate(zip(splits, folders, strict=True)):
        model = trained(this, split, folder, number)
        store = embedded(this, model, split, folder)
        scored.append(outcome(this, model, store, split))
    write_atomic(directory.per_query, npz(per_query(scored)))
    frames = [[len(tracklet.frames) for tracklet in split.test] for split in splits]
    write_atomic(directory.breakdown, json.dumps(breakdowns(scored, frames, this.plan.conventions)).encode())
    weights = sha256(b"".join(folder.weights.read_bytes() for folder in folders))
    record = account(this.plan, model, origin(this.plan, weights), scored, this.meter.costs, this.reader.threads)
    write_atomic(directory.record, record.to_json())
    for folder in folders:
        folder.checkpoint.unlink(missing_ok=True)
    events.vreid_run_finished(record=json.loads(record.to_json()))
    return record


def trained(this: Run, split: Split, folder: RunDirectory, number: int) -> Model:
    """The model with its final weights: trained here, or taken from the run that `--from` named."""
    torch.manual_seed(this.plan.seed)  # the initial weights
    parts = assemble(this.plan.method, this.registry, len(list(people(split.train))))
    if this.plan.source is not None:
        source = RunDirectory(this.plan.source).split(number, len(this.plan.splits))
        write_atomic(folder.weights, source.weights.read_bytes())
    elif not folder.weights.exists():
        with this.meter.stage("train") as counted:
            checkpoints = Checkpoints(folder.checkpoint, counted, this.checkpoint_every)
            training = Training(parts, split.train, this.reader, this.plan.seed)
            training.run(checkpoints, Logged(this, Log(folder.log)))
            save_weights(folder.weights, parts.model)
    load_weights(folder.weights, parts.model)
    return parts.model.to(this.reader.device)


def embedded(this: Run, model: Model, split: Split, folder: RunDirectory) -> Store:
    """The features of all test tracklets, from the folder if they are there already."""
    if not folder.features.exists():
        with this.meter.stage("embed"):
            store = embed(model, split.test, this.plan.method.test, this.reader)
            write_atomic(folder.features, store.to_bytes(Labels.of(split), model.matcher))
    return Store.from_file(folder.features)


def outcome(this: Run, model: Model, store: Store, split: Split) -> Outcome:
    """One ranking of every query, scored under every convention."""
    labels, headline = Labels.of(split), this.plan.protocol.headline
    with this.meter.stage("score"):
        part = this.plan.reranker
        reranker = None if part is None else this.registry.factory("rerankers", part)()
        everyone = store.to(this.reader.device).clips(slice(None))
        counts = counted(model.matcher, everyone, labels, reranker, this.plan.memory)
        judged = judge(counts, this.plan.conventions)
    if isinstance(verdict := judged[headline], NotComputable):
        raise InputError(f"{headline}, which heads this protocol: not computable, {verdict.reason}")
    return Outcome(labels, counts, judged)


def check_source(plan: Plan) -> None:
    """Raises InputError if the weights that `--from` names are not those of its record."""
    if plan.source is None:
        return
    folders = [RunDirectory(plan.source).split(n, len(plan.splits)) for n in range(len(plan.splits))]
    for folder in folders:
        if not folder.weights.exists():
            raise InputError(f"--from {plan.source}: {folder.weights.name} is missing, so there is nothing to evaluate")
    if sha256(b"".join(folder.weights.read_bytes() for folder in folders)) != plan.source_weights:
        raise InputError(f"--from {plan.source}: its weights are not those that its record was made with; train anew")


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
    log: Log

    def rewind(self, start: Position) -> None:
        """As `Log.rewind`."""
        self.log.rewind(start)

    def write(self, position: Position, values: Mapping[str, float]) -> None:
        """As `Log.write`, and the event `vreid_metrics_logged`."""
        self.log.write(position, values)
        run = identity(self.this)
        self.this.registry.manager.hook.vreid_metrics_logged(run=run, step=position.step, values=values)
