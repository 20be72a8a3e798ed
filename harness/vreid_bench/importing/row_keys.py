"""Which row of one table is which row of another: by the columns that name a row in both."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vreid_bench.importing.content import Array, Content
from vreid_bench.importing.keys import recognise_key
from vreid_bench.importing.tables import is_number
from vreid_bench.system.errors import InputError

WHOLE = re.compile(r"[+-]?\d{1,18}")
OF_A_BOX = ("instance_id", "detection_index")  # columns that tell boxes apart, as the number of a frame does


def find_keys(content: Content, size: int | None = None) -> Iterator[tuple[str, Any]]:
    """The columns of whole numbers or texts; measures and vectors name no row.

    size: only those of so many rows.
    """
    for name, column in content.arrays.items():
        fits = size is None or count_rows(column) == size
        if fits and _is_key(column):
            yield name, column


def count_rows(column: Any) -> int | None:
    """How many rows a column has; None for what has none, as an array without axes."""
    if not hasattr(column, "__len__") or (isinstance(column, np.ndarray) and not column.ndim):
        return None
    return len(column)


def check_lengths(columns: Mapping[str, Array], origin: str) -> None:
    """Raise InputError for columns that name the rows of one table and differ in length."""
    found = {name: len(column) for name, column in columns.items()}
    if len(set(found.values())) > 1:
        told = ", ".join(f"{name} [{size}]" for name, size in found.items())
        raise InputError(f"{origin}: found {told}, expected columns that name its rows in one length; correct the file")


def _is_key(column: Any) -> bool:
    if isinstance(column, str) or hasattr(column, "whole"):
        return False
    if isinstance(column, list | tuple) and column and not isinstance(column[0], str | int | None):
        return False
    try:
        array = np.asarray(column)
    except (ValueError, TypeError, RuntimeError):  # vectors of several lengths, tensors that need to be moved
        return False
    if array.ndim != 1 or not array.size:
        return False
    if array.dtype.kind == "O":
        return all(each is None or isinstance(each, str | int) for each in array.tolist())
    if array.dtype.kind == "U":  # numbers with a point are measures, such as the score of a box
        texts = set(array.tolist())
        return all(map(WHOLE.fullmatch, texts)) or not all(map(is_number, texts))
    if array.dtype.kind == "f":
        return bool(np.isfinite(array).all() and not (array % 1).any())
    return array.dtype.kind in "iu"


def match_rows(
    own: Mapping[str, Array], keys: Mapping[str, Array], origins: tuple[str, str], strict: bool
) -> NDArray[np.int64]:
    """The row of a table for each row of the features [N].

    own, keys: the columns of both by their names. strict: the table may have no row that the features do not have, and
    keys of single boxes name each box once. Raises InputError for a key that is missing, unknown or double.
    """
    features, table = origins
    size, codes = len(next(iter(own.values()))), _number_keys(own, keys)
    left, right = codes[:size], codes[size:]
    by = f"the tables are joined by the columns that both have: {', '.join(keys)}"

    def show(columns: Mapping[str, Array], row: int) -> str:
        return ", ".join(f"{name} {column[row]}" for name, column in columns.items())

    order = np.argsort(right, kind="stable")
    double = np.flatnonzero(np.diff(right[order]) == 0)
    if double.size:
        first, second = sorted(order[double[0] : double[0] + 2].tolist())
        raise InputError(f"{table}: rows {first} and {second} both have {show(keys, first)}, expected it once; {by}")
    rows = order[np.minimum(np.searchsorted(right[order], left), len(order) - 1)]
    missing = np.flatnonzero(right[rows] != left)
    if missing.size:
        row = int(missing[0])
        raise InputError(
            f"{features}: row {row} has {show(own, row)}, which {table} does not list ({missing.size:,} of {size:,} "
            f"rows); {by}; list every row there, with the role train if it is to be left out"
        )
    times = np.bincount(rows, minlength=len(right))
    if strict and times.max() > 1 and any(_is_of_a_box(name) for name in keys):
        first, second = np.flatnonzero(rows == int(times.argmax()))[:2].tolist()
        raise InputError(f"{features}: rows {first} and {second} both have {show(own, first)}, expected it once; {by}")
    unknown = np.flatnonzero(times == 0)
    if strict and unknown.size:
        row = int(unknown[0])
        raise InputError(
            f"{table}: row {row} has {show(keys, row)}, which {features} does not have ({unknown.size:,} of "
            f"{len(right):,} rows); {by}; leave such rows out"
        )
    return rows


def _number_keys(own: Mapping[str, Array], keys: Mapping[str, Array]) -> NDArray[np.int64]:
    """One number for each key: those of the features, then those of the table. `007` is 7 where all are numbers."""
    codes = np.zeros(0, np.int64)
    for name, key in keys.items():
        both = [own[name], key]
        if any(column.dtype.kind == "U" for column in both):
            texts = {text for column in both if column.dtype.kind == "U" for text in column.tolist()}
            kind = np.int64 if all(map(WHOLE.fullmatch, texts)) else np.str_
            both = [column.astype(kind) for column in both]
        values, inverse = np.unique(np.concatenate(both), return_inverse=True)
        codes = np.unique(codes * len(values) + inverse, return_inverse=True)[1] if len(codes) else inverse
    return codes.astype(np.int64)


def _is_of_a_box(name: str) -> bool:
    meaning = recognise_key(name)
    return name in OF_A_BOX or (meaning is not None and meaning.kind == "frame")
