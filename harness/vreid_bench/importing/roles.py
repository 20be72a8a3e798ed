"""Which rows of a list of all test tracklets are queries, and which are gallery."""

from __future__ import annotations

from typing import Any

import numpy as np

from vreid_bench.importing.columns import Columns
from vreid_bench.importing.content import Array, Column, find_shape, to_array
from vreid_bench.importing.keys import Meaning, Side, find_attribute
from vreid_bench.importing.numbering import as_column, as_rows
from vreid_bench.system.errors import InputError

QUERY = {"query", "queries", "probe", "q", "both"}  # words in a column of roles
GALLERY = {"gallery", "database", "test", "g", "both"}
OF_ROWS = (
    "embedding",
    "pid",
    "camid",
    "person",
    "camera",
    "tracklet",
    "type",
    "valid",
    "importance",
)
ADVICE = (
    "add a column role with query, gallery or both, or name the files of both sides (`score --query FILE --gallery "
    "FILE`), or say the side in the keys, as in query_f and gallery_f, or add the index of features of frames: "
    "tracks_test_info.mat and query_IDX.mat, as MARS has them"
)


def split_by_roles(columns: Columns, origin: str) -> None:
    """Give the rows of no side to the queries and to the gallery, by a column of roles or by lists of rows.

    What a side has already stays. Raises InputError if nothing says which rows are queries.
    """
    common = {kind: column for kind, column in columns.of("").items() if kind in OF_ROWS or find_attribute(kind)}
    roles = columns.take("role")
    lists = [columns.found.pop(Meaning("query", "rows"), None), columns.found.pop(Meaning("gallery", "rows"), None)]
    counted = columns.take("query_rows")
    if not common:
        return
    size = _count_rows(common)
    if roles is not None:
        rows = _read_roles(roles, size)
    elif lists[0] is not None and lists[1] is not None:
        rows = as_rows(lists[0].value, lists[0].source), as_rows(lists[1].value, lists[1].source)
    elif counted is not None:
        rows = as_rows(counted.value, counted.source) - 1, np.arange(size)
    elif "embedding" not in common and "pid" not in common:
        return
    else:
        raise InputError(f"{origin}: nothing says which of its {size} rows are queries; {ADVICE}")
    named = "tracklet" in common
    sides: tuple[tuple[Side, Array], ...] = (("query", rows[0]), ("gallery", rows[1]))
    for side, chosen in sides:
        _check_rows(chosen, size, f"{origin}: {side}")
        for kind, column in common.items():
            if Meaning(side, kind) not in columns.found:
                columns.found[Meaning(side, kind)] = Column(_select(column, chosen, size), column.source)
        if not named and Meaning(side, "tracklet") not in columns.found and roles is None:
            # the same row in both lists is the same tracklet
            columns.found[Meaning(side, "tracklet")] = Column(chosen.astype(np.str_), f"{origin}: row")
    for kind in common:
        columns.found.pop(Meaning("", kind), None)


def _read_roles(column: Column, size: int) -> tuple[Array, Array]:
    words = np.char.lower(as_column(column.value, column.source).astype(np.str_))
    if len(words) != size:
        raise InputError(f"{column.source}: has {len(words)} rows, expected {size}")
    strange = sorted(set(words.tolist()) - QUERY - GALLERY - {"train"})
    if strange:
        raise InputError(f"{column.source}: holds {strange[0]!r}, expected query, gallery or both")
    rows = [np.flatnonzero(np.isin(words, sorted(accepted))) for accepted in (QUERY, GALLERY)]
    for name, found in zip(("query", "gallery"), rows, strict=True):
        if not found.size:
            raise InputError(f"{column.source}: no row is {name}")
    return rows[0], rows[1]


def _check_rows(rows: Array, size: int, what: str) -> None:
    outside = rows[(rows < 0) | (rows >= size)]
    if outside.size:
        raise InputError(f"{what} list: rows must be 0 to {size - 1}, got {outside[0]}")


def _select(column: Column, rows: Array, size: int) -> Any:
    array = to_array(column)
    if array.ndim == 0:
        array = array.reshape(1)
    if array.ndim == 2 and 1 in array.shape and array.shape[1] == size:
        array = array.reshape(-1)
    if array.ndim == 2 and array.shape[0] != size and array.shape[1] == size:
        array = array.T
    if len(array) != size:
        raise InputError(f"{column.source}: has {len(array)} rows, expected {size}, as many as there are labels")
    return array[rows]


def _count_rows(common: dict[str, Column]) -> int:
    """By the labels, whose rows are known, else by whatever there is."""
    for kind in ("pid", "camid", "tracklet"):
        if kind in common:
            return len(as_column(common[kind].value, common[kind].source))
    shape = find_shape(next(iter(common.values())).value)
    return int(shape[0]) if shape else 1
