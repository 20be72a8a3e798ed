"""How much each single rule moves a run's scores from one convention to another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from tabulate import tabulate

from vreid_bench.contracts.convention import Convention, describe_rule
from vreid_bench.records.per_query import PerQuery
from vreid_bench.records.record import Record
from vreid_bench.records.run_directory import RunDirectory
from vreid_bench.records.scores import Result
from vreid_bench.registry.rule_fields import read_fields
from vreid_bench.scoring.metrics import NotComputable, Scores, judge
from vreid_bench.scoring.ranks.counting import Counts
from vreid_bench.system.errors import InputError

# The fields of a convention that decide a score. Those of one rule change together: a run has counted ranks for the
# tracklets that each of its conventions lets take part, and not for those of a mixture.
RULES = (
    ("queries_in_gallery",),
    ("match",),
    ("same_camera",),
    ("query", "gallery", "least_frames"),  # which tracklets take part
    ("cut",),
    ("ties",),
    ("average_precision",),
    ("unmatched",),
)
METRICS = ("mAP", "R1")


def measure_rule_effects(folder: RunDirectory) -> dict[str, Any]:
    """From the headline convention to each other: {"headline": name, "conventions": {name: [effect, ...]}}.

    An effect has `rule`, in words, and the differences of mAP and R1, as fractions, that this rule makes alone; `all`
    is every rule together, which need not be their sum. Where a mixture of rules cannot be applied, `not_computable`
    says why. Only the ranks that the run stored are used. Raises InputError for a damaged record, and for rules that
    this version does not know.
    """
    record = Record.from_file(folder.record)
    splits = counts_by_split(PerQuery.from_file(folder.per_query))
    head, *others = sorted(
        (recorded_convention(name, result, folder.record) for name, result in record.conventions.items()),
        key=lambda c: (c.name != record.protocol.headline, c.name),
    )
    return {"headline": head.name, "conventions": {other.name: _effects(splits, head, other) for other in others}}


def recorded_convention(name: str, result: Result, file: Path) -> Convention:
    """The convention that a result in a record's file was scored by, from its rules."""
    try:
        found = read_fields({**result.rules, "summary": "", "source": ""})
        known = found.fingerprint == result.fingerprint  # if not, the record has a rule that is not a field here
    except ValueError:
        known = False
    if not known:
        raise InputError(
            f"{file}: has rules of {name!r} that this version does not know ({result.rules}); use the version that "
            "made the run"
        )
    return found


def counts_by_split(kept: PerQuery) -> list[Counts]:
    """The counts of each split that ran, in the order of their numbers."""
    matches, counts = kept.matches, []
    for number in np.unique(kept.split):  # some of a protocol's splits may be left out
        queries = np.flatnonzero(kept.split == number)
        mine = np.isin(matches.query, queries)
        start = np.searchsorted(matches.query[mine], np.arange(queries[0], queries[-1] + 2))
        counts.append(
            Counts(
                start,
                matches.group[mine],
                matches.before[mine],
                kept.in_gallery[queries],
                {name: alike[mine] for name, alike in matches.alike.items()},
                matches.admissions,
                matches.asks[queries],
            )
        )
    return counts


def render(found: Mapping[str, Any]) -> str:
    """As tables, in points of mAP and R1."""
    blocks = []
    for name, effects in found["conventions"].items():
        rows = [[effect["rule"], *(_points(effect, metric) for metric in METRICS)] for effect in effects]
        title = f"{found['headline']} -> {name}"
        blocks.append(tabulate(rows, [title, *METRICS], disable_numparse=True, colalign=["left", "right", "right"]))
    return "\n\n".join(blocks)


def _effects(splits: Sequence[Counts], head: Convention, other: Convention) -> list[dict[str, Any]]:
    """The effect of each rule in which two conventions differ, alone, then of all of them together."""
    every = [[field for field in rule if getattr(head, field) != getattr(other, field)] for rule in RULES]
    differing = [rule for rule in every if rule]
    singles = [
        ("; ".join(_words(field, head, other) for field in rule), {field: getattr(other, field) for field in rule})
        for rule in differing
    ]
    before = _means(splits, head)
    effects: list[dict[str, Any]] = []
    for words, rules in [*singles, ("all", {field: getattr(other, field) for rule in differing for field in rule})]:
        after = _means(splits, replace(head, **rules))
        if isinstance(before, str) or isinstance(after, str):
            effects.append({"rule": words, "not_computable": before if isinstance(before, str) else after})
        else:
            effects.append({"rule": words} | {metric: after[metric] - before[metric] for metric in METRICS})
    return effects


def _means(splits: Sequence[Counts], convention: Convention) -> dict[str, float] | str:
    """mAP and R1 over the splits, or why there are none."""
    scores: list[Scores] = []
    for counts in splits:
        try:
            verdict = judge(counts, [convention])[convention.name]
        except InputError as fault:
            return str(fault).partition("not computable, ")[2]
        assert not isinstance(verdict, NotComputable), "judge raises where nothing can be computed"
        scores.append(verdict)
    return {metric: float(np.mean([s.metrics()[metric] for s in scores])) for metric in METRICS}


def _words(field: str, head: Convention, other: Convention) -> str:
    one, two = (describe_rule(getattr(convention, field)) for convention in (head, other))
    return f"{field.replace('_', ' ')}: {one} -> {two}"


def _points(effect: Mapping[str, Any], metric: str) -> str:
    if "not_computable" in effect:
        return f"not computable, {effect['not_computable']}" if metric == "mAP" else ""
    return f"{100 * effect[metric]:+.2f}"
