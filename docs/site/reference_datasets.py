"""The page of the data sets: licence, access, citation, published counts, and whether a set was withdrawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vreid_bench.registry.entry import Entry
from vreid_bench.registry.registry import Registry


def datasets_page() -> str:
    """A section for each data set of this package, from what its reader says of it."""
    entries = [entry for entry in Registry.installed().entries("datasets") if entry.distribution == "vreid-bench"]
    text = [
        "# Data sets",
        "What the publisher of each data set says, as `vreid-bench list datasets --json` has it. Nothing is "
        "downloaded: you obtain a copy under its terms ([ethics](../ethics.md)), and [`data verify`](../data.md) holds "
        "it against these counts.",
        *(_section(entry) for entry in entries),
    ]
    return "\n\n".join(text) + "\n"


def _section(entry: Entry) -> str:
    known = entry.description
    if known is None:
        return f"## `{entry.name}`\n\n{entry.summary}"
    rows = [f"| {name} | {known[name]} |" for name in ("licence", "access", "citation")]
    if counts := _counts(known):
        rows.append(f"| published counts | {counts} |")
    table = "\n".join(["| what | says its publisher |", "|---|---|", *rows])
    withdrawn = f'!!! warning "Withdrawn"\n    {known["withdrawn"]}\n\n' if known["withdrawn"] else ""
    return f"## {known['title']}\n\n`{entry.name}`: {entry.summary}\n\n{withdrawn}{table}"


def _counts(known: Mapping[str, Any]) -> str:
    """The counts in one line; what is not certain has a question mark, and copies may differ."""
    found = []
    for name, count in known["counts"].items():
        numbers = " or ".join(f"{number:,}" for number in (count if isinstance(count, list | tuple) else [count]))
        found.append(f"{name} {numbers}{' (?)' if name in known['uncertain'] else ''}")
    return ", ".join(found)
