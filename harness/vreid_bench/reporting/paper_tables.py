"""A board as a table for a paper: LaTeX, CSV, JSON or Markdown."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from vreid_bench.reporting.board import Board
from vreid_bench.reporting.leaderboard_tables import markdown
from vreid_bench.reporting.page.view import view_board
from vreid_bench.reporting.text import defuse, escape, escape_latex, sanitize
from vreid_bench.system.errors import InputError

LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class TableShape:
    """How a table looks."""

    form: str = "markdown"  # latex, csv, json or markdown
    convention: str | None = None  # None: the headline
    metrics: tuple[str, ...] = ("mAP", "R1")
    intervals: bool = False  # with the 95 % interval behind mAP and R1


@dataclass(frozen=True)
class Score:
    """A score of a row; fractions."""

    mean: float
    text: str  # in percent, with the deviation over seeds where there are several
    interval: tuple[float, float] | None  # 95 %, over people; only of mAP and R1


@dataclass(frozen=True)
class Line:
    """A row of the table."""

    method: str
    preset: str
    seeds: int
    changes: tuple[str, ...]  # from the published method
    tier: str  # a letter; empty where the records do not tell
    scores: dict[str, Score]


def list_lines(board: Board, convention: str, metrics: Sequence[str]) -> list[Line]:
    """The rows of a board, those of three seeds and more first, best first.

    Rows of one letter cannot be told from the best of them, over people and seeds. Raises InputError for a convention
    that the board lacks.
    """
    if convention not in board.conventions:
        raise InputError(
            f"--convention {convention}: expected one of {', '.join(board.conventions)}, under which these rows were "
            "scored"
        )
    lines, first = [], 0
    for section in view_board(board).sections:
        for row in section.rows:
            scores = {
                metric: Score(
                    row.row.mean(convention, metric),
                    row.row.percent(convention, metric),
                    row.row.ends(convention, metric) if metric in ("mAP", "R1") else None,
                )
                for metric in metrics
            }
            # tiers are those of the mAP under the headline, as ranks are
            known = row.tier is not None and convention == board.headline
            tier = name_tier(first + (row.tier or 0)) if known else ""
            changes = tuple(map(sanitize, row.row.first.variant))
            lines.append(Line(row.name, row.preset, row.seeds, changes, tier, scores))
        first += section.tiers or 0
    return lines


def name_tier(number: int) -> str:
    """a, b, ... z, aa, ab, ...: counted from 0."""
    before, last = divmod(number, len(LETTERS))
    return (name_tier(before - 1) if before else "") + LETTERS[last]


def render_table(board: Board, shape: TableShape) -> str:
    """The table of a board."""
    convention, metrics = shape.convention or board.headline, shape.metrics
    lines = list_lines(board, convention, metrics)
    if shape.form == "json":
        about = {"protocol": board.first.protocol.name, "data": board.first.dataset.source, "convention": convention}
        return json.dumps({**about, "rows": [asdict(line) for line in lines]}, indent=1) + "\n"
    if shape.form == "csv":
        return _render_csv(lines, metrics)
    head = ["method", "seeds", *metrics]
    cells = [[_format(line.scores[metric], shape.intervals) for metric in metrics] for line in lines]
    names = ["; ".join([line.method, *line.changes]) for line in lines]
    if shape.form == "latex":
        about_it = f"{board.first.protocol.name} on {board.data}, {convention}"
        rows = [
            [escape_latex(name), str(line.seeds), *_mark_tier(line, [*map(escape_latex, values)])]
            for name, line, values in zip(names, lines, cells, strict=True)
        ]
        return _render_latex(escape_latex(about_it), head, rows)
    table = [[escape(name), str(line.seeds), *values] for name, line, values in zip(names, lines, cells, strict=True)]
    if not any(line.tier for line in lines):  # under another convention than the headline, or with too few people
        return markdown(head, table, "l" + "r" * (1 + len(metrics))) + "\n"
    table = [[*row, line.tier] for row, line in zip(table, lines, strict=True)]
    return markdown([*head, "tier"], table, "l" + "r" * (1 + len(metrics)) + "l") + "\n"


def _format(score: Score, intervals: bool) -> str:
    if not intervals or score.interval is None:
        return score.text
    low, high = (100 * end for end in score.interval)
    return f"{score.text} ({low:.1f}–{high:.1f})"


def _render_csv(lines: Sequence[Line], metrics: Sequence[str]) -> str:
    """Full numbers: fractions, with the ends of the intervals in columns of their own."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    limits = [metric for metric in metrics if metric in ("mAP", "R1")]
    ends = [f"{metric}_{end}" for metric in limits for end in ("low", "high")]
    writer.writerow(["method", "preset", "seeds", "changes", "tier", *metrics, *ends])
    for line in lines:
        text = [defuse(each) for each in (line.method, line.preset, str(line.seeds), "; ".join(line.changes))]
        numbers = [line.scores[metric].mean for metric in metrics]
        bounds = [end for metric in limits for end in line.scores[metric].interval or ()]
        writer.writerow([*text, line.tier, *numbers, *bounds])
    return file.getvalue()


def _mark_tier(line: Line, values: Sequence[str]) -> list[str]:
    """The scores of a row in LaTeX, with the letter of its tier behind the first."""
    first, *others = values
    return [first + (f"\\textsuperscript{{{line.tier}}}" if line.tier else ""), *others]


def _render_latex(about: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of the package booktabs, from cells that are LaTeX already."""
    lines = [
        "% \\usepackage{booktabs}",
        f"% {about}",
        f"\\begin{{tabular}}{{l{'r' * (len(head) - 1)}}}",
        "\\toprule",
        *(" & ".join(row) + r" \\" for row in [head]),
        "\\midrule",
        *(" & ".join(row) + r" \\" for row in rows),
        "\\bottomrule",
        "\\end{tabular}",
    ]
    return "\n".join(lines) + "\n"
