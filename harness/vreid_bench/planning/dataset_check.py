"""A copy of a dataset held against what was published."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path
from typing import Any

from tabulate import tabulate

from vreid_bench.contracts.dataset import Verifiable, Verification
from vreid_bench.planning.data_root import data_root
from vreid_bench.registry.registry import Registry
from vreid_bench.system.errors import InputError


def verify(
    registry: Registry, dataset: str, given: Path | None, decode: bool, accepted: Container[str] = ()
) -> Verification:
    """Check the copy that `--data`, VREID_DATA or the twin gives.

    Raises InputError if nothing can be checked, or if the data was withdrawn and not `accepted`.
    """
    reader = registry.get("datasets", dataset)
    if not isinstance(reader, Verifiable):
        raise InputError(f"dataset {dataset!r} offers no verification")
    root, _ = data_root(reader, dataset, given, accepted)
    return reader.verify(root, decode)


def report(found: Verification) -> dict[str, Any]:
    """As JSON."""
    return {"source": found.source, "counts": [c._asdict() for c in found.counts], "problems": list(found.problems)}


def shown(found: Verification) -> str:
    """As text: the table of counts, then the problems."""
    rows = [(c.what, c.found, "" if c.published is None else c.published) for c in found.counts]
    wanted = "rendered" if found.source == "synthetic" else "published"
    table = tabulate(rows, headers=("count", "found", wanted))
    problems = "\n".join(found.problems) or "no problems"
    return f"source: {found.source}\n{table}\n\n{problems}"
