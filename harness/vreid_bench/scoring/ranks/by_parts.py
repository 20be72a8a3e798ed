"""Ranks counted over a gallery that is read part by part, in two passes: the same integers as from one array."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vreid_bench.ops.metric import Metric
from vreid_bench.scoring.ranks.counting import Counts, count_from_embeddings, index_matches, list_matches
from vreid_bench.scoring.ranks.labels import Ints, Labels
from vreid_bench.system.progress import bar

ROWS = 1 << 17  # gallery items that are held and counted at once


class Part(Protocol):
    """Some rows of a gallery [G_i, E], in memory or on disk."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: slice, /) -> NDArray[Any]: ...


def count_from_parts(
    query: NDArray[Any],
    parts: Sequence[Part],
    labels: Labels,
    metric: Metric,
    rows: int = ROWS,
    quiet: bool = False,
) -> Counts:
    """As `count_from_embeddings`, of a gallery in parts [G_i, E] that may be on disk, one after another.

    The first pass keeps the vectors of matches and junk: few. The second counts `rows` items at a time among them,
    and takes away what they count among themselves. Memory grows with the matches and with `rows`, and by the labels.
    The counts are those of one pass where a pair's distance does not depend on its place, as in the native kernels.
    Raises as `count_from_embeddings` does; a row in its message is then one of those counted at once. Raises ValueError
    for parts that are not as long as the gallery.
    """
    if sum(map(len, parts)) != len(labels.gallery):
        raise ValueError(f"parts: have {sum(map(len, parts))} rows, expected {len(labels.gallery)}, as in the labels")
    index = index_matches(labels)
    known = np.unique(np.concatenate([index.item, index.junk]))  # [P] places, rising
    found = list_matches(labels)
    vectors = np.empty((len(known), query.shape[1]), query.dtype)

    def count(places: Ints, gallery: NDArray[Any]) -> Ints:
        return count_from_embeddings(query, gallery, _choose(labels, places), metric).before

    with bar(2 * len(labels.gallery), "rank", "item", quiet=quiet) as progress:
        for first, block in _blocks(parts, rows):
            inside = slice(*np.searchsorted(known, (first, first + len(block))))
            vectors[inside] = block[known[inside] - first]
            progress.update(len(block))
        among = count(known, vectors) if len(known) else found.before
        before = among.copy()
        for first, block in _blocks(parts, rows):
            start, end = np.searchsorted(known, (first, first + len(block)))
            here = np.arange(first, first + len(block))
            places = np.concatenate([known[:start], here, known[end:]])
            gallery = np.concatenate([vectors[:start], np.asarray(block, query.dtype), vectors[end:]])
            before += count(places, gallery) - among
            progress.update(len(block))
    return replace(found, before=before)


def _blocks(parts: Sequence[Part], rows: int) -> Iterator[tuple[int, NDArray[Any]]]:
    """At most `rows` items at a time, with the place of the first."""
    place = 0
    for part in parts:
        for first in range(0, len(part), rows):
            block = part[first : first + rows]
            yield place, block
            place += len(block)


def _choose(labels: Labels, places: Ints) -> Labels:
    """The labels with these items as the whole gallery, and of other tracklets only the queries."""
    gallery = labels.gallery[places]
    kept, new = np.unique(np.concatenate([labels.query, gallery]), return_inverse=True)
    return replace(
        labels,
        pids=labels.pids[kept],
        camids=labels.camids[kept],
        query=new[: len(labels.query)],
        gallery=new[len(labels.query) :],
        attributes={name: column[kept] for name, column in labels.attributes.items()},
        frames=None if labels.frames is None else labels.frames[kept],
        named={name: column[kept] for name, column in labels.named.items()},
    )
