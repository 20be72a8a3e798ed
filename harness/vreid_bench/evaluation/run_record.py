"""What a run tells about itself: the record, from the plan, the model and the scores."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from statistics import fmean
from typing import Any

import torch
from pydantic import ValidationError

from vreid_bench.contracts.dataset import DISTRACTOR, JUNK, Dataset, people
from vreid_bench.contracts.parts import ComparesVectors
from vreid_bench.contracts.recipe import Part, Train
from vreid_bench.evaluation.evaluate import Tested
from vreid_bench.modeling.model import Model
from vreid_bench.ops import clip_native
from vreid_bench.planning.plan import Plan
from vreid_bench.planning.work import Run
from vreid_bench.records.entries import DatasetEntry, MethodEntry, Weights, ruled
from vreid_bench.records.record import Record
from vreid_bench.registry.settings import described
from vreid_bench.scoring.bootstrap import tabulate_people
from vreid_bench.scoring.metrics import collect_per_query, summarize
from vreid_bench.scoring.ranks import counting as ranks
from vreid_bench.scoring.rerank import neighbours
from vreid_bench.system.environment import device_name, packages, processor
from vreid_bench.system.errors import InputError


def account(this: Run, model: Model, weights: Weights, found: Sequence[Tested], costs: Mapping[str, Any]) -> Record:
    """The record of a finished run; `found` split by split, `costs` as `environment.Meter` gives them."""
    plan = this.plan
    leading = plan.protocol.conditions[: plan.protocol.leading]
    led = [test for test in found if test.condition in leading]
    scored = [test.outcome for test in led]
    spreads = [test.diameter for test in led if test.diameter is not None]
    summary = summarize(scored)
    device = next(model.buffers(), torch.zeros(0)).device
    refused = {name: s["not_computable"] for name, s in summary.items() if "not_computable" in s}
    conventions = {c.name: {**ruled(c), **summary[c.name]} for c in plan.conventions if c.name not in refused}
    protocol = {"name": plan.protocol.name, "headline": plan.protocol.headline, **ruled(plan.protocol)}
    return Record.of(
        {
            "schema_version": 1,
            "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "method": _method(plan),
            "preset": plan.preset,
            "seed": plan.seed,
            "protocol": protocol,
            "splits": {"total": len(plan.folds), "ran": plan.chosen} if len(plan.folds) > 1 else None,
            "dataset": _tested(plan),
            "taught": None if plan.taught is plan.dataset else _taught(plan),
            "conventions": conventions,
            "not_computable": refused,
            "conditions": _conditions(plan, found),
            "cluster_diameter": fmean(spreads) if spreads else None,
            "people": tabulate_people(collect_per_query(scored), plan.protocol.headline),
            "weights": weights,
            # no part of this version selects a model, sees camera ids at test or augments at test
            "disclosure": {
                "selected_on": "none",
                "camera_id_at_test": False,
                "reranking": told(plan.reranker) if plan.reranker else None,
                "test_time_augmentation": None,
                "pretraining": weights.pretrained.words if weights.pretrained else None,
                "corruption_in_training": corrupted_with(this),
            },
            "budget": _budget(plan, model),
            "costs": {"train": None, "embed": None, **costs},
            "backend": ranks.backend(),
            "clips_by": None if isinstance(model.matcher, ComparesVectors) else clip_native.backend(device.type),
            "reranked_by": neighbours.backend() if plan.reranker else None,
            "environment": {
                "python": platform.python_version(),
                "packages": packages(),
                "machine": platform.machine(),
                "cpu": processor() or None,
                "device": device_name(device),
                "threads": this.reader.threads,
            },
        }
    )


def check(plan: Plan) -> None:
    """Raises InputError before anything trains for what the record would refuse afterwards."""
    for what, model, fields in (("method", MethodEntry, _method(plan)), ("dataset", DatasetEntry, _tested(plan))):
        try:
            model.model_validate_json(json.dumps(fields))
        except ValidationError as fault:
            first = fault.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise InputError(f"{what} {plan.name!r}: {where}: found {first['input']!r}, {first['msg']}") from fault


def origin(this: Run, sha: str) -> Weights:
    """Whose weights were tested."""
    if this.plan.source is None:
        return Weights(sha256=sha, origin="trained", pretrained=this.pretrained.entry if this.pretrained else None)
    return Record.from_file(this.plan.source / "record.json").reused(sha)


def corrupted_with(this: Run) -> str | None:
    """The augmentations of the training that spoil clips as a test may (they say so: `corrupts`), in words."""
    stages = [stage for stage in this.plan.method.stages if isinstance(stage, Train)]
    parts = [part for stage in stages for part in stage.augment]
    found = [part for part in parts if getattr(this.registry.get("augmentations", part.name), "corrupts", False)]
    return "; ".join(dict.fromkeys(map(told, found))) or None


def told(part: Part) -> str:
    """A part with its options on one line: `zhong k1=20 k2=6 share=0.3`."""
    return " ".join([part.name, *(f"{name}={json.dumps(value)}" for name, value in sorted(part.options.items()))])


def sha256(content: bytes) -> str:
    """The fingerprint of a file's content."""
    return hashlib.sha256(content).hexdigest()


def _method(plan: Plan) -> dict[str, Any]:
    return {
        "name": plan.name,
        "paper": plan.method.paper,
        "recipe": described(plan.method),
        "providers": plan.providers,
        "overrides": dict(plan.overrides),
        "swapped": f"{plan.swapped} {plan.name}" if plan.swapped else None,
        "modified": bool(plan.overrides or plan.swapped),
        "reported": [asdict(number) for number in plan.method.reported],
        "quoted": [asdict(number) for number in plan.method.quoted],
    }


def _conditions(plan: Plan, found: Sequence[Tested]) -> list[dict[str, Any]]:
    """The scores under each condition, where there are several."""
    names = plan.protocol.conditions if len(plan.protocol.conditions) > 1 else ()
    conditions = []
    for name in names:
        summary = summarize([test.outcome for test in found if test.condition == name])
        scores = {convention: s for convention, s in summary.items() if "not_computable" not in s}
        conditions.append({"name": name, "conventions": scores})
    return conditions


def _tested(plan: Plan) -> dict[str, Any]:
    fold = plan.folds[0]  # of several, all are alike in size
    pids = [t.pid for t in fold.test.test]
    train = fold.train if fold.lessons[-1].dataset is plan.dataset else ()
    counts = {
        "splits": len(plan.dataset.splits),
        "train_tracklets": len(train),
        "train_identities": len(list(people(train))),
        "test_tracklets": len(pids),
        "test_identities": len(list(people(fold.test.test))),
        "queries": len(fold.test.query),
        "distractors": pids.count(DISTRACTOR),
        "junk": pids.count(JUNK),
    }
    return _entry(plan.dataset, counts)


def _taught(plan: Plan) -> dict[str, Any]:
    lesson = plan.folds[0].lessons[0]
    identities = len(list(people(lesson.tracklets)))
    return _entry(lesson.dataset, {"train_tracklets": len(lesson.tracklets), "train_identities": identities})


def _entry(dataset: Dataset, counts: Mapping[str, int]) -> dict[str, Any]:
    return {
        "name": dataset.name,
        "fingerprint": dataset.fingerprint,
        "source": dataset.source,
        "notes": list(dataset.notes),
        "counts": counts,
    }


def _budget(plan: Plan, model: Model) -> dict[str, int]:
    stages = [stage for stage in plan.method.stages if isinstance(stage, Train)]
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
        "parameters": sum(p.numel() for p in model.parameters()),
        "multiply_adds": model.multiply_adds,
        "embedding": model.represented,
    }
