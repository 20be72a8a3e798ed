"""Figures of pairs of clips: of two tracklets (Matiyali and Sharma 2020, Fig. 7), and of many, as points."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from vreid_bench.contracts.people import DISTRACTOR
from vreid_bench.reporting.inspection.canvas import Arrays, Sheet, name_tracklet, place_clip, ratio_of, spread
from vreid_bench.reporting.page.figures import WIDTH
from vreid_bench.reporting.page.svg import INK, MUTED, SERIES

QUERY, GALLERY = "#00805f", "#d55e00"  # green and orange, as in the paper
EXTREMES = 2  # pairs shown of the most and of the least important
FRAMES = 4  # shown of a clip
POINTS = 1500  # of each kind; more of them hide each other
BINS = 10


def draw_pairs(arrays: Arrays) -> Figure:
    """The matrices of importance and similarity; beside them the most and the least important pairs with frames."""
    pixels = arrays.get("pixels")
    sheet = Sheet(5.45 if pixels is not None else 2.9)
    names = [name_tracklet(arrays, at) for at in (0, 1)]
    one, other = arrays["pid"]
    relation = "" if min(one, other) <= DISTRACTOR else ", the same person" if one == other else ", different people"
    sheet.write(f"similarity {1 - float(arrays['distance']):.2f}{relation}", 0.05, 0.05, fontsize=9, weight="bold")
    for at, (role, colour) in enumerate((("query", QUERY), ("gallery", GALLERY))):
        sheet.write(f"{role}: {names[at]}", 0.05, 0.27 + 0.17 * at, color=colour)
    order = rank_pairs(arrays)
    shown = [*order[:EXTREMES], *order[max(EXTREMES, len(order) - EXTREMES) :]]
    places = ((0.45, 0.95), (0.45, 3.3)) if pixels is not None else ((0.45, 0.95), (3.9, 0.95))
    for name, (left, top) in zip(("importance", "similarity"), places, strict=True):
        _draw_matrix(sheet, arrays, name, left, top, shown)
    if pixels is not None:
        _place_pairs(sheet, arrays, shown)
    return sheet.figure


def is_learned(arrays: Arrays) -> bool:
    """Is the importance learned? Then that of the first pair of all is not: it is set to 1."""
    return not np.isin(arrays["importance"], (0, 1)).all()


def rank_pairs(arrays: Arrays) -> list[tuple[int, int]]:
    """The pairs of clips, most important first, the more similar of equals first; without one that is not learned."""
    importance, similarity = arrays["importance"], arrays["similarity"]
    order = np.lexsort((-similarity.ravel(), -importance.ravel()))
    pairs = [(int(at // importance.shape[1]), int(at % importance.shape[1])) for at in order]
    return [pair for pair in pairs if pair != (0, 0)] if is_learned(arrays) and len(pairs) > 1 else pairs


def _draw_matrix(
    sheet: Sheet, arrays: Arrays, name: str, left: float, top: float, shown: list[tuple[int, int]]
) -> None:
    axes = sheet.add_axes(left, top, 1.55, 1.55)
    values = arrays[name].astype(float)
    if name == "importance" and is_learned(arrays):
        values[0, 0] = np.nan
        axes.text(0, 0, "set", ha="center", va="center", fontsize=6, color=MUTED)
    picture = axes.imshow(values, cmap="viridis", aspect="auto", interpolation="nearest")
    for number, (row, column) in enumerate(shown):
        style: dict[str, Any] = {"markersize": 5, "markerfacecolor": "white", "markeredgecolor": INK}
        axes.plot(column, row, "^" if number < EXTREMES else "v", **style)
    axes.grid(visible=False)
    for axis, count in ((axes.xaxis, values.shape[1]), (axes.yaxis, values.shape[0])):
        ticks = spread(count, 4) if count > 4 else [*range(count)]
        axis.set_ticks(ticks, [str(tick + 1) for tick in ticks])
    axes.set_title(name, fontsize=9)
    axes.set_xlabel("gallery clip", color=GALLERY, fontsize=8, labelpad=1)
    axes.set_ylabel("query clip", color=QUERY, fontsize=8, labelpad=1)
    bar = sheet.figure.colorbar(picture, cax=sheet.add_axes(left + 1.6, top, 0.08, 1.55))
    bar.ax.tick_params(labelsize=7, length=2)
    bar.outline.set_visible(False)


def _place_pairs(sheet: Sheet, arrays: Arrays, shown: list[tuple[int, int]]) -> None:
    """Of each pair the query clip, then the gallery clip, in their colours."""
    pixels, first = arrays["pixels"], int(arrays["counts"][0])
    columns = spread(pixels.shape[1], FRAMES)
    left, space = 2.75, 0.1
    height = min(0.88, (WIDTH - left - space - 0.1) / (2 * len(columns)) / ratio_of(pixels))
    for number, (row, column) in enumerate(shown):
        top = 0.95 + 1.13 * number
        which = "most" if number < EXTREMES else "least"
        scores = ", ".join(f"{name} {arrays[name][row, column]:.2f}" for name in ("importance", "similarity"))
        sheet.write(f"{which} important: clips {row + 1} and {column + 1}, {scores}", left, top - 0.16, fontsize=7.5)
        at = left
        for clip, colour in ((row, QUERY), (first + column, GALLERY)):
            width = place_clip(sheet, pixels[clip, columns], at, top, height)
            sheet.outline(at, top, width, height, colour)
            at += width + space


def draw_pair_scores(arrays: Arrays) -> Figure:
    """Importance against similarity: points are pairs of clips, a line joins the medians of tenths of the pairs."""
    figure = Figure(figsize=(WIDTH, 3.8))
    axes = figure.subplots()
    share, learned = compare_importance(arrays)
    match, similarity = arrays["match"], arrays["similarity"]
    random = np.random.default_rng(0)
    for kind, name, colour, marker in (
        (False, "of another person", SERIES[1], "^"),
        (True, "of the same person", SERIES[0], "o"),
    ):
        mine = np.flatnonzero((match == kind) & learned)
        if not len(mine):
            continue
        some = random.choice(mine, min(POINTS, len(mine)), replace=False)
        axes.plot(similarity[some], share[some], marker, color=colour, markersize=2, alpha=0.35, markeredgewidth=0)
        groups = np.array_split(mine[np.argsort(similarity[mine], kind="stable")], BINS)
        middles = [(np.median(similarity[g]), np.median(share[g])) for g in groups if len(g)]
        line: dict[str, Any] = {"color": colour, "marker": marker, "markersize": 5, "markeredgecolor": "white"}
        label = f"clips {name} ({len(mine):,} pairs; line: median of each tenth)"
        axes.plot(*zip(*middles, strict=True), linewidth=1.6, label=label, zorder=3, **line)
    axes.axhline(1, color=MUTED, linewidth=0.8, linestyle=(0, (4, 3)))
    axes.set_ylim(0, max(1.2, float(np.quantile(share[learned], 0.999))) if learned.any() else 1.2)
    axes.set_xlabel("similarity of two clips (cosine)")
    axes.set_ylabel("importance of the pair\n(1: mean of its two tracklets)")
    axes.legend(loc="upper left", bbox_to_anchor=(0.0, -0.15), fontsize=8)
    return figure


def compare_importance(arrays: Arrays) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """The importance of each pair by the mean over the pairs of the same tracklets [M], and which are to be shown [M].

    Left out are the first pairs of all if their importance is set and not learned.
    """
    first = (arrays["query_clip"] == 0) & (arrays["gallery_clip"] == 0)
    shown = ~first if is_learned(arrays) else np.ones(len(first), bool)
    _, group = np.unique(np.stack([arrays["query"], arrays["gallery"]]), axis=1, return_inverse=True)
    group = group.ravel()
    importance = arrays["importance"].astype(float)
    total, count = (np.bincount(group[shown], weights, group.max() + 1) for weights in (importance[shown], None))
    mean = (total / np.maximum(count, 1))[group]
    return importance / np.where(mean > 0, mean, 1), shown
