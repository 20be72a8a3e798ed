"""The public door: all that a plugin or a notebook imports. Torch is loaded when a name that needs it is first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import pluggy

from vreid_bench.contracts.protocol import Convention, Corruption, Protocol, Selection
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
    from vreid_bench.ops.clip_ops import clip_batch_hard, clip_distance, clip_mean
    from vreid_bench.ops.clip_reference import ClipSide, add_query_clip, pair_importance, sequential_similarity
    from vreid_bench.ops.clip_rule import ClipRule
    from vreid_bench.ops.distance import Hardest, batch_hard, pairwise_distance
    from vreid_bench.ops.metric import Metric
    from vreid_bench.registry.registry import Family
    from vreid_bench.scoring.rerank.items import RERANK_MEMORY, FromDistances, FromFeatures
    from vreid_bench.scoring.rerank.k_reciprocal import KReciprocalRule, k_reciprocal_distance
    from vreid_bench.scoring.rerank.neighbours import nearest_columns
    from vreid_bench.scoring.score import Report, score

hookimpl = pluggy.HookimplMarker("vreid_bench")

_HOME = {
    "vreid_bench.ops.clip_ops": ("clip_batch_hard", "clip_distance", "clip_mean"),
    "vreid_bench.ops.clip_reference": ("ClipSide", "add_query_clip", "pair_importance", "sequential_similarity"),
    "vreid_bench.ops.clip_rule": ("ClipRule",),
    "vreid_bench.ops.metric": ("Metric",),
    "vreid_bench.contracts.dataset": ("DISTRACTOR", "JUNK", "Count", "Dataset", "Split", "Tracklet", "Verification"),
    "vreid_bench.contracts.parts": ("Batch", "ClipFeatures", "Clips", "Published"),
    "vreid_bench.registry.registry": ("Family",),
    "vreid_bench.ops.distance": ("Hardest", "batch_hard", "pairwise_distance"),
    "vreid_bench.scoring.rerank.items": ("RERANK_MEMORY", "FromDistances", "FromFeatures"),
    "vreid_bench.scoring.rerank.k_reciprocal": ("KReciprocalRule", "k_reciprocal_distance"),
    "vreid_bench.scoring.rerank.neighbours": ("nearest_columns",),
    "vreid_bench.scoring.score": ("Report", "score"),
}
_MODULE = {name: module for module, names in _HOME.items() for name in names}

__all__ = [
    "DISTRACTOR",
    "JUNK",
    "RERANK_MEMORY",
    "Batch",
    "ClipFeatures",
    "ClipRule",
    "ClipSide",
    "Clipping",
    "Clips",
    "Convention",
    "Corruption",
    "Count",
    "Dataset",
    "Family",
    "Fit",
    "FromDistances",
    "FromFeatures",
    "Hardest",
    "InputError",
    "KReciprocalRule",
    "Method",
    "Metric",
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
    "add_query_clip",
    "batch_hard",
    "clip_batch_hard",
    "clip_distance",
    "clip_mean",
    "hookimpl",
    "k_reciprocal_distance",
    "nearest_columns",
    "pair_importance",
    "pairwise_distance",
    "part",
    "score",
    "sequential_similarity",
]


def __getattr__(name: str) -> Any:
    if name in _MODULE:
        return getattr(import_module(_MODULE[name]), name)
    raise AttributeError(f"module 'vreid_bench' has no attribute {name!r}")
