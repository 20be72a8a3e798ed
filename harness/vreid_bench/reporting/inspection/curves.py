"""Figures of curves: CMC (Wu et al. 2019, Fig. 9) and scores during training (Wu et al. 2019, Fig. 10)."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from vreid_bench.reporting.inspection.canvas import Arrays
from vreid_bench.reporting.page.figures import WIDTH
from vreid_bench.reporting.page.marks import MARKERS, add_legend
from vreid_bench.reporting.page.svg import GRID, SERIES
from vreid_bench.reporting.text import sanitize

HEIGHT = 3.6  # inches
RANKS = (1, 5, 10, 20, 50)


def draw_cmc(arrays: Arrays) -> Figure:
    """The mean CMC curve under each convention; a band spans the splits."""
    figure = Figure(figsize=(WIDTH, HEIGHT))
    axes = figure.subplots()
    ranks = arrays["rank"]
    names = [name.removesuffix(".cmc") for name in arrays if name.endswith(".cmc")]
    for number, name in enumerate(sorted(names)):
        splits = 100 * arrays[f"{name}.splits"]  # [F, R]
        style: dict[str, Any] = {"color": SERIES[number % len(SERIES)], "marker": MARKERS[number % len(MARKERS)]}
        axes.fill_between(ranks, splits.min(0), splits.max(0), color=style["color"], alpha=0.15, linewidth=0)
        marks = [rank - 1 for rank in RANKS if rank <= len(ranks)]
        axes.plot(ranks, 100 * arrays[f"{name}.cmc"], label=sanitize(name), markersize=4, markevery=marks, **style)
    axes.set_xscale("log")
    axes.set_xticks(RANKS, [*map(str, RANKS)])
    axes.minorticks_off()
    axes.set_xlabel("rank")
    axes.set_ylabel("queries with a match\nup to that rank (%)")
    add_legend(axes, 0.18)
    return figure


def draw_validations(arrays: Arrays) -> Figure:
    """mAP and R1 of held-out people during training: a faint line for each split, and their mean."""
    figure = Figure(figsize=(WIDTH, HEIGHT))
    axes = figure.subplots()
    steps, split = arrays["steps"], arrays["split"]
    several = len(np.unique(split)) > 1
    for metric, colour, marker in zip(("mAP", "R1"), SERIES, MARKERS, strict=False):
        scores = 100 * arrays[metric]
        for number in np.unique(split) if several else ():
            mine = split == number
            axes.plot(steps[mine], scores[mine], color=colour, alpha=0.3, linewidth=0.8)
        places = np.unique(steps)
        means = [scores[steps == place].mean() for place in places]
        label = f"{metric}, mean of {len(np.unique(split))} splits" if several else metric
        axes.plot(places, means, color=colour, marker=marker, markersize=4, label=label)
    for begins in _list_beginnings(arrays):
        axes.axvline(begins, color=GRID, linewidth=1, zorder=0)
    axes.set_xlabel("training steps")
    axes.set_ylabel("score of held-out people (%)")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    add_legend(axes, 0.18)
    return figure


def _list_beginnings(arrays: Arrays) -> list[float]:
    """Between which steps a new stage of training begins: half-way between the validations around it."""
    found = set()
    for number in np.unique(arrays["split"]):
        mine = arrays["split"] == number
        steps, stage = arrays["steps"][mine], arrays["stage"][mine]
        found |= {float(steps[at] + steps[at + 1]) / 2 for at in np.flatnonzero(np.diff(stage))}
    return sorted(found)
