"""How far a run has come, read from its folder alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from safetensors import SafetensorError, safe_open

from vreid_bench.records.run_directory import CHECKPOINT, FOLDS, FoldDirectory, RunDirectory
from vreid_bench.system.event_log import read_fault
from vreid_bench.system.plain_json import load_json

NO_RUN = "is not a run: expected a record.json, or the lock of a run that is not finished"
UNFINISHED = {  # state -> what happened to the run, and what to do
    "running": ("is running", "wait for it"),
    "interrupted": ("was interrupted", "repeat its command"),
    "failed": ("failed", "correct that, and repeat its command"),
}


@dataclass(frozen=True)
class RunState:
    """State of a run, and where an unfinished one is, why it failed, or why it has no scores, in words."""

    name: Literal["finished", "ranked", "running", "interrupted", "failed"]
    place: str = ""


def find_state(run: RunDirectory) -> RunState:
    """The state of the run in that folder; it is running while a process holds the folder."""
    if run.is_finished:
        return RunState("finished")
    if run.is_ranked:
        return RunState("ranked", f"its test cannot be scored: {run.ranking.name} is for the challenge")
    if run.is_claimed():
        return RunState("running", _find_place(run.path))
    if fault := read_fault(run.events):
        return RunState("failed", fault)
    return RunState("interrupted", _find_place(run.path))


def describe_unfinished(run: RunDirectory) -> str:
    """Why a folder has no results, as `vreid-bench runs` shows it, and what to do."""
    if not run.lock.exists():
        return NO_RUN
    state = find_state(run)
    happened, advice = UNFINISHED[state.name]
    return f"is not finished, it {happened} ({state.place}); {advice}"


def _find_place(path: Path) -> str:
    """Where the newest file of training says that the run is: `split 3, stage 1, step 40`."""
    folds = [FoldDirectory(each, path) for pattern in FOLDS for each in (path.glob(pattern) if pattern else (path,))]
    files = [file for fold in folds for file in (fold.checkpoint, fold.weights) if file.exists()]
    if not files:
        return "before its first checkpoint"
    newest = max(files, key=lambda file: file.stat().st_mtime_ns)
    where = [part.replace("-", " ") for part in newest.parent.relative_to(path).parts]
    return ", ".join([*where, _read_position(newest) if newest.name == CHECKPOINT else "trained"])


def _read_position(checkpoint: Path) -> str:
    """Stage of a checkpoint, counted from 1 as its progress bar says, and step, counted from 0."""
    try:
        with safe_open(checkpoint, framework="np") as file:  # reads the head of the file, and needs no torch
            stage, step = load_json((file.metadata() or {})["position"])
            return f"stage {stage + 1}, step {step}"
    except (OSError, SafetensorError, KeyError, ValueError, TypeError):
        return "checkpoint not readable"
