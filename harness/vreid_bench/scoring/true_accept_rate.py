"""Re-identification as verification: one threshold for all pairs, and the share of pairs that it accepts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

import numpy as np

from vreid_bench.contracts.convention import Convention
from vreid_bench.scoring.array_files import Array
from vreid_bench.scoring.matches_and_junk import GalleryRule, assign_roles
from vreid_bench.scoring.ranks.counting import Tile
from vreid_bench.scoring.ranks.labels import Labels
from vreid_bench.system.errors import InputError

QUERIES = 64  # whose pairs are counted together
EVERY_PAIR = GalleryRule(None)


def find_pairs(convention: Convention) -> GalleryRule:
    """Which pairs a convention counts. Whether a query has to be in the gallery does not matter to a pair."""
    rule = GalleryRule.of(convention)
    return rule._replace(queries_in_gallery=False if rule.removes_queries else None)


def true_accept_rates(
    tiles: Iterable[Tile], labels: Labels, false_accept_rates: Sequence[float], rule: GalleryRule = EVERY_PAIR
) -> list[float]:
    """The true accept rate (TAR) at each false accept rate (FAR).

    The threshold of a FAR is the distance of the closest pair of different persons that must be refused, so that at
    most this share of such pairs is closer. The TAR is the share of matching pairs that are closer. Junk pairs count
    for neither.

    tiles: distances [R, G] of some queries at a time, comparable over queries; rule: which pairs count. Only the pairs
    below the highest threshold are kept, never all. Raises InputError for a FAR outside 0 to 1, or if no pair matches.
    """
    for rate in false_accept_rates:
        if not 0 <= rate <= 1:
            raise InputError(f"a false accept rate is a fraction from 0 to 1, got {rate}")
    same, different = _count_pairs(labels, rule)
    # as it is written: in binary, 0.29 of 100 pairs is below 29
    allowed = [int(Fraction(str(float(rate))) * different) for rate in false_accept_rates]
    genuine: list[Array] = []
    impostor = np.empty(0)  # the smallest max(allowed) + 1 so far
    for rows, distances in tiles:
        match, negative = assign_roles(labels, rows, rule)
        genuine.append(distances[match])
        impostor = np.concatenate([impostor, distances[negative]])
        if len(impostor) > max(allowed) + 1:
            impostor = np.partition(impostor, max(allowed))[: max(allowed) + 1]
    impostor = np.append(np.sort(impostor), np.inf)  # at a FAR of 1 every pair may pass
    if not same:
        raise InputError("no query has a match in the gallery; there is nothing to accept")
    found = np.concatenate(genuine)
    return [float(np.count_nonzero(found < impostor[k]) / same) for k in allowed]


def _count_pairs(labels: Labels, rule: GalleryRule) -> tuple[int, int]:
    """How many pairs match, and how many are of different persons."""
    same = different = 0
    for first in range(0, len(labels.query), QUERIES):
        match, negative = assign_roles(labels, slice(first, first + QUERIES), rule)
        same, different = same + int(match.sum()), different + int(negative.sum())
    return same, different
