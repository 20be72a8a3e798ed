"""What a plugin imports. Torch is loaded when a name that needs it is first asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from vreid_bench.contracts.convention import Convention
from vreid_bench.contracts.hookspecs import hookimpl
from vreid_bench.contracts.protocol import Protocol
from vreid_bench.contracts.recipe import (
    Clipping,
    Fit,
    Method,
    Optimizer,
    Part,
    Preset,
    Reported,
    Schedule,
    Train,
    part,
)
from vreid_bench.system.errors import InputError

if TYPE_CHECKING:
    from vreid_bench.contracts.dataset import DISTRACTOR, JUNK, Count, Dataset, Split, Tracklet, Verification
    from vreid_bench.contracts.parts import Batch, ClipFeatures, Clips, Published
    from vreid_bench.evaluation.strategies.corruption import Corruption
    from vreid_bench.evaluation.strategies.selection import Selection
    from vreid_bench.modeling.corruption import Distortion, distort
    from vreid_bench.ops.clip_ops import clip_batch_hard, clip_distance, clip_fold
    from vreid_bench.ops.distance import Hardest, batch_hard, pairwise_distance
    from vreid_bench.registry.registry import Family
    from vreid_bench.scoring.report import Report
    from vreid_bench.scoring.score import score

_HOME = {
    "vreid_bench.evaluation.strategies.corruption": ("Corruption",),
    "vreid_bench.evaluation.strategies.selection": ("Selection",),
    "vreid_bench.modeling.corruption": ("Distortion", "distort"),
    "vreid_bench.ops.clip_ops": ("clip_batch_hard", "clip_distance", "clip_fold"),
    "vreid_bench.contracts.dataset": ("DISTRACTOR", "JUNK", "Count", "Dataset", "Split", "Tracklet", "Verification"),
    "vreid_bench.contracts.parts": ("Batch", "ClipFeatures", "Clips", "Published"),
    "vreid_bench.registry.registry": ("Family",),
    "vreid_bench.ops.distance": ("Hardest", "batch_hard", "pairwise_distance"),
    "vreid_bench.scoring.report": ("Report",),
    "vreid_bench.scoring.score": ("score",),
}
_MODULE = {name: module for module, names in _HOME.items() for name in names}

__all__ = [
    "DISTRACTOR",
    "JUNK",
    "Batch",
    "ClipFeatures",
    "Clipping",
    "Clips",
    "Convention",
    "Corruption",
    "Count",
    "Dataset",
    "Distortion",
    "Family",
    "Fit",
    "Hardest",
    "InputError",
    "Method",
    "Optimizer",
    "Part",
    "Preset",
    "Protocol",
    "Published",
    "Report",
    "Reported",
    "Schedule",
    "Selection",
    "Split",
    "Tracklet",
    "Train",
    "Verification",
    "batch_hard",
    "clip_batch_hard",
    "clip_distance",
    "clip_fold",
    "distort",
    "hookimpl",
    "pairwise_distance",
    "part",
    "score",
]


def __getattr__(name: str) -> Any:
    if name in _MODULE:
        return getattr(import_module(_MODULE[name]), name)
    raise AttributeError(f"module 'vreid_bench' has no attribute {name!r}")
