"""The scores of a run over all its folds: for the record, per query, and broken down."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Any, NamedTuple

from vreid_bench.contracts.convention import Convention
from vreid_bench.contracts.protocol import Protocol
from vreid_bench.evaluation.evaluate import Result
from vreid_bench.records.entries import describe_rules
from vreid_bench.records.per_query import PerQuery
from vreid_bench.records.scores import RANKS
from vreid_bench.scoring.bootstrap import tabulate_people
from vreid_bench.scoring.breakdown import break_down_conventions, choose_camera_pairs
from vreid_bench.scoring.metrics import average_curves, collect_per_query, summarize


class RunScores(NamedTuple):
    """The scores of a run."""

    fields: dict[str, Any]  # of the record
    per_query: PerQuery
    breakdown: dict[str, Any]


def score_run(
    protocol: Protocol, conventions: Sequence[Convention], rankings: Sequence[Result], folds: Sequence[int]
) -> RunScores:
    """The scores of all rankings; `folds` are the numbers of the folds. The row averages the leading conditions."""
    conditions = [_condition(name, rankings) for name in protocol.conditions if len(protocol.conditions) > 1]
    leads = protocol.conditions[: protocol.leading]
    leading = [ranking for ranking in rankings if ranking.condition in leads]
    outcomes = [ranking.outcome for ranking in leading]
    per_query = collect_per_query(outcomes, folds if len(outcomes) == len(folds) else None)
    summary = summarize(outcomes)
    refused = {name: s["not_computable"] for name, s in summary.items() if "not_computable" in s}
    curves = average_curves(outcomes, RANKS)
    rows = [
        (c.name, {**describe_rules(c), **summary[c.name], "cmc": curves[c.name], "ties": _sum_ties(c.name, leading)})
        for c in conventions
        if c.name in curves
    ]
    breakdown = break_down_conventions(outcomes, [r.frames for r in leading], conventions)
    diameters = [ranking.diameter for ranking in leading if ranking.diameter is not None]
    fields = {
        "conventions": dict(rows),
        "not_computable": refused,
        "conditions": conditions,
        "cluster_diameter": fmean(diameters) if diameters else None,
        "people": tabulate_people(per_query, protocol.headline),
        "camera_pairs": choose_camera_pairs(breakdown, next(c for c in conventions if c.name == protocol.headline)),
    }
    return RunScores(fields, per_query, breakdown)


def _sum_ties(convention: str, rankings: Sequence[Result]) -> dict[str, int] | None:
    """The ties of all rankings under a convention; None if those of one were not counted."""
    each = [ranking.ties.get(convention) for ranking in rankings]
    known = [ties for ties in each if ties is not None]
    if len(known) < len(each):
        return None
    return {"tied": sum(ties.tied for ties in known), "matches": sum(ties.matches for ties in known)}


def _condition(name: str, rankings: Sequence[Result]) -> dict[str, Any]:
    """The scores under one condition."""
    summary = summarize([ranking.outcome for ranking in rankings if ranking.condition == name])
    return {"name": name, "conventions": {key: s for key, s in summary.items() if "not_computable" not in s}}
