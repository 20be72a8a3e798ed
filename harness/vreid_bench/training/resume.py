"""Where an interrupted run goes on."""

from __future__ import annotations

from collections.abc import Sequence

from vreid_bench.planning.plan import Plan
from vreid_bench.records.run_directory import FoldDirectory, RunDirectory
from vreid_bench.system.environment import Machine
from vreid_bench.system.event_log import LOGGER
from vreid_bench.system.terminal import echo
from vreid_bench.training.checkpoint import read_position


def report_resumption(folder: RunDirectory, plan: Plan, machine: Machine) -> None:
    """Print to stderr where the run goes on, if it was interrupted."""
    point = describe_resumption(folder, [fold.number for fold in plan.folds], plan.total)
    LOGGER.info("goes on at %s" if point else "begins%s", point)
    if point and not machine.quiet:
        echo(f"{folder.path}: goes on at {point}", err=True)


def describe_resumption(folder: RunDirectory, numbers: Sequence[int], total: int) -> str:
    """In words, where the run over the folds `numbers` of `total` goes on; empty if nothing was trained yet."""
    begun = False
    for number in numbers:
        place = folder.fold(number, total)
        split = f"split {number}" if total > 1 else ""
        if not place.weights.exists():
            step = _describe_step(place)
            return ", ".join(filter(None, (split, step))) if step or begun else ""
        if not place.features("features").exists():
            return ", ".join(filter(None, (split, "the test")))
        begun = True
    return "the scores" if begun else ""


def _describe_step(place: FoldDirectory) -> str:
    for folder, which in ((place, ""), (place.pretrained, " of the first training")):
        position = read_position(folder.checkpoint)
        if position is not None:
            return f"stage {position.stage + 1}{which}, step {position.step}"
        if which and folder.weights.exists():
            return "the second training"
    return ""
