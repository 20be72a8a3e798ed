"""What plugins provide, as text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from tabulate import tabulate

from vreid_bench.registry.entry import Entry
from vreid_bench.registry.meanings import explain_options
from vreid_bench.reporting.terminal_tables import first_sentence, fit_table


def count_kinds(entries: Sequence[Entry], width: int | None) -> str:
    """One line for each kind: how many there are, and the names that fit."""
    names: dict[str, list[str]] = {}
    for entry in entries:
        names.setdefault(entry.kind, []).append(entry.name)
    return fit_table([[kind, str(len(each)), ", ".join(each)] for kind, each in names.items()], width=width)


def list_names(entries: Sequence[Entry], width: int | None) -> str:
    """One line for each entry of one kind: its name and the first sentence about it."""
    return fit_table([[entry.name, first_sentence(entry.summary)] for entry in entries], width=width)


def list_with_options(entries: Sequence[Entry], width: int | None) -> str:
    """As `list_names`, and below each entry a line for each of its options: its default, and what it means."""
    rows = []
    for entry in entries:
        rows.append([entry.name, first_sentence(entry.summary)])
        meanings = explain_options(entry.docstrings, entry.options)
        rows += [
            [f"{entry.name}:{name}={value}", first_sentence(meanings[name])] for name, value in entry.options.items()
        ]
    return fit_table(rows, width=width)


def list_in_full(entries: Sequence[Entry]) -> str:
    """A table with everything: kind, name, summary, and the distribution that provides it with its version."""
    return tabulate([entry.describe() for entry in entries], headers="keys", maxcolwidths=[None, None, 60])
