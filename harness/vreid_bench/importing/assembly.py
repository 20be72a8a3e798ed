"""Puts what some files hold together: the queries, the gallery and their distances, whatever file each came from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from vreid_bench.contracts.dataset import ATTRIBUTE
from vreid_bench.importing.columns import Columns, collect_columns
from vreid_bench.importing.content import Array, Column, Content, find_shape, to_array
from vreid_bench.importing.frames import AVERAGE, Pool, find_groups, pool_groups, pool_spans, read_spans
from vreid_bench.importing.joining import join_tables
from vreid_bench.importing.keys import Meaning, Side, find_attribute
from vreid_bench.importing.numbering import as_column, as_rows, as_texts, number_jointly
from vreid_bench.importing.roles import split_by_roles
from vreid_bench.system.errors import InputError

MakePool = Callable[[str], Pool]  # the pool of an aggregator's name
SIDES: tuple[Side, ...] = ("query", "gallery")
LABELS_BESIDE = (
    "add a file with its labels, for instance a CSV with the columns role (query or gallery), pid and camid, its rows "
    "in the order of the features"
)


@dataclass(frozen=True)
class Imported:
    """Queries and gallery as arrays with known names: `embedding`, `pid`, `camid`, ...; and their distances."""

    query: Mapping[str, Any]
    gallery: Mapping[str, Any]
    distance: Array | None = None  # [Q, G]
    similar: bool = False  # does its key say that it holds similarities?
    parts: bool = False  # is `embedding` [N, E, P], a vector of each body part?
    cameras: bool = True  # False: none are known, and `camid` is 0 throughout
    lines: tuple[str, ...] = ()  # what each key became
    plain: bool = True  # have all arrays the names that this program gives them?
    files: Mapping[str, str] = field(default_factory=dict)  # file -> sha256
    origins: Mapping[str, str] = field(default_factory=dict)  # side -> its name in messages
    unused: Mapping[str, Sequence[str]] = field(default_factory=dict)  # file -> keys of arrays of no known meaning


def assemble(
    contents: Sequence[tuple[Content, Side]], make_pool: MakePool, pool: str | None = None, labels_only: bool = False
) -> Imported:
    """Bring the arrays of some files together.

    pool: the aggregator that pools frames, which a file with an index of frames always needs. labels_only: neither
    features nor distances are expected. Raises InputError for arrays whose meaning, side or shape is not clear.
    """
    joined = join_tables(contents)
    columns = collect_columns(joined.contents, joined.keys)
    columns.lines[:0] = joined.lines
    origin = ", ".join(content.origin for content, _ in contents)
    matrix, similarity, parts = columns.take("distance"), columns.take("similarity"), _has_parts(columns)
    given = matrix or similarity
    _pool_index(columns, make_pool, pool)
    for side in ("", *SIDES, "multi"):
        _pool_repeated(columns, side, make_pool, pool or (AVERAGE if joined.boxes else None))
    split_by_roles(columns, origin)
    sides = {side: columns.of(side) for side in SIDES}
    _check_sides(sides, origin, given is not None or labels_only)
    origins: dict[str, str] = {
        side: f"{origin}: {side}" if len(contents) == 1 else _origin(sides[side]) for side in SIDES
    }
    tables: dict[str, dict[str, Any]] = {side: {} for side in SIDES}
    _number(columns, tables, "pid", "ids")
    cameras = _number(columns, tables, "camid", "camera labels")
    for side in SIDES:
        _take_arrays(sides[side], tables[side], parts)
    _name_tracklets(sides, tables)
    _average_multi(columns, tables)
    distance = None if given is None else _turn_distance(given, tables)
    return Imported(
        tables["query"],
        tables["gallery"],
        distance,
        matrix is None and similarity is not None,
        parts,
        cameras,
        tuple(columns.lines),
        columns.plain,
        {content.origin: content.sha256 for content, _ in contents if content.sha256},
        origins,
        columns.unused,
    )


def _has_parts(columns: Columns) -> bool:
    """Are the features [N, E, P], with a vector for each body part? OpenGait has the types of its sequences beside."""
    typed = [meaning.side for meaning in columns.found if meaning.kind == "type"]
    found = any(_ndim(columns.found.get(Meaning(side, "embedding"))) == 3 for side in typed)
    if found:
        columns.lines.append("features [N, E, P] beside types -> a vector for each of P body parts, as in OpenGait")
    return found


def _ndim(column: Column | None) -> int:
    return 0 if column is None else len(find_shape(column.value))


def _pool_index(columns: Columns, make_pool: MakePool, pool: str | None) -> None:
    """Frames with the index of MARS: `track_test_info`, and the queries' rows of it, counted from 1."""
    index = columns.take("spans")
    if index is None:
        return
    spans = read_spans(index.value, index.source)
    features, rows = columns.found.pop(Meaning("", "embedding"), None), columns.take("query_rows")
    if rows is None:
        raise InputError(f"{index.source}: no file says which tracklets are queries; add query_IDX.mat")
    if features is not None:
        name = pool or AVERAGE
        pooled = pool_spans(features.value, spans, make_pool(name), features.source)
        columns.found[Meaning("", "embedding")] = Column(pooled, features.source)
        columns.lines.append(f"{features.source}: frames -> pooled by {name} into {len(pooled):,} tracklets")
    for kind, values in (("pid", spans.pid), ("camid", spans.camid)):
        columns.found[Meaning("", kind)] = Column(values, index.source)
    columns.found[Meaning("query", "rows")] = Column(as_rows(rows.value, rows.source) - 1, rows.source)
    columns.found[Meaning("gallery", "rows")] = Column(np.arange(len(spans.pid)), index.source)


def _pool_repeated(columns: Columns, side: Side, make_pool: MakePool, pool: str | None) -> None:
    """Rows that are frames: their tracklets repeat, and a column numbers them or an aggregator is named."""
    own = columns.of(side)
    features, names = own.get("embedding"), own.get("tracklet")
    if features is None or names is None or (pool is None and "frame" not in own):
        return
    tracklet = as_column(names.value, names.source)
    group, first = find_groups(tracklet)
    if len(first) == len(group):
        return
    array = to_array(features)
    if array.ndim < 2:
        raise InputError(f"{features.source}: has one number for each frame, expected vectors [F, E]; correct the file")
    if len(array) != len(tracklet):
        raise InputError(f"{features.source}: has {len(array)} rows, {names.source} {len(tracklet)}")
    name = pool or AVERAGE
    for kind, column in own.items():
        if kind == "embedding":
            value: Any = pool_groups(array, group, make_pool(name))
        elif kind == "frame":
            del columns.found[Meaning(side, kind)]
            continue
        else:
            value = _take_first(column, group, first)
        columns.found[Meaning(side, kind)] = Column(value, column.source)
    columns.lines.append(f"{features.source}: frames -> pooled by {name} into {len(first):,} tracklets")


def _take_first(column: Column, group: Array, first: Array) -> Array:
    """A label of each tracklet. Raises InputError if its frames disagree."""
    values = as_column(column.value, column.source)
    if len(values) != len(group):
        raise InputError(f"{column.source}: has {len(values)} rows, expected {len(group)}, one for each frame")
    other = np.flatnonzero(values != values[first][group])
    if other.size:
        raise InputError(f"{column.source}: row {other[0]} differs from other frames of its tracklet")
    return values[first]


def _check_sides(sides: Mapping[Side, Mapping[str, Column]], origin: str, without_features: bool) -> None:
    if not any(sides.values()):
        raise InputError(
            f"{origin}: holds nothing of queries and gallery themselves, as a file of multi query beside another; add "
            "the files with both"
        )
    for side, own in sides.items():
        if not own:
            other = "gallery" if side == "query" else "query"
            raise InputError(
                f"{origin}: holds nothing of the {side}, only of the {other}; add the file with the {side}, or name "
                "the files with --query and --gallery"
            )
        if "embedding" not in own and not without_features:
            raise InputError(
                f"{origin}: holds labels of the {side}, but neither features nor distances; add their file"
            )
        if "pid" not in own:
            raise InputError(
                f"{_origin(own) or origin}: has no array 'pid' for the {side}, under any name that is known; "
                f"{LABELS_BESIDE}"
            )
    if len({"camid" in own for own in sides.values()}) > 1:
        side = next(side for side, own in sides.items() if "camid" not in own)
        raise InputError(
            f"{_origin(sides[side])}: has no array 'camid'; it has {', '.join(sorted(sides[side]))}; expected cameras "
            "for the queries and for the gallery, or for neither"
        )


def _number(columns: Columns, tables: Mapping[str, dict[str, Any]], kind: str, what: str) -> bool:
    """Number the labels of both sides together; returns whether there are any."""
    meanings = [Meaning(side, kind) for side in (*SIDES, "multi")]
    found = {meaning.side: columns.found[meaning] for meaning in meanings if meaning in columns.found}
    if not set(SIDES) <= set(found):
        if kind == "camid":
            for side in SIDES:
                tables[side]["camid"] = np.zeros_like(tables[side]["pid"])
        return False
    numbers, names = number_jointly([(column.source, column.value) for column in found.values()], what)
    title = {"pid": "person", "camid": "camera"}.get(kind)
    for (side, column), number, name in zip(found.items(), numbers, names, strict=True):
        if side == "multi":
            columns.found[Meaning("multi", kind)] = Column(number, column.source)
            continue
        tables[side][kind] = number
        if title is not None and name is not None:
            tables[side][title] = name
    return True


def _take_arrays(own: Mapping[str, Column], table: dict[str, Any], parts: bool) -> None:
    size = len(table["pid"])
    for kind in ("embedding", "valid", "importance"):
        if kind in own:
            array = to_array(own[kind])
            if kind == "embedding" and array.ndim == 2 and array.shape[1] == size != array.shape[0]:
                array = array.T  # a column for each tracklet
            table[kind] = array
    if parts and table["embedding"].ndim != 3:
        raise InputError(f"{own['embedding'].source}: expected [N, E, P], got {list(table['embedding'].shape)}")
    for kind in ("person", "camera"):
        if kind in own:
            table[kind] = as_column(own[kind].value, own[kind].source).astype(np.str_)
    for kind in own:
        if attribute := find_attribute(kind):
            table[f"{ATTRIBUTE}{attribute}"] = as_texts(own[kind].value, own[kind].source)


def _name_tracklets(sides: Mapping[Side, Mapping[str, Column]], tables: Mapping[str, dict[str, Any]]) -> None:
    """The names of the tracklets; with person and camera before them where a side gives one name to several.

    A name with one label among the queries and another in the gallery stays, and is refused where both are compared.
    """
    if not all("tracklet" in sides[side] for side in SIDES):
        return
    names = {
        side: as_column(own["tracklet"].value, own["tracklet"].source).astype(np.str_) for side, own in sides.items()
    }
    sizes = {side: {len(names[side]), len(tables[side]["pid"]), len(tables[side]["camid"])} for side in SIDES}
    if any(len(size) > 1 for size in sizes.values()):  # reported with the array at fault when all are checked together
        for side in SIDES:
            tables[side]["tracklet"] = names[side]
        return
    labels = {side: list(zip(tables[side]["pid"], tables[side]["camid"], strict=True)) for side in SIDES}
    unique = True
    for side in SIDES:
        owners: dict[str, Any] = {}
        pairs = zip(names[side].tolist(), labels[side], strict=True)
        unique &= all(owners.setdefault(name, label) == label for name, label in pairs)
    for side in SIDES:
        pairs = zip(names[side].tolist(), labels[side], strict=True)
        full = names[side] if unique else np.array([f"{pid}/{camid}/{name}" for name, (pid, camid) in pairs])
        tables[side]["tracklet"] = full


def _average_multi(columns: Columns, tables: Mapping[str, dict[str, Any]]) -> None:
    """Multi query: each query becomes the mean over all images of its person in its camera."""
    own = columns.of("multi")
    if not {"embedding", "pid", "camid"} <= set(own) or "embedding" not in tables["query"]:
        return
    features, query = to_array(own["embedding"]), tables["query"]
    if not len(own["pid"].value) == len(own["camid"].value) == len(features):
        raise InputError(
            f"{own['embedding'].source}: its labels must have a row for each of its {len(features)} images"
        )
    rows: dict[tuple[int, int], list[int]] = {}
    for row, key in enumerate(zip(own["pid"].value.tolist(), own["camid"].value.tolist(), strict=True)):
        rows.setdefault(key, []).append(row)
    keys = list(zip(query["pid"].tolist(), query["camid"].tolist(), strict=True))
    missing = next((row for row, key in enumerate(keys) if key not in rows), None)
    if missing is not None:
        raise InputError(f"{own['embedding'].source}: has no image of query {missing}, expected one of each query")
    query["embedding"] = np.stack([features[rows[key]].mean(0) for key in keys])
    columns.lines.append(
        f"{own['embedding'].source}: multi query -> each query is the mean of its person's images there"
    )


def _turn_distance(given: Column, tables: Mapping[str, dict[str, Any]]) -> Array:
    matrix = to_array(given)
    shape = len(tables["query"]["pid"]), len(tables["gallery"]["pid"])
    if matrix.ndim != 2 or matrix.dtype.kind not in "fiu":
        raise InputError(
            f"{given.source}: expected a matrix of numbers [Q, G], got {matrix.dtype} {list(matrix.shape)}"
        )
    return matrix.T if matrix.shape == shape[::-1] != shape else matrix


def _origin(own: Mapping[str, Column]) -> str:
    return next((column.source.rpartition(": ")[0] for column in own.values()), "")
