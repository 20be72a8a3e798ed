"""The pages of a leaderboard: an index, and one page for each protocol and data source."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import groupby

from vreid_bench.records.entries import Ruled
from vreid_bench.records.record import Record
from vreid_bench.records.scores import explain_refusals
from vreid_bench.reporting.board import LEGENDS, SOURCES, Board, boards
from vreid_bench.reporting.leaderboard_tables import (
    budget_table,
    conditions_table,
    index_table,
    quotations_table,
    results_table,
)
from vreid_bench.reporting.text import escape

INDEX = "README.md"
MARK = "<!-- Generated from records/ by `vreid-bench leaderboard`; do not edit. -->\n"
LEGEND = """\
Scores are percentages: mean ± sample standard deviation over seeds. `95 %` is the bootstrap interval over query
identities, its ends averaged over seeds. Columns without a convention's name are under the headline convention, whose
mAP ranks the table. *Reported* numbers stand as their papers print them, for the full recipe on the real data.
"""
OVER_SPLITS = """\
Every score is the mean over the splits named above a table. `± splits` is the sample standard deviation over them, each
averaged over the seeds: it says how much the splits differ, while ± behind a mean says how much the seeds do.
"""
CONDITIONS = """\
The same weights under each condition of the protocol, by the headline convention: mean ± sample standard deviation over
seeds (95 % interval). The table above has the means over the conditions that the protocol ranks by. *As reported*: what
the paper of the row above prints for each condition.
"""
QUOTED = """\
Numbers of other systems that the papers of these methods quote, as printed: for reference only, nothing here was
measured.
"""


def render_pages(records: Iterable[Record], claims: str = "") -> dict[str, bytes]:
    """Every page of tables as file name -> content; `claims`: the page of claims that the index names, if any."""
    pages = {}
    index = [MARK, "# Leaderboard\n"]
    if claims:
        index.append(f"[Claims of the papers]({claims}): which orderings that the papers state hold here.\n")
    groups = [list(group) for _, group in groupby(boards(records), key=lambda board: board.first.folder)]
    for same in sorted(groups, key=_index_place):
        name = same[0].first.folder.replace("/", "-") + ".md"
        pages[name] = _render_page(same)
        index.append(f"## [{_title(same[0])}]({name})\n")
        for board in same:
            index += [*_render_heading(board), index_table(board) + "\n"]
    if not groups:
        index.append("No records yet.\n")
    pages[INDEX] = _join(index)
    return pages


def _index_place(same: Sequence[Board]) -> tuple[int, int]:
    """The sort key of a page in the index: real data first, then most rows; equal pages are sorted by name."""
    return SOURCES.index(same[0].first.dataset.source), -sum(len(board.rows) for board in same)


def _render_page(same: Sequence[Board]) -> bytes:
    notes: list[str] = []

    def note(text: str) -> str:
        if text not in notes:
            notes.append(text)
        return f"[^{notes.index(text) + 1}]"

    lines = [MARK, f"# {_title(same[0])}\n", LEGEND, *([OVER_SPLITS] if any(board.splits for board in same) else [])]
    for board in same:
        lines += [*_render_heading(board), _render_rules(board), *(f"{LEGENDS[name]}\n" for name in board.extra)]
        lines.append(results_table(board, note) + "\n")
        if board.first.conditions:
            lines.append(CONDITIONS)
            lines += [conditions_table(board, metric, note) + "\n" for metric in ("mAP", "R1")]
        lines.append(budget_table(board) + "\n")
        quotations = quotations_table(board)
        lines += [QUOTED, quotations + "\n"] if quotations else []
    # our own words come first, so that untrusted text cannot begin a list
    lines += [f"[^{number}]: Reported in {escape(text)}." for number, text in enumerate(notes, 1)]
    return _join(lines)


def _join(lines: Sequence[str]) -> bytes:
    return ("\n".join(lines).rstrip("\n") + "\n").encode()


def _render_heading(board: Board) -> list[str]:
    """The notes on the data, then what the rows of a board have in common."""
    protocol, dataset = board.first.protocol, board.first.dataset
    copies = f"folder {escape(board.copies)}, " if board.copies else ""
    heading = (
        f"Protocol {escape(protocol.name)} {_cite(protocol)}, dataset {escape(dataset.name)} "
        f"`{dataset.fingerprint[:8]}`, {copies}{board.splits and f'mean over {board.splits}, '}ranked by mAP under "
        f"{escape(board.headline)}.\n"
    )
    return [*(f"> **Note:** {escape(note)}\n" for note in board.notes), heading]


def _render_rules(board: Board) -> str:
    """One line for each convention: its rules and how many queries count."""
    lines = []
    for name in board.conventions:
        result = board.first.conventions[name]
        rules = [f"{k.replace('_', ' ')} {json.dumps(v)}" for k, v in sorted(result.rules.items())]
        words = escape("; ".join(rule for rule in rules if rule.split()[0] not in ("name", "version")))
        lines.append(f"* {escape(name)} {_cite(result)}: {words}; {result.queries} queries count\n")
    lines += [f"* {escape(line)}\n" for line in explain_refusals(board.first.not_computable)]
    return "".join(lines)


def _cite(rule: Ruled) -> str:
    """Version and fingerprint."""
    return f"{escape(rule.version)} `{rule.fingerprint[:8]}`"


def _title(board: Board) -> str:
    return escape(f"{board.first.protocol.name} on {board.first.dataset.source} data")
