"""The check of a data set as text for a terminal, and as data that JSON can hold."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from tabulate import tabulate

from vreid_bench.contracts.dataset import DatasetCheck

FEW = 3  # alike problems that are shown one by one
CHANGING = re.compile(r"'[^']*'|\S*/\S*|\d[\d,]*")  # what alike problems differ in: quoted texts, paths, numbers


def as_json(check: DatasetCheck) -> dict[str, Any]:
    """The check as data that JSON can hold."""
    counts = [count._asdict() for count in check.counts]
    return {"source": check.source, "counts": counts, "problems": list(check.problems), "notes": list(check.notes)}


def as_text(check: DatasetCheck, *, decoded: bool = True) -> str:
    """The check as text: the table of counts, the notes, then the problems; decoded: was every frame decoded?

    Many alike problems are one line with their number.
    """
    rows = [(c.what, c.found, "" if c.published is None else c.published) for c in check.counts]
    expected = "rendered" if check.source == "synthetic" else "published"
    table = tabulate(rows, headers=("count", "found", expected)) if rows else "nothing could be counted"
    problems = "\n".join(_group_alike(check.problems)) or "no problems"
    problems += "" if decoded or check.problems else "; frames were not decoded, which --decode does"
    notes = "".join(f"note: {note}\n" for note in check.notes)
    return f"source: {check.source}\n{table}\n\n{notes}{problems}"


def _group_alike(problems: Sequence[str]) -> Iterator[str]:
    groups: dict[str, list[str]] = {}
    for problem in problems:
        groups.setdefault(CHANGING.sub("*", problem), []).append(problem)
    for group in groups.values():
        if len(group) <= FEW:
            yield from group
        else:
            yield f"{group[0]} ({len(group) - 1:,} more alike; --json lists them)"
