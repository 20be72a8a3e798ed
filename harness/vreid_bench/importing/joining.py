"""Joins tables by the columns that they have in common: features that name nobody, and a table of who is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vreid_bench.importing.boxmot import UNUSED
from vreid_bench.importing.columns import find_meanings
from vreid_bench.importing.content import Content
from vreid_bench.importing.keys import Side, recognise_key
from vreid_bench.importing.numbering import as_column
from vreid_bench.importing.row_keys import check_lengths, count_rows, find_keys, match_rows
from vreid_bench.system.errors import InputError

LABELS = ("pid", "person", "role")  # what a table of labels says of each row
MATRICES = ("embedding", "distance", "similarity", "spans", "query_rows")  # what it does not have
VIDEOS = ("sequence", "sequence_id", "video", "video_id")  # in each of these, trackers number tracks anew
SHOWN = 6  # columns that a sentence lists

Given = Sequence[tuple[Content, Side]]


class Joined(NamedTuple):
    """The same contents with the rows of all joined tables in one order, without tables that held nothing but keys."""

    contents: Given
    lines: tuple[str, ...] = ()  # what was joined by what
    boxes: bool = False  # were labels joined, so that the rows of one tracklet are its frames?
    keys: frozenset[str] = frozenset()  # by which rows were found, in lower case


def join_tables(contents: Given) -> Joined:
    """Put the rows of tables in one order, by all columns that a table of features and they have by the same name.

    The order is that of the labels. Tables whose common columns agree row by row, or that have none in common, stay as
    they are: their rows are in one order. Raises InputError for a key that is missing, that stands twice or that the
    features do not have, and for features that no table has labels of.
    """
    place = _find_features(contents)
    if place is None:
        return Joined(contents)
    found = [content for content, _ in contents]
    features, size = found[place], _count_rows(found[place])
    known = {name.lower(): column for name, column in find_keys(features, size)}
    _check_labels(features, found, known, size)
    waiting = [row for row, (content, side) in enumerate(contents) if row != place and not side and _is_plain(content)]
    lines: list[str] = []
    used: set[str] = set()
    joined, order = [place], None
    while chosen := _choose(found, waiting, known):
        row, names = chosen
        waiting.remove(row)
        joined.append(row)
        table, strict = found[row], _has_labels(found[row], names)
        keys = {name.lower(): as_column(table.arrays[name], f"{table.origin}: {name}") for name in names}
        check_lengths(keys, table.origin)
        own = {name: as_column(known[name], f"{features.origin}: {name}") for name in keys}
        used |= keys.keys()
        rows = np.arange(size)
        if not all(np.array_equal(own[name], key) for name, key in keys.items()):
            rows = match_rows(own, keys, (features.origin, table.origin), strict)
            found[row] = _take(table, rows, names)
            lines.append(f"{table.origin}: rows -> joined with {features.origin} by {', '.join(names)}")
        order = np.argsort(rows, kind="stable") if strict else order
        known |= {name.lower(): column for name, column in find_keys(found[row], size)}
    if order is not None:
        found[place], named = _name_tracklets(found, place)
        lines += named
        found = [_take(content, order) if row in joined else content for row, content in enumerate(found)]
    kept = [row for row, content in enumerate(found) if row not in joined or find_meanings(content, "")]
    return Joined([(found[row], contents[row][1]) for row in kept], tuple(lines), order is not None, frozenset(used))


def _find_features(contents: Given) -> int | None:
    """The one table of features that does not say its side; None where there is none, or are several."""
    places = [
        place
        for place, (content, side) in enumerate(contents)
        if not side and [m.side for m in find_meanings(content, side).values() if m.kind == "embedding"] == [""]
    ]
    return places[0] if len(places) == 1 else None


def _count_rows(features: Content) -> int:
    key = next(key for key, meaning in find_meanings(features, "").items() if meaning.kind == "embedding")
    value = features.arrays[key]
    return len(value) if isinstance(value, list | tuple) else int((*np.shape(value), 0)[0])


def _is_plain(content: Content) -> bool:
    """Is it a table of labels or keys, and nothing of one side?"""
    meanings = find_meanings(content, "").values()
    return not any(meaning.side or meaning.kind in MATRICES for meaning in meanings)


def _has_labels(content: Content, but: Sequence[str] = ()) -> bool:
    return any(meaning.kind in LABELS and key not in but for key, meaning in find_meanings(content, "").items())


def _choose(found: Sequence[Content], waiting: Sequence[int], known: Mapping[str, Any]) -> tuple[int, list[str]] | None:
    """The next table with its keys: those without labels first, because they can have the keys of the labels."""
    for row in sorted(waiting, key=lambda row: _has_labels(found[row])):
        if names := [name for name, _ in find_keys(found[row]) if name.lower() in known]:
            return row, names
    return None


def _take(table: Content, rows: NDArray[np.int64], but: Sequence[str] = ()) -> Content:
    """Some rows of a table, without the keys that another has, too."""
    size = len(table.arrays[but[0]]) if but else len(rows)

    def take(column: Any) -> Any:
        column = column.whole() if hasattr(column, "whole") else column
        if isinstance(column, str) or count_rows(column) != size:
            return column
        return [column[row] for row in rows.tolist()] if isinstance(column, list) else np.asarray(column)[rows]

    return replace(table, arrays={name: take(column) for name, column in table.arrays.items() if name not in but})


def _name_tracklets(found: Sequence[Content], place: int) -> tuple[Content, list[str]]:
    """The features with a name for each track of each video, and what was done, in words.

    A key `id` is a track where the labels name people.
    """
    arrays = dict(found[place].arrays)
    others = [content for row, content in enumerate(found) if row != place]
    if any(meaning.kind == "pid" for content in others for meaning in find_meanings(content, "").values()):
        for name in [key for key, meaning in find_meanings(found[place], "").items() if meaning.kind == "pid"]:
            arrays[f"track {name}"] = arrays.pop(name)
    columns = [(name, column) for part in (arrays, *(c.arrays for c in others)) for name, column in part.items()]
    named = dict(reversed([(n, c) for n, c in columns if (m := recognise_key(n)) is not None and m.kind == "tracklet"]))
    tracks = [name for name in named if name.lower().startswith("track")]
    videos = [name for name in named if name.lower() in VIDEOS]
    lines = []
    if tracks and videos and "tracklet" not in named:
        lines.append(f"{found[place].origin}: tracklets -> named by {videos[-1]} and {tracks[-1]}")
        parts = {name: as_column(named[name], name).astype(np.str_) for name in (videos[-1], tracks[-1])}
        check_lengths(parts, found[place].origin)
        pairs = zip(*(part.tolist() for part in parts.values()), strict=True)
        arrays["tracklet"] = np.array(["/".join(pair) for pair in pairs])
    return replace(found[place], arrays=arrays), lines


def _check_labels(features: Content, contents: Sequence[Content], known: Mapping[str, Any], size: int) -> None:
    """Raise InputError where features have keys, and nothing says whom they show."""
    kinds = {meaning.kind for content in contents for meaning in find_meanings(content, "").values()}
    if not known or kinds & {*LABELS, "spans", "query_rows", "rows"}:
        return
    names = ", ".join([name for name in known if not name.startswith(UNUSED)][:SHOWN])
    raise InputError(
        f"{features.origin}: nothing says whom its {size:,} rows show, nor which are queries; add a table of labels, "
        f"for instance a CSV with columns of this file that name a row ({names}), and with tracklet, role (query, "
        "gallery or both), pid and camid"
    )
