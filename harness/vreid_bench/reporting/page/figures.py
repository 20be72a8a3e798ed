"""The figures of a board, each drawn from what its view holds; `None` where the board has nothing to draw."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from statistics import fmean
from typing import Any, NamedTuple

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from vreid_bench.records.scores import RANKS
from vreid_bench.reporting.page.marks import add_legend, add_papers, colour_of, name_rows, style_rows
from vreid_bench.reporting.page.svg import GRID, INK, MUTED, SERIES
from vreid_bench.reporting.page.view import BoardView, RowView
from vreid_bench.reporting.text import sanitize

WIDTH = 7.0  # inches
LINES = 8  # curves in one figure: more of them cannot be told apart


class BoardFigure(NamedTuple):
    """A figure with what stands beside it."""

    name: str  # letters and dashes
    title: str
    caption: str
    description: str  # what it shows, for those who do not see it
    figure: Figure


def draw_board(view: BoardView) -> list[BoardFigure]:
    """Every figure that the board has data for."""
    drawers: tuple[Callable[[BoardView], BoardFigure | None], ...] = (
        draw_scores,
        draw_conventions,
        draw_conditions,
        draw_cost,
        draw_curves,
        draw_splits,
        draw_printed,
    )
    return [found for draw in drawers if (found := draw(view)) is not None]


def draw_scores(view: BoardView) -> BoardFigure | None:
    """Each row's mAP with its interval, a dot for each seed, and lines between tiers."""
    rows, head = view.rows, view.board.headline
    places = [number + place for number, place in _place_rows(view)]
    figure = Figure(figsize=(WIDTH, 0.9 + 0.2 * len(rows)))
    axes = figure.subplots()
    for place, row in zip(places, rows, strict=True):
        cell, colour = row.scores[head]["mAP"], colour_of(view, row)
        axes.plot([cell.low, cell.high], [place, place], color=colour, linewidth=2.2, alpha=0.45)
        axes.plot(cell.seeds, [place] * row.seeds, "o", color=colour, markersize=3)
        axes.plot([cell.mean], [place], "|", color=INK, markersize=9, markeredgewidth=1.6)
    for above, below in _list_borders(view):
        axes.axhline((places[above] + places[below]) / 2, color=MUTED, linewidth=0.8, linestyle=(0, (4, 3)))
    name_rows(axes, rows, places)
    axes.set_xlabel("mAP (%)")
    add_papers(view, axes, figure.get_figheight())
    return BoardFigure(
        "scores",
        "Scores and what the test can tell apart",
        "Bar: 95 % interval over people. Dots: seeds. Stroke: their mean. A broken line begins a tier: its first row "
        "is worse, for certain at 95 %, than the row that began the tier above. Behind a name: its seeds, if several. "
        "Rows of three seeds and more stand above those of fewer.",
        f"mAP of {len(rows)} rows, from {rows[0].name} with {rows[0].scores[head]['mAP'].mean:.1f} % down.",
        figure,
    )


def draw_conventions(view: BoardView) -> BoardFigure | None:
    """The mAP of the best rows under every convention, as lines."""
    names = view.board.conventions
    if len(names) < 2:
        return None
    rows = _choose_rows(view)
    figure = Figure(figsize=(WIDTH, 4.2))
    axes = figure.subplots()
    for row, colour, marker in style_rows(rows):
        means = [row.scores[name]["mAP"].mean for name in names]
        axes.plot(range(len(names)), means, color=colour, marker=marker, markersize=4, label=row.label)
    axes.set_xticks(range(len(names)), [sanitize(name).replace("-", "-\u200b") for name in names])
    axes.set_ylabel("mAP (%)")
    axes.margins(x=0.08)
    add_legend(axes)
    spread = [max(v) - min(v) for v in ([row.scores[name]["mAP"].mean for name in names] for row in rows)]
    return BoardFigure(
        "conventions",
        "The same rankings under each convention",
        f"Each line is one method: its distances are the same, and only the rule of scoring changes. Up to "
        f"{max(spread):.1f} points of mAP come from the rule alone.",
        f"mAP of {len(rows)} methods under {', '.join(names)}.",
        figure,
    )


def draw_conditions(view: BoardView) -> BoardFigure | None:
    """The mAP under each condition of the protocol, such as the number of corrupted clips."""
    names, head = [condition.name for condition in view.board.first.conditions], view.board.headline
    if not names:
        return None
    rows = _choose_rows(view)
    figure = Figure(figsize=(WIDTH, 4.2))
    axes = figure.subplots()
    for row, colour, marker in style_rows(rows):
        each = [[r.conditions[at].conventions[head] for r in row.row.records] for at in range(len(names))]
        means = [100 * fmean(s.mAP for s in summaries) for summaries in each]
        low, high = ([100 * fmean(s.interval.mAP[end] for s in found) for found in each] for end in (0, 1))
        axes.fill_between(range(len(names)), low, high, color=colour, alpha=0.12, linewidth=0)
        axes.plot(range(len(names)), means, color=colour, marker=marker, markersize=4, label=row.label)
    slanted = len(names) > 3
    axes.set_xticks(
        range(len(names)), [*map(sanitize, names)], rotation=30 if slanted else 0, ha="right" if slanted else "center"
    )
    axes.set_ylabel("mAP (%)")
    add_legend(axes, 0.34 if slanted else 0.14)
    return BoardFigure(
        "conditions",
        "mAP under each condition",
        "The same weights under every condition of the protocol; the band is the 95 % interval over people.",
        f"mAP of {len(rows)} methods under the conditions {', '.join(names)}.",
        figure,
    )


def draw_cost(view: BoardView) -> BoardFigure | None:
    """mAP against processor minutes, with the rows that no cheaper row beats."""
    rows, head = [row for row in view.rows if row.minutes > 0], view.board.headline
    if len(rows) < 2:
        return None
    figure = Figure(figsize=(WIDTH, 4.2))
    axes = figure.subplots()
    best = list(_list_best(rows, head))
    numbered = [f"{number} {row.label}" for number, row in enumerate(best, 1)]
    for row in rows:
        shape: dict[str, Any] = {
            "markersize": 5,
            "fillstyle": "full" if row.seeds > 1 else "none",
            "color": colour_of(view, row),
        }
        axes.plot([row.minutes], [row.scores[head]["mAP"].mean], "o", **shape)
    axes.plot([r.minutes for r in best], [r.scores[head]["mAP"].mean for r in best], color=MUTED, linewidth=1)
    for number, row in enumerate(best, 1):
        place = (row.minutes, row.scores[head]["mAP"].mean)
        axes.annotate(str(number), place, xytext=(0, 5), textcoords="offset points", ha="center", fontsize=8)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("processor minutes for training and test")
    axes.set_ylabel("mAP (%)")
    axes.margins(x=0.06, y=0.08)
    add_papers(view, axes, figure.get_figheight())
    return BoardFigure(
        "cost",
        "Accuracy against cost",
        f"The line joins the rows that no cheaper row beats: {'; '.join(numbered)}. An open mark is a single seed.",
        f"mAP against processor minutes; {', '.join(row.label for row in best)} are not beaten by a cheaper row.",
        figure,
    )


def draw_curves(view: BoardView) -> BoardFigure | None:
    """The CMC curve of the best rows; a band spans their seeds."""
    head = view.board.headline
    rows = [row for row in _choose_rows(view) if all(r.conventions[head].cmc for r in row.row.records)]
    if not rows:
        return None
    figure = Figure(figsize=(WIDTH, 4.2))
    axes = figure.subplots()
    ranks = range(1, RANKS + 1)
    for row, colour, marker in style_rows(rows):
        curves = [[100 * share for share in r.conventions[head].cmc or ()] for r in row.row.records]
        at_rank = list(zip(*curves, strict=True))
        axes.fill_between(ranks, [*map(min, at_rank)], [*map(max, at_rank)], color=colour, alpha=0.18, linewidth=0)
        style: dict[str, Any] = {"color": colour, "marker": marker, "markersize": 4, "markevery": [0, 4, 9, 19, 49]}
        axes.plot(ranks, [*map(fmean, at_rank)], label=row.label, **style)
    axes.set_xscale("log")
    axes.set_xticks([1, 5, 10, 20, 50], ["1", "5", "10", "20", "50"])
    axes.minorticks_off()
    axes.set_xlabel("rank")
    axes.set_ylabel("queries with a match up to that rank (%)")
    add_legend(axes)
    return BoardFigure(
        "curves",
        "CMC",
        "Cumulative matching characteristic; the band spans the seeds. Marks are at ranks 1, 5, 10, 20 and 50.",
        f"CMC curves of {', '.join(row.name for row in rows)}.",
        figure,
    )


def draw_splits(view: BoardView) -> BoardFigure | None:
    """The mAP of every split, a column of dots for each row."""
    rows, head = _choose_rows(view), view.board.headline
    if not view.board.splits:
        return None
    figure = Figure(figsize=(WIDTH, 0.9 + 0.4 * len(rows)))
    axes = figure.subplots()
    for place, row in enumerate(rows):
        for record in row.row.records:
            values = [100 * mean for mean in record.split_means(head, "mAP")]
            axes.plot(values, [place] * len(values), "o", color=SERIES[0], markersize=4, alpha=0.55)
        axes.plot([row.scores[head]["mAP"].mean], [place], "|", color=INK, markersize=14, markeredgewidth=1.6)
    name_rows(axes, rows, range(len(rows)))
    axes.set_xlabel("mAP (%)")
    return BoardFigure(
        "splits",
        "Splits",
        "A dot is one split of one seed, the stroke their mean: how much a score depends on who is tested.",
        f"mAP of each split of {', '.join(row.name for row in rows)}.",
        figure,
    )


def draw_printed(view: BoardView) -> BoardFigure | None:
    """The mAP that papers print against the one measured here."""
    rows = [row for row in view.rows if row.printed["mAP"]]
    if len(rows) < 2:
        return None
    figure = Figure(figsize=(WIDTH, 4.2))
    axes = figure.subplots()
    for row in rows:
        shape: dict[str, Any] = {"fillstyle": "full" if row.seeds > 1 else "none", "color": colour_of(view, row)}
        for number in row.printed["mAP"]:
            axes.plot([float(number.value)], [row.scores[view.board.headline]["mAP"].mean], "o", markersize=5, **shape)
    low, high = axes.get_xlim()
    axes.plot([low, high], [low, high], color=GRID, linewidth=1, zorder=0)
    axes.set_xlabel("mAP as printed (%), on the paper's data")
    axes.set_ylabel("mAP measured here (%)")
    add_papers(view, axes, figure.get_figheight())
    return BoardFigure(
        "printed",
        "Printed and measured",
        "The printed numbers are of the full recipe on the real data. On a synthetic twin and at preset small the "
        "orders can be compared, the values cannot. On the line both are equal.",
        f"Printed against measured mAP of {len(rows)} rows.",
        figure,
    )


def _choose_rows(view: BoardView) -> list[RowView]:
    """The best row of each paper, then the best others: as many as can be told apart."""
    rows = sorted(view.rows, key=lambda row: -row.scores[view.board.headline]["mAP"].mean)
    leading = list({row.paper: row for row in reversed(rows)}.values())
    others = [row for row in rows if row not in leading]
    chosen = [*sorted(leading, key=rows.index), *others][:LINES]
    return sorted(chosen, key=rows.index)


def _place_rows(view: BoardView) -> Iterable[tuple[int, int]]:
    """Each row's section and place: rows of another section stand one line apart."""
    for number, section in enumerate(view.sections):
        before = sum(len(each.rows) for each in view.sections[:number])
        for place in range(len(section.rows)):
            yield number, before + place


def _list_borders(view: BoardView) -> Iterable[tuple[int, int]]:
    """Neighbouring rows of one section, by place among all rows, between which a tier ends."""
    rows = view.rows
    for section in view.sections:
        for above, below in pairwise(section.rows):
            if above.tier != below.tier:
                yield rows.index(above), rows.index(below)


def _list_best(rows: Sequence[RowView], convention: str) -> Iterable[RowView]:
    """The rows that have a higher score than every cheaper row, cheapest first."""
    highest = float("-inf")
    for row in sorted(rows, key=lambda row: (row.minutes, -row.scores[convention]["mAP"].mean)):
        if row.scores[convention]["mAP"].mean > highest:
            highest = row.scores[convention]["mAP"].mean
            yield row
