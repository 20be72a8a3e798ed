"""The record of a run, from the plan, the models and the rankings."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from vreid_bench.contracts.parts import ComparesVectors
from vreid_bench.contracts.recipe import Method, Train
from vreid_bench.evaluation.evaluate import Result
from vreid_bench.evaluation.run_scores import RunScores, score_run
from vreid_bench.modeling.flow import list_versions
from vreid_bench.modeling.model import Model
from vreid_bench.ops import clip_native
from vreid_bench.planning.plan import Plan
from vreid_bench.records.entries import describe_rules
from vreid_bench.records.record import Record
from vreid_bench.records.run_directory import FoldDirectory, RunDirectory
from vreid_bench.scoring.ranks import counting
from vreid_bench.scoring.rerank import neighbours
from vreid_bench.system.arithmetic import is_pinned
from vreid_bench.system.environment import Machine, device_name, packages
from vreid_bench.system.fingerprint import sha256
from vreid_bench.system.meter import add_costs, read_costs
from vreid_bench.system.processes import processes
from vreid_bench.system.processor import instruction_set, processor


@dataclass(frozen=True)
class Network:
    """The size of a trained model, and whether it compares tracklets by one vector each."""

    parameters: int
    multiply_adds: int  # per clip at test
    embedding: int  # numbers per tracklet as matched
    compares_vectors: bool

    @classmethod
    def of(cls, model: Model) -> Network:
        """The network of a trained model."""
        parameters = sum(p.numel() for p in model.parameters())
        return cls(parameters, model.multiply_adds, model.embedding_width, isinstance(model.matcher, ComparesVectors))


class FoldResult(NamedTuple):
    """The results of one fold."""

    rankings: Sequence[Result]  # under every condition
    network: Network
    folder: FoldDirectory


def record_results(folder: RunDirectory, plan: Plan, results: Sequence[FoldResult], machine: Machine) -> Record:
    """Score the folds of a run and write the results into its folder; returns its record."""
    rankings = [ranking for result in results for ranking in result.rankings]
    scores = score_run(plan.protocol, plan.conventions, rankings, [fold.number for fold in plan.folds])
    record = build_record(plan, results, scores, machine)
    folder.finish(record.to_json(), scores.per_query.to_bytes(), scores.breakdown, plan.source.report())
    return record


def build_record(plan: Plan, folds: Sequence[FoldResult], scores: RunScores, machine: Machine) -> Record:
    """The record of a finished run with these scores."""
    protocol = plan.protocol
    network, spoiled = folds[-1].network, find_corruption(plan.chosen.method)
    weights = plan.source.entry(sha256(b"".join(fold.folder.weights.read_bytes() for fold in folds)))
    costs = add_costs(read_costs(place.costs) for fold in folds for place in (fold.folder, fold.folder.pretrained))
    costs = {name: {**cost, "frames": int(cost["frames"])} for name, cost in costs.items()}
    return Record.of(
        {
            "schema_version": 1,
            "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "method": plan.declaration.method,
            "code": asdict(plan.code),
            "preset": plan.chosen.preset,
            "seed": plan.seed,
            "protocol": {"name": protocol.name, "headline": protocol.headline, **describe_rules(protocol)},
            "splits": {"total": plan.total, "ran": [f.number for f in plan.folds]} if plan.total > 1 else None,
            "dataset": plan.declaration.test_dataset,
            "taught": plan.declaration.trained_on,
            "weights": weights,
            # no part of this version selects a model, sees camera ids at test or augments at test
            "disclosure": {
                "selected_on": "none",
                "camera_id_at_test": False,
                "reranking": plan.chosen.reranking,
                "test_time_augmentation": None,
                "pretraining": weights.pretraining or plan.source.disclosure or None,
                "corruption_in_training": spoiled,
            },
            "budget": {
                **plan.budget,
                "parameters": network.parameters,
                "multiply_adds": network.multiply_adds,
                "embedding": network.embedding,
            },
            "costs": {"train": None, "embed": None, **costs},
            "backend": counting.backend(),
            "clips_by": None if network.compares_vectors else clip_native.backend(machine.device.type),
            "reranked_by": neighbours.backend() if plan.chosen.reranker else None,
            "environment": {
                "python": platform.python_version(),
                "packages": {**packages(), **list_versions(plan.encoder.planes)},
                "machine": platform.machine(),
                "cpu": processor() or None,
                "instruction_set": instruction_set(),
                "device": device_name(machine.device),
                "threads": machine.threads,
                "arithmetic": "portable" if is_pinned() else "native",
                "processes": processes().total if processes().total > 1 else None,
            },
            **scores.fields,
        }
    )


def find_corruption(method: Method) -> str | None:
    """How training clips are corrupted, in words; None if they are not."""
    stages = [stage for stage in method.stages if isinstance(stage, Train)]
    return "; ".join(dict.fromkeys(str(stage.corruption) for stage in stages if stage.corruption.most)) or None
