"""Labels as whole numbers: exact ones are taken as they are, texts are numbered over query and gallery together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vreid_bench.contracts.people import DISTRACTOR, JUNK
from vreid_bench.importing.content import Array, refuse_masked
from vreid_bench.system.errors import InputError

Ints = NDArray[np.int64]

# bits of the whole numbers that a type has without a gap
EXACT = {"float16": 11, "bfloat16": 8, "float32": 24, "float64": 53}
SPECIAL = {"-1": JUNK, "00-1": JUNK, "0": DISTRACTOR, "0000": DISTRACTOR}  # as MARS names the folders
BELOW = "expected numbers below 2^63; number the labels anew"
NUMBER = re.compile(r"[+-]?\d{1,18}|00-1")


def as_column(value: Any, what: str) -> Array:
    """Labels in any form as an array [N] of whole numbers or of texts: [N, 1], [1, N], lists, tensors, cells.

    Raises InputError for labels that are neither, and for numbers beyond what their type holds exactly: ids that were
    different may have become the same.
    """
    refuse_masked(value, what)
    kind = str(getattr(value, "dtype", "")).removeprefix("torch.")
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        value = (value.float() if kind == "bfloat16" else value).numpy()
    if hasattr(value, "whole"):
        value = value.whole()
    array = _as_array(value, what)
    if array.ndim == 2 and 1 in array.shape:
        array = array.reshape(-1)
    if array.ndim == 0:
        array = array.reshape(1)
    if array.ndim != 1:
        raise InputError(f"{what} must be [N], [N, 1] or [1, N], got {list(array.shape)}")
    if array.dtype.kind in "SU":
        texts = np.char.decode(array, "utf-8", "replace") if array.dtype.kind == "S" else array
        return np.char.strip(texts)
    return check_whole(array, what, kind or str(array.dtype))


def as_texts(value: Any, what: str) -> NDArray[np.str_]:
    """Values of an attribute as texts [N]: 12.0 is `12`, a missing number is empty. Raises as `as_column` does."""
    refuse_masked(value, what)
    value = _fill_missing(value)
    try:
        numbers = np.asarray(value, np.float64).reshape(-1) if not _is_text(value) else None
    except (TypeError, ValueError, RuntimeError):  # texts, cells, tensors that need to be moved
        numbers = None
    if numbers is None or np.ndim(value) > 1:
        return as_column(value, what).astype(np.str_)
    return np.array(["" if np.isnan(number) else f"{number:.15g}" for number in numbers.tolist()], np.str_)


def _is_text(value: Any) -> bool:
    """Numbers in texts stay as they are written: `007` is no `7`."""
    return np.asarray(value).dtype.kind in "SUO"


def is_missing(value: Any) -> bool:
    """Is it None or NaN, as tables have where they have no value?"""
    return value is None or (isinstance(value, float) and value != value)


def _fill_missing(value: Any) -> Any:
    """The same with NaN where a number is missing in a list, and an empty text where another value is."""
    values = value.tolist() if isinstance(value, np.ndarray) and value.dtype == object else value
    if not isinstance(values, list) or not any(map(is_missing, values)):
        return value
    numbers = all(is_missing(each) or isinstance(each, int | float) for each in values)
    return [(np.nan if numbers else "") if is_missing(each) else each for each in values]


def _refuse_missing(rows: Sequence[int], size: int, what: str) -> None:
    if rows:
        raise InputError(
            f"{what} has no value in row {rows[0]} ({len(rows):,} of {size:,} rows), expected one in each; fill them "
            "in, or leave these rows out"
        )


def check_whole(array: Array, what: str, kind: str = "") -> Ints:
    """The numbers of an array [N] as int64. Raises InputError for others, and beyond what their type holds exactly."""
    kind = kind or str(array.dtype)
    if array.dtype.kind == "u" and array.size and int(array.max()) > np.iinfo(np.int64).max:
        raise InputError(f"{what} holds {int(array.max())}, {BELOW}")
    if array.dtype.kind == "f":
        _refuse_missing(np.flatnonzero(np.isnan(array)).tolist(), array.size, what)
        if not np.isfinite(array).all() or (array % 1).any():
            raise InputError(f"{what} must hold whole numbers, got {kind} with other numbers; check what it holds")
        bits = EXACT.get(kind, EXACT.get(array.dtype.name, EXACT["float64"]))  # `>f4` is float32, too
        largest = float(np.abs(array).max(initial=0))
        if largest >= 1 << bits:
            raise InputError(
                f"{what} holds {largest:.0f} as {kind}, which has every whole number only below 2^{bits}, so that "
                "different labels may have become one; save them as int64"
            )
    elif array.dtype.kind not in "iu":
        raise InputError(f"{what} must hold whole numbers or texts, got {array.dtype}")
    return array.astype(np.int64)


def as_rows(value: Any, what: str) -> Ints:
    """Numbers of rows [R] as int64. Raises InputError for anything else, and as `as_column` does."""
    if np.asarray(value).dtype == bool:
        raise InputError(
            f"{what} must hold the numbers of rows, counted from 0, got a mask; write numpy.flatnonzero(mask)"
        )
    rows = as_column(value, what)
    if rows.dtype.kind == "U":
        raise InputError(f"{what} must hold the numbers of rows, counted from 0, got texts: {rows[:3].tolist()}")
    return rows


def number_jointly(columns: Sequence[tuple[str, Any]], what: str) -> tuple[list[Ints], list[Array | None]]:
    """The labels of all sides as numbers, and as names where they are texts.

    columns: name in messages and labels in any form, for each side. Texts that are whole numbers count as these. All
    other texts are numbered from 1 on over all sides together; `-1` and `0` keep their meanings, junk and distractor.
    Raises InputError as `as_column` does, and if one side has numbers and another has names.
    """
    found = [as_column(value, source) for source, value in columns]
    texts = [column if column.dtype.kind == "U" else None for column in found]
    for (source, _), column in zip(columns, texts, strict=True):
        if column is not None:
            _refuse_missing(np.flatnonzero(column == "").tolist(), len(column), source)
    parsed = _parse({text for column in texts if column is not None for text in column.tolist()})
    if parsed is not None:
        numbers = [
            column if named is None else np.array([parsed[text] for text in named.tolist()], np.int64)
            for column, named in zip(found, texts, strict=True)
        ]
        return numbers, texts
    sources = [source for source, _ in columns]
    if any(column is None for column in texts):
        numeric = next(source for source, column in zip(sources, texts, strict=True) if column is None)
        source, column = next((s, c) for s, c in zip(sources, texts, strict=True) if c is not None)
        name = next((text for text in column.tolist() if not NUMBER.fullmatch(text)), column[0])
        raise InputError(f"{numeric} has numbers, but {source} has names such as {name!r}; give both the same {what}")
    names = sorted({text for column in found for text in column.tolist()} - set(SPECIAL))
    code = {**SPECIAL, **{name: number for number, name in enumerate(names, 1)}}
    return [np.array([code[text] for text in column.tolist()], np.int64) for column in found], texts


def _parse(texts: set[str]) -> dict[str, int] | None:
    """The number of each text; None if one is no whole number, or if two mean the same one, as `1` and `01` do."""
    if not all(NUMBER.fullmatch(text) for text in texts):
        return None
    numbers = {text: SPECIAL[text] if text in SPECIAL else int(text) for text in texts}
    return (
        numbers
        if len({*numbers.values()}) == len(texts - set(SPECIAL)) + len({SPECIAL[text] for text in texts & set(SPECIAL)})
        else None
    )


def _as_array(value: Any, what: str) -> Array:
    if isinstance(value, Sequence) and not isinstance(value, str) and value:
        value = [each.item() if hasattr(each, "item") and getattr(each, "size", 1) == 1 else each for each in value]
        _refuse_missing([row for row, each in enumerate(value) if is_missing(each)], len(value), what)
        if len({isinstance(each, str) for each in value}) > 1:
            raise InputError(f"{what} must hold numbers or texts, got a list with both")
        whole = [each for each in value if isinstance(each, int)]
        if whole and len(whole) == len(value) and max(map(abs, whole)) > np.iinfo(np.int64).max:
            raise InputError(f"{what} holds {_write(max(whole, key=abs))}, {BELOW}")  # NumPy would round it
    try:
        array = np.asarray(value)
    except (ValueError, OverflowError) as fault:
        raise InputError(f"{what} must be a list of numbers or texts ({fault})") from fault
    if array.dtype != object:
        return array
    values = array.reshape(-1).tolist()
    _refuse_missing([row for row, each in enumerate(values) if is_missing(each)], len(values), what)
    if values and all(isinstance(each, str) for each in values):
        return np.array(values, np.str_)
    if values and all(isinstance(each, int) for each in values):
        raise InputError(f"{what} holds {_write(max(values, key=abs))}, {BELOW}")
    raise InputError(f"{what} must hold whole numbers or texts, got objects of several kinds")


def _write(number: int) -> str:
    """A number for a message. Python does not write one of thousands of digits."""
    return str(number) if number.bit_length() < 256 else f"a number of {number.bit_length():,} bits"
