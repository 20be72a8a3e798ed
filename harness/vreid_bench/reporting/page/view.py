"""What a page shows of a board: its rows as text and numbers, in sections of rows that may be ranked together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from vreid_bench.reporting.board import Board, Row
from vreid_bench.reporting.leaderboard_tables import cite_reported, cpu_seconds, frames_per_second, list_reported
from vreid_bench.reporting.row_scores import group_people
from vreid_bench.reporting.text import sanitize
from vreid_bench.scoring.rank_intervals import Ranking, RankInterval, rank_groups

SEVERAL = 3  # seeds of a row whose spread over trainings is known
METRICS = ("mAP", "R1")
LONGEST = 44  # characters of a label


@dataclass(frozen=True)
class Cell:
    """A score in percent."""

    mean: float
    text: str  # `71.2 ± 0.4`
    low: float  # the 95 % interval over people, its ends averaged over seeds
    high: float
    seeds: tuple[float, ...]  # of each


@dataclass(frozen=True)
class Printed:
    """A number as its paper prints it."""

    value: str
    where: str


@dataclass(frozen=True)
class RowView:
    """A row of a board. Text is on one line and without control characters; it is not escaped."""

    key: str  # different from that of every other row of the page; letters, digits, dashes
    name: str
    paper: str
    preset: str
    remarks: tuple[str, ...]
    modified: bool
    scores: dict[str, dict[str, Cell]]  # convention -> metric
    printed: dict[str, tuple[Printed, ...]]  # metric
    rank: int
    interval: RankInterval | None  # None: the records do not hold what it needs
    tier: int | None
    minutes: float  # of a processor, for training and test
    speed: str  # frames a second in the test
    parameters: int
    embedding: int
    row: Row

    @property
    def label(self) -> str:
        """Its name, and what is changed, on a line that is short enough for a figure."""
        text = ", ".join([self.name, *map(sanitize, self.row.first.method.changes)])
        return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"

    @property
    def seeds(self) -> int:
        """How many trainings it is the mean of."""
        return len(self.row.records)


@dataclass(frozen=True)
class Section:
    """Rows that are ranked together, best first."""

    title: str
    note: str
    rows: tuple[RowView, ...]
    tiers: int | None  # how many the test can tell apart; None: not known


@dataclass(frozen=True)
class BoardView:
    """A board with all that its page shows."""

    board: Board
    title: str
    sections: tuple[Section, ...]
    by_paper: tuple[tuple[str, tuple[Section, ...]], ...]  # each paper's rows alone; empty where all are of one

    @property
    def rows(self) -> list[RowView]:
        """The rows of all sections."""
        return [row for section in self.sections for row in section.rows]

    @property
    def papers(self) -> list[str]:
        """The papers of its methods, by name."""
        return sorted({row.paper for row in self.rows if row.paper})


def view_board(board: Board) -> BoardView:
    """All rows of a board, then those of each paper."""
    title = sanitize(f"{board.first.protocol.name} on {board.data}")
    papers = sorted({row.first.method.paper for row in board.rows})
    apart = papers if len(papers) > 1 else []
    by_paper = [
        (sanitize(paper), [row for row in board.rows if row.first.method.paper == paper]) for paper in apart if paper
    ]
    return BoardView(
        board,
        title,
        _view_sections(board, "all", board.rows),
        tuple((paper, _view_sections(board, f"paper-{number}", rows)) for number, (paper, rows) in enumerate(by_paper)),
    )


def _view_sections(board: Board, key: str, rows: Sequence[Row]) -> tuple[Section, ...]:
    """Rows of three seeds and more are ranked together, and so are those of fewer; the best row is first."""
    kinds = (
        (
            f"{SEVERAL} seeds or more",
            "The interval of a rank is over other people and other seeds.",
            [row for row in rows if len(row.records) >= SEVERAL],
        ),
        (
            "1 or 2 seeds",
            "How much they change with other seeds is not known: the interval of a rank is over other people, and over "
            "the two seeds where there are two.",
            [row for row in rows if len(row.records) < SEVERAL],
        ),
    )
    sections = []
    for number, (title, note, alike) in enumerate(kinds):
        if alike:
            ranking = _rank(alike)
            views = [_view_row(board, row, place, f"{key}-{number}", ranking) for place, row in enumerate(alike)]
            sections.append(Section(title, note, tuple(views), 1 + max(ranking.tiers) if ranking else None))
    return tuple(sections)


def _rank(rows: Sequence[Row]) -> Ranking | None:
    groups = [group_people(row, "", "mAP") for row in rows]
    known = [group for group in groups if group is not None]
    return rank_groups(known) if len(known) == len(groups) else None


def _view_row(board: Board, row: Row, place: int, key: str, ranking: Ranking | None) -> RowView:
    record = row.first
    return RowView(
        key=f"{key}-{place}",
        name=sanitize(record.method.name),
        paper=sanitize(record.method.paper),
        preset=record.preset,
        remarks=tuple(map(sanitize, row.remarks)),
        modified=record.method.modified,
        scores={name: {metric: _view_score(row, name, metric) for metric in METRICS} for name in board.conventions},
        printed={metric: tuple(_view_printed(row, metric)) for metric in METRICS},
        rank=place + 1,
        interval=ranking.intervals[place] if ranking else None,
        tier=ranking.tiers[place] if ranking else None,
        minutes=fmean(cpu_seconds(each) for each in row.records) / 60,
        speed=frames_per_second([each.costs.embed for each in row.records]),
        parameters=record.budget.parameters,
        embedding=record.budget.embedding,
        row=row,
    )


def _view_score(row: Row, convention: str, metric: str) -> Cell:
    low, high = row.ends(convention, metric)
    seeds = tuple(100 * getattr(record.conventions[convention], metric) for record in row.records)
    mean = 100 * row.mean(convention, metric)
    return Cell(mean, row.percent(convention, metric), 100 * low, 100 * high, seeds)


def _view_printed(row: Row, metric: str) -> Iterator[Printed]:
    for number in list_reported(row.first, metric):
        if not number.condition:
            yield Printed(f"{100 * number.value:.1f}", sanitize(cite_reported(row.first, number)))
