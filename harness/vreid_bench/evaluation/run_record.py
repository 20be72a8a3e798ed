"""What a run has found, on disk: the record, from the plan, the models and the scores, and what lies beside it."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from statistics import fmean
from typing import Any, NamedTuple

from pydantic import ValidationError

from vreid_bench.contracts.dataset import DISTRACTOR, JUNK, Dataset, people
from vreid_bench.contracts.parts import ComparesVectors
from vreid_bench.contracts.recipe import Part, Train
from vreid_bench.evaluation.evaluate import Result
from vreid_bench.modeling.model import Model
from vreid_bench.ops import clip_native
from vreid_bench.planning.plan import Plan
from vreid_bench.records.entries import DatasetEntry, MethodEntry, Weights, ruled
from vreid_bench.records.record import Record
from vreid_bench.records.run_directory import FoldDirectory, RunDirectory
from vreid_bench.registry.settings import described
from vreid_bench.scoring.bootstrap import by_person
from vreid_bench.scoring.breakdown import breakdowns
from vreid_bench.scoring.metrics import npz, per_query, summarize
from vreid_bench.scoring.ranks import counting
from vreid_bench.scoring.rerank import neighbours
from vreid_bench.system.environment import Machine, device_name, packages, processor
from vreid_bench.system.errors import InputError
from vreid_bench.system.files import write_atomic
from vreid_bench.system.fingerprint import sha256
from vreid_bench.system.meter import Costs, add_costs, read_costs


@dataclass(frozen=True)
class Network:
    """The size of a trained model, and whether it compares tracklets by one vector each."""

    parameters: int
    multiply_adds: int  # per clip at test
    embedding: int  # numbers per tracklet as matched
    compares_vectors: bool

    @classmethod
    def of(cls, model: Model) -> Network:
        """As it is after training."""
        parameters = sum(p.numel() for p in model.parameters())
        return cls(parameters, model.multiply_adds, model.represented, isinstance(model.matcher, ComparesVectors))


class FoldResult(NamedTuple):
    """What one fold gave."""

    rankings: Sequence[Result]  # every condition's
    network: Network
    folder: FoldDirectory


def record_run(plan: Plan, folds: Sequence[FoldResult], folder: RunDirectory, machine: Machine) -> Record:
    """Write what a run has found: per query, broken down, and the record last, which says that the run is complete."""
    leading = [r for fold in folds for r in fold.rankings if r.condition in _leading(plan)]
    outcomes = [result.outcome for result in leading]
    numbers = [fold.number for fold in plan.folds] if len(outcomes) == len(folds) else None
    write_atomic(folder.per_query, npz(per_query(outcomes, numbers)))
    parts = breakdowns(outcomes, [result.frames for result in leading], plan.conventions)
    write_atomic(folder.breakdown, json.dumps(parts).encode())
    record = build_record(plan, folds, machine)
    write_atomic(folder.record, record.to_json())
    folder.forget_checkpoints()
    return record


def build_record(plan: Plan, folds: Sequence[FoldResult], machine: Machine) -> Record:
    """The record of a finished run."""
    rankings = [ranking for fold in folds for ranking in fold.rankings]
    leading = [ranking for ranking in rankings if ranking.condition in _leading(plan)]
    outcomes = [ranking.outcome for ranking in leading]
    diameters = [ranking.diameter for ranking in leading if ranking.diameter is not None]
    summary = summarize(outcomes)
    refused = {name: s["not_computable"] for name, s in summary.items() if "not_computable" in s}
    weights = plan.source.entry(sha256(b"".join(fold.folder.weights.read_bytes() for fold in folds)))
    network = folds[-1].network
    return Record.of(
        {
            "schema_version": 1,
            "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "method": _method(plan),
            "preset": plan.chosen.preset,
            "seed": plan.seed,
            "protocol": {"name": plan.protocol.name, "headline": plan.protocol.headline, **ruled(plan.protocol)},
            "splits": {"total": plan.total, "ran": [f.number for f in plan.folds]} if plan.total > 1 else None,
            "dataset": _tested(plan),
            "taught": None if plan.trained_on is plan.dataset else _trained_on(plan),
            "conventions": {c.name: {**ruled(c), **summary[c.name]} for c in plan.conventions if c.name not in refused},
            "not_computable": refused,
            "conditions": _conditions(plan, rankings),
            "cluster_diameter": fmean(diameters) if diameters else None,
            "people": by_person(per_query(outcomes), plan.protocol.headline),
            "weights": weights,
            "disclosure": _disclosure(plan, weights),
            "budget": _budget(plan, network),
            "costs": {"train": None, "embed": None, **_costs(folds)},
            "backend": counting.backend(),
            "clips_by": None if network.compares_vectors else clip_native.backend(machine.device.type),
            "reranked_by": neighbours.backend() if plan.reranker else None,
            "environment": {
                "python": platform.python_version(),
                "packages": packages(),
                "machine": platform.machine(),
                "cpu": processor() or None,
                "device": device_name(machine.device),
                "threads": machine.threads,
            },
        }
    )


def check_recordable(plan: Plan) -> None:
    """Raises InputError before anything trains for what the record would refuse afterwards."""
    for what, model, fields in (("method", MethodEntry, _method(plan)), ("dataset", DatasetEntry, _tested(plan))):
        try:
            model.model_validate_json(json.dumps(fields))
        except ValidationError as fault:
            first = fault.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise InputError(
                f"{what} {plan.chosen.name!r}: {where}: found {first['input']!r}, {first['msg']}"
            ) from fault


def _leading(plan: Plan) -> tuple[str, ...]:
    """The conditions that the row averages."""
    return plan.protocol.conditions[: plan.protocol.leading]


def _costs(folds: Sequence[FoldResult]) -> Costs:
    """What all folds took, what went before their last training included."""
    places = [place.costs for fold in folds for place in (fold.folder, fold.folder.pretrained)]
    return add_costs([read_costs(path) for path in places])


def _disclosure(plan: Plan, weights: Weights) -> dict[str, Any]:
    """What to know before comparing. No part selects a model, sees camera ids at test or augments at test."""
    return {
        "selected_on": "none",
        "camera_id_at_test": False,
        "reranking": describe_part(plan.reranker) if plan.reranker else None,
        "test_time_augmentation": None,
        "pretraining": weights.pretrained.words if weights.pretrained else None,
        "corruption_in_training": _corruption_in_training(plan),
    }


def _corruption_in_training(plan: Plan) -> str | None:
    """The augmentations of the training that spoil clips as a test may (they say so: `corrupts`), in words."""
    stages = [stage for stage in plan.chosen.method.stages if isinstance(stage, Train)]
    parts = [part for stage in stages for part in stage.augment]
    found = [part for part in parts if getattr(plan.registry.get("augmentations", part.name), "corrupts", False)]
    return "; ".join(dict.fromkeys(map(describe_part, found))) or None


def describe_part(part: Part) -> str:
    """A part with its options on one line: `zhong k1=20 k2=6 share=0.3`."""
    return " ".join([part.name, *(f"{name}={json.dumps(value)}" for name, value in sorted(part.options.items()))])


def _method(plan: Plan) -> dict[str, Any]:
    chosen = plan.chosen
    return {
        "name": chosen.name,
        "paper": chosen.method.paper,
        "recipe": described(chosen.method),
        "providers": plan.providers,
        "overrides": dict(chosen.overrides),
        "swapped": f"{chosen.swapped} {chosen.name}" if chosen.swapped else None,
        "modified": chosen.modified,
        "reported": [asdict(number) for number in chosen.method.reported],
        "quoted": [asdict(number) for number in chosen.method.quoted],
    }


def _conditions(plan: Plan, rankings: Sequence[Result]) -> list[dict[str, Any]]:
    """The scores under each condition, where there are several."""
    names = plan.protocol.conditions if len(plan.protocol.conditions) > 1 else ()
    conditions = []
    for name in names:
        summary = summarize([ranking.outcome for ranking in rankings if ranking.condition == name])
        scores = {convention: s for convention, s in summary.items() if "not_computable" not in s}
        conditions.append({"name": name, "conventions": scores})
    return conditions


def _tested(plan: Plan) -> dict[str, Any]:
    fold = plan.folds[0]  # of several, all are alike in size
    test, last = fold.test, fold.training[-1]
    pids = [tracklet.pid for tracklet in test.test]
    train = last.tracklets if last.dataset is plan.dataset else ()
    counts = {
        "splits": len(plan.dataset.splits),
        "train_tracklets": len(train),
        "train_identities": len(list(people(train))),
        "test_tracklets": len(pids),
        "test_identities": len(list(people(test.test))),
        "queries": len(test.query),
        "distractors": pids.count(DISTRACTOR),
        "junk": pids.count(JUNK),
    }
    return _entry(plan.dataset, counts)


def _trained_on(plan: Plan) -> dict[str, Any]:
    first = plan.folds[0].training[0]
    identities = len(list(people(first.tracklets)))
    return _entry(first.dataset, {"train_tracklets": len(first.tracklets), "train_identities": identities})


def _entry(dataset: Dataset, counts: Mapping[str, int]) -> dict[str, Any]:
    return {
        "name": dataset.name,
        "fingerprint": dataset.fingerprint,
        "source": dataset.source,
        "notes": list(dataset.notes),
        "counts": counts,
    }


def _budget(plan: Plan, network: Network) -> dict[str, int]:
    stages = [stage for stage in plan.chosen.method.stages if isinstance(stage, Train)]
    seen = [stage for stage in stages if not stage.cached]  # a cached stage puts no frame through the network
    tracklets, clips, frames = max(
        ((s.P * s.K, s.P * s.K * s.clipping.clips, s.P * s.K * s.clipping.clips * s.clipping.T) for s in seen),
        key=lambda budget: budget[2],
        default=(0, 0, 0),
    )
    return {
        "identities": max((s.P for s in stages), default=0),
        "tracklets": tracklets,
        "clips": clips,
        "frames": frames,
        "steps": sum(s.steps for s in stages),
        "parameters": network.parameters,
        "multiply_adds": network.multiply_adds,
        "embedding": network.embedding,
    }
