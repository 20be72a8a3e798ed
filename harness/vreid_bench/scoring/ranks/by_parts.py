"""Ranks counted over a gallery that is read part by part, in two passes: the same integers as from one array.

A *stranger* is a gallery item of a person that no query shows. Strangers differ in their vectors alone, so that nothing
of them is kept: the first pass keeps the other items, which are few, and the second counts strangers among them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from vreid_bench.contracts.people import DISTRACTOR, JUNK
from vreid_bench.ops.metric import Metric
from vreid_bench.scoring.ranks.counting import Counts, count_from_embeddings
from vreid_bench.scoring.ranks.labels import Ints, Labels
from vreid_bench.system.errors import InputError
from vreid_bench.system.progress import bar

ROWS = 1 << 18  # gallery items that are held and counted at once, at most
NUMBERS = 1 << 25  # in their vectors, at most: 128 MiB in float32


class Block(NamedTuple):
    """Some rows of a gallery, one after another."""

    vectors: NDArray[Any]  # [n, E]
    pids: Ints  # [n]
    camids: Ints  # [n]

    @classmethod
    def join(cls, blocks: Sequence[Block]) -> Block:
        """Blocks that follow one another, of which there is one at least."""
        return blocks[0] if len(blocks) == 1 else cls(*map(np.concatenate, zip(*blocks, strict=True)))


class Part(Protocol):
    """A part of a gallery, in memory or on disk; it can be read again."""

    def __len__(self) -> int: ...

    def blocks(self, rows: int) -> Iterator[Block]:
        """All of it, at most so many rows at a time, in order."""
        ...


class Known(NamedTuple):
    """The gallery items of the people that queries show."""

    places: Ints  # [P] rising
    vectors: NDArray[Any]  # [P, E]
    pids: Ints  # [P]
    camids: Ints  # [P]

    @classmethod
    def of(cls, parts: Sequence[Part], people: Ints, dtype: Any, rows: int = ROWS) -> Known:
        """The first pass: keep the items of these people. Raises InputError if there is none."""
        return cls.join(find_known(parts, people, dtype, rows))

    @classmethod
    def take(cls, place: int, block: Block, rows: Ints, dtype: Any) -> Known:
        """The items of some rows of a block, which begins at this place."""
        return cls(place + rows, block.vectors[rows].astype(dtype), block.pids[rows], block.camids[rows])

    @classmethod
    def join(cls, pieces: Sequence[Known]) -> Known:
        """Those of pieces of the gallery that follow one another. Raises InputError if there is none."""
        if not any(len(piece.places) for piece in pieces):
            raise InputError(
                "gallery: none of its items shows a person that is asked for, expected a match for some query; check "
                "that queries and gallery number people alike"
            )
        return cls(*(np.concatenate(columns) for columns in zip(*pieces, strict=True)))

    def find(self, vectors: NDArray[Any], pids: Ints, camids: Ints) -> Ints:
        """The number of the item that is this query itself, by its labels and vector, -1 where there is none: [Q]."""
        at: dict[tuple[int, int, bytes], int] = {}
        for number in reversed(range(len(self.places))):  # of equal ones, the first is taken
            at[int(self.pids[number]), int(self.camids[number]), _to_key(self.vectors[number])] = number
        asked = zip(pids.tolist(), camids.tolist(), vectors.astype(self.vectors.dtype), strict=True)
        return np.array([at.get((pid, camid, _to_key(vector)), -1) for pid, camid, vector in asked], np.int64)

    def label(self, vectors: NDArray[Any], pids: Ints, camids: Ints) -> Labels:
        """These items as a gallery, with the queries; a query that is an item is not listed twice."""
        return self.label_own(self.find(vectors, pids, camids), pids, camids)

    def label_own(self, own: Ints, pids: Ints, camids: Ints) -> Labels:
        """The same where the number of the item that is the query is known, -1 where there is none: own [Q]."""
        new, size = own < 0, len(self.places)
        row = np.where(new, size + np.cumsum(new) - 1, own)
        every = np.concatenate([self.pids, pids[new]]), np.concatenate([self.camids, camids[new]])
        return Labels(*every, row, np.arange(size))


class Ranking(NamedTuple):
    """What is ranked in the second pass, before any stranger is counted."""

    query: NDArray[Any]  # [Q, E]
    known: Known
    labels: Labels  # of the known items
    metric: Metric
    among: Counts  # of the known items alone

    @classmethod
    def of(cls, query: NDArray[Any], known: Known, labels: Labels, metric: Metric) -> Ranking:
        """Raises as `count_from_embeddings` does."""
        return cls(query, known, labels, metric, count_from_embeddings(query, known.vectors, labels, metric))

    def add(self, strangers: Ints) -> Counts:
        """The counts of the whole gallery; strangers: how many come before each match, [M, K]."""
        return replace(self.among, before=self.among.before + strangers)


def count_from_parts(
    query: NDArray[Any],
    parts: Sequence[Part],
    known: Known,
    labels: Labels,
    metric: Metric,
    rows: int = ROWS,
) -> Counts:
    """The second pass: as `count_from_embeddings` counts in the whole gallery, whose known items `labels` describes.

    query: [Q, E]. Memory grows with the known items and with `rows`. The counts are those of one pass where a pair's
    distance does not depend on its place, as in the native kernels. Raises as `count_strangers` does.
    """
    ranking = Ranking.of(query, known, labels, metric)
    return ranking.add(count_strangers(ranking, parts, rows))


def choose_rows(dim: int) -> int:
    """How many rows of so many numbers are held at once."""
    return max(1, min(ROWS, NUMBERS // dim))


def join_parts(parts: Iterable[Part], rows: int, place: int) -> Iterator[tuple[int, Block]]:
    """The rows of all parts, at most so many at a time, with the place of the first; that of the very first is given.

    Small parts are joined: each time, all known items are counted again.
    """
    held: list[Block] = []
    count = 0
    for part in parts:
        for block in part.blocks(rows):
            if held and count + len(block.pids) > rows:
                yield place, Block.join(held)
                held, count, place = [], 0, place + count
            held.append(block)
            count += len(block.pids)
    if held:
        yield place, Block.join(held)


def find_known(parts: Sequence[Part], people: Ints, dtype: Any, rows: int = ROWS, first: int = 0) -> list[Known]:
    """The items of these people in each block of parts that follow one another.

    dtype: what their vectors become; first: the gallery row with which the parts begin.
    """
    found: list[Known] = []
    with bar(sum(map(len, parts)), "find matches", "item") as progress:
        for place, block in join_parts(parts, rows, first):
            found.append(Known.take(place, block, np.flatnonzero(np.isin(block.pids, people)), dtype))
            progress.update(len(block.pids))
    return found


def collect_items(parts: Sequence[Part], places: Ints, dtype: Any, rows: int = ROWS, first: int = 0) -> list[Known]:
    """The items at these places [P], which rise, in each block of parts that follow one another; as `find_known`."""
    found: list[Known] = []
    with bar(sum(map(len, parts)), "read first ranks", "item") as progress:
        for place, block in join_parts(parts, rows, first):
            low, high = np.searchsorted(places, (place, place + len(block.pids)))
            found.append(Known.take(place, block, places[low:high] - place, dtype))
            progress.update(len(block.pids))
    return found


def count_strangers(
    ranking: Ranking, parts: Sequence[Part], rows: int = ROWS, first: int = 0, threads: int | None = None
) -> Ints:
    """How many strangers in parts that follow one another come before each match: [M, K].

    first: the gallery row with which the parts begin. It counts `rows` items at a time among the known ones, and takes
    away what these count among themselves. Raises as `count_from_embeddings` does; a row in its message is then one of
    those counted at once.
    """
    query, known, labels, metric, among = ranking
    people = np.unique(labels.pids[labels.query])
    found = np.zeros_like(among.before)
    with bar(sum(map(len, parts)), "rank", "item") as progress:
        for place, block in join_parts(parts, rows, first):
            strange = np.flatnonzero((block.pids != JUNK) & ~np.isin(block.pids, people))
            order = np.argsort(np.concatenate([known.places, place + strange]), kind="stable")
            gallery = np.concatenate([known.vectors, block.vectors[strange].astype(query.dtype)])[order]
            counted = count_from_embeddings(
                query, gallery, _add_strangers(labels, len(strange), order), metric, threads
            )
            found += counted.before - among.before
            progress.update(len(block.pids))
    return found


def _to_key(vector: NDArray[Any]) -> bytes:
    """The bytes of a vector [E], alike for equal ones: -0.0 equals 0.0."""
    return (vector + 0).tobytes()


def _add_strangers(labels: Labels, count: int, order: Ints) -> Labels:
    """The labels with strangers behind the gallery, which is then taken in this order."""
    size = len(labels.pids)
    gallery = np.concatenate([labels.gallery, size + np.arange(count)])[order]
    pids = np.concatenate([labels.pids, np.full(count, DISTRACTOR)])
    return replace(labels, pids=pids, camids=np.concatenate([labels.camids, np.full(count, -1)]), gallery=gallery)
