"""What a run tells about itself: the record, from the plan, the model and the scores."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import torch

from vreid_bench.data import DISTRACTOR, JUNK, people
from vreid_bench.environment import device_name, packages, processor
from vreid_bench.model import Model
from vreid_bench.plan import Plan
from vreid_bench.recipe import Train
from vreid_bench.record import Record, Weights, ruled
from vreid_bench.settings import described

BACKEND = "torch"  # which implementation of distances and mining ran


def account(
    plan: Plan, model: Model, weights: Weights, summary: Mapping[str, Any], costs: Mapping[str, Any], threads: int
) -> Record:
    """The record of a finished run; `summary` as `score.summarize` and `costs` as `environment.Meter` give them."""
    device = next(model.buffers(), torch.zeros(0)).device
    conventions = {c.name: {**ruled(c), **summary[c.name]} for c in plan.conventions}
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
            "weights": weights,
            "disclosure": {
                "selected_on": "none",
                "camera_id_at_test": False,
                "reranking": None,
                "test_time_augmentation": None,
                "pretraining": None,
            },
            "budget": _budget(plan, model),
            "costs": {"train": None, **costs},
            "backend": BACKEND,
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
        "embedding": model.dims["embedding"],
    }
