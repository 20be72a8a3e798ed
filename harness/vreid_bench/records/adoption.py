"""What was computed already: the one place that asks whether equal weights or features lie in some run's folder.

Weights and features carry the fingerprint of all that decided them. Equal fingerprints are equal content, so a run
takes over what it would compute again, from its own other folds or from the runs beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from vreid_bench.records.run_directory import FOLDS, FoldDirectory
from vreid_bench.records.tensors import MADE_BY, read_note
from vreid_bench.system.files import write_atomic
from vreid_bench.system.meter import read_costs, write_costs


def adopt_weights(folder: FoldDirectory, made_by: str) -> Path | None:
    """Take over the weights, the log and the costs of that very training; returns the folder that had them.

    Nothing is taken where the training has begun. What lies within the same run is counted there already, so its
    costs stay where they are.
    """
    if folder.weights.exists() or folder.checkpoint.exists():
        return None
    found = _find(folder.weights, folder.run, made_by)
    if found is None:
        return None
    other = FoldDirectory(found.parent, folder.run)
    if other.log.exists():
        write_atomic(folder.log, other.log.read_bytes())
    _take_cost("train", other, folder)
    write_atomic(folder.weights, found.read_bytes())  # last: it says that all is here
    return other.path


def adopt_features(folder: FoldDirectory, view: str, made_by: str) -> bool:
    """Take over the features of a view that were computed from the same weights in the same way, if there are any."""
    path = folder.features(view)
    found = None if path.exists() else _find(path, folder.run, made_by)
    if found is None:
        return False
    _take_cost("embed", FoldDirectory(found.parent, folder.run), folder)
    write_atomic(path, found.read_bytes())
    return True


def _find(path: Path, run: Path, made_by: str) -> Path | None:
    return next((file for file in _candidates(path, run) if read_note(file).get(MADE_BY) == made_by), None)


def _candidates(path: Path, run: Path) -> Iterator[Path]:
    """Files of that name in the run's own folders, then in those beside it, in a fixed order."""
    for folders in (run.name, "*"):
        for place in FOLDS:
            yield from sorted(run.parent.glob(f"{folders}/{place}{path.name}"))


def _take_cost(stage: str, source: FoldDirectory, folder: FoldDirectory) -> None:
    counted = read_costs(source.costs)
    if stage in counted and not source.path.is_relative_to(folder.run):
        write_costs(folder.costs, read_costs(folder.costs) | {stage: counted[stage]})
