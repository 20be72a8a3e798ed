"""Counting in NumPy: the definition of each function of the native `_ranks`, with the same names and arguments.

It runs where the native module is not built, and the tests compare the native module with it. `threads` does nothing
here; the native functions also take an `instruction_set`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vreid_bench.contracts.people import JUNK
from vreid_bench.scoring.ranks.match_index import GALLERY, QUERY, MatchIndex, Shard

if TYPE_CHECKING:
    from vreid_bench.scoring.ranks.labels import Ints

SOME = 1 << 16  # values that are looked up at once
CHUNK = 1 << 14  # given distances that are counted in at once
BLOCK, TILE = 256, 1024  # queries and items of one product; always padded to this size

Values = NDArray[Any]  # float32 or float64


def index_matches(pids: Ints, camids: Ints, query: Ints, gallery: Ints, own: Ints) -> MatchIndex:
    """The groups of a gallery, and the matches and junk of every query; arguments as in `Labels`."""
    group = np.full(len(gallery), -1, np.int8)  # [G]
    group[(pids != JUNK)[gallery]] = GALLERY
    group[own[own >= 0]] = QUERY
    bounds, place = _same_person(pids, query, gallery)
    junk = camids[gallery[place]] == np.repeat(camids[query], np.diff(bounds))  # [P]
    junk_start = _starts(junk)[bounds]
    return MatchIndex(QUERY + 1, group, bounds - junk_start, place[~junk], junk_start, place[junk])


def count_distances(distance: Values, index: MatchIndex, shard: Shard, threads: int = 1) -> tuple[Ints, int]:
    """How many items of each group come before each match, junk left out: before [M, K], bad.

    distance: [R, G]. An item comes before a match if it is closer, or as close and earlier in the gallery. Only
    the tiles of this shard are counted in. bad: flat index of the first distance that is not finite, or -1.
    """
    infinite = ~np.isfinite(distance)
    if infinite.any():
        return _zeros(index), int(infinite.argmax())
    before = _zeros(index)
    for group, places in _tiles(index, CHUNK, shard):
        for q, row in enumerate(distance):
            before[index.start[q] : index.start[q + 1], group] += _before(row[places], places, row, *_of(index, q))
    return before, -1


def count_embeddings(
    query: Values, gallery: Values, metric: str, index: MatchIndex, shard: Shard, threads: int = 1
) -> tuple[Ints, int]:
    """As `count_distances`, from query [R, E] and gallery [G, E]; metric: `cosine` or `sqeuclidean`.

    Tiles are fixed and padded, and every key is read from the one tile that holds it, so that shards agree to the
    last bit. bad: the first query, or R + the first gallery row, without a key, or -1.
    """
    before = _zeros(index)
    ranked = np.flatnonzero(index.group >= 0)
    for array, rows, offset in ((query, np.arange(len(query)), 0), (gallery, ranked, len(query))):
        bad = _unrankable(array, rows, metric)
        if bad >= 0:
            return before, offset + bad
    tiles = _Tiles(query, gallery, metric, index)
    for first in range(0, len(query), BLOCK):
        last = min(first + BLOCK, len(query))
        keys = tiles.single(first, last)
        for group, places in _tiles(index, TILE, shard):
            product = tiles.keys(first, places)  # [BLOCK, places]
            for q in range(first, last):
                count = _before(product[q - first], places, keys[q - first], *_of(index, q))
                before[index.start[q] : index.start[q + 1], group] += count
    return before, -1


def instruction_sets() -> list[str]:
    """`numpy`: NumPy itself chooses the instruction set."""
    return ["numpy"]


def _same_person(pids: Ints, query: Ints, gallery: Ints) -> tuple[Ints, Ints]:
    """The gallery items of each query's person: where each query's begin [Q + 1], their places [P], rising."""
    person = pids[query]  # [Q]
    known = np.flatnonzero(_contains(pids, person)[gallery])  # few where most of the gallery are other people
    shown = pids[gallery[known]]
    order = np.argsort(shown, kind="stable")
    first, last = (np.searchsorted(shown[order], person, side) for side in ("left", "right"))  # [Q]
    bounds = _starts(last - first)
    within = np.arange(bounds[-1]) + np.repeat(first - bounds[:-1], last - first)  # [P]
    return bounds, known[order][within]


def _contains(values: Ints, known: Ints) -> NDArray[np.bool_]:
    """Which values are among the known ones: `np.isin` on a part at a time, as it takes several times its size."""
    result = np.empty(len(values), bool)
    for first in range(0, len(values), SOME):
        part = slice(first, first + SOME)
        result[part] = np.isin(values[part], known)
    return result


def _starts(sizes: Values) -> Ints:
    return np.concatenate([[0], np.cumsum(sizes)])


def _zeros(index: MatchIndex) -> Ints:
    return np.zeros((len(index.item), index.groups), np.int64)


def _of(index: MatchIndex, q: int) -> tuple[Ints, Ints]:
    """Places of a query's matches and of its junk."""
    matches = index.item[index.start[q] : index.start[q + 1]]
    return matches, index.junk[index.junk_start[q] : index.junk_start[q + 1]]


def _tiles(index: MatchIndex, width: int, shard: Shard) -> Iterator[tuple[int, Ints]]:
    """The shard's tiles: group, places. No tile holds items of two groups."""
    number = 0
    for group in range(index.groups):
        places = np.flatnonzero(index.group == group)
        for begin in range(0, len(places), width):
            if number % shard[1] == shard[0]:
                yield group, places[begin : begin + width]
            number += 1


def _before(tile: Values, places: Ints, keys: Any, matches: Ints, junk: Ints) -> Ints:
    """How many items of one tile come before each match: [matches]. `keys` maps a place to its key."""
    if not matches.size:
        return np.zeros(0, np.int64)
    junk = junk[(junk >= places[0]) & (junk <= places[-1])]
    inside = np.searchsorted(places, junk)
    inside = inside[places[inside] == junk]
    if inside.size:
        tile = tile.copy()
        tile[inside] = np.inf
    limits = np.array([keys[m] for m in matches])
    near = np.flatnonzero(tile <= limits.max())  # few where the matches are near
    order = near[np.argsort(tile[near], kind="stable")]  # stable: a tile is in gallery order
    ordered, ranked = tile[order], places[order]
    first, last = (np.searchsorted(ordered, limits, side) for side in ("left", "right"))
    before = np.asarray(first, np.int64)
    for i in np.flatnonzero(last > first):  # the match itself, and what is exactly as near
        before[i] += np.searchsorted(ranked[first[i] : last[i]], matches[i])
    return before


def _unrankable(array: Values, rows: Ints, metric: str) -> int:
    """The first of these rows that has no key, or -1."""
    for begin in range(0, len(rows), TILE):
        part = rows[begin : begin + TILE]
        square = np.square(array[part], dtype=np.float64).sum(1)
        # a quarter of the range: by Cauchy-Schwarz no dot product, nor the key made of it, can then overflow
        good = (square < np.finfo(array.dtype).max / 4) & ((metric != "cosine") | (square > 0))
        if not good.all():
            return int(part[~good][0])
    return -1


class _Tiles:
    """Keys, numbers that order as the distances do, by fixed products of BLOCK queries and TILE items."""

    def __init__(self, query: Values, gallery: Values, metric: str, index: MatchIndex) -> None:
        self.query, self.gallery, self.metric, self.index = query, gallery, metric, index
        self.left, self.right = (np.zeros((n, query.shape[1]), query.dtype) for n in (BLOCK, TILE))
        self.out = np.empty((BLOCK, TILE), query.dtype)

    def keys(self, first: int, places: Ints) -> Values:
        """Keys of the queries from `first` on in one tile: [BLOCK, places], valid until the next call."""
        queries, items = self.query[first : first + BLOCK], self.gallery[places]
        for padded, rows in ((self.left, queries), (self.right, items)):
            padded[: len(rows)], padded[len(rows) :] = rows, 0
        np.matmul(self.left, self.right.T, out=self.out)
        product = self.out[:, : len(places)]
        square = np.einsum("ce,ce->c", items, items, dtype=np.float64)  # [places]
        if self.metric == "cosine":
            product *= (-1 / np.sqrt(square)).astype(product.dtype)
        else:  # the query's own square is the same for its whole row, and left out
            np.subtract(square.astype(product.dtype), 2 * product, out=product)
        return product

    def single(self, first: int, last: int) -> list[dict[int, Any]]:
        """Of each query from `first` to `last`: place of a match or junk item -> its key."""
        keys: list[dict[int, Any]] = [{} for _ in range(first, last)]
        own = [np.concatenate(_of(self.index, q)) for q in range(first, last)]
        for _, places in _tiles(self.index, TILE, (0, 1)):
            inside = [mine[np.isin(mine, places)] for mine in own]
            if any(map(len, inside)):
                product = self.keys(first, places)
                for row, (found, some) in enumerate(zip(keys, inside, strict=True)):
                    found.update(zip(some.tolist(), product[row, np.searchsorted(places, some)], strict=True))
        return keys
