"""Gallery items at equal distances: whether their order decides a score, and scores that do not depend on it.

By default, the order of the gallery decides between equal distances. With features that are all the same, the list is
then the ranking, and can score anything up to 100 %.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from vreid_bench.contracts.convention import Convention
from vreid_bench.scoring.distances import TileDistances, VectorDistances
from vreid_bench.scoring.matches_and_junk import GalleryRule, assign_roles, find_matches
from vreid_bench.scoring.metrics import NotComputable, Scores, find_refusal
from vreid_bench.scoring.ranks.counting import Counts, Tile, count_from_distances, list_matches
from vreid_bench.scoring.ranks.labels import Labels

Floats = NDArray[np.float64]
DEEPEST = 50  # the last rank of which hits are known
LONG = 1 << 12  # bytes of a vector, from which on its hash is sorted in its place
MOST_PAIRS = 1 << 28  # distances that are looked at once more for what a reader has to know


@dataclass(frozen=True)
class ExpectedScores(Scores):
    """The mean scores of each query over every order of the items at equal distances.

    `first_rank` is that of the listed order and decides nothing here.
    """

    found_within: Floats  # [Q, DEEPEST] probability that a match is among the first 1, 2, ... items

    def hits(self, cutoff: int) -> Floats:
        """The probability that a match is among the first `cutoff`, at most `DEEPEST`; NaN without a score: [Q]."""
        share: Floats = np.where(np.isnan(self.average_precision), np.nan, self.found_within[:, cutoff - 1])
        return share

    def cmc(self, cutoffs: int) -> list[float]:
        """The mean of `hits` over the queries that count, for 1, 2, ... `cutoffs`."""
        counted = ~np.isnan(self.average_precision)
        return [float(share) for share in self.found_within[counted, :cutoffs].mean(0)]


@dataclass(frozen=True)
class TieGroup:
    """The items of one query at one distance, among those that take a rank."""

    before: int  # items that are closer
    matches_before: int
    size: int  # items at this distance
    matches: int  # of these, at least one


class Ties(NamedTuple):
    """How many matches of all queries have a rank that the order of the gallery decides."""

    tied: int  # exactly as near as an item that takes a rank and is no match
    matches: int


def count_ties(distances: TileDistances, labels: Labels, conventions: Sequence[Convention]) -> dict[GalleryRule, Ties]:
    """The ties under the rule of each of these conventions, which all can be applied."""
    counts, rules = list_matches(labels), dict.fromkeys(map(GalleryRule.of, conventions))
    tied = dict.fromkeys(rules, 0)
    for rows, tile in exact_tiles(distances):
        for query, row in _find_tied(rows, np.asarray(tile), labels):
            for rule in rules:  # most queries have no tie under any, so that roles are assigned to few of them
                roles = assign_roles(labels, slice(query, query + 1), rule)
                near = np.sort(row[roles.match[0]])
                tied[rule] += int(np.isin(near, row[roles.negative[0]]).sum()) if near.size else 0
    found = {}
    for rule in rules:
        matches = find_matches(counts, rule)
        assert matches is not None, "a convention that can be applied has matches"
        found[rule] = Ties(tied[rule], len(matches.rank))
    return found


def _find_tied(rows: slice, tile: NDArray[Any], labels: Labels) -> Iterator[tuple[int, NDArray[Any]]]:
    """The queries, with their distances [G], for whom an item of their person is as near as one of another person."""
    pids = labels.pids[labels.gallery]
    for query, row in enumerate(tile, rows.start or 0):
        same = pids == labels.pids[labels.query[query]]
        near = np.sort(row[same])
        if near.size:
            place = np.minimum(np.searchsorted(near, row), len(near) - 1)
            if ((near[place] == row) & ~same).any():
                yield query, row


def exact_tiles(distances: TileDistances) -> Iterator[Tile]:
    """The tiles of distances, in which equal vectors of the gallery are exactly as far from every query.

    A product of matrices may round by the column, so equal vectors are compared once.
    """
    if not isinstance(distances, VectorDistances):
        yield from distances.tiles()
        return
    gallery = distances.gallery
    _, first, inverse = np.unique(_name_rows(gallery), return_index=True, return_inverse=True)
    if len(first) == len(gallery):
        yield from distances.tiles()
        return
    for part, tile in replace(distances, gallery=gallery[first]).tiles():
        yield part, tile[:, inverse.reshape(-1)]


def score_by_expectation(
    distances: TileDistances, labels: Labels, convention: Convention
) -> ExpectedScores | NotComputable:
    """The mean scores over every order of items at equal distances.

    McSherry and Najork 2008 (Computing information retrieval performance measures efficiently in the presence of tied
    scores) give the average precision: in a group of t items with r matches behind a others with c matches, a match is
    at each place j with probability r / t, and (j - 1)(r - 1) / (t - 1) other matches of the group are then expected
    before it. CMC and mINP follow from the place of the first and of the last match of a group.
    """
    counts: Counts = list_matches(labels.for_conventions([convention]))
    matches = find_matches(counts, GalleryRule.of(convention))
    if (refusal := find_refusal(matches, counts, convention)) is not None:
        return refusal
    assert matches is not None, "without matches, the convention is refused"
    size = len(labels.query)
    blank = np.where(matches.asks & (convention.unmatched == "zero"), 0.0, np.nan)
    average, penalty, precision = blank.copy(), blank.copy(), blank.copy()
    within = np.where(np.isnan(blank)[:, None], np.nan, np.zeros((size, DEEPEST)))
    for query, groups in _group_queries(exact_tiles(distances), labels, convention):
        if groups:
            total = sum(group.matches for group in groups)
            last = convention.cut or groups[-1].before + groups[-1].size
            shares = [_average_precision(group, last, convention.average_precision == "trapezoid") for group in groups]
            average[query] = sum(shares) / min(total, last)
            penalty[query] = _inverse_penalty(groups[-1], total, last)
            precision[query] = sum(_found_among(group, min(total, last)) for group in groups) / total
            within[query] = _first_within(groups[0], min(last, DEEPEST))
    return ExpectedScores(average, np.full(size, -1), penalty, precision, within)


def _name_rows(array: NDArray[Any]) -> NDArray[np.void]:
    """A value of each row, equal for equal rows: all its bytes, or the hash of a long row, which needs no copy of all.

    Such values are sorted many times faster than the numbers are; -0.0 becomes 0.0.
    """
    size = array.dtype.itemsize * array.shape[1]
    if size > LONG:
        named = b"".join(blake2b((row + 0.0).tobytes(), digest_size=16).digest() for row in array)
        return np.frombuffer(named, np.dtype((np.void, 16)))
    whole: NDArray[np.void] = np.ascontiguousarray(array + 0.0).view(np.dtype((np.void, size))).reshape(-1)
    return whole


def _group_queries(
    tiles: Iterator[Tile], labels: Labels, convention: Convention
) -> Iterator[tuple[int, list[TieGroup]]]:
    """Each query with the groups of equal distances that hold a match of it, from near to far."""
    rule = GalleryRule.of(convention)
    for rows, tile in tiles:
        roles = assign_roles(labels, rows, rule)
        first = rows.start or 0
        for offset, row in enumerate(np.asarray(tile)):
            match = roles.match[offset]
            ranked = match | roles.negative[offset]
            values, group = np.unique(row[ranked], return_inverse=True)
            items = np.bincount(group, minlength=len(values))
            found = np.bincount(group[match[ranked]], minlength=len(values))
            before, earlier = np.cumsum(items) - items, np.cumsum(found) - found
            holding = np.flatnonzero(found)
            yield (
                first + offset,
                [TieGroup(int(before[g]), int(earlier[g]), int(items[g]), int(found[g])) for g in holding],
            )


def _places(group: TieGroup) -> Floats:
    """The ranks of the group's places, from 1: [size]."""
    return group.before + np.arange(1.0, group.size + 1)


def _average_precision(group: TieGroup, last: int, trapezoid: bool) -> float:
    """The expected sum of what the matches of a group add, before the division by the number of matches."""
    rank, place = _places(group), np.arange(group.size)
    others = place * (group.matches - 1) / max(1, group.size - 1)  # expected matches of the group before this place
    nth = group.matches_before + 1 + others
    share = nth / rank
    if trapezoid:
        share = (share + np.divide(nth - 1, rank - 1, out=np.ones_like(rank), where=rank > 1)) / 2
    return float(group.matches / group.size * share[rank <= last].sum())


def _found_among(group: TieGroup, ranks: int) -> float:
    """How many matches of a group are expected among the first ranks."""
    return group.matches * min(max(ranks - group.before, 0), group.size) / group.size


def _first_within(group: TieGroup, last: int) -> Floats:
    """The probability that a match of the first group is among the first 1, 2, ... items: [DEEPEST]."""
    drawn = np.clip(np.arange(1, DEEPEST + 1) - group.before, 0, group.size).astype(np.float64)
    drawn = np.where(np.arange(1, DEEPEST + 1) <= last, drawn, max(0, min(last - group.before, group.size)))
    others = group.size - group.matches
    missed: Floats = np.where(drawn <= others, np.exp(_choose(others, drawn) - _choose(group.size, drawn)), 0.0)
    found: Floats = 1 - missed
    return found


def _inverse_penalty(group: TieGroup, total: int, last: int) -> float:
    """The expected share of the matches among the items up to the last match, which is in this group."""
    place = np.arange(1, group.size + 1, dtype=np.float64)
    rank = _places(group)
    possible = place >= group.matches
    chance = np.exp(_choose(place[possible] - 1, group.matches - 1) - _choose(group.size, group.matches))
    return float((chance * np.where(rank <= last, total / rank, 0.0)[possible]).sum())


def _choose(n: Floats | int, k: Floats | int) -> Floats:
    """The logarithm of a binomial coefficient."""
    rest = np.maximum(np.asarray(n) - np.asarray(k), 0)
    result: Floats = gammaln(np.asarray(n) + 1.0) - gammaln(np.asarray(k) + 1.0) - gammaln(rest + 1.0)
    return result


def chance_level(labels: Labels, convention: Convention) -> float:
    """The mAP of a ranking in random order: the expectation where all distances are equal."""
    shape = len(labels.gallery)
    scores = score_by_expectation(_Constant(len(labels.query), shape), labels, convention)
    if isinstance(scores, NotComputable):
        return float("nan")
    return float(np.nanmean(scores.average_precision))


@dataclass(frozen=True)
class _Constant:
    """All distances are equal."""

    queries: int
    items: int

    def count(self, labels: Labels) -> Counts:
        """The ranks of the listed order."""
        return count_from_distances(self.tiles(), labels)

    def tiles(self) -> Iterator[Tile]:
        """A row of zeros for each query."""
        row = np.zeros((1, self.items), np.float32)
        for query in range(self.queries):
            yield slice(query, query + 1), row


def describe_chance(labels: Labels, convention: Convention, interval: tuple[float, float]) -> str:
    """What a reader has to know of an mAP that a random order would have, too; empty for any other."""
    chance = chance_level(labels, convention)
    if not chance >= interval[0]:  # also where nothing is known of chance
        return ""
    return (
        f"note: a random order has an mAP of {100 * chance:.1f} under {convention.name}, and these distances are no "
        "better. Check that queries and gallery number people alike (some challenges mask the ids of their test), and "
        "that both come from one trained model"
    )
