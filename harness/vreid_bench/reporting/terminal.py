"""Records as plain text for a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from tabulate import tabulate

from vreid_bench.records.record import Record
from vreid_bench.records.scores import explain_refusals
from vreid_bench.reporting.board import Board, Row, boards
from vreid_bench.reporting.queried_people import CountPeople, bound_people, explain_intervals
from vreid_bench.reporting.text import sanitize
from vreid_bench.scoring.readings import describe_ties


def render(records: Iterable[Record], count_people: CountPeople = bound_people) -> str:
    """The records as plain text for a terminal: every metric under every convention.

    count_people: tells over how many people the intervals are.
    """
    blocks = []
    for board in boards(records, count_people):
        title = sanitize(f"{board.first.protocol.name} on {board.data}")
        lines = [", ".join(filter(None, [title, board.splits]))]
        lines += [f"note: {sanitize(note)}" for note in board.notes]
        lines += explain_intervals(board.first, count_people)
        for row in board.rows:
            seeds = row.distinct(lambda record: record.seed)
            words = [row.first.method.name, row.first.preset, f"seed {seeds}", *(f"[{r}]" for r in row.remarks)]
            lines += ["", sanitize(" ".join(words)), _render_conventions(board, row)]
            ties = row.first.conventions[board.headline].ties
            lines += filter(None, [describe_ties(ties.tied, ties.matches)] if ties else [])
            lines += map(sanitize, explain_refusals(row.first.not_computable))
            lines += ["", _render_conditions(board, row)] if row.first.conditions else []
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)


def _render_conventions(board: Board, row: Row) -> str:
    splits = board.first.splits
    over = ["± splits"] if splits and len(splits.ran) > 1 else []
    headers = ["convention", "mAP", *over, "95 %", "R1", *over, "95 %", "R5", "R10", "R20", "mINP", "queries"]
    table = []
    for name in board.conventions:
        cells = [name]
        for metric in ("mAP", "R1"):
            cells += row.cells(name, metric, bool(over))
        cells += [row.percent(name, metric) for metric in ("R5", "R10", "R20", "mINP")]
        table.append([*cells, row.distinct(partial(_queries, convention=name))])
    return tabulate(table, headers, disable_numparse=True, colalign=["left", *["right"] * (len(headers) - 1)])


def _render_conditions(board: Board, row: Row) -> str:
    """One line for each condition, under the headline convention."""
    table = [
        [sanitize(condition.name), *(row.percent_under(at, board.headline, metric) for metric in ("mAP", "R1"))]
        for at, condition in enumerate(row.first.conditions)
    ]
    headers = [f"{board.headline}, by condition", "mAP (95 %)", "R1 (95 %)"]
    return tabulate(table, headers, disable_numparse=True, colalign=["left", "right", "right"])


def _queries(record: Record, convention: str) -> int:
    return record.conventions[convention].queries
