"""What a run tells about itself: the record, from the plan, the model and the scores."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import torch
from pydantic import ValidationError

from vreid_bench import neighbours, ranks
from vreid_bench.bootstrap import by_person
from vreid_bench.data import DISTRACTOR, JUNK, people
from vreid_bench.environment import device_name, packages, processor
from vreid_bench.errors import InputError
from vreid_bench.metrics import Outcome, per_query, summarize
from vreid_bench.model import Model
from vreid_bench.plan import Plan
from vreid_bench.recipe import Part, Train
from vreid_bench.record import DatasetEntry, MethodEntry, Record, Weights, ruled
from vreid_bench.settings import described


def account(
    plan: Plan, model: Model, weights: Weights, scored: Sequence[Outcome], costs: Mapping[str, Any], threads: int
) -> Record:
    """The record of a finished run; `scored` split by split, `costs` as `environment.Meter` gives them."""
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
            "splits": {"total": len(plan.splits), "ran": plan.chosen} if len(plan.splits) > 1 else None,
            "dataset": _dataset(plan),
            "conventions": conventions,
            "not_computable": refused,
            "people": by_person(per_query(scored), plan.protocol.headline),
            "weights": weights,
            # no part of this version selects, sees camera ids at test, re-ranks, augments at test or loads weights
            "disclosure": {
                "selected_on": "none",
                "camera_id_at_test": False,
                "reranking": told(plan.reranker) if plan.reranker else None,
                "test_time_augmentation": None,
                "pretraining": None,
            },
            "budget": _budget(plan, model),
            "costs": {"train": None, "embed": None, **costs},
            "backend": ranks.backend(),
            "reranked_by": neighbours.backend() if plan.reranker else None,
            "environment": {
                "python": platform.python_version(),
                "packages": packages(),
                "machine": platform.machine(),
                "cpu": processor() or None,
                "device": device_name(device),
                "threads": threads,
            },
        }
    )


def check(plan: Plan) -> None:
    """Raises InputError before anything trains for what the record would refuse afterwards."""
    for what, model, fields in (("method", MethodEntry, _method(plan)), ("dataset", DatasetEntry, _dataset(plan))):
        try:
            model.model_validate_json(json.dumps(fields))
        except ValidationError as fault:
            first = fault.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise InputError(f"{what} {plan.name!r}: {where}: found {first['input']!r}, {first['msg']}") from fault


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
    }


def _dataset(plan: Plan) -> dict[str, Any]:
    split = plan.splits[0]  # of several, all are alike in size
    pids = [t.pid for t in split.test]
    counts = {
        "splits": len(plan.splits),
        "train_tracklets": len(split.train),
        "train_identities": len(list(people(split.train))),
        "test_tracklets": len(split.test),
        "test_identities": len(list(people(split.test))),
        "queries": len(split.query),
        "distractors": pids.count(DISTRACTOR),
        "junk": pids.count(JUNK),
    }
    return {
        "name": plan.dataset.name,
        "fingerprint": plan.dataset.fingerprint,
        "source": plan.dataset.source,
        "notes": list(plan.dataset.notes),
        "counts": counts,
    }


def _budget(plan: Plan, model: Model) -> dict[str, int]:
    stages = [stage for stage in plan.method.stages if isinstance(stage, Train)]
    tracklets, clips, frames = max(
        ((s.P * s.K, s.P * s.K * s.clipping.clips, s.P * s.K * s.clipping.clips * s.clipping.T) for s in stages),
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
        "embedding": model.represented,
    }
