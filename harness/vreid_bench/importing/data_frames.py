"""Tables that pandas has pickled, as plain columns: without pandas, from the stand-ins that the pickle left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vreid_bench.importing.arrow_texts import read_texts
from vreid_bench.importing.content import Array
from vreid_bench.importing.keys import recognise_key
from vreid_bench.importing.stand_ins import (
    ArrowArray,
    Backed,
    Block,
    BlockManager,
    Categorical,
    DataFrame,
    Dtype,
    Index,
    Masked,
    RangeIndex,
    Series,
    Slice,
    StandIn,
    Wrapped,
)

UNKNOWN = "in a layout that is not known; save its arrays with numpy.savez instead"


class Table(dict[str, Any]):
    """The columns of a table by their names."""


class Allowance:
    """How many values the tables of a file may still have: a file has a byte for each, unless it repeats a few."""

    def __init__(self, size: int) -> None:
        self.left = size

    def take(self, column: Any, kind: Any) -> None:
        """Count a column. Raises ValueError for more values than the file has bytes."""
        texts = sum(len(text) for text in column if text) if isinstance(kind, ArrowArray) else 0
        self.left -= 0 if isinstance(column, str) else len(column) + texts
        if self.left < 0:
            raise ValueError("its tables have more values than the file has bytes")


def read_data_frame(frame: DataFrame, allowance: Allowance) -> dict[str, Any]:
    """The columns of a table by their names; a missing value is None, or NaN among numbers.

    A column of another kind than numbers, texts, categories and dates becomes a text that says so, or is an error where
    its name means something. Raises ValueError for a layout that is none of pandas', for a name that stands twice, for
    columns of unequal length, and for more values than are allowed.
    """
    axes, blocks = _read_manager(frame.attribute("_mgr", "_data"))
    if len(axes) != 2:
        raise ValueError(f"a data frame of {len(axes)} axes, expected 2")
    parts = [(list(_split(values)), places) for values, places in blocks]
    names, rows = _read_names(axes[0], sum(len(values) for values, _ in parts)), _count(axes[1])
    columns: dict[str, Any] = {}
    for values, places in parts:
        for place, column in zip(_read_places(places, len(names), len(values)).tolist(), values, strict=True):
            if names[place] in columns:
                raise ValueError(f"its column {names[place]!r} stands in two blocks")
            columns[names[place]] = _read_column(column, names[place])
            allowance.take(columns[names[place]], column)
    for name, column in columns.items():
        rows = len(column) if rows is None else rows
        if not isinstance(column, str) and len(column) != rows:
            raise ValueError(f"its column {name!r} has {len(column)} rows, expected {rows}")
    return {name: columns[name] for name in names}


def read_series(series: Series | Index, allowance: Allowance) -> Any:
    """The values of a column that stands alone. Raises ValueError as `read_data_frame` does."""
    values, name = series, "index"
    if isinstance(series, Series):
        _, blocks = _read_manager(series.attribute("_mgr", "_data"))
        if len(blocks) != 1:
            raise ValueError(f"a series of {len(blocks)} blocks, expected 1")
        values, name = blocks[0][0], str(series.attribute("_name", "name"))
    column = _read_column(values, name)
    allowance.take(column, values)
    return np.array(column) if isinstance(column, range) else column


def _read_manager(manager: Any) -> tuple[Sequence[Any], list[tuple[Any, Any]]]:
    """The axes, and of each block the values and the places of its columns."""
    if not isinstance(manager, BlockManager):
        raise ValueError(f"a data frame {UNKNOWN}")
    axes: Any
    if manager.arguments:  # from pandas 1.3 on
        parts, axes = manager.argument(0), manager.argument(1)
        if isinstance(parts, Block):  # a series
            parts, axes = [parts], [axes]
        blocks = [(block.argument(0), block.argument(1)) for block in parts]
    else:  # before, in the state that pandas 0.14.1 began to write
        state = manager.state
        kept = state[-1].get("0.14.1") if isinstance(state, tuple) and isinstance(state[-1], dict) else None
        if kept is None:
            raise ValueError(f"a data frame {UNKNOWN}")
        axes, blocks = kept["axes"], [(block["values"], block["mgr_locs"]) for block in kept["blocks"]]
    if not isinstance(axes, list | tuple) or not axes:
        raise ValueError(f"a data frame {UNKNOWN}")
    return axes, blocks


def _read_places(places: Any, size: int, expected: int) -> NDArray[np.int64]:
    """The places of a block among `size` columns."""
    if isinstance(places, Slice):
        parts = [places.argument(part) for part in range(3)]
        if not all(part is None or isinstance(part, int) for part in parts):
            raise ValueError("a block whose places are no numbers")
        reach = range(*slice(*parts).indices(size))
        if len(reach) != expected:  # before they are counted out: a range costs nothing
            raise ValueError(f"a block of {expected} columns with {len(reach)} places")
        return np.array(reach, np.int64)
    array = np.asarray(places)
    if array.shape != (expected,) or array.dtype.kind not in "iu" or ((array < 0) | (array >= size)).any():
        raise ValueError(f"a block of {expected} columns whose places are {array.dtype} {list(array.shape)}")
    return array.astype(np.int64)


def _split(values: Any) -> Iterator[Any]:
    """The columns of a block: the rows of a matrix, or one array."""
    inner = _unwrap(values) if isinstance(values, Backed) else values
    if isinstance(inner, np.ndarray) and inner.ndim == 2:
        yield from inner
    else:
        yield inner


def _unwrap(values: Backed) -> Any:
    """The array in an array of pandas, or the array itself where its values are no plain ones."""
    kind, state = values.argument(0), values.state
    arrays = [part for part in state if isinstance(part, np.ndarray)] if isinstance(state, tuple) else []
    if len(arrays) != 1 or not isinstance(kind, type):
        raise ValueError(f"an array of pandas {UNKNOWN}")
    zoned = any(isinstance(part, Dtype) and part.attribute("tz") is not None for part in state)
    return arrays[0] if issubclass(kind, Wrapped) and not zoned else values


def _read_names(axis: Any, expected: int) -> list[str]:
    """The names of the columns. Raises ValueError for a name that stands twice, and for several levels."""
    count = _count(axis)
    if count is None:
        raise ValueError("its columns have names of several levels, expected one name for each")
    if count != expected:
        raise ValueError(f"a data frame of {count:,} columns with the values of {expected}")
    names = [str(name) for name in _read_column(axis, "columns")]
    twice = next((name for name, times in Counter(names).items() if times > 1), None)
    if twice is not None:
        raise ValueError(f"it has two columns {twice!r}, expected each name once")
    return names


def _count(axis: Any) -> int | None:
    """How many names an index has; None for one whose names are no plain column, as those of several levels."""
    content = axis.argument(1) if isinstance(axis, Index) else None
    if not isinstance(content, dict):
        raise ValueError(f"an index {UNKNOWN}")
    if _is_range(axis):
        return len(_read_range(content))
    names = _read_column(content["data"], "index") if "data" in content else ""
    return None if isinstance(names, str) else len(names)


def _is_range(axis: Index) -> bool:
    kind = axis.argument(0)
    return isinstance(kind, type) and issubclass(kind, RangeIndex)


def _read_range(content: Mapping[str, Any]) -> range:
    first, last, step = (content.get(name) for name in ("start", "stop", "step"))
    if not (isinstance(first, int) and isinstance(last, int) and isinstance(step, int)):
        raise ValueError(f"an index {UNKNOWN}")
    return range(first, last, step)


def _read_column(values: Any, name: str) -> Any:
    """An array of numbers, a list with None where a value is missing, or words for what is not read."""
    if isinstance(values, Index):
        content = values.argument(1)
        if not isinstance(content, dict):
            raise ValueError(f"an index {UNKNOWN}")
        return _read_range(content) if _is_range(values) else _read_column(content.get("data"), name)
    if isinstance(values, Backed):
        inner = _unwrap(values)
        if isinstance(inner, np.ndarray):
            return _read_column(inner, name)
        if issubclass(values.argument(0), Categorical):
            codes = next(part for part in values.state if isinstance(part, np.ndarray))
            return _read_categories(codes, next((p for p in values.state if isinstance(p, StandIn)), None), name)
    if isinstance(values, Categorical):
        return _read_categories(values.attribute("_codes"), values.attribute("_dtype"), name)
    if isinstance(values, Masked):
        return _read_masked(values.attribute("_data"), values.attribute("_mask"), name)
    if isinstance(values, ArrowArray):
        return read_texts(values.attribute("_pa_array", "_data"))
    if isinstance(values, np.ndarray) and values.ndim == 1 and values.dtype.kind in "biufUSOM":
        if values.dtype.kind == "M":
            return _write_dates(values)
        return _note_missing(values.tolist()) if values.dtype == object else values
    kind = f"{values.dtype} {list(values.shape)}" if isinstance(values, np.ndarray) else "a kind of pandas' own"
    words = f"a column of {kind}, which is not read"
    if recognise_key(name) is not None:
        raise ValueError(f"its column {name!r} is {words}; save it as texts or numbers")
    return words


def _read_categories(codes: Any, kind: Any, name: str) -> list[Any]:
    categories = kind.attribute("categories", "_categories") if isinstance(kind, StandIn) else None
    names = "" if categories is None else _read_column(categories, name)
    plain = isinstance(codes, np.ndarray) and codes.ndim == 1 and codes.dtype.kind in "iu"
    if not plain or isinstance(names, str):
        raise ValueError(f"its column {name!r} has categories {UNKNOWN}")
    if codes.size and not -1 <= codes.min() <= codes.max() < len(names):
        raise ValueError(f"its column {name!r} counts categories that it does not have")
    return _note_missing([None if code < 0 else names[code] for code in codes.tolist()])


def _read_masked(numbers: Any, missing: Any, name: str) -> Any:
    plain = isinstance(numbers, np.ndarray) and isinstance(missing, np.ndarray) and missing.dtype == bool
    if not plain or numbers.shape != missing.shape or numbers.ndim != 1:
        raise ValueError(f"its column {name!r} has missing values {UNKNOWN}")
    if not missing.any():
        return numbers
    return [None if gone else number for number, gone in zip(numbers.tolist(), missing.tolist(), strict=True)]


def _write_dates(values: Array) -> list[str | None]:
    """Dates as texts: the day, with the time where there is one."""
    days, missing = values.astype("M8[D]"), np.isnat(values)
    exact = bool((days.astype(values.dtype) == values)[~missing].all())
    texts = np.datetime_as_string(days if exact else values.astype("M8[s]")).tolist()
    return [None if gone else text for text, gone in zip(texts, missing.tolist(), strict=True)]


def _note_missing(values: Sequence[Any]) -> list[Any]:
    """The same with None for NaN, and dates as texts. A list: texts of unlike length would fill an array."""
    kept = [None if isinstance(each, float) and each != each else each for each in values]
    return [each.isoformat() if isinstance(each, date) else each for each in kept]
