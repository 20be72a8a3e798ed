"""Tables with a row for each tracklet or frame: CSV, Parquet and data frames."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vreid_bench.importing.content import Array
from vreid_bench.importing.keys import recognise_key
from vreid_bench.importing.numbering import is_missing
from vreid_bench.system.errors import InputError

DELIMITERS = ",;\t"
NUMBERED = re.compile(r"(.*?)[_.\- ]?(\d+)")  # e0, f_1, feat.2, 3
SERIES = {
    "",
    "e",
    "f",
    "x",
    "v",
    "d",
    "dim",
    "feat",
    "feature",
    "features",
    "emb",
    "embedding",
}  # names of such columns
SEPARATORS = re.compile(r"[,;\s]+")


def read_csv(path: Path) -> dict[str, Any]:
    """The columns by their names in the first line; numbered columns (`e0`, `e1`, ...) as one array `embedding`.

    Raises ValueError for rows of another length than the first line, and for features that are no numbers.
    """
    header, rows = read_rows(path)
    series = find_series(header)
    places = {name: number for number, name in enumerate(header)}
    columns: dict[str, list[str]] = {name: [] for name in header if name not in series}
    vectors: list[Array] = []
    wide = [places[name] for name in series]
    for number, row in rows:
        if len(row) != len(header):
            raise ValueError(f"line {number} has {len(row)} fields, the first line {len(header)}")
        for name, column in columns.items():
            column.append(row[places[name]])
        if wide:
            vectors.append(_parse_numbers([row[place] for place in wide], number))
    if not any(columns.values()) and not vectors:
        raise ValueError("it has no row below its first line")
    found: dict[str, Any] = {name: np.array(column, np.str_) for name, column in columns.items()}
    if wide:
        found["embedding"] = np.array(vectors).reshape(len(vectors), len(wide))
    return _parse_vectors(found)


def read_rows(path: Path) -> tuple[list[str], Iterable[tuple[int, list[str]]]]:
    """The names in the first line of a CSV, and its rows with their line numbers."""
    text = path.read_text(encoding="utf-8-sig")
    first = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=first.count)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header = [name.strip() for name in next(lines, [])]
    check_once(header)
    return header, ((lines.line_num, row) for row in lines if row)


def read_parquet(path: Path) -> dict[str, Any]:
    """The columns of a Parquet file. Raises InputError if the package that reads it is not installed."""
    try:
        import pyarrow.parquet as parquet
    except ImportError as missing:
        raise InputError(
            f"{path}: it is a Parquet file, which needs pyarrow; install it with pip install 'vreid-bench[parquet]', "
            "or save the table as CSV"
        ) from missing
    names = parquet.read_schema(path).names
    check_once(names)
    table = parquet.read_table(path)
    return read_columns({name: _read_arrow(table.column(name)) for name in names})


def _read_arrow(column: Any) -> Any:
    """The values of a column; vectors of one length as an array [N, E]: lists of numbers take ten times the memory."""
    import pyarrow

    kind = getattr(column.type, "value_type", None)
    numbers = kind is not None and (pyarrow.types.is_floating(kind) or pyarrow.types.is_integer(kind))
    if not numbers or column.null_count or not len(column):
        return column.to_pylist()
    if hasattr(column.type, "list_size"):
        widths = {column.type.list_size}
    else:
        widths = {width for chunk in column.chunks for width in chunk.value_lengths().unique().to_pylist()}
    parts = [chunk.flatten() for chunk in column.chunks]
    if len(widths) > 1 or any(part.null_count for part in parts):
        return column.to_pylist()
    return np.concatenate([part.to_numpy() for part in parts]).reshape(len(column), *widths)


def to_parquet(arrays: Mapping[str, Array]) -> bytes:
    """A Parquet file with a column for each array; a vector is a list. Raises InputError without pyarrow."""
    try:
        import pyarrow
        import pyarrow.parquet as parquet
    except ImportError as missing:
        raise InputError(
            "Parquet needs pyarrow; install it with pip install 'vreid-bench[parquet]', or export csv"
        ) from missing
    columns = {name: list(a) if a.ndim == 2 else a.tolist() for name, a in arrays.items()}
    buffer = io.BytesIO()
    parquet.write_table(pyarrow.table(columns), buffer)
    return buffer.getvalue()


def to_csv(arrays: Mapping[str, Array]) -> bytes:
    """A CSV with a column for each array; `embedding` [N, E] as the columns e0, e1, ..."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    wide = {name: a.shape[1] if a.ndim == 2 else 0 for name, a in arrays.items()}
    writer.writerow(
        column for name, width in wide.items() for column in ([f"e{i}" for i in range(width)] if width else [name])
    )
    for row in zip(*arrays.values(), strict=True):
        writer.writerow(
            text for value in row for text in (map(_write, value) if isinstance(value, np.ndarray) else [_write(value)])
        )
    return buffer.getvalue().encode()


def read_columns(columns: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """Columns of numbers, texts or vectors as arrays; numbered ones as one array `embedding`."""
    return gather_vectors({name: _column(values) for name, values in columns.items()})


def gather_vectors(columns: Mapping[Any, Any]) -> dict[str, Any]:
    """The same columns with vectors as one array [N, E]: those in one column, and those that are numbered columns.

    Vectors in a column whose name means nothing stay as they are. Raises ValueError for vectors of several lengths.
    """
    series = find_series(list(columns))
    found: dict[str, Any] = {}
    for name, values in columns.items():
        if name in series:
            continue
        meant = recognise_key(str(name)) is not None
        found[str(name)] = _stack(values, str(name)) if meant and _holds_vectors(values) else values
    if series:
        found["embedding"] = np.stack([np.asarray(columns[name]) for name in series], 1)
        if found["embedding"].dtype.kind not in "fiub":
            raise ValueError(f"columns {series[0]} to {series[-1]} have values that are no numbers")
    return _parse_vectors(found)


def read_frame(frame: Any) -> dict[str, Any]:
    """The columns of a data frame of pandas, polars or any other package that has `columns` and `to_numpy`."""
    check_once(list(frame.columns))
    return read_columns({name: _values(frame[name]) for name in frame.columns})


def check_once(names: Sequence[Any]) -> None:
    """Raise ValueError for two columns of one name: which of them is meant is not known."""
    twice = next((name for name, number in Counter(names).items() if number > 1), None)
    if twice is not None:
        raise ValueError(f"its column {str(twice)!r} stands there twice, expected each name once")


def find_series(names: Sequence[Any]) -> list[Any]:
    """The columns that are the numbers of one vector, in order: `e0`, `e1`, ... or `0`, `1`, ...; else none."""
    groups: dict[str, list[tuple[int, Any]]] = defaultdict(list)
    corners = {"x1", "y1", "x2", "y2"} <= {str(name).lower() for name in names}  # of a box
    for name in names:
        match = NUMBERED.fullmatch(str(name))
        if match and match[1].lower() in SERIES and not (corners and match[1].lower() == "x"):
            groups[match[1]].append((int(match[2]), name))
    largest = max(groups, key=lambda prefix: len(groups[prefix]), default=None)
    best = [] if largest is None else sorted(groups[largest])
    numbers = [number for number, _ in best]
    if len(best) < 2 or numbers != list(range(numbers[0], numbers[0] + len(numbers))):
        return []
    return [name for _, name in best]


def _values(column: Any) -> Any:
    values = column.to_numpy() if hasattr(column, "to_numpy") else np.asarray(column)
    return list(values) if values.dtype == object else values


def _holds_vectors(values: Any) -> bool:
    """Is the first value that is there a list of others?"""
    if not isinstance(values, list):
        return False
    first = next((value for value in values if not is_missing(value)), None)
    return hasattr(first, "__len__") and not isinstance(first, str | bytes | Mapping)


def _column(values: Sequence[Any]) -> Any:
    """An array, or the list itself where some values are vectors or missing."""
    if isinstance(values, list) and (_holds_vectors(values) or any(map(is_missing, values))):
        return values  # NumPy would make a text of NaN
    array = np.asarray(values)
    if array.dtype == object and all(isinstance(value, str) for value in values):
        return array.astype(np.str_)
    return array


def _stack(values: Sequence[Any], name: str) -> Array:
    without = next((row for row, value in enumerate(values) if not hasattr(value, "__len__")), None)
    if without is not None:
        raise ValueError(f"{name} has no vector in row {without}")
    sizes = {len(value) for value in values}
    if len(sizes) > 1:
        raise ValueError(f"{name} has vectors of {min(sizes)} to {max(sizes)} numbers")
    return np.array([np.asarray(value) for value in values])


def _parse_vectors(columns: dict[str, Any]) -> dict[str, Any]:
    """Texts that hold a vector each, as `[0.1, 0.2]` or `0.1 0.2`, as arrays [N, E]."""
    for name, column in columns.items():
        meaning = recognise_key(name)
        if meaning is None or meaning.kind != "embedding" or np.asarray(column).dtype.kind != "U":
            continue
        rows = [_parse_numbers(SEPARATORS.split(text.strip(" []()")), number) for number, text in enumerate(column, 2)]
        columns[name] = _stack(rows, name)
    return columns


def _parse_numbers(texts: Sequence[str], line: int) -> Array:
    try:
        return np.array([float(text) for text in texts])
    except ValueError as fault:
        bad = next(text for text in texts if not is_number(text))
        raise ValueError(
            f"line {line} has {json.dumps(bad[:40])} where a number of the features is expected"
        ) from fault


def is_number(text: str) -> bool:
    """Does the text write a number as Python reads it?"""
    try:
        float(text)
    except ValueError:
        return False
    return True


def _write(value: Any) -> str:
    if isinstance(value, np.float32):
        return f"{value:.9g}"  # enough for the same bits
    return repr(float(value)) if isinstance(value, float | np.floating) else str(value)
