"""What a plugin imports. Torch is loaded when a name that needs it is first asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import pluggy

from vreid_bench.contracts.protocol import Convention, Corruption, Protocol, Selection, digest
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
    from vreid_bench.contracts.dataset import (
        DISTRACTOR,
        JUNK,
        SYNTHETIC,
        Count,
        Dataset,
        DatasetCheck,
        Roles,
        Source,
        Split,
        Tracklet,
        person_ids,
    )
    from vreid_bench.contracts.parts import Batch, ClipFeatures, Clips, Published
    from vreid_bench.modeling.clips import decode, prefetch
    from vreid_bench.modeling.corruption import check_corruption, distort
    from vreid_bench.ops.clip_ops import clip_batch_hard, clip_distance, clip_fold
    from vreid_bench.ops.distance import Hardest, batch_hard, pairwise_distance
    from vreid_bench.registry.registry import Family
    from vreid_bench.scoring.score import Report, score
    from vreid_bench.system.progress import bar

hookimpl = pluggy.HookimplMarker("vreid_bench")

_HOME = {
    "vreid_bench.ops.clip_ops": ("clip_batch_hard", "clip_distance", "clip_fold"),
    "vreid_bench.contracts.dataset": (
        "DISTRACTOR",
        "JUNK",
        "SYNTHETIC",
        "Count",
        "Dataset",
        "DatasetCheck",
        "Roles",
        "Source",
        "Split",
        "Tracklet",
        "person_ids",
    ),
    "vreid_bench.modeling.clips": ("decode", "prefetch"),
    "vreid_bench.modeling.corruption": ("check_corruption", "distort"),
    "vreid_bench.contracts.parts": ("Batch", "ClipFeatures", "Clips", "Published"),
    "vreid_bench.registry.registry": ("Family",),
    "vreid_bench.ops.distance": ("Hardest", "batch_hard", "pairwise_distance"),
    "vreid_bench.scoring.score": ("Report", "score"),
    "vreid_bench.system.progress": ("bar",),
}
_MODULE = {name: module for module, names in _HOME.items() for name in names}

__all__ = [
    "DISTRACTOR",
    "JUNK",
    "SYNTHETIC",
    "Batch",
    "ClipFeatures",
    "Clipping",
    "Clips",
    "Convention",
    "Corruption",
    "Count",
    "Dataset",
    "DatasetCheck",
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
    "Roles",
    "Schedule",
    "Selection",
    "Source",
    "Split",
    "Tracklet",
    "Train",
    "bar",
    "batch_hard",
    "check_corruption",
    "clip_batch_hard",
    "clip_distance",
    "clip_fold",
    "decode",
    "digest",
    "distort",
    "hookimpl",
    "pairwise_distance",
    "part",
    "person_ids",
    "prefetch",
    "score",
]


def __getattr__(name: str) -> Any:
    if name in _MODULE:
        return getattr(import_module(_MODULE[name]), name)
    raise AttributeError(f"module 'vreid_bench' has no attribute {name!r}")
