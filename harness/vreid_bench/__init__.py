"""The public door: all that a plugin or a notebook imports. Torch is loaded when a name that needs it is first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from vreid_bench.contracts.checkpoint import Checkpoint, CheckpointFamily, Container, Opened, Renaming, Shapes
from vreid_bench.contracts.convention import Compared, Convention, Having
from vreid_bench.contracts.hookspecs import hookimpl
from vreid_bench.contracts.length import Epochs
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
from vreid_bench.contracts.small_preset import SMALL_SIZE, STEPS, shrink_method, shrink_training
from vreid_bench.contracts.weight_file import WeightFile
from vreid_bench.registry.reported_rows import reported_row, reported_table
from vreid_bench.system.errors import InputError, RunError
from vreid_bench.system.fingerprint import digest

if TYPE_CHECKING:
    from vreid_bench.boards.processes import Processes, run_commands
    from vreid_bench.contracts.corruption import ClipCorruption, Distortion
    from vreid_bench.contracts.dataset import (
        SYNTHETIC,
        Count,
        Dataset,
        DatasetCheck,
        Roles,
        Source,
        Split,
        Tracklet,
        Unscored,
    )
    from vreid_bench.contracts.dataset_description import DatasetDescription, Known
    from vreid_bench.contracts.executor import Command, Executor, Job, Outcome
    from vreid_bench.contracts.parts import Batch, ClipFeatures, Clips, PairScores, Published
    from vreid_bench.contracts.people import DISTRACTOR, JUNK, person_ids
    from vreid_bench.contracts.task_executor import TaskExecutor
    from vreid_bench.evaluation.strategies.cases import Cases
    from vreid_bench.evaluation.strategies.corruption import Corruption
    from vreid_bench.evaluation.strategies.reassociation import Reassociation
    from vreid_bench.evaluation.strategies.selection import Selection
    from vreid_bench.importing.matlab import read_matlab
    from vreid_bench.modeling.corruption import distort
    from vreid_bench.modeling.frames import decode, prefetch
    from vreid_bench.ops.clip_ops import clip_batch_hard, clip_distance, clip_mean
    from vreid_bench.ops.clip_reference import (
        ClipSide,
        add_query_clip,
        count_top,
        pair_importance,
        sequential_similarity,
    )
    from vreid_bench.ops.clip_rule import ClipRule
    from vreid_bench.ops.distance import Hardest, batch_hard, pairwise_distance
    from vreid_bench.ops.metric import Metric
    from vreid_bench.registry.entry import Family
    from vreid_bench.scoring.report import Report
    from vreid_bench.scoring.rerank.items import RERANK_MEMORY, FromDistances, FromFeatures
    from vreid_bench.scoring.rerank.k_reciprocal import KReciprocalRule, k_reciprocal_distance
    from vreid_bench.scoring.rerank.neighbours import nearest_columns
    from vreid_bench.scoring.score import score
    from vreid_bench.system.arithmetic import is_pinned, pin_children
    from vreid_bench.system.cache_folder import cache_folder
    from vreid_bench.system.progress import bar

_HOME = {
    "vreid_bench.boards.processes": ("Processes", "run_commands"),
    "vreid_bench.contracts.dataset": (
        "SYNTHETIC",
        "Count",
        "Dataset",
        "DatasetCheck",
        "Roles",
        "Source",
        "Split",
        "Tracklet",
        "Unscored",
    ),
    "vreid_bench.contracts.dataset_description": ("DatasetDescription", "Known"),
    "vreid_bench.contracts.executor": ("Command", "Executor", "Job", "Outcome"),
    "vreid_bench.contracts.parts": ("Batch", "ClipFeatures", "Clips", "PairScores", "Published"),
    "vreid_bench.contracts.people": ("DISTRACTOR", "JUNK", "person_ids"),
    "vreid_bench.contracts.task_executor": ("TaskExecutor",),
    "vreid_bench.evaluation.strategies.cases": ("Cases",),
    "vreid_bench.evaluation.strategies.corruption": ("Corruption",),
    "vreid_bench.evaluation.strategies.reassociation": ("Reassociation",),
    "vreid_bench.evaluation.strategies.selection": ("Selection",),
    "vreid_bench.modeling.corruption": ("distort",),
    "vreid_bench.contracts.corruption": ("ClipCorruption", "Distortion"),
    "vreid_bench.importing.matlab": ("read_matlab",),
    "vreid_bench.modeling.frames": ("decode", "prefetch"),
    "vreid_bench.ops.clip_ops": ("clip_batch_hard", "clip_distance", "clip_mean"),
    "vreid_bench.ops.clip_reference": (
        "ClipSide",
        "add_query_clip",
        "count_top",
        "pair_importance",
        "sequential_similarity",
    ),
    "vreid_bench.ops.clip_rule": ("ClipRule",),
    "vreid_bench.ops.distance": ("Hardest", "batch_hard", "pairwise_distance"),
    "vreid_bench.ops.metric": ("Metric",),
    "vreid_bench.registry.entry": ("Family",),
    "vreid_bench.scoring.rerank.items": ("RERANK_MEMORY", "FromDistances", "FromFeatures"),
    "vreid_bench.scoring.rerank.k_reciprocal": ("KReciprocalRule", "k_reciprocal_distance"),
    "vreid_bench.scoring.rerank.neighbours": ("nearest_columns",),
    "vreid_bench.scoring.report": ("Report",),
    "vreid_bench.scoring.score": ("score",),
    "vreid_bench.system.arithmetic": ("is_pinned", "pin_children"),
    "vreid_bench.system.cache_folder": ("cache_folder",),
    "vreid_bench.system.progress": ("bar",),
}
_MODULE = {name: module for module, names in _HOME.items() for name in names}

__all__ = [
    "DISTRACTOR",
    "JUNK",
    "RERANK_MEMORY",
    "SMALL_SIZE",
    "STEPS",
    "SYNTHETIC",
    "Batch",
    "Cases",
    "Checkpoint",
    "CheckpointFamily",
    "ClipCorruption",
    "ClipFeatures",
    "ClipRule",
    "ClipSide",
    "Clipping",
    "Clips",
    "Command",
    "Compared",
    "Container",
    "Convention",
    "Corruption",
    "Count",
    "Dataset",
    "DatasetCheck",
    "DatasetDescription",
    "Distortion",
    "Epochs",
    "Executor",
    "Family",
    "Fit",
    "FromDistances",
    "FromFeatures",
    "Hardest",
    "Having",
    "InputError",
    "Job",
    "KReciprocalRule",
    "Known",
    "Method",
    "Metric",
    "Opened",
    "Optimizer",
    "Outcome",
    "PairScores",
    "Part",
    "Preset",
    "Processes",
    "Protocol",
    "Published",
    "Reassociation",
    "Renaming",
    "Report",
    "Reported",
    "Roles",
    "RunError",
    "Schedule",
    "Selection",
    "Shapes",
    "Source",
    "Split",
    "TaskExecutor",
    "Tracklet",
    "Train",
    "Unscored",
    "WeightFile",
    "add_query_clip",
    "bar",
    "batch_hard",
    "cache_folder",
    "clip_batch_hard",
    "clip_distance",
    "clip_mean",
    "count_top",
    "decode",
    "digest",
    "distort",
    "hookimpl",
    "is_pinned",
    "k_reciprocal_distance",
    "nearest_columns",
    "pair_importance",
    "pairwise_distance",
    "part",
    "person_ids",
    "pin_children",
    "prefetch",
    "read_matlab",
    "reported_row",
    "reported_table",
    "run_commands",
    "score",
    "sequential_similarity",
    "shrink_method",
    "shrink_training",
]


def __dir__() -> list[str]:
    return __all__  # without it, `dir` and `help` miss what is loaded when it is first used


def __getattr__(name: str) -> Any:
    if name in _MODULE:
        return getattr(import_module(_MODULE[name]), name)
    raise AttributeError(f"module 'vreid_bench' has no attribute {name!r}")
