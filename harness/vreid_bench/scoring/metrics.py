"""From ranks to scores: the scores of each query under each convention, in float64."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vreid_bench.contracts.convention import Convention
from vreid_bench.records.names import NAMES
from vreid_bench.records.per_query import MatchCounts, PerQuery, QueryScores
from vreid_bench.scoring.bootstrap import interval
from vreid_bench.scoring.matches_and_junk import GalleryRule, Matches, find_matches, find_unknown
from vreid_bench.scoring.ranks.counting import CAMERA, NEVER, Counts
from vreid_bench.scoring.ranks.labels import Ints, Labels
from vreid_bench.system.errors import InputError

Floats = NDArray[np.float64]

CUTOFFS = (1, 5, 10, 20)
NO_MATCH = "none of {} queries has a match in the gallery"


@dataclass(frozen=True)
class Scores(QueryScores):
    """The scores of each query under one convention, in the order of the query list; NaN where it does not count."""

    inverse_penalty: Floats  # [Q] matches / rank of the last match (Ye et al. 2021)
    r_precision: Floats  # [Q] share of matches among as many items as there are matches

    def metrics(self) -> dict[str, float]:
        """Means over the queries that count, as fractions, and their number."""
        counted = ~np.isnan(self.average_precision)  # [Q]
        result = {"mAP": float(self.average_precision[counted].mean())}
        result |= {f"R{cutoff}": float(self.hits(cutoff)[counted].mean()) for cutoff in CUTOFFS}
        return result | {"mINP": float(self.inverse_penalty[counted].mean()), "queries": int(counted.sum())}


@dataclass(frozen=True)
class NotComputable:
    """Replaces the scores: why a convention cannot be applied to this input, and what to do."""

    reason: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.reason}; {self.remedy}"


Verdicts = Mapping[str, Scores | NotComputable]  # by name of the convention


class Outcome(NamedTuple):
    """One ranking, scored: its labels, its counts, and the verdict of each convention."""

    labels: Labels
    counts: Counts
    verdicts: Verdicts


def judge(counts: Counts, conventions: Sequence[Convention]) -> dict[str, Scores | NotComputable]:
    """Score every query under every convention. Raises InputError if none of them can be applied."""
    matches = {rule: find_matches(counts, rule) for rule in map(GalleryRule.of, conventions)}
    verdicts = {c.name: _verdict(matches[GalleryRule.of(c)], counts, c) for c in conventions}
    refused = {name: str(v) for name, v in verdicts.items() if isinstance(v, NotComputable)}
    if len(refused) == len(verdicts):
        raise InputError("; ".join(f"{name}: not computable, {reason}" for name, reason in refused.items()))
    return verdicts


def _verdict(matches: Matches | None, counts: Counts, convention: Convention) -> Scores | NotComputable:
    refusal = find_refusal(matches, counts, convention)
    if refusal is not None:
        return refusal
    if convention.ties == "expected":
        return NotComputable("ranks are counted in the order of the gallery", "use `vreid-bench score --ties expected`")
    assert matches is not None, "without matches, the convention is refused"
    return _score(matches, convention)


def find_refusal(matches: Matches | None, counts: Counts, convention: Convention) -> NotComputable | None:
    """Why a convention cannot be applied to these matches; None if it can be. Ranks do not matter."""
    if matches is None:
        return _explain_unknown(find_unknown(counts, GalleryRule.of(convention)), convention)
    asks = matches.asks
    size = int(asks.sum())
    if not size:
        return NotComputable(
            f"no query takes part, expected {convention.admission.describe()}",
            "correct the labels, or take another convention",
        )
    matched = np.diff(matches.start) > 0  # [Q]
    absent = size - int((counts.in_gallery & asks).sum())
    if convention.queries_in_gallery and absent:
        some = f"{absent} of the {size}" if absent < size else "the"
        return NotComputable(
            f"{some} query tracklets are not in this gallery",
            "list them in the gallery, too, or take a convention that does not need them there, such as "
            "gallery-as-listed",
        )
    if convention.single_match:
        refusal = _find_more_matches(matches, counts)
        if refusal is not None:
            return refusal
    if convention.unmatched == "error" and not matched[asks].all():
        query = int(np.flatnonzero(asks & ~matched)[0])
        return NotComputable(
            f"query {query} has no match in the gallery, which this convention forbids",
            "leave it out of the queries, or take a convention that skips it, such as queries-in-gallery",
        )
    if convention.unmatched != "zero" and not matched.any():
        return NotComputable(
            NO_MATCH.format(size), "a match shows the same person under another camera, so check the labels"
        )
    return None


def _explain_unknown(unknown: Sequence[str], convention: Convention) -> NotComputable:
    if unknown == (CAMERA,) and convention.same_camera == "match":
        return NotComputable(
            "the ranks were counted without what the query's own camera shows",
            "score the features again under this convention",
        )
    names = " and ".join(unknown)
    return NotComputable(
        f"it reads {names}, which not every tracklet tells",
        f"give each tracklet a value of {names}, or take a convention that does not read it",
    )


def _find_more_matches(matches: Matches, counts: Counts) -> NotComputable | None:
    """Why this is no test of one camera against another."""
    remedy = "take a convention for such a gallery, gallery-as-listed"
    if (listed := counts.in_gallery & matches.asks).any():
        query = int(np.flatnonzero(listed)[0])
        reason = f"query {query} is itself in the gallery, but under this convention one camera queries another"
        return NotComputable(reason, remedy)
    number = np.diff(matches.start)  # [Q]
    if (number > 1).any():
        query = int(np.flatnonzero(number > 1)[0])
        reason = f"query {query} has {number[query]} matches in the gallery, but under this convention a query has one"
        return NotComputable(reason, remedy)
    return None


def _score(matches: Matches, convention: Convention) -> Scores:
    """The scores of each query by its matches; the convention decides the scores of a query without a match."""
    start, owner, nth, place, _, asks = matches
    last = convention.cut or NEVER // 2  # junk before it has moved a match that no list has below NEVER
    rank = np.where(place > last, np.inf, place)  # [M] a match that no list has, or behind the cut: it adds nothing
    total = np.diff(start)  # [Q]
    matched, size = total > 0, len(total)
    blank = np.where(asks & (convention.unmatched == "zero"), 0.0, np.nan)

    def mean(value: Floats, most: int = NEVER) -> Floats:  # of the matches [M] of each query, `most` at most: [Q]
        result = blank.copy()
        summed = np.bincount(owner, weights=value, minlength=size)
        result[matched] = summed[matched] / np.minimum(total[matched], most)
        return result

    first, penalty = np.full(size, -1), blank.copy()
    nearest = place[start[:-1][matched]]
    first[matched] = np.where(nearest > last, -1, nearest - 1)
    penalty[matched] = total[matched] / rank[start[1:][matched] - 1]
    within = (rank <= total[owner]).astype(np.float64)  # [M]
    return Scores(mean(precision(nth, rank, convention), last), first, penalty, mean(within))


def precision_at(counts: Counts, convention: Convention, depth: int) -> Floats:
    """The average precision of the first `depth` ranks of each query: [Q].

    The contributions of the matches within these ranks, divided by the number of matches or by `depth`, whichever is
    smaller, so that a perfect ranking has 1.
    """
    matches = find_matches(counts, GalleryRule.of(convention))
    assert matches is not None, "a convention that is judged has matches"
    return _score(matches, replace(convention, cut=min(depth, convention.cut or depth))).average_precision


def precision(nth: Ints, rank: Ints | Floats, convention: Convention) -> Floats:
    """The contribution of each match to its query's average precision, before the mean: [M]."""
    here = nth / rank
    if convention.average_precision == "step":
        return here
    # compute_AP of MARS: mean of the precision at the match and at the rank before it, which is 1 at rank 0
    before = np.divide(nth - 1, rank - 1, out=np.ones_like(here), where=rank > 1)
    return (before + here) / 2


def summarize(splits: Sequence[Outcome]) -> dict[str, dict[str, Any]]:
    """Convention -> means over the splits, `interval` of mAP and R1, and under `splits` the metrics of each.

    `queries` is the sum over the splits; the intervals resample the people of all splits together. A convention
    that cannot be applied to some split has only `not_computable`, the reason.
    """
    result: dict[str, dict[str, Any]] = {}
    pids = [labels.pids[labels.query] for labels, _, _ in splits]
    for name in splits[0].verdicts:
        refused = [str(v) for outcome in splits if isinstance(v := outcome.verdicts[name], NotComputable)]
        scores = scores_of(splits, name)
        result[name] = {"not_computable": refused[0]} if scores is None else _summarize(scores, pids)
    return result


def average_curves(splits: Sequence[Outcome], cutoffs: int) -> dict[str, list[float]]:
    """Convention -> the CMC curve [cutoffs], averaged over the splits; only conventions that can be applied to all."""
    curves = {name: scores_of(splits, name) for name in splits[0].verdicts}
    return {
        name: [float(share) for share in np.mean([one.cmc(cutoffs) for one in scores], axis=0)]
        for name, scores in curves.items()
        if scores is not None
    }


def scores_of(splits: Sequence[Outcome], convention: str) -> list[Scores] | None:
    """The scores of each split under a convention; None if it cannot be applied to some split."""
    scores = [v for outcome in splits if isinstance(v := outcome.verdicts[convention], Scores)]
    return scores if len(scores) == len(splits) else None


def _summarize(scores: Sequence[Scores], pids: Sequence[Ints]) -> dict[str, Any]:
    each = [s.metrics() for s in scores]
    mean: dict[str, Any] = {key: float(np.mean([m[key] for m in each])) for key in each[0]}
    mean["queries"] = sum(m["queries"] for m in each)
    split = np.repeat(np.arange(len(pids)), [len(p) for p in pids])  # [sum of Q]
    values = {"mAP": [s.average_precision for s in scores], "R1": [s.hits(1) for s in scores]}
    people = np.concatenate(pids)
    mean["interval"] = {name: interval(np.concatenate(value), people, split) for name, value in values.items()}
    return mean | {"splits": tuple(each)}


def collect_per_query(splits: Sequence[Outcome], numbers: Sequence[int] | None = None) -> PerQuery:
    """What a run stores of every query: the splits one after another, with their `numbers`, or counted from 0."""
    labels, counts = [outcome.labels for outcome in splits], [outcome.counts for outcome in splits]
    sizes = [len(each.query) for each in labels]
    offsets = np.cumsum([0, *sizes[:-1]])
    names = [each.names(each.query) for each in labels]
    known = set.intersection(*(set(each.alike) for each in counts))
    matches = MatchCounts(
        query=np.concatenate([each.owner + offset for each, offset in zip(counts, offsets, strict=True)]),
        group=np.concatenate([each.group for each in counts]),
        before=np.concatenate([each.before for each in counts]),
        alike={name: np.concatenate([each.alike[name] for each in counts]) for name in sorted(known)},
        admissions=counts[0].admissions,
        asks=np.concatenate([each.asks for each in counts]),
    )
    return PerQuery(
        split=np.repeat(numbers or range(len(labels)), sizes),
        query=np.concatenate([each.query for each in labels]),
        pid=np.concatenate([each.pids[each.query] for each in labels]),
        camid=np.concatenate([each.camids[each.query] for each in labels]),
        in_gallery=np.concatenate([each.in_gallery for each in counts]),
        matches=matches,
        scores={
            name: QueryScores.join(scores)
            for name in splits[0].verdicts
            if (scores := scores_of(splits, name)) is not None
        },
        names={name: np.concatenate([each[name] for each in names]) for name in NAMES},
    )
