"""The rows of a paper's table as plugins write them: a row that does not fit its columns is told in a sentence."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from vreid_bench.contracts import recipe
from vreid_bench.contracts.recipe import Reported
from vreid_bench.system.counting import count
from vreid_bench.system.errors import InputError

NONE = "-"  # stands where a table prints nothing


def reported_row(
    where: str, columns: Mapping[str, str], numbers: str, note: str = "", reranked: bool = False
) -> tuple[Reported, ...]:
    """One row of a paper's table: `reported_row("Table 1, Ours", {"mars": "mAP R1 R5"}, "61.4 72.6 -")`.

    columns: data set -> the metrics of its columns, from left to right. numbers: as printed, in percent, `-` for none.
    Raises InputError for a row of more or fewer numbers than columns, and for what is not a number.
    """
    _check_row(where, columns, numbers)
    return recipe.reported_row(where, columns, numbers, note, reranked)


def reported_table(
    table: str, columns: Mapping[str, str], rows: Mapping[str, str], note: str = "", reranked: Sequence[str] = ()
) -> tuple[Reported, ...]:
    """Several rows of a paper's table: `rows` maps the label of a row to its numbers, as in `reported_row`.

    reranked: the labels of the rows that were scored after re-ranking.
    """
    for label, numbers in rows.items():
        _check_row(f"{table}, {label}", columns, numbers)
    return recipe.reported_table(table, columns, rows, note, reranked)


def _check_row(where: str, columns: Mapping[str, str], numbers: str) -> None:
    places = [f"{dataset} {metric}" for dataset, metrics in columns.items() for metric in metrics.split()]
    found = numbers.split()
    if len(found) != len(places):
        raise InputError(
            f"{where}: has {count(len(found), 'number')}, expected {len(places)}, one for each of {', '.join(places)}; "
            f"write {NONE} where the table prints none"
        )
    for place, text in zip(places, found, strict=True):
        if text != NONE and not _is_number(text):
            raise InputError(f"{where}: {place} is {text!r}, expected a percentage such as 80.1, or {NONE} for none")


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
