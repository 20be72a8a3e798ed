"""Re-identification as verification: one threshold for all pairs, and what it lets through."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from vreid_bench.scoring.features import Array
from vreid_bench.scoring.matches import GalleryRule, assign_roles
from vreid_bench.scoring.ranks.counting import Tile
from vreid_bench.scoring.ranks.labels import Labels
from vreid_bench.system.errors import InputError

BUDGET = 1 << 23  # distances that are looked at together


def true_accepts(
    tiles: Iterable[Tile], labels: Labels, false_accepts: Sequence[float], queries_in_gallery: bool = True
) -> list[float]:
    """TAR at each FAR: the share of matching pairs closer than the threshold that lets at most that share of
    pairs of different persons through.

    tiles: as in `count_from_distances`, comparable over queries. A threshold is the exact distance of the closest
    pair of different persons that must be refused. Junk pairs count for neither side. Only the pairs below the
    highest threshold are kept, never all. Raises InputError for a FAR outside 0 to 1, or if no pair matches.
    """
    for rate in false_accepts:
        if not 0 <= rate <= 1:
            raise InputError(f"a false accept rate is a fraction from 0 to 1, got {rate}")
    rule = GalleryRule(queries_in_gallery)
    same, different = _pairs(labels, rule)
    allowed = [int(rate * different) for rate in false_accepts]
    genuine: list[Array] = []
    impostor = np.empty(0)  # the smallest max(allowed) + 1 so far
    for rows, distances in tiles:
        match, other = assign_roles(labels, rows, rule)
        genuine.append(distances[match])
        impostor = np.concatenate([impostor, distances[other]])
        if len(impostor) > max(allowed) + 1:
            impostor = np.partition(impostor, max(allowed))[: max(allowed) + 1]
    impostor = np.append(np.sort(impostor), np.inf)  # all may pass at a FAR of 1
    found = np.concatenate(genuine)
    if not same:
        raise InputError("no query has a match in the gallery; there is nothing to accept")
    return [float(np.count_nonzero(found < impostor[k]) / same) for k in allowed]


def distance_tiles(query: Array, gallery: Array, metric: str) -> Iterator[Tile]:
    """Distances of vectors query [Q, E] to gallery [G, E], some queries at a time."""
    rows = max(1, BUDGET // len(gallery))
    squares = [np.einsum("ne,ne->n", x, x, dtype=np.float64) for x in (query, gallery)]
    for first in range(0, len(query), rows):
        part = slice(first, min(first + rows, len(query)))
        product = query[part] @ gallery.T  # [R, G]
        if metric == "cosine":
            yield part, 1 - product / np.sqrt(squares[0][part, None] * squares[1])
        else:
            yield part, squares[0][part, None] + squares[1] - 2 * product


def _pairs(labels: Labels, rule: GalleryRule) -> tuple[int, int]:
    """How many pairs match, and how many are of different persons."""
    same = different = 0
    for first in range(0, len(labels.query), 64):
        roles = assign_roles(labels, slice(first, first + 64), rule)
        same, different = same + int(roles[0].sum()), different + int(roles[1].sum())
    return same, different
