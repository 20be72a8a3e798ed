"""The walk, on one screen: a plan, its data, a model, training, features, scores, a record."""

from __future__ import annotations

import json

import click

from vreid_bench.evaluation.evaluate import Tested, embedded, tested
from vreid_bench.evaluation.run_record import account, check, origin, sha256
from vreid_bench.modeling.embed import Reader
from vreid_bench.modeling.pretrained import Pretrained, fitted
from vreid_bench.planning.plan import Plan, Request, plan_run
from vreid_bench.planning.work import Run, announce, folded
from vreid_bench.records.record import Record
from vreid_bench.records.run_directory import RunDirectory
from vreid_bench.registry.registry import Registry
from vreid_bench.scoring.breakdown import break_down_conventions
from vreid_bench.scoring.metrics import collect_per_query
from vreid_bench.system.environment import cores, pick_device, prepare, together
from vreid_bench.system.files import write_atomic
from vreid_bench.training.train import check_source, meters, trained


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
            directory.forget_checkpoints()  # a kill can fall between the record and this
            return directory, Record.from_file(directory.record), True
        reader = Reader(plan.dataset.root, plan.method.size, device, threads, request.quiet)
        pretrained = begun_from(plan, registry, directory, request.quiet)
        record = walk(Run(plan, registry, directory, reader, request.checkpoint_every, pretrained))
    return directory, record, False


def begun_from(plan: Plan, registry: Registry, directory: RunDirectory, quiet: bool) -> Pretrained | None:
    """What `--weights` gives the encoder, told on stderr and, name by name, in the run's folder."""
    if plan.pretrained is None:
        return None
    pretrained = fitted(plan.pretrained, plan.method.encoder, registry)
    write_atomic(directory.pretraining, pretrained.report().encode())
    if not quiet:
        click.echo(pretrained.report(shown=4), err=True, nl=False)
    return pretrained


def walk(this: Run) -> Record:
    """Train, embed and score the folds, and write the record last: it says that the run is complete."""
    check_source(this.plan)
    plan, directory, events = this.plan, this.directory, this.registry.manager.hook
    events.vreid_run_started(run=this.identity)
    found: list[Tested] = []
    for work in (works := list(folded(this))):
        announce(this, work)
        model = trained(this, work)
        features = embedded(this, model, work)
        found += tested(this, model, features, work)
    leading = [test for test in found if test.condition in plan.protocol.conditions[: plan.protocol.leading]]
    scored = [test.outcome for test in leading]
    kept = collect_per_query(scored, plan.chosen if len(scored) == len(works) else None)
    write_atomic(directory.per_query, kept.to_bytes())
    parts = break_down_conventions(scored, [test.frames for test in leading], plan.conventions)
    write_atomic(directory.breakdown, json.dumps(parts).encode())
    weights = sha256(b"".join(work.directory.weights.read_bytes() for work in works))
    costs = together([meter.costs for meter in meters(this, works)])
    record = account(this, model, origin(this, weights), found, costs)
    write_atomic(directory.record, record.to_json())
    directory.forget_checkpoints()
    events.vreid_run_finished(record=json.loads(record.to_json()))
    return record
