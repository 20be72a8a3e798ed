"""Pages of boards: one self-contained HTML file for each, and an index. Nothing in them is loaded from outside."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

from markupsafe import Markup

from vreid_bench.contracts.convention import describe_rule
from vreid_bench.records.record import Record
from vreid_bench.reporting.board import Board, boards
from vreid_bench.reporting.page.document import embed, render_template
from vreid_bench.reporting.page.figures import draw_board
from vreid_bench.reporting.page.marks import shorten
from vreid_bench.reporting.page.pairs import BoardPairs, view_pairs
from vreid_bench.reporting.page.svg import drawing
from vreid_bench.reporting.page.view import METRICS, BoardView, view_board
from vreid_bench.reporting.text import sanitize
from vreid_bench.system.progress import bar

INDEX = "index.html"
COUNTS = {
    "test_identities": "people in the test",
    "test_tracklets": "test tracklets",
    "train_identities": "people trained on",
}


@dataclass(frozen=True)
class Page:
    """A page of a board."""

    file: str
    view: BoardView


@dataclass(frozen=True)
class Rule:
    """A convention in words."""

    name: str
    words: str


def render_report(records: Iterable[Record]) -> Iterator[tuple[str, bytes]]:
    """Every page as (file name, content), the same bytes for the same records; the index comes last."""
    pages: list[Page] = []
    found = boards(records)
    with bar(len(found), "pages", "page") as progress:
        for board in found:
            name = board.first.folder.replace("/", "-")
            number = sum(page.view.board.first.folder == board.first.folder for page in pages)
            page = Page(f"{name}{f'-{number + 1}' if number else ''}.html", view_board(board))
            pages.append(page)
            yield page.file, render_board(page.view)
            progress.update()
    yield INDEX, render_template("index.html", pages=pages)


def render_board(view: BoardView) -> bytes:
    """The page of a board."""
    board = view.board
    sources: list[str] = []

    def cite(where: str) -> int:
        if where not in sources:
            sources.append(where)
        return 1 + sources.index(where)

    with drawing():
        figures = [embed(figure) for figure in draw_board(view)]
    scale, pairs = _measure(view), view_pairs(view)
    return render_template(
        "board.html",
        view=view,
        notes=[sanitize(note) for note in board.notes],
        facts=_list_facts(board),
        figures=figures,
        pairs=pairs,
        rules=_list_rules(board),
        scale=scale,
        data=_embed_json(_list_scores(view, scale) | _list_pairs(pairs)),
        cite=cite,
        short=shorten,
        sources=sources,
    )


def _measure(view: BoardView) -> tuple[float, float]:
    """The lowest and the highest end of an interval of mAP, under any convention."""
    cells = [scores["mAP"] for row in view.rows for scores in row.scores.values()]
    return min(cell.low for cell in cells), max(cell.high for cell in cells)


def _list_facts(board: Board) -> list[tuple[str, str]]:
    record = board.first
    counts = record.dataset.counts
    facts = [
        ("protocol", f"{sanitize(record.protocol.name)} {sanitize(record.protocol.version)}"),
        ("ranked by mAP under", sanitize(board.headline)),
        ("queries", f"{record.conventions[board.headline].queries:,}"),
    ]
    facts += [(words, f"{counts[name]:,}") for name, words in COUNTS.items() if name in counts]
    facts += [("mean over", board.splits)] if board.splits else []
    return [*facts, ("rows", str(len(board.rows)))]


def _list_rules(board: Board) -> list[Rule]:
    rules = []
    for name in board.conventions:
        result = board.first.conventions[name]
        words = [
            f"{rule.replace('_', ' ')} {describe_rule(value)}"
            for rule, value in sorted(result.rules.items())
            if rule not in ("name", "version")
        ]
        rules.append(Rule(sanitize(name), sanitize("; ".join([*words, f"{result.queries} queries count"]))))
    for name, why in sorted(board.first.not_computable.items()):
        rules.append(Rule(sanitize(name), sanitize(f"not computable, {why}")))
    return rules


def _list_scores(view: BoardView, scale: tuple[float, float]) -> dict[str, object]:
    """What the script needs to show another convention."""
    every = [*view.rows, *(row for _, sections in view.by_paper for section in sections for row in section.rows)]
    return {
        "scale": scale,
        "rows": {
            row.key: {
                name: {metric: asdict(scores[metric]) for metric in METRICS} for name, scores in row.scores.items()
            }
            for row in every
        },
    }


def _list_pairs(pairs: BoardPairs | None) -> dict[str, object]:
    """What the script needs to show the camera pairs of another row: text and share of each cell."""
    if pairs is None:
        return {}
    return {"pairs": [[[cell.text, round(cell.share, 3)] for row in t.cells for cell in row] for t in pairs.tables]}


def _embed_json(value: object) -> Markup:
    """JSON for a `<script>` element: what could end the element is written as escapes of JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # no character is left that HTML could read as markup
