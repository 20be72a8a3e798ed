"""From ranks to scores: what each convention makes of each query, in float64."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vreid_bench.contracts.convention import Clothes, Convention
from vreid_bench.scoring.bootstrap import interval
from vreid_bench.scoring.ranks.counting import Counts
from vreid_bench.scoring.ranks.labels import Ints, Labels
from vreid_bench.scoring.ranks.match_index import GALLERY, QUERY
from vreid_bench.system.errors import InputError

Floats = NDArray[np.float64]

CUTOFFS = (1, 5, 10, 20)


@dataclass(frozen=True)
class Scores:
    """What one convention makes of each query, in the order of the query list; NaN where a query does not count."""

    average_precision: Floats  # [Q] fractions
    first_rank: Ints  # [Q] 0-based rank of the first match, -1 where there is none
    inverse_penalty: Floats  # [Q] matches / rank of the last match (Ye et al. 2021)
    r_precision: Floats  # [Q] share of matches among as many items as there are matches

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

    def cmc(self, cutoffs: int) -> list[float]:
        """Share of the queries that count with a match among the first 1, 2, ... `cutoffs`."""
        first = self.first_rank[~np.isnan(self.average_precision)]
        found = np.bincount(first[(first >= 0) & (first < cutoffs)], minlength=cutoffs)
        return [float(share) for share in np.cumsum(found) / len(first)]


@dataclass(frozen=True)
class NotComputable:
    """In the place of scores: why a convention cannot be applied to this input."""

    reason: str


Judged = Mapping[str, Scores | NotComputable]  # by name of the convention


class Outcome(NamedTuple):
    """All that scoring one split gives."""

    labels: Labels
    counts: Counts
    judged: Judged


class _Matches(NamedTuple):
    """Every match of every query, flat: M over all queries; of one query, from near to far."""

    start: Ints  # [Q + 1] where each query's matches begin
    owner: Ints  # [M] position of the query
    nth: Ints  # [M] which of its query's matches, from 1
    rank: Ints  # [M] from 1, junk taking none


def judge(counts: Counts, conventions: Sequence[Convention]) -> dict[str, Scores | NotComputable]:
    """Score every query under every convention. Raises InputError if none of them can be applied."""
    matches = {rule: found_matches(counts, *rule) for rule in {(c.queries_in_gallery, c.clothes) for c in conventions}}
    judged = {c.name: _judge(matches[c.queries_in_gallery, c.clothes], counts, c) for c in conventions}
    if all(isinstance(verdict, NotComputable) for verdict in judged.values()):
        reasons = [f"{name}: not computable, {v.reason}" for name, v in judged.items() if isinstance(v, NotComputable)]
        raise InputError("; ".join(reasons))
    return judged


def found_matches(counts: Counts, queries_in_gallery: bool | None, clothes: Clothes) -> _Matches | None:
    """The matches under a rule; None if it asks for clothes and the tracklets do not tell them.

    A match in clothes that are not asked for takes no rank, as junk does: the farther ones move up.
    """
    if clothes != "any" and counts.alike is None:
        return None
    owner, rank, alike = counts.owner, counts.before[:, GALLERY] + 1, counts.alike  # [M]
    if queries_in_gallery is False:
        stays = counts.group != QUERY
        owner, rank, alike = owner[stays], rank[stays], None if alike is None else alike[stays]
    else:
        rank += counts.before[:, QUERY]
    base = owner * (rank.max(initial=0) + 1)  # sorted with it, ranks stay with their query
    if clothes != "any" and alike is not None:
        order = np.argsort(base + rank)
        asked = alike[order] == (clothes == "same")  # [M]
        passed = np.concatenate([[0], np.cumsum(~asked)])  # [M + 1] of all queries together
        first = np.searchsorted(owner, owner)  # [M] where the query's matches begin
        owner, rank = owner[asked], (rank[order] - passed[:-1] + passed[first])[asked]
    else:
        rank = np.sort(base + rank) - base
    total = np.bincount(owner, minlength=len(counts.start) - 1)  # [Q]
    start = np.concatenate([[0], np.cumsum(total)])
    return _Matches(start, owner, np.arange(1, len(owner) + 1) - start[owner], rank)


def _judge(matches: _Matches | None, counts: Counts, convention: Convention) -> Scores | NotComputable:
    """Scores of each query by its matches; what an unmatched query gets is the convention's rule."""
    if matches is None:
        return NotComputable(
            f"a match is to wear {convention.clothes} clothes, but not every tracklet says what is worn"
        )
    start, owner, nth, rank = matches
    size = len(counts.start) - 1
    absent = size - int(counts.in_gallery.sum())
    if convention.queries_in_gallery and absent:
        some = f"{absent} of the {size}" if absent < size else "the"
        return NotComputable(f"{some} query tracklets are not in this gallery")
    total = np.diff(start)  # [Q]
    matched = total > 0
    if convention.unmatched == "error" and not matched.all():
        query = int(np.flatnonzero(~matched)[0])
        return NotComputable(f"query {query} has no match in the gallery, which this convention forbids")
    if convention.unmatched != "zero" and not matched.any():
        return NotComputable(f"none of {size} queries has a match in the gallery")
    blank = np.full(size, 0.0 if convention.unmatched == "zero" else np.nan)

    def mean(value: Floats) -> Floats:  # of the matches [M] of each query: [Q]
        result = blank.copy()
        result[matched] = np.bincount(owner, weights=value, minlength=size)[matched] / total[matched]
        return result

    first, penalty = np.full(size, -1), blank.copy()
    first[matched] = rank[start[:-1][matched]] - 1
    penalty[matched] = total[matched] / rank[start[1:][matched] - 1]
    within = (rank <= total[owner]).astype(np.float64)  # [M]
    return Scores(mean(precision(nth, rank, convention)), first, penalty, mean(within))


def precision(nth: Ints, rank: Ints, convention: Convention) -> Floats:
    """What each match adds to its query's average precision, before the mean: [M]."""
    here = nth / rank
    if convention.average_precision == "step":
        return here
    # compute_AP of MARS: mean of the precision at the match and at the rank before it, which is 1 at rank 0
    before = np.divide(nth - 1, rank - 1, out=np.ones_like(here), where=rank > 1)
    return (before + here) / 2


def summarize(splits: Sequence[Outcome]) -> dict[str, dict[str, Any]]:
    """Convention -> means over the splits, `interval` of mAP and R1, and under `splits` the metrics of each.

    `queries` is the sum over the splits; the intervals resample the people of all splits together. A convention
    that cannot be applied to some split has `not_computable`, the reason, and nothing else.
    """
    result: dict[str, dict[str, Any]] = {}
    pids = [labels.pids[labels.query] for labels, _, _ in splits]
    for name in splits[0].judged:
        scores = []
        for _, _, judged in splits:
            verdict = judged[name]
            if isinstance(verdict, NotComputable):
                result[name] = {"not_computable": verdict.reason}
                break
            scores.append(verdict)
        else:
            result[name] = _summary(scores, pids)
    return result


def _summary(scores: Sequence[Scores], pids: Sequence[Ints]) -> dict[str, Any]:
    each = [s.metrics() for s in scores]
    mean: dict[str, Any] = {key: float(np.mean([m[key] for m in each])) for key in each[0]}
    mean["queries"] = sum(m["queries"] for m in each)
    split = np.repeat(np.arange(len(pids)), [len(p) for p in pids])  # [sum of Q]
    values = {"mAP": [s.average_precision for s in scores], "R1": [s.hits(1) for s in scores]}
    people = np.concatenate(pids)
    mean["interval"] = {name: interval(np.concatenate(value), people, split) for name, value in values.items()}
    return mean | {"splits": tuple(each)}


def per_query(splits: Sequence[Outcome], numbers: Sequence[int] | None = None) -> dict[str, NDArray[Any]]:
    """What paired tests and other conventions need, the splits one after another: array name -> array.

    [sum of Q]: `split` (of `numbers`, else counted from 0), `query` (test row), `pid`, `camid`, `in_gallery` (is the
    query tracklet a gallery item?);
    `<convention>.ap` and `<convention>.first_rank` as in `Scores`, of the conventions that could be applied.
    [sum of M]: `match.query` (position among the queries), `match.group`, `match.before` [M, 2] and, where
    clothes are known, `match.alike` as in `Counts`.
    """
    labels = [each for each, _, _ in splits]
    sizes = [len(each.query) for each in labels]
    arrays: dict[str, NDArray[Any]] = {
        "split": np.repeat(numbers or range(len(labels)), sizes),
        "query": np.concatenate([each.query for each in labels]),
        "pid": np.concatenate([each.pids[each.query] for each in labels]),
        "camid": np.concatenate([each.camids[each.query] for each in labels]),
    }
    counts = [each for _, each, _ in splits]
    arrays["in_gallery"] = np.concatenate([each.in_gallery for each in counts])
    offsets = np.cumsum([0, *sizes])
    arrays["match.query"] = np.concatenate([each.owner + o for each, o in zip(counts, offsets, strict=False)])
    arrays["match.group"] = np.concatenate([each.group for each in counts])
    arrays["match.before"] = np.concatenate([each.before for each in counts])
    worn = [each.alike for each in counts if each.alike is not None]
    if len(worn) == len(counts):
        arrays["match.alike"] = np.concatenate(worn)
    for name in ("query", "group", "before"):
        arrays[f"match.{name}"] = arrays[f"match.{name}"].astype(np.int32)  # half the size
    for name in splits[0].judged:
        scores = [s for _, _, judged in splits if isinstance(s := judged[name], Scores)]
        if len(scores) == len(splits):
            arrays[f"{name}.ap"] = np.concatenate([s.average_precision for s in scores])
            arrays[f"{name}.first_rank"] = np.concatenate([s.first_rank for s in scores])
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
