"""What figures of a board share: colours, markers, names of rows and legends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import cycle

from matplotlib.axes import Axes

from vreid_bench.reporting.page.svg import MUTED, SERIES
from vreid_bench.reporting.page.view import BoardView, RowView

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")


def colour_of(view: BoardView, row: RowView) -> str:
    """The colour of its paper."""
    papers = view.papers
    return SERIES[papers.index(row.paper) % len(SERIES)] if row.paper in papers else MUTED


def style_rows(rows: Sequence[RowView]) -> Iterable[tuple[RowView, str, str]]:
    """Each row with a colour and a marker."""
    return zip(rows, cycle(SERIES), cycle(MARKERS), strict=False)


def name_rows(axes: Axes, rows: Sequence[RowView], places: Sequence[int]) -> None:
    """A row's name at its place, the first on top."""
    names = [f"{row.label} ({row.seeds})" if row.seeds > 1 else row.label for row in rows]
    axes.set_yticks(places, names)
    axes.set_ylim(places[-1] + 0.6, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)


def add_legend(axes: Axes, below: float = 0.14) -> None:
    """Under the axes, `below` of their height."""
    axes.legend(loc="upper left", bbox_to_anchor=(0.0, -below), fontsize=8, ncols=2)


def add_papers(view: BoardView, axes: Axes, height: float) -> None:
    """Which colour is which paper, under the axes of a figure of that height in inches."""
    for number, paper in enumerate(view.papers):
        axes.plot([], [], "o", color=SERIES[number % len(SERIES)], markersize=5, label=shorten(paper))
    if view.papers:
        add_legend(axes, 0.6 / height)


def shorten(paper: str) -> str:
    """A paper as its authors and the end of its entry, which has the year: `Li et al., WACV 2020`."""
    authors, _, rest = paper.partition(":")
    return f"{authors}, {rest.rpartition(',')[2].strip()}" if "," in rest else authors or paper
