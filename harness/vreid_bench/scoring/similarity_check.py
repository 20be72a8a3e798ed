"""Signs that a matrix given as distances holds similarities: the ranking is then upside down."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vreid_bench.contracts.people import JUNK
from vreid_bench.scoring.distances import MatrixDistances
from vreid_bench.scoring.ranks.counting import Counts
from vreid_bench.scoring.ranks.labels import Labels
from vreid_bench.scoring.rerank.items import NEGATIVE

SHARE = 2 / 3  # of the queries whose matches are far, from which on a matrix is suspicious
DEVIATIONS = 3  # standard deviations of a fair coin: few queries can be far by chance


def describe_similarity(given: MatrixDistances, counts: Counts, labels: Labels) -> str:
    """Why the matrix looks like similarities, with the numbers, and what to do; empty if it does not.

    Two signs count: the matches of most queries are in the farther half of the ranking, and a query that is itself in
    the gallery is the farthest item of its own row. Where it is the nearest, the matrix holds distances. A third sign
    counts where the ranking tells nothing: values below 0, although the matches are not nearer than by chance.
    """
    far, matched = _count_far(counts, labels)
    nearest, farthest, known = _count_own(given, labels)
    if not matched or (known and 2 * nearest >= known):
        return ""
    chance = DEVIATIONS * 0.5 / np.sqrt(matched)
    by_rank = far / matched >= max(SHARE, 0.5 + chance)
    by_own = 2 * far >= matched and 2 * farthest > known
    own = f", and {farthest} of {known} queries are the farthest item from themselves" if by_own else ""
    if not (by_rank or by_own):
        lowest = _find_negative(given) if far / matched > 0.5 - chance else 0
        if not lowest:
            return ""
        own = f", and it holds values below 0, down to {lowest:.2g}"
    return (
        f"the matches of {far} of {matched} queries are in the farther half of the ranking{own}, as if the matrix held "
        "similarities; expected smaller values for closer items: give distances, such as 1 - similarity"
    )


def is_similarity_by_itself(given: MatrixDistances, labels: Labels) -> bool:
    """Is every query that is in the gallery the farthest item from itself, so that the matrix holds similarities?"""
    _, farthest, known = _count_own(given, labels)
    return known > 0 and farthest == known


def find_lowest(given: MatrixDistances) -> float:
    """The lowest value where it is clearly below 0, as in a matrix of negative similarities, else 0."""
    return _find_negative(given)


def _find_negative(given: MatrixDistances) -> float:
    lowest, largest = 0.0, 0.0
    for _, distances in given.tiles():
        lowest, largest = min(lowest, float(distances.min())), max(largest, float(np.abs(distances).max()))
    return lowest if lowest < -NEGATIVE * largest else 0.0


def _count_far(counts: Counts, labels: Labels) -> tuple[int, int]:
    """How many queries have their matches in the farther half of the ranking on average, of how many with a match."""
    ranked = np.count_nonzero(labels.pids[labels.gallery] != JUNK)
    share: NDArray[np.float64] = counts.before.sum(1) / max(1, ranked - 1)  # [M] of the items that come before
    queries = len(counts.start) - 1
    total = np.bincount(counts.owner, minlength=queries)  # [Q]
    matched = total > 0
    mean = np.bincount(counts.owner, weights=share, minlength=queries)[matched] / total[matched]
    return int((mean > 0.5).sum()), int(matched.sum())


def _count_own(given: MatrixDistances, labels: Labels) -> tuple[int, int, int]:
    """How many queries are the nearest, and the farthest, item from themselves, of how many in the gallery."""
    nearest, farthest = 0, 0
    for rows, distances in given.tiles():
        there = np.flatnonzero(labels.own[rows] >= 0)
        own = distances[there, labels.own[rows][there]]
        low, high = distances[there].min(1), distances[there].max(1)
        nearest += int(((own <= low) & (own < high)).sum())
        farthest += int(((own >= high) & (own > low)).sum())
    return nearest, farthest, int((labels.own >= 0).sum())
