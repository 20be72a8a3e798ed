"""Figures of weights along a tracklet, above what can truly be seen of the person (Li et al. 2020, Fig. 4 and 6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from vreid_bench.reporting.inspection.canvas import Arrays, Sheet, Shown, list_tracklets, ratio_of, spread
from vreid_bench.reporting.page.figures import WIDTH
from vreid_bench.reporting.page.svg import MUTED, SERIES

LEVELS = (("v", "#d55e00", "lowest"), ("o", "#8a6d00", "middle"), ("^", "#00805f", "highest"))  # thirds of the range
TRACKLETS = 4  # in one figure
WHOLE = 6  # clips with every frame
CLIPS = 15  # whose frames are shown, as many as in the paper's Fig. 6
LEFT, ACROSS, LINE, TITLE = 0.75, WIDTH - 0.85, 0.95, 0.28  # inches: margin, width of the plots, height of one


def draw_clip_weights(arrays: Arrays) -> Figure:
    """The weight of each clip along its tracklet, with frames in the colour of its level, and what can be seen."""
    return _draw(arrays, arrays["weight"][:, None], "weight\nof the clip")


def draw_attention(arrays: Arrays) -> Figure:
    """The weight of each frame within its clip, and what can be seen."""
    return _draw(arrays, arrays["attention"], "weight\nof the frame")


def draw_visibility(arrays: Arrays) -> Figure:
    """How much of the person each frame shows."""
    return _draw(arrays, None, "")


def rate_levels(weights: NDArray[Any]) -> NDArray[np.int64]:
    """0, 1 or 2 for weights in the lowest, middle or highest third of their range; all 1 if they are equal."""
    low, high = weights.min(), weights.max()
    if high <= low:
        return np.ones(weights.shape, np.int64)
    levels: NDArray[np.int64] = np.minimum(3 * (weights - low) / (high - low), 2).astype(np.int64)
    return levels


def _draw(arrays: Arrays, weights: NDArray[Any] | None, label: str) -> Figure:
    """weights: [S, 1] of clips or [S, t] of their maps."""
    tracklets = [*list_tracklets(arrays)][:TRACKLETS]
    pixels, visible = arrays.get("pixels"), arrays.get("visibility")
    rows = [_Row(shown, weights, pixels) for shown in tracklets]
    below = 0.3 + 0.15 * (weights is not None)
    lines = LINE * ((weights is not None) + (visible is not None)) + 0.14 * (
        weights is not None and visible is not None
    )
    sheet = Sheet(sum(TITLE + row.height + lines + below for row in rows))
    top = 0.0
    for row in rows:
        sheet.write(row.shown.name, LEFT, top + 0.06)
        top += TITLE
        row.place_frames(sheet, top, pixels)
        top += row.height
        if weights is not None:
            axes = _begin(sheet, top, row, label)
            row.plot_weights(axes)
            top += LINE + 0.14 * (visible is not None)
            if visible is not None:
                axes.tick_params(labelbottom=False)
        if visible is not None:
            axes = _begin(sheet, top, row, "visible share\nof the person (%)")
            row.plot_visibility(axes, 100 * visible[row.shown.clips][row.numbers])
            top += LINE
        top += below
    if weights is not None:
        names = [f"{name} third of the range" for _, _, name in LEVELS]
        marks: list[Any] = [axes.plot([], [], mark, color=colour, markersize=4)[0] for mark, colour, _ in LEVELS]
        sheet.figure.legend(marks, names, loc="lower right", ncols=3, fontsize=7, handletextpad=0.1, columnspacing=1)
    return sheet.figure


class _Row:
    """One tracklet: where its clips and frames stand along the axis, a unit for each clip."""

    def __init__(self, shown: Shown, weights: NDArray[Any] | None, pixels: NDArray[Any] | None) -> None:
        self.shown = shown
        self.several = weights is None or weights.shape[1] > 1  # values of frames, not of clips
        total = shown.clips.stop - shown.clips.start
        self.numbers = spread(total, WHOLE if self.several else total)  # of the clips that are shown
        self.clips = len(self.numbers)
        self.weights = None if weights is None else weights[shown.clips][self.numbers]  # [C, 1] or [C, t]
        self.frame, self.chosen, self.columns = (0.0, 0.0), list[int](), list[int]()
        if pixels is not None:
            self.chosen = spread(self.clips, CLIPS)
            slot = ACROSS / len(self.chosen)
            # every frame has its own weight; of clips, as many frames as are large enough to see
            self.columns = spread(pixels.shape[1], pixels.shape[1] if self.several else max(1, int(slot / 0.3)))
            width = min(0.42, slot * 0.94 / len(self.columns))
            self.frame = (width, width / ratio_of(pixels))

    @property
    def height(self) -> float:
        """Of the frames, in inches."""
        return self.frame[1] + 0.1 if self.chosen else 0.0

    def place_frames(self, sheet: Sheet, top: float, pixels: NDArray[Any] | None) -> None:
        """The frames of the chosen clips, in the colour of the level of the weight."""
        if pixels is None:
            return
        width, height = self.frame
        slot = ACROSS / len(self.chosen)
        levels = None if self.weights is None else rate_levels(self.weights)
        for place, clip in enumerate(self.chosen):
            frames = pixels[self.shown.clips][self.numbers[clip], self.columns]
            begin = LEFT + (place + 0.5) * slot - width * len(frames) / 2
            for number, frame in enumerate(frames):
                at = begin + number * width
                if self.several:  # below its own value
                    at = LEFT + (place + (number + 0.5) / len(frames)) * slot - width / 2
                sheet.place(frame, at, top, width, height)
                if self.several and levels is not None:
                    level = levels[clip, number * levels.shape[1] // len(frames)]
                    sheet.outline(at, top, width, height, LEVELS[level][1])
            if not self.several and levels is not None:
                sheet.outline(begin, top, width * len(frames), height, LEVELS[levels[clip, 0]][1])

    def places(self, values: int) -> NDArray[Any]:
        """Where the values of each clip stand: [C, values]."""
        return np.arange(self.clips)[:, None] + (np.arange(values) + 0.5)[None] / values

    def plot_weights(self, axes: Axes) -> None:
        """The weights, marked by their level; those of frames clip by clip."""
        assert self.weights is not None
        places, levels = self.places(self.weights.shape[1]), rate_levels(self.weights)
        lines = zip(places, self.weights, strict=True) if self.several else [(places[:, 0], self.weights[:, 0])]
        for place, weight in lines:
            axes.plot(place, weight, color=MUTED, linewidth=1)
        for level, (mark, colour, _) in enumerate(LEVELS):
            mine = levels == level
            axes.plot(places[mine], self.weights[mine], mark, color=colour, markersize=4)
        if self.several:
            axes.axhline(1 / self.weights.shape[1], color=MUTED, linewidth=0.8, linestyle=(0, (4, 3)))
        axes.margins(y=0.2)

    def plot_visibility(self, axes: Axes, visible: NDArray[Any]) -> None:
        """The visible share of frames [C, T] in percent: each, or of a clip the mean and the range."""
        if self.several:
            for place, values in zip(self.places(visible.shape[1]), visible, strict=True):
                axes.plot(place, values, color=SERIES[0], marker="s", markersize=3, linewidth=1)
        else:
            places = self.places(1)[:, 0]
            axes.vlines(places, visible.min(1), visible.max(1), color=SERIES[0], alpha=0.35, linewidth=3)
            axes.plot(places, visible.mean(1), color=SERIES[0], marker="s", markersize=3, linewidth=1)
        axes.set_ylim(-6, 106)
        axes.set_yticks([0, 50, 100])


def _begin(sheet: Sheet, top: float, row: _Row, label: str) -> Axes:
    axes = sheet.add_axes(LEFT, top, ACROSS, LINE - 0.05)
    axes.set_xlim(0, row.clips)
    ticks: Sequence[int] = range(row.clips) if row.clips <= 20 else spread(row.clips, 10)
    names = [f"clip {number + 1}" if row.clips <= 10 else str(number + 1) for number in row.numbers]
    axes.set_xticks([tick + 0.5 for tick in ticks], [names[tick] for tick in ticks])
    axes.tick_params(labelsize=7, length=0)
    axes.grid(axis="x", visible=False)
    for edge in range(1, row.clips) if row.several and row.clips <= 40 else ():
        axes.axvline(edge, color="#d7dade", linewidth=0.8)
    axes.set_ylabel(label, fontsize=7.5)
    return axes
