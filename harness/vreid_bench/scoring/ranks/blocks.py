"""The distances of a matcher between tracklets: by tiles, or all of them among queries and gallery for re-ranking."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vreid_bench.contracts.parts import Clips, Matcher
from vreid_bench.ops.metric import Metric
from vreid_bench.scoring.ranks.counting import Tile
from vreid_bench.system.progress import bar

Floats = NDArray[np.float32]


class Blocks(NamedTuple):
    """Distances among Q queries and G gallery tracklets."""

    query_query: Floats  # [Q, Q], symmetric, 0 on the diagonal
    query_gallery: Floats  # [Q, G]
    gallery_gallery: Floats  # [G, G], symmetric, 0 on the diagonal


def measure_blocks(matcher: Matcher, query: Clips, gallery: Clips, quiet: bool = True) -> Blocks:
    """The distances that a re-ranker needs, for a matcher that compares clips in pairs: 4 (Q^2 + Q G + G^2) bytes.

    Within the queries and within the gallery, no tracklet asks for the other: their distance is the mean of both
    directions, for a matcher that is not symmetric. A tracklet is at distance 0 from itself, because re-ranking counts
    it as its own nearest neighbour. If a distance is negative, all are raised until none is: neighbours stay the
    same, and re-ranking can square what it gets.
    """
    with bar(2 * len(query) + len(gallery), "compare", "tracklet", quiet=quiet) as progress:

        def measure(rows: Clips, columns: Clips) -> Floats:
            found = np.empty((len(rows), len(columns)), np.float32)
            for part, tile in tiles(matcher, rows, columns):
                found[part] = tile
                progress.update(len(tile))
            return found

        blocks = Blocks(measure(query, query), measure(query, gallery), measure(gallery, gallery))
    least = min(0.0, *(float(block.min()) for block in blocks))
    for block in blocks:
        block -= least
    for block in (blocks.query_query, blocks.gallery_gallery):
        _make_symmetric(block)
    return blocks


def tiles(matcher: Matcher, query: Clips, gallery: Clips, rows: int = 128) -> Iterator[Tile]:
    """Distances [R, G] of `rows` query tracklets to the gallery at a time, as float32 on the CPU."""
    for start in range(0, len(query), rows):
        part = slice(start, min(start + rows, len(query)))
        distance = matcher.distance(query.rows(range(part.start, part.stop)), gallery)  # [R, G]
        yield part, distance.float().cpu().numpy()


def find_metric(matcher: Matcher) -> Metric:
    """What the distances of a matcher are like, for a re-ranker that depends on it."""
    metric: Metric = getattr(matcher, "metric", "euclidean")
    return metric


def _make_symmetric(distance: Floats) -> None:
    """Replace [N, N] by the mean of it and its transpose, with zeros on the diagonal."""
    distance += distance.T
    distance *= 0.5
    np.fill_diagonal(distance, 0)
