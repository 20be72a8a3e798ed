"""The training of an encoder on its own (`vreid-bench pretrain`): a run of the baseline with that encoder.

Fair to every method that begins from it: the frames of a clip are averaged and people are classified. No aggregator,
no metric loss and no sampling of one competitor takes part.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vreid_bench.contracts.recipe import Method
from vreid_bench.planning.method import BASELINE, choose_recipe
from vreid_bench.planning.plan import RunRequest
from vreid_bench.registry.registry import Registry
from vreid_bench.registry.settings import describe
from vreid_bench.system.errors import InputError

# Of each person one tracklet, because nothing compares the tracklets of a person: so a step sees more people.
PEOPLE, TRACKLETS = 32, 1
FRAMES = 4  # of a clip, for a method that sees whole tracklets
CLIPS = 8  # of a tracklet in the test


@dataclass(frozen=True)
class PretrainRequest:
    """The options of the command line."""

    name: str  # of a method, or of a part in the baseline
    protocol: str
    seed: int
    steps: int
    data: Path | None = None
    runs: Path = Path("runs")
    device: str = "auto"
    threads: int | None = None
    checkpoint_every: float = 5.0  # seconds
    quiet: bool = False


def plan_pretraining(request: PretrainRequest, registry: Registry) -> RunRequest:
    """The run that trains the encoder of a method, as preset `small` has it.

    Raises InputError for an unknown name, and for an encoder without weights.
    """
    _, _, chosen = choose_recipe(registry, request.name, "small")
    method = registry.resolve_method(chosen)
    check_learns(method, registry)
    settings = list_settings(method, request.steps)
    return RunRequest(
        name=BASELINE,
        protocol=request.protocol,
        data=request.data,
        preset="small",
        seed=request.seed,
        assignments=tuple(f"{path}={json.dumps(value)}" for path, value in settings.items()),
        from_scratch=True,
        splits="0",  # of the protocol, if it has several
        runs=request.runs,
        device=request.device,
        threads=request.threads,
        checkpoint_every=request.checkpoint_every,
        quiet=request.quiet,
    )


def check_learns(method: Method, registry: Registry) -> None:
    """Raises InputError if the encoder of the method has no weights, as one that computes gradients of colours."""
    encoder = registry.factories(method).encoder()
    if not any(True for _ in getattr(encoder, "parameters", tuple)()):
        raise InputError(
            f"{registry.entry('encoders', method.encoder.name).title} has no weights to train; name a method whose "
            "encoder is a network"
        )


def list_settings(method: Method, steps: int) -> dict[str, Any]:
    """What the baseline changes in, by path: the encoder with frames and clips as `method` has them, and the task."""
    frames = method.test.T or FRAMES
    return {
        "encoder": describe(method.encoder),
        "size": list(method.size),
        "test.sampler": "uniform",
        "test.T": frames,
        "test.clips": CLIPS,
        "stages.0.clipping.T": frames,
        "losses.cross-entropy.smoothing": 0.1,
        "losses.cross-entropy.neck": True,
        "stages.0.losses": {"cross-entropy": 1.0},
        "stages.0.P": PEOPLE,
        "stages.0.K": TRACKLETS,
        "stages.0.steps": steps,
        "stages.0.schedule.kind": "one-cycle",
        "stages.0.schedule.rate": 3e-3,
        "stages.0.optimizer.name": "AdamW",
        "stages.0.optimizer.options": {"weight_decay": 1e-2},
        "stages.0.augment": ["flip", "shift"],
    }
