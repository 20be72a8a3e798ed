"""Runs that repeat another: of one method and settings, a seed is one result, however often it is run."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from vreid_bench.records.record import Record
from vreid_bench.system.errors import InputError

INCIDENTAL = ("created", "costs")  # what differs between two runs of which nothing else does
SCORES = ("conventions", "conditions", "cluster_diameter", "people")


class NamedRecord(NamedTuple):
    """A record, and the file or folder that it was read from."""

    path: Path
    record: Record


def leave_out_repeats(
    runs: Iterable[NamedRecord], seed_of: Callable[[Record], Hashable]
) -> tuple[list[NamedRecord], list[str]]:
    """The runs without those that repeat another, in order, and a note on each that is left out.

    seed_of: equal for two runs that are one seed. Of those with the same weights and scores, the first by `sort_runs`
    is kept. Raises InputError for two whose weights or scores differ.
    """
    seeds: dict[Hashable, dict[Path, NamedRecord]] = {}
    notes = []
    for run in runs:
        alike = seeds.setdefault(seed_of(run.record), {})
        if alike.setdefault(run.path.resolve(), run) is not run:
            notes.append(f"note: {run.path} is given twice, and counts once")
    kept = []
    for alike in seeds.values():
        first, *others = sort_runs(alike.values())
        kept.append(first)
        for other in others:
            _check_same_result(first, other)
            notes.append(f"note: {other.path} is left out: it has the seed, the weights and the scores of {first.path}")
    return kept, notes


def sort_runs(runs: Iterable[NamedRecord]) -> list[NamedRecord]:
    """Runs by time, then by name: the first stands for those that repeat it."""
    return sorted(runs, key=lambda run: (run.record.created, str(run.path)))


def list_differing(records: Sequence[Record]) -> list[str]:
    """The fields in which some records differ."""
    first, *others = [record.model_dump(mode="json") for record in records]
    names = dict.fromkeys(name for each in (first, *others) for name in each)  # some are left out where unknown
    return [name for name in names if any(each.get(name) != first.get(name) for each in others)]


def differ_incidentally(records: Sequence[Record]) -> bool:
    """Do these records differ in nothing but the time and the costs of their runs?"""
    return set(list_differing(records)) <= set(INCIDENTAL)


def _check_same_result(first: NamedRecord, other: NamedRecord) -> None:
    one, two = first.record, other.record
    differing = [name for name in SCORES if getattr(one, name) != getattr(two, name)]
    if one.weights.sha256 != two.weights.sha256:
        differing = ["weights", *differing]
    if differing:
        raise InputError(
            f"{first.path} and {other.path} both ran {describe_method(one)} with seed {one.seed}, but they differ in "
            f"{', '.join(differing)}; expected each seed once: leave one of them out"
        )


def describe_method(record: Record) -> str:
    """Method, preset and changes: what the seeds of a row have in common."""
    return ", ".join([f"{record.method.name} {record.preset}", *record.variant])
