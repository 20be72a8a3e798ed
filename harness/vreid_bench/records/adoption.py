"""Finds what was computed before: stages of training and features, in other folds of a run or in other runs beside it.

Both carry the fingerprint of all that decided them. Equal fingerprints mean equal content, so a run need not compute
them again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from vreid_bench.records.checksum import find_damage
from vreid_bench.records.note import COST, MADE_BY, read_note
from vreid_bench.records.run_directory import FOLDS, FoldDirectory
from vreid_bench.system.files import write_atomic
from vreid_bench.system.meter import COST as MEASURED
from vreid_bench.system.meter import read_costs, write_costs
from vreid_bench.system.plain_json import load_json


class TrainedStage(NamedTuple):
    """Where the state after a stage is kept."""

    number: int  # of stages that are done then
    path: Path


def find_stage(folder: FoldDirectory, made_by: Sequence[str]) -> TrainedStage | None:
    """The state after the last possible stage that an equal training left; None if there is none.

    made_by: the fingerprint of the state after each stage. Nothing is looked for if this training has begun.
    """
    if folder.weights.exists() or folder.checkpoint.exists():
        return None
    for number in range(len(made_by), 0, -1):
        found = _find(folder.stage(number), folder, made_by[number - 1])
        if found is not None and _read_cost(found) is not None:
            return TrainedStage(number, found)
    return None


def adopt_stage(stage: TrainedStage, folder: FoldDirectory) -> None:
    """Copy the state after the stage, the log of the training that left it, and what that had cost by then.

    The costs of another fold of the same run are not copied: the run counts them already.
    """
    other = FoldDirectory(stage.path.parent, folder.run)
    if other.path == folder.path:
        return
    if other.log.exists():
        write_atomic(folder.log, other.log.read_bytes())
    if (cost := _read_cost(stage.path)) is not None:
        _take_cost("train", cost, other, folder)
    write_atomic(folder.stage(stage.number), stage.path.read_bytes())  # last: it marks the copy as complete


def adopt_features(folder: FoldDirectory, view: str, made_by: str) -> bool:
    """Copy the features of a view that have the same fingerprint; returns whether there were any."""
    path = folder.features(view)
    found = None if path.exists() else _find(path, folder, made_by)
    if found is None:
        return False
    other = FoldDirectory(found.parent, folder.run)
    if cost := read_costs(other.costs).get("embed"):
        _take_cost("embed", cost, other, folder)
    write_atomic(path, found.read_bytes())
    return True


def _find(path: Path, folder: FoldDirectory, made_by: str) -> Path | None:
    """A file that was made by the same and has not changed since; a damaged one is passed over."""
    files = (file for file in _candidates(path, folder) if read_note(file).get(MADE_BY) == made_by)
    return next((file for file in files if not find_damage(file)), None)


def _candidates(path: Path, folder: FoldDirectory) -> Iterator[Path]:
    """Files with that name in the run's own folders, then in those of other runs, in a fixed order."""
    for folders in (folder.run.name,) if folder.alone else (folder.run.name, "*"):
        for place in FOLDS:
            yield from sorted(folder.run.parent.glob(f"{folders}/{place}{path.name}"))


def _read_cost(stage: Path) -> dict[str, float] | None:
    """What the training up to the state after a stage had cost; None if its note does not say."""
    try:
        cost = load_json(read_note(stage)[COST])
        return {key: float(cost[key]) for key in MEASURED}
    except (LookupError, ValueError, TypeError, OverflowError):
        return None


def _take_cost(stage: str, cost: dict[str, float], source: FoldDirectory, folder: FoldDirectory) -> None:
    """Count what was taken over, unless another fold of the same run counts it already."""
    if not source.path.is_relative_to(folder.run):
        write_costs(folder.costs, read_costs(folder.costs) | {stage: cost})
