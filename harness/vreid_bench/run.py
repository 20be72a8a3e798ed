"""The walk of a run: a plan, a trained model for each fold, its features and scores, a record."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from vreid_bench.evaluation.evaluate import Testing, embed_fold, evaluate
from vreid_bench.evaluation.run_record import FoldResult, Network, record_results
from vreid_bench.planning.estimate import check_cost
from vreid_bench.planning.folds import Fold
from vreid_bench.planning.plan import Plan, RunRequest, plan_run
from vreid_bench.records.record import Record
from vreid_bench.records.run_directory import RunDirectory
from vreid_bench.registry.events import Events
from vreid_bench.registry.registry import Registry
from vreid_bench.system.environment import Machine, prepare
from vreid_bench.system.meter import Meter
from vreid_bench.training.resume import report_resumption
from vreid_bench.training.train import TrainingRecipe, train


class FinishedRun(NamedTuple):
    """A finished run."""

    folder: RunDirectory
    record: Record
    reused: bool  # was it complete before?


def run(request: RunRequest, claimed: Callable[[RunDirectory], None]) -> FinishedRun:
    """Plan the run, and do what is not done yet; `claimed` is called with its folder, once that is held."""
    machine = prepare(request.device, request.threads, quiet=request.quiet, checkpoint_every=request.checkpoint_every)
    plan = plan_run(Registry.installed(), request)
    testing, folder = Testing.of(plan), RunDirectory.choose(request.runs, plan.id, request.anew)
    with folder.claim(plan.data_roots):
        claimed(folder)
        if folder.record.exists():
            return FinishedRun(folder, Record.from_file(folder.record), reused=True)
        check_cost(plan, machine, request.yes)
        report_resumption(folder, plan, machine)
        events = Events.of(plan.registry.manager.hook, plan.identity, folder.path)
        events.start()
        results = [run_fold(plan, testing, fold, folder, machine, events) for fold in plan.folds]
        record = record_results(folder, plan, results, machine)
        events.finish(record.to_json())
        return FinishedRun(folder, record, reused=False)


def run_fold(
    plan: Plan, testing: Testing, fold: Fold, folder: RunDirectory, machine: Machine, events: Events
) -> FoldResult:
    """Train the model of a fold, and test it."""
    place = folder.fold(fold.number, plan.total)
    model = train(TrainingRecipe.of(plan), fold, place, machine, partial(events.log, fold.number))
    features = embed_fold(testing, model, fold, place, machine)
    with Meter(place.costs, machine.device).stage("score"):
        rankings = evaluate(testing, model.matcher, features, fold.test, machine.quiet)
    return FoldResult(rankings, Network.of(model), place)
