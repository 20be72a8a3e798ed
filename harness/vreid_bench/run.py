"""The walk of a run from its plan: a trained model for each fold, its features and scores, a record."""

from __future__ import annotations

import json
from functools import partial

from vreid_bench.evaluation.evaluate import Testing, embed_fold, evaluate
from vreid_bench.evaluation.rankings import rank_fold, write_ranking
from vreid_bench.evaluation.run_record import FoldResult, Network, record_results
from vreid_bench.modeling.model import Model
from vreid_bench.planning.estimate import check_cost
from vreid_bench.planning.folds import Fold
from vreid_bench.planning.plan import Plan, RunRequest
from vreid_bench.records.feature_store import FeatureStore
from vreid_bench.records.record import Record
from vreid_bench.records.run_directory import FoldDirectory, RunDirectory
from vreid_bench.registry.events import Events
from vreid_bench.system.environment import Machine, prepare
from vreid_bench.system.meter import Meter
from vreid_bench.system.processes import processes
from vreid_bench.training.resume import report_resumption
from vreid_bench.training.train import TrainingRecipe, train


def run(plan: Plan, folder: RunDirectory, request: RunRequest) -> Record | None:
    """Do what is not done yet of a planned run, whose folder this process holds; returns its record.

    There is none of a test that cannot be scored: the run ends with a ranking.
    """
    if not processes().first:
        assist(plan, folder, request)
        return None
    machine = prepare(request.device, request.threads, quiet=request.quiet, checkpoint_every=request.checkpoint_every)
    testing = Testing.of(plan)
    check_cost(plan, machine, request.yes)
    report_resumption(folder, plan, machine)
    with Events.of(plan.registry, request.trackers, plan.identity, folder.path) as events:
        if plan.dataset.unscored is not None:
            rank_test(plan, testing, folder, machine, events)
            return None
        results = [run_fold(plan, testing, fold, folder, machine, events) for fold in plan.folds]
        record = record_results(folder, plan, results, machine)
        events.finish(json.loads(record.to_json()))
        return record


def assist(plan: Plan, folder: RunDirectory, request: RunRequest) -> None:
    """What another process than the first does of a run: it computes with it, and neither scores nor writes."""
    machine = prepare(request.device, request.threads, quiet=True, checkpoint_every=request.checkpoint_every)
    testing, silent = Testing.of(plan), Events((), plan.identity, folder.path)
    for fold in plan.folds:
        train_fold(plan, testing, fold, folder.fold(fold.number, plan.total), machine, silent)


def run_fold(
    plan: Plan, testing: Testing, fold: Fold, folder: RunDirectory, machine: Machine, events: Events
) -> FoldResult:
    """Train the model of a fold, and test it."""
    place = folder.fold(fold.number, plan.total)
    model, features = train_fold(plan, testing, fold, place, machine, events)
    with Meter(place.costs, machine.device).stage("score"):
        rankings = evaluate(testing, model.matcher, features, fold.test, machine.quiet)
    return FoldResult(rankings, Network.of(model), place)


def rank_test(plan: Plan, testing: Testing, folder: RunDirectory, machine: Machine, events: Events) -> None:
    """Train the model of the only fold, and write the ranking of its test."""
    (fold,), unscored = plan.folds, plan.dataset.unscored
    assert unscored is not None, "any other test is scored"
    place = folder.fold(fold.number, plan.total)
    model, features = train_fold(plan, testing, fold, place, machine, events)
    write_ranking(folder.ranking, rank_fold(testing, model.matcher, features, fold), unscored)


def train_fold(
    plan: Plan, testing: Testing, fold: Fold, place: FoldDirectory, machine: Machine, events: Events
) -> tuple[Model, dict[str, FeatureStore]]:
    """The trained model of a fold, and the features of its test tracklets."""
    model = train(TrainingRecipe.of(plan), fold, place, machine, partial(events.log, fold.number))
    return model, embed_fold(testing, model, fold, place, machine)
