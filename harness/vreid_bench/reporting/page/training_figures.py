"""How a training went: its losses, and its scores on held-out people where it was validated."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vreid_bench.reporting.page.figures import WIDTH, BoardFigure
from vreid_bench.reporting.page.marks import MARKERS, add_legend
from vreid_bench.reporting.page.run_data import VALIDATION, Line, RunData, Training
from vreid_bench.reporting.page.svg import MUTED, SERIES
from vreid_bench.reporting.text import sanitize
from vreid_bench.system.counting import count

NO_LOSS = ("stage", "step", "rate", "loss")
PARTS = 7  # losses that are drawn each with its own line


def draw_training(run: RunData) -> list[BoardFigure]:
    """The losses of each training, and the scores of those that were validated; nothing if none was logged."""
    drawn = []
    for first in (True, False):
        trainings = [each for each in run.trainings if each.first == first and each.steps]
        if trainings:
            drawn.append(_draw_losses(trainings, first))
    validated = [each for each in run.trainings if each.validations]
    return [*drawn, _draw_validations(validated)] if validated else drawn


def _draw_losses(trainings: Sequence[Training], first: bool) -> BoardFigure:
    figure = Figure(figsize=(WIDTH, 3.6))
    axes = figure.subplots()
    names = sorted({name for each in trainings for line in each.steps for name in line} - {*NO_LOSS})[:PARTS]
    starts = start_stages(trainings[0].steps)
    if len(trainings) == 1:
        for name, colour in zip(names if len(names) > 1 else (), SERIES[1:], strict=False):
            found = [line for line in trainings[0].steps if name in line]
            _plot(axes, found, starts, name, color=colour, linewidth=0.9, label=sanitize(name))
    for each in trainings:
        many = len(trainings) > 1
        label = None if each is not trainings[0] else "their weighted sum" if not many else "weighted sum, each split"
        _plot(
            axes,
            each.steps,
            start_stages(each.steps),
            "loss",
            color=SERIES[0],
            linewidth=0.8 if many else 1.8,
            label=label,
        )
    for _, start in list(starts.items())[1:]:
        axes.axvline(start, color=MUTED, linewidth=0.8, linestyle=(0, (3, 2)))
    axes.set_xlabel("training step")
    axes.set_ylabel("loss")
    axes.margins(x=0.01)
    if len(names) > 1 or len(trainings) > 1:
        add_legend(axes, 0.2)
    begin, end = trainings[0].steps[0]["loss"], trainings[0].steps[-1]["loss"]
    stages = " A broken line begins a stage." if len(starts) > 1 else ""
    return BoardFigure(
        "loss-first" if first else "loss",
        "Loss of the first training, on the other data" if first else "Loss",
        f"The losses of single steps, as the log has them.{stages}",
        f"Loss of {count(len(trainings), 'training')}, from {begin:.3g} to {end:.3g} in the first of them.",
        figure,
    )


def _draw_validations(trainings: Sequence[Training]) -> BoardFigure:
    figure = Figure(figsize=(WIDTH, 3.4))
    axes = figure.subplots()
    for metric, colour, marker in zip(("mAP", "R1"), SERIES, MARKERS, strict=False):
        for each in trainings:
            steps = [line[f"{VALIDATION}steps"] for line in each.validations]
            values = [100 * line[f"{VALIDATION}{metric}"] for line in each.validations]
            label = metric if each is trainings[0] else None
            axes.plot(steps, values, color=colour, marker=marker, markersize=3.5, label=label)
    axes.set_xlabel("training steps that were done")
    axes.set_ylabel("held-out people (%)")
    add_legend(axes, 0.2)
    last = trainings[0].validations[-1]
    return BoardFigure(
        "validation",
        "Scores during training",
        "On people who were held out of the training; the scores never choose the weights, which are those of the last "
        "step.",
        f"mAP and R1 of held-out people during training; at the end mAP {100 * last[f'{VALIDATION}mAP']:.1f} %.",
        figure,
    )


def start_stages(steps: Iterable[Line]) -> dict[int, int]:
    """The first step of each stage, counted over all stages.

    A log has a line every few steps, so that a stage ends as many steps after its last line.
    """
    by_stage: dict[int, list[int]] = {}
    for line in steps:
        by_stage.setdefault(line["stage"], []).append(line["step"])
    starts, start = {}, 0
    for stage, numbers in sorted(by_stage.items()):
        starts[stage] = start
        start += numbers[-1] + min((b - a for a, b in pairwise(numbers) if b > a), default=1)
    return starts


def _plot(axes: Axes, lines: Sequence[Line], starts: dict[int, int], name: str, **style: Any) -> None:
    places = [starts[line["stage"]] + line["step"] for line in lines]
    axes.plot(places, [line[name] for line in lines], **style)
