"""From distances to scores: one ranking of each query, scored under every convention at once."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vreid_bench.clothes import asked_for
from vreid_bench.data import DISTRACTOR, JUNK, Split, dressed
from vreid_bench.errors import InputError
from vreid_bench.protocol import Clothes, Convention

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Tile = tuple[slice, NDArray[Any]]  # which queries (0-based positions in the query list), distances [R, N]
Rule = tuple[bool | None, Clothes]  # who takes a rank: the queries themselves, and their persons in which clothes?

CUTOFFS = (1, 5, 10, 20)


@dataclass(frozen=True)
class Labels:
    """Who is where: all test tracklets, and which of them are queries and gallery."""

    pids: Ints  # [N]
    camids: Ints  # [N]
    query: Ints  # [Q] rows of the test tracklets
    gallery: Ints  # [G] rows in ranking order: of two equal distances, the earlier comes first
    clothes: Ints | None = None  # [N] alike for the same clothes of a person; None where that is not known

    @classmethod
    def of(cls, split: Split) -> Labels:
        """The labels of a split's test part. Raises InputError if they cannot be scored."""
        pids, camids = (np.array([getattr(t, name) for t in split.test], np.int64) for name in ("pid", "camid"))
        query, gallery = (np.array(rows, np.int64) for rows in (split.query, split.gallery))
        worn = np.unique([t.clothes for t in split.test], return_inverse=True)[1] if dressed(split) else None
        return cls(pids, camids, query, gallery, worn)

    def __post_init__(self) -> None:
        for name, rows in (("query", self.query), ("gallery", self.gallery)):
            outside = rows[(rows < 0) | (rows >= len(self.pids))]
            if outside.size:
                raise InputError(f"{name} list: rows must be 0 to {len(self.pids) - 1}, got {outside[0]}")
            if len(np.unique(rows)) < len(rows):
                raise InputError(f"{name} list: a row is listed twice; each tracklet has one place")
        if not self.query.size:
            raise InputError("query list: it is empty; nothing can be scored")
        nobody = self.query[self.pids[self.query] <= DISTRACTOR]
        if nobody.size:
            pid = self.pids[nobody[0]]
            raise InputError(f"query list: test row {nobody[0]} has pid {pid}; a query must show a person")


@dataclass(frozen=True)
class Scores:
    """What one convention makes of each query, in the order of the query list."""

    average_precision: Floats  # [Q] fractions, NaN where the query does not count
    first_rank: Ints  # [Q] 0-based rank of the first match, -1 where there is none
    inverse_penalty: Floats  # [Q] matches / rank of the last match (Ye et al. 2021), NaN as above

    def hits(self, cutoff: int) -> Floats:
        """1 where a match is among the first `cutoff`, else 0; NaN where the query does not count: [Q]."""
        hit = (self.first_rank >= 0) & (self.first_rank < cutoff)
        return np.where(np.isnan(self.average_precision), np.nan, hit)

    def metrics(self) -> dict[str, float]:
        """Means over the queries that count, as fractions, and their number."""
        counted = ~np.isnan(self.average_precision)  # [Q]
        result = {"mAP": float(self.average_precision[counted].mean())}
        result |= {f"R{cutoff}": float(self.hits(cutoff)[counted].mean()) for cutoff in CUTOFFS}
        return result | {"mINP": float(self.inverse_penalty[counted].mean()), "queries": int(counted.sum())}


class _Matches(NamedTuple):
    """Every match of every query, flat: M over all queries; of one query, from near to far."""

    owner: Ints  # [M] position of the query
    nth: Ints  # [M] which of its query's matches, from 1
    rank: Ints  # [M] from 1, junk taking none


def score(tiles: Iterable[Tile], labels: Labels, conventions: Sequence[Convention]) -> dict[str, Scores]:
    """Score every query under every convention; name of the convention -> scores.

    tiles: together each query once, in any order; the columns are all N test tracklets in the order of
    `labels.pids`, smaller is closer. Raises InputError for a distance that is no number, for an unmatched
    query where the convention forbids one, and where no query counts; ValueError for tiles that do not fit.
    """
    found: dict[Rule, list[_Matches]] = {_rule(c): [] for c in conventions}
    missing = np.ones(len(labels.query), bool)  # [Q]
    for rows, distances in tiles:
        queries = np.arange(len(labels.query))[rows]  # [R]
        _check_tile(distances, queries, missing, labels)
        missing[queries] = False
        for rule, matches in _match(distances, queries, labels, tuple(found)):
            found[rule].append(matches)
    if missing.any():
        raise ValueError(f"tiles: no distances for query {np.flatnonzero(missing)[0]} of {len(missing)}")
    joined = {rule: _Matches(*map(np.concatenate, zip(*parts, strict=True))) for rule, parts in found.items()}
    return {c.name: _judge(joined[_rule(c)], labels, c) for c in conventions}


def _rule(convention: Convention) -> Rule:
    return convention.queries_in_gallery, convention.clothes


def _check_tile(distances: NDArray[Any], queries: Ints, missing: NDArray[np.bool_], labels: Labels) -> None:
    wanted = (len(queries), len(labels.pids))
    if distances.shape != wanted:
        raise ValueError(f"tile: distances must be [R, N] = {wanted}, got {distances.shape}")
    if not missing[queries].all():
        raise ValueError(f"tiles: query {queries[~missing[queries]][0]} comes twice")
    if not np.isfinite(distances).all():
        row, column = np.argwhere(~np.isfinite(distances))[0]
        raise InputError(
            f"query {queries[row]} (test row {labels.query[queries[row]]}): its distance to test row {column} "
            f"is {distances[row, column]}; every distance must be a finite number, so check the embeddings"
        )


def _match(
    distances: NDArray[Any], queries: Ints, labels: Labels, rules: Sequence[Rule]
) -> Iterable[tuple[Rule, _Matches]]:
    """Rank the gallery for R queries and find their matches under each rule."""
    person = labels.pids[labels.query[queries], None]  # [R, 1]
    camera = labels.camids[labels.query[queries], None]  # [R, 1]
    # stable: equal distances keep gallery order, so a rerun ranks alike
    nearest = np.argsort(distances[:, labels.gallery], axis=1, kind="stable")  # [R, G] places in the gallery
    order = labels.gallery[nearest]  # [R, G] test rows
    pids = labels.pids[order]  # [R, G]
    same = pids == person  # [R, G]
    # A query in the gallery is its own nearest neighbour, and junk: the same person in the same camera.
    ranked = (pids != JUNK) & ~(same & (labels.camids[order] == camera))  # [R, G]
    is_query = np.isin(np.arange(len(labels.pids)), labels.query)  # [N]
    for queries_in_gallery, clothes in rules:
        takes_rank = ranked & ~is_query[order] if queries_in_gallery is False else ranked  # [R, G]
        hit = same & takes_rank  # [R, G]
        row = np.nonzero(hit)[0]  # [M]
        nth, rank = (np.cumsum(mask, axis=1)[hit] for mask in (hit, takes_rank))  # [M]
        matches = row, nth, rank
        if clothes != "any":
            matches = asked_for(*matches, _alike(labels, labels.query[queries][row], order[hit]), clothes)
        owner, nth, rank = matches
        yield (queries_in_gallery, clothes), _Matches(queries[owner], nth, rank)


def _alike(labels: Labels, one: Ints, other: Ints) -> NDArray[np.bool_]:
    """Do two test rows of a person wear the same? [M]"""
    if labels.clothes is None:
        raise InputError("a convention asks for clothes, but not every tracklet of a person says what is worn")
    return np.asarray(labels.clothes[one] == labels.clothes[other])


def _judge(matches: _Matches, labels: Labels, convention: Convention) -> Scores:
    """Scores of each query by its matches; what an unmatched query gets is the convention's rule."""
    owner, nth, rank = matches
    size = len(labels.query)
    total = np.bincount(owner, minlength=size)  # [Q]
    matched = total > 0
    if convention.unmatched == "error" and not matched.all():
        query = int(np.flatnonzero(~matched)[0])
        raise InputError(
            f"convention {convention.name!r}: query {query} (test row {labels.query[query]}, pid "
            f"{labels.pids[labels.query[query]]}) has no match in the gallery, which this convention forbids"
        )
    blank = np.full(size, 0.0 if convention.unmatched == "zero" else np.nan)
    precision = _precision(nth, rank, convention)  # [M]
    mean = np.bincount(owner, weights=precision, minlength=size)[matched] / total[matched]
    average, penalty, first = blank.copy(), blank, np.full(size, -1)
    average[matched] = mean
    nearest, farthest = nth == 1, nth == total[owner]
    first[owner[nearest]] = rank[nearest] - 1
    penalty[owner[farthest]] = nth[farthest] / rank[farthest]
    if np.isnan(average).all():
        raise InputError(f"convention {convention.name!r}: none of {size} queries has a match in the gallery")
    return Scores(average, first, penalty)


def _precision(nth: Ints, rank: Ints, convention: Convention) -> Floats:
    """What each match adds to its query's average precision, before the mean: [M]."""
    here = nth / rank
    if convention.average_precision == "step":
        return here
    # compute_AP of MARS: mean of the precision at the match and at the rank before it, which is 1 at rank 0
    before = np.divide(nth - 1, rank - 1, out=np.ones_like(here), where=rank > 1)
    return (before + here) / 2


def interval(per_query: Floats, pids: Ints, *, seed: int = 0, resamples: int = 1000) -> tuple[float, float]:
    """95 % bootstrap interval of the mean over queries, resampling identities with the gallery fixed.

    per_query: [Q], NaN where the query does not count; pids: [Q]. All queries of a person are drawn together,
    for they rise and fall together; an interval over single queries would be too narrow.
    """
    counted = ~np.isnan(per_query)
    _, person = np.unique(pids[counted], return_inverse=True)
    total = np.bincount(person, weights=per_query[counted])  # [I] per identity
    number = np.bincount(person)  # [I]
    draw = np.random.default_rng(seed).integers(len(number), size=(resamples, len(number)))
    means = total[draw].sum(1) / number[draw].sum(1)  # [resamples]
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)


Scored = Sequence[tuple[Labels, Mapping[str, Scores]]]  # of each split: its labels, convention -> scores


def summarize(splits: Scored) -> dict[str, dict[str, Any]]:
    """Convention -> means over the splits, `interval` of mAP and R1, and under `splits` the metrics of each.

    `queries` is the sum over the splits; the intervals resample the people of all splits together.
    """
    result = {}
    pids = np.concatenate([labels.pids[labels.query] for labels, _ in splits])
    for name in splits[0][1]:
        scores = [by_convention[name] for _, by_convention in splits]
        each = [s.metrics() for s in scores]
        mean: dict[str, Any] = {key: float(np.mean([m[key] for m in each])) for key in each[0]}
        precision = np.concatenate([s.average_precision for s in scores])
        first = np.concatenate([s.hits(1) for s in scores])
        mean["queries"] = sum(m["queries"] for m in each)
        mean["interval"] = {"mAP": interval(precision, pids), "R1": interval(first, pids)}
        result[name] = mean | {"splits": tuple(each)}
    return result


def per_query(splits: Scored, numbers: Sequence[int] | None = None) -> dict[str, NDArray[Any]]:
    """What paired tests need, the splits one after another: array name -> [sum of Q].

    `split` (of `numbers`, else counted from 0), `query` (test row), `pid`, `camid`;
    `<convention>.ap` and `<convention>.first_rank` as in `Scores`.
    """
    labels = [each for each, _ in splits]
    arrays: dict[str, NDArray[Any]] = {
        "split": np.repeat(numbers or range(len(labels)), [len(each.query) for each in labels]),
        "query": np.concatenate([each.query for each in labels]),
        "pid": np.concatenate([each.pids[each.query] for each in labels]),
        "camid": np.concatenate([each.camids[each.query] for each in labels]),
    }
    for name in splits[0][1]:
        arrays[f"{name}.ap"] = np.concatenate([scores[name].average_precision for _, scores in splits])
        arrays[f"{name}.first_rank"] = np.concatenate([scores[name].first_rank for _, scores in splits])
    return arrays


def npz(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """The arrays as an `.npz` file: what `np.savez` writes, but the same bytes for the same arrays."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(arrays):
            entry = zipfile.ZipInfo(f"{name}.npy")  # its default date is 1980, where savez puts the clock
            entry.create_system = 3  # or it would tell on which system it was written
            content = io.BytesIO()
            np.lib.format.write_array(content, np.ascontiguousarray(arrays[name]), allow_pickle=False)
            archive.writestr(entry, content.getvalue())
    return buffer.getvalue()
