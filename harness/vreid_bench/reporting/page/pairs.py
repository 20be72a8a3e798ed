"""The camera pairs of a board's rows: a table, in which the script shows the row that is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from vreid_bench.records.scores import CameraPairs
from vreid_bench.reporting.page.view import BoardView, RowView


@dataclass(frozen=True)
class PairCell:
    """How well the people seen in one camera are found in another."""

    text: str  # mAP in percent; empty where no query has a match there
    share: float  # of the colour: 0 for the lowest mAP of the board, 1 for the highest
    queries: int


@dataclass(frozen=True)
class PairTable:
    """The camera pairs of a row."""

    label: str
    cells: tuple[tuple[PairCell, ...], ...]  # by camera of the query, then of the match


@dataclass(frozen=True)
class BoardPairs:
    """The camera pairs of all rows that have them."""

    cameras: tuple[int, ...]
    low: float  # in percent
    high: float
    tables: tuple[PairTable, ...]


def view_pairs(view: BoardView) -> BoardPairs | None:
    """The tables of the rows whose records all have one, over the cameras of the first; None where no row has one."""
    means = [(row.label, found) for row in view.rows if (found := _average(row)) is not None]
    if not means:
        return None
    cameras = means[0][1].cameras
    alike = [(label, pairs) for label, pairs in means if pairs.cameras == cameras]
    scores = [score for _, pairs in alike for row in pairs.mAP for score in row if score is not None]
    low, high = (min(scores), max(scores)) if scores else (0.0, 0.0)
    tables = tuple(PairTable(label, _view_cells(pairs, low, high)) for label, pairs in alike)
    return BoardPairs(cameras, 100 * low, 100 * high, tables)


def _average(row: RowView) -> CameraPairs | None:
    """The mean over the seeds of a row; None if some record has none, or they do not have the same queries."""
    each = [record.camera_pairs for record in row.row.records]
    known = [pairs for pairs in each if pairs is not None]
    first = known[0] if known else None
    if first is None or len(known) < len(each):
        return None
    if any((pairs.cameras, pairs.queries) != (first.cameras, first.queries) for pairs in known):
        return None
    rows = zip(*(pairs.mAP for pairs in known), strict=True)
    return first.model_copy(update={"mAP": tuple(tuple(map(_mean, zip(*row, strict=True))) for row in rows)})


def _mean(scores: Sequence[float | None]) -> float | None:
    known = [score for score in scores if score is not None]
    return fmean(known) if known else None


def _view_cells(pairs: CameraPairs, low: float, high: float) -> tuple[tuple[PairCell, ...], ...]:
    span = (high - low) or 1.0
    return tuple(
        tuple(
            PairCell("", 0.0, 0) if score is None else PairCell(f"{100 * score:.1f}", (score - low) / span, number)
            for score, number in zip(scores, numbers, strict=True)
        )
        for scores, numbers in zip(pairs.mAP, pairs.queries, strict=True)
    )
