"""What a run has scored over all its folds: for the record, per query, and broken down."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Any, NamedTuple

from vreid_bench.contracts.convention import Convention
from vreid_bench.contracts.protocol import Protocol
from vreid_bench.evaluation.evaluate import Result
from vreid_bench.records.entries import describe_rules
from vreid_bench.scoring.bootstrap import by_person
from vreid_bench.scoring.breakdown import breakdowns
from vreid_bench.scoring.metrics import npz, per_query, summarize


class RunScores(NamedTuple):
    """The scores of a run."""

    fields: dict[str, Any]  # of the record
    per_query: bytes  # as a file
    breakdown: dict[str, Any]


def score_run(
    protocol: Protocol, conventions: Sequence[Convention], rankings: Sequence[Result], folds: Sequence[int]
) -> RunScores:
    """The scores of all rankings of the folds of these numbers; the row is over the conditions that lead."""
    conditions = [_condition(name, rankings) for name in protocol.conditions if len(protocol.conditions) > 1]
    leads = protocol.conditions[: protocol.leading]
    leading = [ranking for ranking in rankings if ranking.condition in leads]
    outcomes = [ranking.outcome for ranking in leading]
    arrays = per_query(outcomes, folds if len(outcomes) == len(folds) else None)
    file, summary = npz(arrays), summarize(outcomes)
    refused = {name: s["not_computable"] for name, s in summary.items() if "not_computable" in s}
    diameters = [ranking.diameter for ranking in leading if ranking.diameter is not None]
    fields = {
        "conventions": {c.name: {**describe_rules(c), **summary[c.name]} for c in conventions if c.name not in refused},
        "not_computable": refused,
        "conditions": conditions,
        "cluster_diameter": fmean(diameters) if diameters else None,
        "people": by_person(arrays, protocol.headline),
    }
    return RunScores(fields, file, breakdowns(outcomes, [r.frames for r in leading], conventions))


def _condition(name: str, rankings: Sequence[Result]) -> dict[str, Any]:
    """The scores under one condition."""
    summary = summarize([ranking.outcome for ranking in rankings if ranking.condition == name])
    return {"name": name, "conventions": {key: s for key, s in summary.items() if "not_computable" not in s}}
