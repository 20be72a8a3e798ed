"""Claims judged by records: which rows they are about, and whether the ordering holds over seeds and people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any, NamedTuple

import numpy as np

from vreid_bench.records.record import Record
from vreid_bench.reporting.board import SOURCES, Row, group_rows
from vreid_bench.reporting.claims import Claim, Claims, Side, Unjudged
from vreid_bench.reporting.missing_rows import explain_missing, explain_unlike
from vreid_bench.reporting.row_scores import group_people, score_record
from vreid_bench.scoring.comparison import TRAINING
from vreid_bench.scoring.hierarchical_bootstrap import FAILS, HOLDS, OPEN, Difference, compare_groups
from vreid_bench.system.fingerprint import digest

NO_ROWS = "no rows"
VERDICTS = (HOLDS, FAILS, OPEN, NO_ROWS)


@dataclass(frozen=True)
class Judgement:
    """A claim under one protocol, on one data set at one preset. Fractions; `None` where there are no rows."""

    claim: Claim
    protocol: str
    preset: str  # empty where there are no rows
    source: str
    splits: str  # empty: one split
    means: tuple[float | None, float | None]  # of the better and the worse side, over seeds
    seeds: tuple[int, int]  # how many each side has
    difference: float | None
    interval: tuple[float, float] | None  # 95 %
    paired: bool  # by person
    verdict: str
    why: tuple[str, ...] = ()  # there are no rows, in sentences

    @property
    def is_single(self) -> bool:
        """Whether a side has one seed, so that the interval does not tell of other trainings."""
        return 1 in self.seeds and self.verdict != NO_ROWS


class Judged(NamedTuple):
    """A paper with its claims judged."""

    name: str
    paper: str
    claims: int
    before: str  # how the earlier leaderboard trained and tested, of which claims have a verdict; empty: none
    judgements: tuple[Judgement, ...]
    unjudged: tuple[Unjudged, ...]

    def tally(self, verdict: str, single: bool) -> int:
        """How many judgements have a verdict; `single`: of those with one seed on a side, or of the others."""
        return sum(each.verdict == verdict and each.is_single == single for each in self.judgements)


def judge_papers(papers: Mapping[str, Claims], records: Iterable[Record]) -> list[Judged]:
    """Every claim of every paper, in the order of the files."""
    kept = list(records)
    return [
        Judged(
            name,
            claims.paper,
            len(claims.claim),
            claims.before,
            tuple(each for claim in claims.claim for each in judge_claim(claim, kept)),
            claims.unjudged,
        )
        for name, claims in papers.items()
    ]


def judge_claim(claim: Claim, records: Iterable[Record]) -> list[Judgement]:
    """A claim under each of its protocols: once for each preset and data that has rows of both sides.

    Rows are compared only if they were scored by the same rules on the same frames, and trained on the same data.
    """
    kept, found = list(records), []
    for protocol in claim.protocol:
        better, worse = (find_rows(side, protocol, kept) for side in (claim.better, claim.worse))
        shared = sorted(better.keys() & worse.keys(), key=_order)
        found += [_judge_rows(claim, protocol, better[terms], worse[terms]) for terms in shared]
        if not shared:
            seeds = tuple(max((len(row.records) for row in rows.values()), default=0) for rows in (better, worse))
            lacking = [side for side, rows in ((claim.better, better), (claim.worse, worse)) if not rows]
            why = [explain_missing(side, side.protocol or protocol, kept) for side in lacking]
            why = why or [explain_unlike(claim, protocol)]
            found.append(_without_rows(claim, protocol, (seeds[0], seeds[1]), why))
    return found


class Terms(NamedTuple):
    """What two rows must share to be compared."""

    preset: str
    source: str
    rules: str  # of the test: protocol and headline convention
    data: str  # tested on and trained on: names, lists, frames


def _order(terms: Terms) -> tuple[int, Terms]:
    return SOURCES.index(terms.source), terms


def find_rows(side: Side, protocol: str, records: Sequence[Record]) -> dict[Terms, Row]:
    """The row of a side under each terms; of several recipes that with most seeds, then the latest."""
    matching = [record for record in records if _is_of(record, side, side.protocol or protocol)]
    rows: dict[Terms, Row] = {}
    for terms in {_terms_of(record) for record in matching}:
        every = group_rows(record for record in matching if _terms_of(record) == terms)
        rows[terms] = max(every, key=lambda row: (len(row.records), max(r.created for r in row.records)))
    return rows


def _is_of(record: Record, side: Side, protocol: str) -> bool:
    """Whether the record is a run of the side: its method or part with these settings, and nothing else changed."""
    method, reranking = record.method, record.disclosure.reranking
    if (record.protocol.name, method.name) != (protocol, side.method):
        return False
    if method.swapped and method.swapped.partition(" ")[2] != side.method:  # a part in the baseline has its name
        return False
    changes = set(record.changes) - set(method.changes) - {f"re-ranking: {reranking}"}
    if changes or method.overrides != side.settings or method.modified != bool(side.settings or method.swapped):
        return False
    named = not side.condition or any(condition.name == side.condition for condition in record.conditions)
    return named and (reranking is not None) == side.reranked


def _terms_of(record: Record) -> Terms:
    protocol = record.protocol
    rules = {name: value for name, value in protocol.rules.items() if name not in TRAINING}
    headline = record.conventions[protocol.headline].fingerprint
    data = [each and [each.name, each.fingerprint, each.content] for each in (record.dataset, record.taught)]
    ran = record.splits.ran if record.splits else ()
    return Terms(record.preset, record.dataset.source, digest([rules, headline, ran]), digest(data))


def _judge_rows(claim: Claim, protocol: str, better: Row, worse: Row) -> Judgement:
    sides = ((claim.better, better), (claim.worse, worse))
    means = [fmean(score_record(r, side.condition, claim.metric).value for r in row.records) for side, row in sides]
    groups = [group_people(row, side.condition, claim.metric) for side, row in sides]
    first, second = groups
    if first and second and np.array_equal(first.queries, second.queries):
        difference, paired = compare_groups(first, second), True
    else:
        difference, paired = _compare_intervals(claim, better, worse), False
    record = better.first
    return Judgement(
        claim=claim,
        protocol=protocol,
        preset=record.preset,
        source=record.dataset.source,
        splits=record.splits.words if record.splits else "",
        means=(means[0], means[1]),
        seeds=(len(better.records), len(worse.records)),
        difference=means[0] - means[1],
        interval=difference.interval,
        paired=paired,
        verdict=difference.verdict,
    )


def _without_rows(claim: Claim, protocol: str, seeds: tuple[int, int], why: Sequence[str]) -> Judgement:
    return Judgement(claim, protocol, "", "", "", (None, None), seeds, None, None, False, NO_ROWS, tuple(why))


def _compare_intervals(claim: Claim, better: Row, worse: Row) -> Difference:
    """The difference where people cannot be paired: its ends are between the outer ends of all seeds' intervals."""
    scores = [
        [score_record(record, side.condition, claim.metric) for record in row.records]
        for side, row in ((claim.better, better), (claim.worse, worse))
    ]
    (low, high), (least, most) = (
        (min(score.interval[0] for score in each), max(score.interval[1] for score in each)) for each in scores
    )
    value = fmean(score.value for score in scores[0]) - fmean(score.value for score in scores[1])
    return Difference(value, (low - most, high - least))


def to_plain(judged: Sequence[Judged]) -> dict[str, Any]:
    """Everything as plain values, as for JSON."""
    return {"papers": [_paper_to_plain(paper) for paper in judged]}


def _paper_to_plain(paper: Judged) -> dict[str, Any]:
    counts = {verdict: paper.tally(verdict, True) + paper.tally(verdict, False) for verdict in VERDICTS}
    return {
        "name": paper.name,
        "paper": paper.paper,
        "claims": paper.claims,
        "verdicts": counts,
        "judgements": list(_judgements_to_plain(paper.judgements)),
        "unjudged": [each.model_dump(mode="json") for each in paper.unjudged],
    }


def _judgements_to_plain(judgements: Iterable[Judgement]) -> Iterator[dict[str, Any]]:
    for each in judgements:
        fields = {name: value for name, value in asdict(each).items() if name != "claim"}
        yield {**each.claim.model_dump(mode="json"), **fields, "single_seed": each.is_single}
