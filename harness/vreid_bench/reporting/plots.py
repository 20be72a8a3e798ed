"""Figures of a few runs, for papers: those of a board's page, and two runs person by person."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from vreid_bench.records.record import Record
from vreid_bench.records.repeats import NamedRecord, leave_out_repeats
from vreid_bench.reporting.board import boards, seed_key
from vreid_bench.reporting.page import figures
from vreid_bench.reporting.page.figures import WIDTH, BoardFigure
from vreid_bench.reporting.page.svg import MUTED, SERIES, drawing, save_figure
from vreid_bench.reporting.page.view import BoardView, view_board
from vreid_bench.reporting.record_check import read_record
from vreid_bench.reporting.row_scores import group_people
from vreid_bench.system.counting import count
from vreid_bench.system.errors import InputError

Drawer = Callable[[BoardView], BoardFigure | None]
# kind -> what draws it, and why it may have nothing to draw
KINDS: Mapping[str, tuple[Drawer, str]] = {
    "scores": (figures.draw_scores, ""),
    "conventions": (figures.draw_conventions, "they were scored under one convention"),
    "conditions": (figures.draw_conditions, "their protocol tests under one condition"),
    "cost": (figures.draw_cost, "expected two rows or more"),
    "cmc": (figures.draw_curves, "their records hold no CMC curve; run them again with this version"),
    "splits": (figures.draw_splits, "their protocol has one split"),
    "printed": (figures.draw_printed, "fewer than two rows have a printed number"),
}


def read_runs(runs: Sequence[Path]) -> tuple[list[Record], list[str]]:
    """The records of runs, each seed of a row once, and a note on each run that is left out.

    Raises InputError for a record that is not valid, and for two runs of one seed whose weights or scores differ.
    """
    kept, notes = leave_out_repeats((NamedRecord(run, read_record(run)) for run in runs), seed_key)
    return [run.record for run in kept], notes


def draw(kind: str, records: Sequence[Record], form: str) -> bytes:
    """A figure of runs as `pdf`, `svg` or `png`; the kinds are KINDS and `people`.

    Raises InputError for runs that may not be compared, and for a kind that they have nothing for.
    """
    found = boards(records)
    if len(found) > 1:
        first, other = (board.first for board in found[:2])
        raise InputError(
            f"plot {kind}: {first.folder} and {other.folder} may not be compared, expected runs of one protocol on the "
            "same data, under the same conventions; plot them apart"
        )
    view = view_board(found[0])
    with drawing():
        if kind == "people":
            return save_figure(draw_people(view), form)
        drawer, reason = KINDS[kind]
        drawn = drawer(view)
        if drawn is None:
            raise InputError(f"plot {kind}: these runs have nothing to show, {reason}")
        return save_figure(drawn.figure, form)


def draw_people(view: BoardView) -> Figure:
    """The difference of two rows in mAP, person by person, the largest gain first. Raises InputError for other rows."""
    groups = [group_people(row.row, "", "mAP") for row in view.rows]
    known = [group for group in groups if group is not None]
    if len(known) != 2 or not np.array_equal(known[0].queries, known[1].queries):
        raise InputError(
            f"plot people: found {count(len(view.rows), 'method')}, expected two whose records hold the scores of "
            "the same people; name the runs of two methods"
        )
    queries = known[0].queries.sum(0)  # over splits
    better, worse = ((group.sums.mean(0).sum(0) / queries)[queries > 0] for group in known)
    differences = 100 * np.sort(better - worse)[::-1]
    figure = Figure(figsize=(WIDTH, 3.2))
    axes = figure.subplots()
    colours = [SERIES[0] if value > 0 else SERIES[1] for value in differences]
    axes.bar(range(len(differences)), differences, color=colours, width=1.0)
    axes.axhline(0, color=MUTED, linewidth=0.8)
    names = [row.label for row in view.rows]
    axes.set_xlabel(f"{len(differences)} people, each a bar; {(differences > 0).sum()} are better with {names[0]}")
    axes.set_ylabel(f"mAP of {names[0]}\nless that of {names[1]} (points)")
    axes.margins(x=0.01)
    return figure
