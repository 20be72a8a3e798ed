"""What a README shows of a board beside it: its best rows and two figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from vreid_bench.records.record import Record
from vreid_bench.reporting.board import boards
from vreid_bench.reporting.front_figures import FigureFile, draw_front
from vreid_bench.reporting.front_place import FIGURES, Place
from vreid_bench.reporting.leaderboard_tables import markdown
from vreid_bench.reporting.page.view import BoardView, view_board
from vreid_bench.reporting.text import escape
from vreid_bench.system.errors import InputError

MOST = 10  # rows


class Front(NamedTuple):
    """The README as it should be, and the figures in it."""

    content: bytes
    figures: list[FigureFile]


def build_front(place: Place, leaderboard: Path, records: Sequence[Record]) -> Front:
    """The README with the board that it names. Raises InputError for a board without records."""
    found = [board for board in boards(records) if board.first.folder == place.board]
    if not found:
        raise InputError(
            f"{place.path}: shows the board {place.board}, of which {leaderboard} has no record; name another"
        )
    view = view_board(found[0])
    figures = draw_front(view)
    return Front(place.fill(_render_block(view, figures, leaderboard.resolve().name)), figures)


def _render_block(view: BoardView, figures: Sequence[FigureFile], leaderboard: str) -> str:
    """Markdown: a sentence, the table, the figures. `leaderboard` is the path of its folder from the README."""
    section, head = view.sections[0], view.board.headline
    rows = section.rows[:MOST]
    page = f"{leaderboard}/{view.board.first.folder.replace('/', '-')}.md"
    every = f"[all {len(view.rows)} rows]({page})"
    table = [
        [
            str(row.rank),
            escape(row.label),
            str(row.seeds),
            _with_interval(row.scores[head]["mAP"].text, row.scores[head]["mAP"].low, row.scores[head]["mAP"].high),
            row.scores[head]["R1"].text,
            " / ".join(number.value for number in row.printed["mAP"]),
        ]
        for row in rows
    ]
    headers = ["#", "method", "seeds", "mAP (95 %)", "R1", "printed mAP"]
    lines = [
        f"The best of the {len(section.rows)} rows with {escape(section.title)} on {escape(view.title)}, ranked by mAP "
        f"under {escape(head)}; {every}:\n",
        markdown(headers, table, "rlrrrr") + "\n",
        "*Printed* is what the paper of a method prints, for the full recipe on its own data. Against a twin or at "
        "preset `small`, compare orders, not values.\n",
    ]
    pairs = zip(figures[::2], figures[1::2], strict=True)
    lines += [_render_picture(light, dark, leaderboard) for light, dark in pairs]
    return "\n".join(lines)


def _with_interval(text: str, low: float, high: float) -> str:
    return f"{text} ({low:.1f}–{high:.1f})"


def _render_picture(light: FigureFile, dark: FigureFile, leaderboard: str) -> str:
    place = f"{leaderboard}/{FIGURES}"
    return (
        f"<picture>\n"
        f'  <source media="(prefers-color-scheme: dark)" srcset="{place}/{dark.name}">\n'
        f'  <img alt="{escape(light.shown.description)}" src="{place}/{light.name}">\n'
        f"</picture>\n\n"
        f"*{light.shown.title}.* {light.shown.caption}\n"  # our own words and numbers
    )
