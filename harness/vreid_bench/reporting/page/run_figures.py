"""The figures of a run, each drawn from the files in its folder; `None` where it has nothing to draw."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from vreid_bench.records.scores import RANKS
from vreid_bench.reporting.board import boards
from vreid_bench.reporting.page import figures
from vreid_bench.reporting.page.figures import WIDTH, BoardFigure
from vreid_bench.reporting.page.run_data import RunData
from vreid_bench.reporting.page.svg import INK, MUTED, SERIES
from vreid_bench.reporting.page.view import view_board
from vreid_bench.reporting.text import sanitize
from vreid_bench.scoring.bootstrap import sum_by_person
from vreid_bench.scoring.few_people import FEW

Floats = NDArray[np.float64]
DRAWS = 1000  # of people, for the band of a curve
BINS = 20  # of average precision
COLOURS = 20  # of a map
NUMBERED = 12  # cameras; in a larger map, numbers would not fit
# Text on a cell of a map, whose colour is the same on a light and on a dark screen.
ON_DARK, ON_LIGHT = "#ffffff", "#000000"


def draw_run(run: RunData) -> list[BoardFigure]:
    """Every figure that the run has data for, beside those of its training."""
    own: tuple[Callable[[RunData], BoardFigure | None], ...] = (draw_cmc, draw_precision, draw_people, draw_cameras)
    drawn = [found for draw in own if (found := draw(run)) is not None]
    view = view_board(boards([run.record], run.count_people)[0])
    shared = (figures.draw_conditions, figures.draw_splits)
    return drawn + [found for draw in shared if (found := draw(view)) is not None]


def draw_cmc(run: RunData) -> BoardFigure | None:
    """The CMC curve under the headline convention, with a band over people, and the curve of each ranking."""
    curve = run.record.conventions[run.headline].cmc
    if curve is None:
        return None
    figure = Figure(figsize=(WIDTH, 3.8))
    axes = figure.subplots()
    ranks = range(1, RANKS + 1)
    words = []
    band = bound_cmc(run)
    if run.rankings > 1:
        for number in np.unique(run.queries.split):
            one = run.scores.select(run.queries.split == number)
            axes.plot(ranks, 100 * np.array(one.cmc(RANKS)), color=MUTED, linewidth=0.7, alpha=0.5)
        words.append("A thin line is one ranking: of a split, or under a condition.")
    if band is not None:
        axes.fill_between(ranks, 100 * band[0], 100 * band[1], color=SERIES[0], alpha=0.2, linewidth=0)
        words.append(f"The band holds 95 % of {DRAWS:,} draws of people, with all their queries.")
    style: dict[str, Any] = {"marker": "o", "markersize": 4, "markevery": [0, 4, 9, 19, 49]}
    axes.plot(ranks, [100 * share for share in curve], color=SERIES[0], **style)
    axes.set_xscale("log")
    axes.set_xticks([1, 5, 10, 20, 50], ["1", "5", "10", "20", "50"])
    axes.minorticks_off()
    axes.set_xlabel("rank")
    axes.set_ylabel("queries with a match\nup to that rank (%)")
    return BoardFigure(
        "cmc",
        "CMC",
        " ".join(["Cumulative matching characteristic; marks are at ranks 1, 5, 10, 20 and 50.", *words]),
        f"CMC curve: {100 * curve[0]:.1f} % at rank 1, {100 * curve[4]:.1f} % at rank 5, "
        f"{100 * curve[19]:.1f} % at rank 20.",
        figure,
    )


def bound_cmc(run: RunData) -> tuple[Floats, Floats] | None:
    """The 2.5 and 97.5 % quantiles of the CMC over draws of people: [R] each; None for few people.

    A person is drawn with all queries of all rankings, and the rankings are averaged, as in the scores.
    """
    total, number = _count_hits(run)  # [S, I, R], [S, I]
    size = number.shape[1]
    if size < FEW:
        return None
    draw = np.random.default_rng(0).integers(size, size=(DRAWS, size))  # [B, I]
    weights = np.stack([np.bincount(row, minlength=size) for row in draw]).astype(np.float64)  # [B, I]
    hits = np.einsum("bi,sir->bsr", weights, total, optimize=True)
    counted = (weights @ number.T)[:, :, None]  # [B, S, 1]
    shares = np.divide(hits, counted, out=np.full_like(hits, np.nan), where=counted > 0)
    low, high = np.quantile(np.nanmean(shares, axis=1), [0.025, 0.975], axis=0)
    return low, high


def _count_hits(run: RunData) -> tuple[Floats, Floats]:
    """Of each ranking and person, the queries with a match up to each rank [S, I, R], and all that count [S, I]."""
    queries = run.queries
    each = [sum_by_person(run.scores.hits(rank), queries.pid, queries.split) for rank in range(1, RANKS + 1)]
    return np.stack([hits for hits, _ in each], axis=2), each[0][1]


def draw_precision(run: RunData) -> BoardFigure | None:
    """How the average precision is distributed over the queries."""
    values = run.scores.average_precision
    values = values[~np.isnan(values)]
    figure = Figure(figsize=(WIDTH, 3.2))
    axes = figure.subplots()
    shares, edges = np.histogram(100 * values, bins=BINS, range=(0, 100))
    axes.bar(edges[:-1], 100 * shares / len(values), width=100 / BINS, align="edge", color=SERIES[0], linewidth=0)
    axes.axvline(100 * values.mean(), color=INK, linewidth=1.2)
    axes.axvline(100 * float(np.median(values)), color=INK, linewidth=1.2, linestyle=(0, (3, 2)))
    axes.set_xlabel("average precision of a query (%)")
    axes.set_ylabel("queries (%)")
    axes.set_xlim(0, 100)
    perfect, low = (values > 1 - 1e-9).mean(), (values < 0.1).mean()
    return BoardFigure(
        "precision",
        "Average precision of the queries",
        f"Solid stroke: the mean, {100 * values.mean():.1f} %. Broken stroke: the median, "
        f"{100 * float(np.median(values)):.1f} %. {100 * perfect:.1f} % of {len(values):,} queries rank all their "
        f"matches first, and {100 * low:.1f} % stay below 10 %.",
        f"Histogram of the average precision of {len(values)} queries.",
        figure,
    )


def draw_people(run: RunData) -> BoardFigure | None:
    """The mean average precision of each person, from the hardest to the easiest."""
    total, number = sum_by_person(run.scores.average_precision, run.queries.pid, np.zeros_like(run.queries.split))
    means = 100 * np.sort(total[0] / number[0])  # [I]
    if len(means) < 2:
        return None
    figure = Figure(figsize=(WIDTH, 3.2))
    axes = figure.subplots()
    places = np.arange(len(means) + 1)
    axes.stairs(means, places, fill=True, color=SERIES[0], alpha=0.35, linewidth=0)
    axes.stairs(means, places, color=SERIES[0], linewidth=1.2, baseline=None)
    axes.axhline(means.mean(), color=MUTED, linewidth=0.8, linestyle=(0, (3, 2)))
    axes.set_xlim(0, len(means))
    axes.set_ylim(0, 100)
    axes.set_xlabel(f"{len(means):,} people, the hardest first")
    axes.set_ylabel("mean AP of a person (%)")
    hard = int((means < 10).sum())
    return BoardFigure(
        "people",
        "People",
        f"Each step is a person, with the mean over the person's queries. Broken line: the mean over people, "
        f"{means.mean():.1f} %. {hard:,} of {len(means):,} people stay below 10 %; the table below names the hardest.",
        f"Mean average precision of {len(means)} people, from {means[0]:.1f} to {means[-1]:.1f} %.",
        figure,
    )


def draw_cameras(run: RunData) -> BoardFigure | None:
    """mAP from the camera of the query to the camera of the match, as a map."""
    pairs = run.breakdown.get("camera_pairs", {})
    names = [sanitize(str(name)) for name in pairs.get("cameras", [])]
    values = np.array(pairs.get("mAP", []), np.float64)  # [cameras, cameras]; null is NaN
    if len(names) < 2 or not np.isfinite(values).any():
        return None
    asked, seen = (np.flatnonzero(np.isfinite(values).any(axis=axis)) for axis in (1, 0))
    values = 100 * values[np.ix_(asked, seen)]
    rows, columns = ([names[at] for at in places.tolist()] for places in (asked, seen))
    cell = 0.55 if max(values.shape) <= NUMBERED else 0.3
    figure = Figure(figsize=(min(WIDTH, 1.6 + cell * len(columns)), 1.0 + cell * len(rows)))
    axes = figure.subplots()
    # a bar of more colours would be stored as a picture, which a page without pictures does not show
    colours = mpl.colormaps["viridis"].resampled(COLOURS)
    mesh = axes.pcolormesh(np.ma.masked_invalid(values), cmap=colours, edgecolors="none")
    axes.set_xticks(np.arange(len(columns)) + 0.5, columns, rotation=90 if len(columns) > NUMBERED else 0)
    axes.set_yticks(np.arange(len(rows)) + 0.5, rows)
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.tick_params(length=0)
    for side in axes.spines.values():
        side.set_visible(False)
    if max(values.shape) <= NUMBERED:
        _number_cells(axes, mesh, values)
    axes.set_xlabel("camera of the match")
    axes.set_ylabel("camera of the query")
    figure.colorbar(mesh, ax=axes, label="mAP (%)").outline.set_visible(False)
    best, worst = (np.unravel_index(find(values), values.shape) for find in (np.nanargmax, np.nanargmin))
    words = [
        f"{kind} from {rows[at[0]]} to {columns[at[1]]}, {values[at]:.1f} %"
        for kind, at in (("easiest", best), ("hardest", worst))
    ]
    return BoardFigure(
        "cameras",
        "Camera pairs",
        "mAP when the queries of one camera (row) search the matches of another (column); the person's tracklets in "
        "all other cameras are junk, and everybody else stays. Empty: no query has such a match.",
        f"mAP by camera of query and match: {'; '.join(words)}. The table below it has all numbers.",
        figure,
    )


def _number_cells(axes: Any, mesh: Any, values: Floats) -> None:
    """Write each value on its cell, in the colour that can be read there."""
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            red, green, blue, _ = mesh.cmap(mesh.norm(value))
            light = 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.4
            colour = ON_LIGHT if light else ON_DARK
            axes.text(column + 0.5, row + 0.5, f"{value:.0f}", ha="center", va="center", color=colour, fontsize=8)
