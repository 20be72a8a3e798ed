"""Which single rule moved a run's scores from one convention to another, and by how much."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError
from tabulate import tabulate

from vreid_bench.contracts.convention import Convention
from vreid_bench.records.record import Record
from vreid_bench.records.scores import Result
from vreid_bench.scoring.features import Array, read_arrays
from vreid_bench.scoring.metrics import NotComputable, Scores, judge
from vreid_bench.scoring.ranks.counting import Counts
from vreid_bench.system.errors import InputError

# the fields of a convention that decide a score
RULES = ("queries_in_gallery", "clothes", "average_precision", "unmatched")
METRICS = ("mAP", "R1")


def differences(run: Path) -> dict[str, Any]:
    """From the headline convention to each other: {"headline": name, "conventions": {name: [change, ...]}}.

    A change has `rule`, in words, and the differences of mAP and R1, as fractions, that it makes alone; `all` is
    every rule at once, which need not be their sum. Where a mixture of rules cannot be applied, `not_computable`
    says why. Everything follows from the ranks that the run kept. Raises InputError if `run` is no finished run, and
    for rules that this version does not know.
    """
    record = Record.from_file(run / "record.json")
    splits = kept_counts(read_arrays(run / "per_query.npz"), run)
    head, *others = sorted(
        (recorded(name, result, run) for name, result in record.conventions.items()),
        key=lambda c: (c.name != record.protocol.headline, c.name),
    )
    return {"headline": head.name, "conventions": {other.name: changes(splits, head, other) for other in others}}


def recorded(name: str, result: Result, run: Path) -> Convention:
    """The convention that a result was scored by, from its rules."""
    try:
        found = TypeAdapter(Convention).validate_python({**result.rules, "summary": "", "source": ""})
        known = found.fingerprint == result.fingerprint  # else there is a rule that is no field here
    except ValidationError:
        known = False
    if not known:
        raise InputError(
            f"{run / 'record.json'}: has rules of {name!r} that this version does not know ({result.rules}); use the "
            "version that made the run"
        )
    return found


def changes(splits: Sequence[Counts], head: Convention, other: Convention) -> list[dict[str, Any]]:
    """What each rule in which two conventions differ does alone, then all of them at once."""
    differing = [rule for rule in RULES if getattr(head, rule) != getattr(other, rule)]
    singles = [(_words(rule, head, other), {rule: getattr(other, rule)}) for rule in differing]
    before = _means(splits, head)
    told: list[dict[str, Any]] = []
    for words, rules in [*singles, ("all", {rule: getattr(other, rule) for rule in differing})]:
        after = _means(splits, replace(head, **rules))
        if isinstance(before, str) or isinstance(after, str):
            told.append({"rule": words, "not_computable": before if isinstance(before, str) else after})
        else:
            told.append({"rule": words} | {metric: after[metric] - before[metric] for metric in METRICS})
    return told


def kept_counts(arrays: Mapping[str, Array], run: Path) -> list[Counts]:
    """The counts of each split, from a run's per-query file. Raises InputError if they are not in it."""
    for name in ("split", "in_gallery", "match.query", "match.group", "match.before"):
        if name not in arrays:
            raise InputError(f"{run / 'per_query.npz'}: has no array {name!r}; run it again with this version")
    split, owner = arrays["split"], arrays["match.query"]
    counts = []
    for number in np.unique(split):  # some of a protocol's splits may be left out
        queries = np.flatnonzero(split == number)
        mine = np.isin(owner, queries)
        start = np.searchsorted(owner[mine], np.arange(queries[0], queries[-1] + 2))
        group, before = (arrays[f"match.{name}"][mine].astype(np.int64) for name in ("group", "before"))
        alike = arrays["match.alike"][mine] if "match.alike" in arrays else None
        counts.append(Counts(start, group, before, arrays["in_gallery"][queries], alike))
    return counts


def shown(found: Mapping[str, Any]) -> str:
    """As tables, in points of mAP and R1."""
    blocks = []
    for name, each in found["conventions"].items():
        rows = [[change["rule"], *(_points(change, metric) for metric in METRICS)] for change in each]
        title = f"{found['headline']} -> {name}"
        blocks.append(tabulate(rows, [title, *METRICS], disable_numparse=True, colalign=["left", "right", "right"]))
    return "\n\n".join(blocks)


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


def _words(rule: str, head: Convention, other: Convention) -> str:
    values = {True: "yes", False: "no", None: "as listed"}
    one, two = (
        values.get(v, v) if isinstance(v, bool | None) else v for v in (getattr(head, rule), getattr(other, rule))
    )
    return f"{rule.replace('_', ' ')}: {one} -> {two}"


def _points(change: Mapping[str, Any], metric: str) -> str:
    if "not_computable" in change:
        return f"not computable, {change['not_computable']}" if metric == "mAP" else ""
    return f"{100 * change[metric]:+.2f}"
