"""Copies weights and features that were computed before, from other folds of a run or from other runs beside it.

Weights and features carry the fingerprint of all that decided them. Equal fingerprints mean equal content, so a run
need not compute them again.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from vreid_bench.records.note import MADE_BY, read_note
from vreid_bench.records.run_directory import FOLDS, FoldDirectory
from vreid_bench.system.files import write_atomic
from vreid_bench.system.meter import read_costs, write_costs


def adopt_weights(folder: FoldDirectory, made_by: str) -> Path | None:
    """Copy the weights, the log and the costs of an equal training; returns the folder that had them, or None.

    Nothing is copied if this training has begun. The costs of another fold of the same run are not copied: the run
    counts them already.
    """
    if folder.weights.exists() or folder.checkpoint.exists():
        return None
    found = _find(folder.weights, folder, made_by)
    if found is None:
        return None
    other = FoldDirectory(found.parent, folder.run)
    if other.log.exists():
        write_atomic(folder.log, other.log.read_bytes())
    _take_cost("train", other, folder)
    write_atomic(folder.weights, found.read_bytes())  # last: it marks the copy as complete
    return other.path


def adopt_features(folder: FoldDirectory, view: str, made_by: str) -> bool:
    """Copy the features of a view that have the same fingerprint; returns whether there were any."""
    path = folder.features(view)
    found = None if path.exists() else _find(path, folder, made_by)
    if found is None:
        return False
    _take_cost("embed", FoldDirectory(found.parent, folder.run), folder)
    write_atomic(path, found.read_bytes())
    return True


def _find(path: Path, folder: FoldDirectory, made_by: str) -> Path | None:
    return next((file for file in _candidates(path, folder) if read_note(file).get(MADE_BY) == made_by), None)


def _candidates(path: Path, folder: FoldDirectory) -> Iterator[Path]:
    """Files with that name in the run's own folders, then in those of other runs, in a fixed order."""
    for folders in (folder.run.name,) if folder.alone else (folder.run.name, "*"):
        for place in FOLDS:
            yield from sorted(folder.run.parent.glob(f"{folders}/{place}{path.name}"))


def _take_cost(stage: str, source: FoldDirectory, folder: FoldDirectory) -> None:
    counted = read_costs(source.costs)
    if stage in counted and not source.path.is_relative_to(folder.run):
        write_costs(folder.costs, read_costs(folder.costs) | {stage: counted[stage]})
