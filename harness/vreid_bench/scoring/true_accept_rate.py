"""Re-identification as verification: one threshold for all pairs, and the share of pairs that it accepts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from vreid_bench.scoring.array_files import Array
from vreid_bench.scoring.ranks.counting import Tile, sought
from vreid_bench.scoring.ranks.labels import Labels
from vreid_bench.scoring.ranks.match_index import QUERY, Sought
from vreid_bench.system.errors import InputError


def true_accept_rates(
    tiles: Iterable[Tile], labels: Labels, false_accept_rates: Sequence[float], queries_in_gallery: bool = True
) -> list[float]:
    """The true accept rate (TAR) at each false accept rate (FAR).

    The threshold of a FAR is the distance of the closest pair of different persons that must be refused, so that at
    most this share of such pairs is closer. The TAR is the share of matching pairs that are closer. Junk pairs count
    for neither.

    tiles: distances [R, G] of some queries at a time, comparable over queries. Only the pairs below the highest
    threshold are kept, never all. Raises InputError for a FAR outside 0 to 1, or if no pair matches.
    """
    for rate in false_accept_rates:
        if not 0 <= rate <= 1:
            raise InputError(f"a false accept rate is a fraction from 0 to 1, got {rate}")
    index = sought(labels)
    ranked = index.group >= 0  # [G]
    if not queries_in_gallery:
        ranked &= index.group != QUERY
    same = int(ranked[index.item].sum())
    different = len(labels.query) * int(ranked.sum()) - same - int(ranked[index.junk].sum())
    allowed = [int(rate * different) for rate in false_accept_rates]
    genuine: list[Array] = []
    impostor = np.empty(0)  # the smallest max(allowed) + 1 so far
    for rows, distances in tiles:
        matching, others = _divide(distances, index.rows(rows), ranked)
        genuine.append(matching)
        impostor = np.concatenate([impostor, others])
        if len(impostor) > max(allowed) + 1:
            impostor = np.partition(impostor, max(allowed))[: max(allowed) + 1]
    impostor = np.append(np.sort(impostor), np.inf)  # at a FAR of 1 every pair may pass
    if not same:
        raise InputError("no query has a match in the gallery; there is nothing to accept")
    found = np.concatenate(genuine)
    return [float(np.count_nonzero(found < impostor[k]) / same) for k in allowed]


def _divide(distances: Array, index: Sought, ranked: NDArray[np.bool_]) -> tuple[Array, Array]:
    """The distances [R, G] of pairs of one person and of pairs of two; ranked: which gallery items take a rank [G]."""
    queries = np.arange(len(distances))
    owner, junk_owner = np.repeat(queries, np.diff(index.start)), np.repeat(queries, np.diff(index.junk_start))
    match = ranked[index.item]
    other = np.tile(ranked, (len(distances), 1))  # [R, G]
    other[owner, index.item] = False
    other[junk_owner, index.junk] = False
    return distances[owner[match], index.item[match]], distances[other]
