"""Compares a copy of a data set with the published counts, and shows the result."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path
from typing import Any

from tabulate import tabulate

from vreid_bench.contracts.dataset import CheckingReader, DatasetCheck
from vreid_bench.planning.data_root import data_root
from vreid_bench.registry.registry import Registry
from vreid_bench.system.errors import InputError


def check_dataset(
    registry: Registry, dataset: str, given: Path | None, decode: bool, accepted: Container[str] = ()
) -> DatasetCheck:
    """Check the copy named by `given` (`--data`) or VREID_DATA, else the synthetic twin.

    Raises InputError if the data set has no check, or if the data was withdrawn and is not among the `accepted`.
    """
    reader = registry.get("datasets", dataset)
    if not isinstance(reader, CheckingReader):
        raise InputError(f"data set {dataset!r} cannot be checked: its reader has no method `verify`")
    root, _ = data_root(reader, dataset, given, accepted)
    return reader.verify(root, decode)


def as_json(check: DatasetCheck) -> dict[str, Any]:
    """The check as data that JSON can hold."""
    return {"source": check.source, "counts": [c._asdict() for c in check.counts], "problems": list(check.problems)}


def as_text(check: DatasetCheck) -> str:
    """The check as text: the table of counts, then the problems."""
    rows = [(c.what, c.found, "" if c.published is None else c.published) for c in check.counts]
    expected = "rendered" if check.source == "synthetic" else "published"
    table = tabulate(rows, headers=("count", "found", expected))
    problems = "\n".join(check.problems) or "no problems"
    return f"source: {check.source}\n{table}\n\n{problems}"
