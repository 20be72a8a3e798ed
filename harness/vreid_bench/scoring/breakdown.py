"""Where a score comes from: camera pairs, tracklet lengths, numbers of matches, and the hardest people."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vreid_bench.contracts.convention import Convention
from vreid_bench.records.scores import CAMERAS
from vreid_bench.scoring.matches_and_junk import GalleryRule, find_matches
from vreid_bench.scoring.metrics import Outcome, Scores, precision, scores_of
from vreid_bench.scoring.ranks.counting import index_matches

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Precision = Callable[[Ints, Ints], Floats]  # which match [M], rank [M], both from 1 -> its part of the AP [M]

HARDEST = 20  # identities that are reported


class Queries(NamedTuple):
    """The queries of all splits under one convention; `precision` is NaN where a query does not count."""

    pids: Ints  # [Q]
    camids: Ints  # [Q]
    frames: Ints  # [Q] length of the query tracklet
    precision: Floats  # [Q] average precision
    first_rank: Ints  # [Q] 0-based rank of the first match, -1 where there is none


class CameraMatches(NamedTuple):
    """Every match of these queries and the camera that it is seen in, flat, in any order."""

    owner: Ints  # [M] position of the query
    rank: Ints  # [M] from 1; junk has none
    camids: Ints  # [M] camera of the match


class IdNames(NamedTuple):
    """What people and cameras are called."""

    people: Mapping[int, str]  # by pid
    cameras: Mapping[int, str]  # by camid

    @classmethod
    def of(cls, splits: Sequence[Outcome]) -> IdNames:
        """The names of all that the test tracklets show."""
        people: dict[int, str] = {}
        cameras: dict[int, str] = {}
        for labels, _, _ in splits:
            names = labels.names(np.arange(len(labels.pids)))
            people |= zip(labels.pids.tolist(), names["person"].tolist(), strict=True)
            cameras |= zip(labels.camids.tolist(), names["camera"].tolist(), strict=True)
        return cls(people, cameras)


def break_down_conventions(
    splits: Sequence[Outcome], frames: Sequence[Sequence[int]], conventions: Sequence[Convention]
) -> dict[str, Any]:
    """Convention -> `break_down` over the queries of all splits, where the convention could be applied.

    frames: of each split, the lengths of its test tracklets [N].
    """
    found, names = {}, IdNames.of(splits)
    for convention in conventions:
        scores = scores_of(splits, convention.name)
        if scores is not None:
            parts = [_queries_of(*each) for each in zip(splits, scores, frames, strict=True)]
            queries = Queries(*map(np.concatenate, zip(*parts, strict=True)))
            matches = _matches_of(splits, convention)
            parts_of = break_down(queries, matches, partial(precision, convention=convention), names)
            found[convention.name] = parts_of | {"attributes": break_down_attributes(splits, scores)}
    return found


def _queries_of(outcome: Outcome, scores: Scores, frames: Sequence[int]) -> Queries:
    rows, labels = outcome.labels.query, outcome.labels
    length = np.asarray(frames, np.int64)[rows]
    return Queries(labels.pids[rows], labels.camids[rows], length, scores.average_precision, scores.first_rank)


def _matches_of(splits: Sequence[Outcome], convention: Convention) -> CameraMatches:
    """The matches under a convention; the numbering of the queries continues over the splits."""
    parts, first = [], 0
    for labels, counts, _ in splits:
        matches = find_matches(counts, GalleryRule.of(convention))
        assert matches is not None, "a convention that was scored has matches"
        # in gallery order: sums of the same numbers in another order differ in their last digits
        order = np.argsort(matches.entry)
        item = index_matches(labels).item[matches.entry[order]]  # [M] places, in the order of `counts`
        camids = labels.camids[labels.gallery[item]]
        parts.append(CameraMatches(matches.owner[order] + first, matches.rank[order], camids))
        first += len(labels.query)
    return CameraMatches(*map(np.concatenate, zip(*parts, strict=True)))


def break_down(queries: Queries, matches: CameraMatches, rule: Precision, names: IdNames) -> dict[str, Any]:
    """`camera_pairs`, `frames`, `matches` and `hardest`: means over the queries that count, as plain values."""
    number = np.bincount(matches.owner, minlength=len(queries.pids))  # [Q]
    return {
        "camera_pairs": camera_pairs(queries, matches, rule, names.cameras),
        "frames": _by_size(queries, queries.frames),
        "matches": _by_size(queries, number),
        "hardest": hardest_people(queries, names.people),
    }


def break_down_attributes(splits: Sequence[Outcome], scores: Sequence[Scores]) -> dict[str, list[dict[str, Any]]]:
    """For each attribute that all splits have: the means over the queries of each value, and their number.

    scores: of the splits under one convention. Values that are numbers are sorted by size. A value under which no
    query counts is left out; a query without a value counts under an empty text.
    """
    known = set.intersection(*(set(labels.attributes) for labels, _, _ in splits))
    average = np.concatenate([each.average_precision for each in scores])  # [Q]
    hits = np.concatenate([each.hits(1) for each in scores])  # [Q]
    found = {}
    for name in sorted(known):
        values = np.concatenate([labels.attributes[name][labels.query] for labels, _, _ in splits])  # [Q]
        groups = [(value, (values == value) & ~np.isnan(average)) for value in sorted(set(values.tolist()), key=_order)]
        found[name] = [
            {
                "value": value,
                "mAP": float(average[mask].mean()),
                "R1": float(hits[mask].mean()),
                "queries": int(mask.sum()),
            }
            for value, mask in groups
            if mask.any()
        ]
    return found


def _order(value: str) -> tuple[bool, float, str]:
    """Numbers first, by their size; then texts."""
    try:
        return False, float(value), value
    except ValueError:
        return True, 0.0, value


def camera_pairs(queries: Queries, matches: CameraMatches, rule: Precision, names: Mapping[int, str]) -> dict[str, Any]:
    """mAP and R1 of the queries of each camera (row) over the matches of each camera (column).

    As in the official MARS evaluation: when a person is searched in one camera, the person's tracklets in other cameras
    are junk, and everybody else stays, in all cameras. None where no query has such a match. The diagonal is
    all None, because the person's tracklets in the query's own camera are junk. A convention's cut is not applied.
    """
    cameras = np.union1d(queries.camids, matches.camids)
    nth = _position(matches.owner, matches.rank)  # [M]
    pair = matches.owner * len(cameras) + np.searchsorted(cameras, matches.camids)  # [M] query and camera
    here = _position(pair, matches.rank)  # [M] which of its query's matches in that camera
    rank = matches.rank - nth + here  # [M] the nearer matches that are junk now take no rank
    shape = len(queries.pids), len(cameras)
    number = np.bincount(pair, minlength=shape[0] * shape[1]).reshape(shape)  # [Q, cameras]
    total = np.bincount(pair, rule(here, rank), shape[0] * shape[1]).reshape(shape)
    hits = np.bincount(pair[rank == 1], minlength=shape[0] * shape[1]).reshape(shape)
    counted = (number > 0) & ~np.isnan(queries.precision)[:, None]  # [Q, cameras]
    average = np.divide(total, number, out=np.zeros(shape), where=counted)
    rows = [queries.camids == camera for camera in cameras]
    count = np.array([counted[row].sum(0) for row in rows])  # [cameras, cameras]

    def means(value: Floats) -> list[list[float | None]]:
        sums = np.array([(value * counted)[row].sum(0) for row in rows])  # [cameras, cameras]
        share = np.divide(sums, count, out=np.full(sums.shape, np.nan), where=count > 0)
        return [[None if np.isnan(cell) else float(cell) for cell in line] for line in share]

    tables = {"mAP": means(average), "R1": means(hits.astype(np.float64)), "queries": count.tolist()}
    return {"cameras": [names[camera] for camera in cameras.tolist()], "camids": cameras.tolist(), **tables}


def choose_camera_pairs(breakdown: Mapping[str, Any], convention: Convention) -> dict[str, Any] | None:
    """The mAP and the queries of `camera_pairs` under a convention, as a record has them: with numbers, not names.

    None if the convention was not applied or cuts the list, if there is one camera alone, or more than a record takes.
    """
    found = breakdown.get(convention.name)
    if found is None or convention.cut:
        return None
    pairs = found["camera_pairs"]
    cameras = pairs["camids"]
    if not 2 <= len(cameras) <= CAMERAS or min(cameras) < 0:
        return None
    return {"cameras": cameras, "mAP": pairs["mAP"], "queries": pairs["queries"]}


def hardest_people(queries: Queries, names: Mapping[int, str], most: int = HARDEST) -> list[dict[str, Any]]:
    """The identities with the lowest mean average precision, hardest first; equal ones are sorted by pid."""
    groups = [(int(pid), queries.pids == pid) for pid in np.unique(queries.pids[~np.isnan(queries.precision)])]
    found = [{"person": names[pid], "pid": pid, **_means(queries, mask)} for pid, mask in groups]
    return sorted(found, key=lambda person: (person["mAP"], person["pid"]))[:most]


def _by_size(queries: Queries, size: Ints) -> list[dict[str, Any]]:
    """Means over the queries whose size [Q] is 0, 1, 2 to 3, 4 to 7, ...; empty ranges are left out."""
    digits = np.frexp(size.astype(float))[1]  # [Q] binary digits of the size
    counted = ~np.isnan(queries.precision)
    return [
        {"from": 2**n // 2, "to": 2**n - 1, **_means(queries, digits == n)} for n in np.unique(digits[counted]).tolist()
    ]


def _means(queries: Queries, mask: NDArray[np.bool_]) -> dict[str, Any]:
    mask = mask & ~np.isnan(queries.precision)
    mean = {"mAP": float(queries.precision[mask].mean()), "R1": float((queries.first_rank[mask] == 0).mean())}
    return {**mean, "queries": int(mask.sum())}


def _position(group: Ints, rank: Ints) -> Ints:
    """The position of each entry within its group by rank, from 1: [M]."""
    order = np.lexsort((rank, group))
    sizes = np.bincount(group)
    first = np.cumsum(sizes) - sizes
    result = np.empty_like(order)
    result[order] = np.arange(len(order)) - first[group[order]] + 1
    return result
