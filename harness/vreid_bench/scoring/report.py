"""What scoring reports: the metrics of one ranking under several conventions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vreid_bench.contracts.convention import Convention
from vreid_bench.contracts.recipe import Part
from vreid_bench.records.scores import explain_refusals
from vreid_bench.scoring.absent_labels import absent_attribute, find_absent
from vreid_bench.scoring.breakdown import break_down_attributes
from vreid_bench.scoring.distances import Distances, TileDistances
from vreid_bench.scoring.few_people import FEW, state_interval
from vreid_bench.scoring.hints import describe_nearly_equal, describe_one_person
from vreid_bench.scoring.matches_and_junk import GalleryRule, find_matches
from vreid_bench.scoring.metrics import (
    NotComputable,
    Outcome,
    Scores,
    Verdicts,
    collect_per_query,
    judge,
    precision_at,
    summarize,
)
from vreid_bench.scoring.ranks import counting
from vreid_bench.scoring.ranks.counting import Counts, Tile
from vreid_bench.scoring.ranks.labels import Labels
from vreid_bench.scoring.readings import READINGS, describe_ties
from vreid_bench.scoring.rerank import neighbours
from vreid_bench.scoring.score_table import render_parts, render_precisions, render_scores
from vreid_bench.scoring.ties import (
    DEEPEST,
    MOST_PAIRS,
    ExpectedScores,
    Ties,
    count_ties,
    describe_chance,
    score_by_expectation,
)
from vreid_bench.scoring.true_accept_rate import find_pairs, true_accept_rates
from vreid_bench.system.errors import InputError


@dataclass(frozen=True)
class Report:
    """The scores of one set of features or distances under every convention."""

    labels: Labels
    counts: Counts
    judged: Verdicts
    reranker: Part | None = None  # the re-ranker with every option
    accepts: Mapping[str, Mapping[str, float]] = field(default_factory=dict)  # convention -> FAR -> TAR
    cuts: Mapping[str, Mapping[str, float]] = field(default_factory=dict)  # convention -> K -> mAP@K
    precisions: Mapping[str, Mapping[str, Mapping[str, float]]] = field(default_factory=dict)  # see `with_precisions`
    parts: Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]] = field(default_factory=dict)  # see `broken_down`
    files: Mapping[str, str] = field(default_factory=dict)  # what was scored -> sha256
    notes: tuple[str, ...] = ()  # what a reader has to know beside the numbers
    ties: Mapping[str, Ties] = field(default_factory=dict)  # by convention; empty: not counted
    left_out: Mapping[str, int] = field(default_factory=dict)  # by convention: queries without a match, not counted

    @classmethod
    def of(
        cls, counts: Counts, labels: Labels, conventions: Sequence[Convention], reranker: Part | None = None
    ) -> Report:
        """Judge the counts. Raises InputError if no convention can be applied."""
        judged, left_out = _judge(counts, labels, conventions), {}
        for convention in conventions:
            verdict, matches = judged[convention.name], find_matches(counts, GalleryRule.of(convention))
            if isinstance(verdict, Scores) and matches is not None:
                left_out[convention.name] = int((matches.asks & np.isnan(verdict.average_precision)).sum())
        return cls(labels, counts, judged, reranker, left_out=left_out)

    def with_accepts(
        self, tiles: Callable[[], Iterable[Tile]], rates: Sequence[float], conventions: Sequence[Convention]
    ) -> Report:
        """The same report with the true accept rate at each false accept rate, over all queries together."""
        accepts: dict[str, dict[str, float]] = {}
        judged = [c for c in conventions if isinstance(self.judged[c.name], Scores)]
        for rule in dict.fromkeys(map(find_pairs, judged)):
            found = dict(zip(map(str, rates), true_accept_rates(tiles(), self.labels, rates, rule), strict=True))
            accepts |= {c.name: found for c in judged if find_pairs(c) == rule}
        return replace(self, accepts=accepts)

    def with_cuts(self, depths: Sequence[int], conventions: Sequence[Convention]) -> Report:
        """The same report with the mean average precision of the first K ranks, for each depth K."""
        cuts = {}
        for convention in conventions:
            verdict = self.judged[convention.name]
            if isinstance(verdict, Scores):
                counted = ~np.isnan(verdict.average_precision)
                cut = {str(k): precision_at(self.counts, convention, k)[counted].mean() for k in depths}
                cuts[convention.name] = {k: float(value) for k, value in cut.items()}
        return replace(self, cuts=cuts)

    def with_precisions(self, counts: Mapping[str, Counts], conventions: Sequence[Convention]) -> Report:
        """The same report with the mAP and R1 of the same vectors in other precisions, and what they lose by that.

        counts: by precision. Conventions that score ties by expectation are left out.
        """
        found: dict[str, dict[str, dict[str, float]]] = {}
        listed = [convention for convention in conventions if convention.ties == "listed"]
        for precision, others in counts.items():
            for name, verdict in judge(others, listed).items():
                exact = self.judged[name]
                if isinstance(verdict, Scores) and isinstance(exact, Scores):
                    scores = {"mAP": float(np.nanmean(verdict.average_precision)), "R1": float(verdict.cmc(1)[0])}
                    before = {"mAP": float(np.nanmean(exact.average_precision)), "R1": float(exact.cmc(1)[0])}
                    lost = {f"{metric}_loss": before[metric] - scores[metric] for metric in scores}
                    found.setdefault(name, {})[precision] = scores | lost
        return replace(self, precisions=found)

    def expecting_ties(self, distances: TileDistances, conventions: Sequence[Convention]) -> Report:
        """The same report, under these conventions with the mean scores over all orders of items at equal distances."""
        judged = dict(self.judged)
        for convention in conventions:
            verdict = score_by_expectation(distances, self.labels, convention)
            listed = self.judged[convention.name]
            if isinstance(verdict, Scores) and isinstance(listed, Scores):
                verdict = replace(verdict, first_rank=listed.first_rank)
            judged[convention.name] = verdict
        names = tuple(convention.name for convention in conventions)
        note = f"ties: under {', '.join(names)}, scores are the means over all orders of items at equal distances"
        return replace(self, judged=judged).saying(note)

    def noting(self, distances: Distances, conventions: Sequence[Convention]) -> Report:
        """The same report with its ties, and with a note on each sign that the numbers are not what they seem.

        The signs are ties that decide the first score, vectors that hardly differ, a score that a random order has,
        too, and a test of one person. They are looked for where they are quick to find: ties among distances in tiles,
        all up to `MOST_PAIRS` distances.
        """
        pairs = len(self.labels.query) * len(self.labels.gallery)
        scored = [c for c in conventions if isinstance(self.judged[c.name], Scores)]
        if not scored or pairs > MOST_PAIRS:
            return self
        first, found, notes = scored[0], {}, [describe_one_person(self.labels)]
        if isinstance(distances, TileDistances):
            counted = count_ties(distances, self.labels, scored)
            found = {c.name: counted[GalleryRule.of(c)] for c in scored}
        tied = describe_ties(*found[first.name]) if found and first.ties == "listed" else ""
        chance = ""
        if self.count_people(first.name) >= FEW:
            interval = summarize([self.outcome])[first.name]["interval"]["mAP"]
            chance = describe_chance(self.labels, first, interval)
        told = READINGS in tied  # then what vectors that are all equal may mean is said already
        notes += [tied, "" if told else describe_nearly_equal(distances, bool(chance)), chance]
        return replace(self, ties=found).saying(*notes)

    def saying(self, *notes: str) -> Report:
        """The same report with more notes; an empty one is none."""
        return replace(self, notes=(*self.notes, *filter(None, notes)))

    def count_people(self, convention: str) -> int:
        """How many people have a query that counts under a convention that could be applied."""
        verdict = self.judged[convention]
        assert isinstance(verdict, Scores), "only scores count people"
        return len(np.unique(self.labels.pids[self.labels.query][~np.isnan(verdict.average_precision)]))

    def broken_down(self, attributes: Sequence[str]) -> Report:
        """The same report with the scores by value of each of these attributes of the queries, under each convention.

        Raises InputError for an attribute that no tracklet has.
        """
        for name in attributes:
            if name not in self.labels.attributes:
                raise absent_attribute(self.labels, name)
        if not attributes:
            return self
        parts = {}
        for convention, verdict in self.judged.items():
            if isinstance(verdict, Scores):
                found = break_down_attributes([self.outcome], [verdict])
                parts[convention] = {name: found[name] for name in attributes}
        return replace(self, parts=parts)

    def __getitem__(self, convention: str) -> dict[str, Any]:
        """mAP, R1, ..., as fractions, or `not_computable` and the reason."""
        found: dict[str, Any] = self.metrics()["conventions"][convention]
        return found

    def __str__(self) -> str:
        lines = [render_scores(self.metrics()), *self.notes]
        return "\n".join([*lines, *render_precisions(self.precisions), *render_parts(self.parts)])

    def metrics(self) -> dict[str, Any]:
        """What `--json` prints: {"backend": ..., "conventions": {name: {"mAP": fraction, ..., "cmc": [50]}}}.

        `left_out` is the number of queries that take part, but have no match and do not count; `ties` has for each
        convention how many of its matches are tied, where that was counted.
        """
        conventions = {}
        for name, summary in summarize([self.outcome]).items():
            conventions[name] = {key: value for key, value in summary.items() if key != "splits"}
            verdict = self.judged[name]
            if not isinstance(verdict, NotComputable):
                conventions[name] |= state_interval(summary["interval"], self.count_people(name))
                counted = ~np.isnan(verdict.average_precision)
                conventions[name]["left_out"] = self.left_out.get(name, 0)
                conventions[name]["r_precision"] = float(verdict.r_precision[counted].mean())
                conventions[name]["cmc"] = verdict.cmc(DEEPEST)
                if self.cuts.get(name):
                    conventions[name]["mAP@"] = dict(self.cuts[name])
                if name in self.precisions:
                    conventions[name]["precision"] = {to: dict(row) for to, row in self.precisions[name].items()}
                if isinstance(verdict, ExpectedScores):
                    conventions[name]["ties"] = "expected"
                if name in self.parts:
                    conventions[name]["by"] = {attribute: list(rows) for attribute, rows in self.parts[name].items()}
                if name in self.accepts:
                    conventions[name]["tar"] = dict(self.accepts[name])
        part = self.reranker
        reranking = None
        if part is not None:
            reranking = {"name": part.name, "options": dict(part.options), "backend": neighbours.backend()}
        found: dict[str, Any] = {"backend": counting.backend(), "reranking": reranking, "conventions": conventions}
        found["ties"] = {name: ties._asdict() for name, ties in self.ties.items()}
        found["notes"] = list(self.notes)
        return found | ({"files": dict(self.files)} if self.files else {})

    def per_query(self) -> dict[str, NDArray[Any]]:
        """Arrays in query order: `<convention>.ap`, `<convention>.first_rank`, names and more, as `PerQuery.arrays`."""
        return collect_per_query([self.outcome]).arrays()

    @property
    def outcome(self) -> Outcome:
        """The same as the outcome of one split of a run."""
        return Outcome(self.labels, self.counts, self.judged)


def _judge(counts: Counts, labels: Labels, conventions: Sequence[Convention]) -> Verdicts:
    """As `judge`; what no label has is named, with the labels that are there."""
    absent = {c.name: verdict for c in conventions if (verdict := find_absent(labels, c))}
    try:
        judged = absent | judge(counts, [c for c in conventions if c.name not in absent])
    except InputError as fault:  # none of the others can be applied, or there are no others
        reasons = explain_refusals({name: str(verdict) for name, verdict in absent.items()})
        raise InputError("; ".join(filter(None, [*reasons, str(fault)]))) from fault
    return {c.name: judged[c.name] for c in conventions}
