"""Re-ranking in NumPy: the definition of each function of the native `_rerank`, with the same names and arguments.

Items are the queries, then the gallery: 0 to N - 1, N = Q + G. `value` and `index` [N, K] hold the nearest items of
each item so far, nearest first, of two at the same distance the lower index first; unused places hold infinity. A
set of items of each item is `start` [N + 1] and `member` [P]: those of item i are member[start[i]:start[i + 1]].
`threads` does nothing here: everything runs on one.
"""
# ruff: noqa: PLR0913  (a kernel takes flat arrays)

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]


def scan_rows(tile: Floats, row: int, column: int, value: Floats, index: Ints, largest: Floats, threads: int) -> bool:
    """Offer the columns of a tile [R, C] of distances to the lists of its rows, in place.

    row, column: the items of the tile's corner; largest: [N], kept the largest distance of each item so far.
    Returns whether every distance is finite.
    """
    if tile.shape[1]:
        _offer(tile, column, row, value, index, largest)
    return bool(np.isfinite(tile).all())


def scan_columns(
    tile: Floats, row: int, column: int, value: Floats, index: Ints, largest: Floats, threads: int
) -> None:
    """Offer the rows of a tile [R, C] of distances to the lists of its columns, in place; as `scan_rows`."""
    if len(tile):
        _offer(tile.T, row, column, value, index, largest)


def reciprocal(index: Ints, count: int, half: int, threads: int) -> tuple[Longs, Ints]:
    """The expanded k-reciprocal neighbours R* of each item (Zhong et al. 2017, Eq. 3 and 4), as start and member.

    index: [N, K] nearest items; count: how many of them are neighbours, the item itself among them; half: the
    same for the smaller sets that are added where over two thirds of one (the paper: at least; its code: over) are
    reciprocal neighbours already.
    """
    wide, narrow = ([frozenset(_mutual(index, item, size)) for item in range(len(index))] for size in (count, half))
    sets = []
    for own in wide:
        close = [narrow[c] for c in own]
        sets.append(sorted(own.union(*(theirs for theirs in close if 3 * len(theirs & own) > 2 * len(theirs)))))
    start = np.concatenate([[0], np.cumsum([len(s) for s in sets])]).astype(np.int64)
    return start, np.concatenate(sets).astype(np.int32)


def between(
    query: Floats, gallery: Floats, scale: Floats, start: Longs, member: Ints, threads: int, rows: int = 256
) -> Floats:
    """Squared Euclidean distance of each item to each of its set: [P].

    query: [Q, E]; gallery: [G, E]; scale: [N], what each vector is multiplied by first.
    """
    result = np.empty(len(member), np.float32)
    owner = np.repeat(np.arange(len(start) - 1), np.diff(start))  # [P]

    def vectors(items: NDArray[Any]) -> Floats:
        of_query = items < len(query)
        found = np.empty((len(items), query.shape[1]), np.float32)
        found[of_query], found[~of_query] = query[items[of_query]], gallery[items[~of_query] - len(query)]
        return found * scale[items, None]

    for begin in range(0, len(member), rows):
        part = slice(begin, begin + rows)
        gap = vectors(owner[part]) - vectors(member[part])  # [rows, E]
        result[part] = np.einsum("pe,pe->p", gap, gap)
    return result


def blend(
    start: Longs,
    member: Ints,
    weight: Floats,
    column_start: Longs,
    column_member: Ints,
    column_weight: Floats,
    key: Floats,
    scale: Floats,
    share: float,
    square: bool,
    out: Floats,
    threads: int,
) -> None:
    """Jaccard distance of the sets of queries and gallery (Eq. 10), blended with the original (Eq. 12), into `out`.

    start, member, weight: the weighted sets of the queries, over all N items; column_start [N + 1],
    column_member, column_weight: for each item, which gallery items have it in their set, and its weight there.
    The original is `scale * key`, or `scale * key * key` if `square`; key: [Q, G], scale: [Q], share: its weight.
    `out` [Q, G] may be `key`.
    """
    for q in range(len(key)):
        shared = np.zeros(key.shape[1], np.float32)  # [G]
        for p in range(start[q], start[q + 1]):
            column = slice(column_start[member[p]], column_start[member[p] + 1])
            shared[column_member[column]] += np.minimum(weight[p], column_weight[column])
        original = (key[q] ** 2 if square else key[q]) * scale[q]
        out[q] = (1 - shared / (2 - shared)) * np.float32(1 - share) + np.float32(share) * original


def instruction_set() -> str:
    """`numpy`: NumPy itself chooses the instruction set."""
    return "numpy"


def _offer(tile: Floats, first: int, row: int, value: Floats, index: Ints, largest: Floats, step: int = 64) -> None:
    """Offer the columns of a tile, items from `first` on, to the lists of its rows, `step` rows at a time."""
    items = np.arange(first, first + tile.shape[1], dtype=np.int32)
    for begin in range(0, len(tile), step):
        part = tile[begin : begin + step]
        rows = slice(row + begin, row + begin + len(part))
        distance = np.concatenate([value[rows], part], axis=1)  # [R, K + C]
        item = np.concatenate([index[rows], np.broadcast_to(items, part.shape)], axis=1)  # [R, K + C]
        order = np.lexsort((item, distance))[:, : value.shape[1]]  # [R, K]
        value[rows] = np.take_along_axis(distance, order, axis=1)
        index[rows] = np.take_along_axis(item, order, axis=1)
        largest[rows] = np.maximum(largest[rows], part.max(1))


def _mutual(index: Ints, item: int, count: int) -> list[int]:
    """The neighbours among the first `count` of `item` that have it among theirs, nearest first."""
    forward = index[item, :count]
    found: list[int] = forward[(index[forward, :count] == item).any(1)].tolist()
    return found
