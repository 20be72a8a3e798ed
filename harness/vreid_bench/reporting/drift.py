"""Two states of a leaderboard held against each other: which scores left the interval that they had before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from vreid_bench.records.entries import describe_data
from vreid_bench.records.record import Record
from vreid_bench.reporting.board import SOURCES, Row
from vreid_bench.system.fingerprint import digest

METRICS = ("mAP", "R1")  # those that have an interval
CLOSE = 1e-9  # scores that are nearer are one score, summed in another order
LEFT, MOVED, SAME = "left its interval", "moved within its interval", "unchanged"
UNLIKE, NEW, GONE = "not comparable", "new", "gone"
STATES = (LEFT, MOVED, UNLIKE, NEW, GONE, SAME)


@dataclass(frozen=True)
class Change:
    """A score under the headline convention, before and after: fractions, means over the seeds that both have."""

    metric: str
    before: float
    interval: tuple[float, float]  # of before: 95 % over people, its ends averaged over seeds
    after: float

    @property
    def difference(self) -> float:
        """After minus before."""
        return self.after - self.before

    @property
    def state(self) -> str:
        """LEFT, MOVED or SAME."""
        low, high = self.interval
        if abs(self.difference) <= CLOSE:
            return SAME
        return MOVED if low - CLOSE <= self.after <= high + CLOSE else LEFT


@dataclass(frozen=True)
class Drift:
    """What became of one row: a method at one preset and variant, under one protocol, on one source of data."""

    protocol: str
    source: str
    data: str  # in words, with the folders of unverified data
    method: str
    preset: str
    variant: tuple[str, ...]
    seeds: tuple[int, ...]  # that were compared; of a row that was not compared, all that it has
    changes: tuple[Change, ...]  # of METRICS; empty if the row was not compared
    state: str
    reasons: tuple[str, ...]  # what differs where it is not comparable, and notes where it is


def find_drift(before: Iterable[Record], after: Iterable[Record], partial: bool = False) -> list[Drift]:
    """What became of each row, in the order of STATES, then by protocol and method.

    A row is a method at one preset and variant, under one protocol and source, whatever its recipe: so a row whose
    method was changed is held against what it was. Scores are compared only if both were tested by the same rules on
    the same data. `partial`: `after` has only some of the rows, so those that it lacks are not told as gone.
    """
    old, new = _group_rows(before), _group_rows(after)
    found = [_compare(old[key], new[key]) for key in old.keys() & new.keys()]
    found += [_tell(new[key], NEW) for key in new.keys() - old.keys()]
    found += [] if partial else [_tell(old[key], GONE) for key in old.keys() - new.keys()]
    return sorted(found, key=_order)


def _group_rows(records: Iterable[Record]) -> dict[tuple[Any, ...], dict[int, Record]]:
    """The records of each row by seed. A leaderboard has one file for each, so there is one record of a seed."""
    rows: dict[tuple[Any, ...], dict[int, Record]] = {}
    for record in records:
        rows.setdefault((record.folder, record.method.name, record.preset, record.variant), {})[record.seed] = record
    return rows


def _compare(before: dict[int, Record], after: dict[int, Record]) -> Drift:
    seeds = sorted(before.keys() & after.keys())
    notes = []
    if not seeds:
        notes.append(f"no seed is in both: {_list(before)} before, {_list(after)} after")
    old, new = (Row(tuple(each[seed] for seed in seeds or sorted(each))) for each in (before, after))
    if unlike := _find_unlike(old, new):
        return _tell(after, UNLIKE, tuple(unlike))
    head = old.first.protocol.headline
    changes = tuple(
        Change(metric, old.mean(head, metric), old.ends(head, metric), new.mean(head, metric)) for metric in METRICS
    )
    states = {change.state for change in changes}
    if seeds and before.keys() != after.keys():
        notes.append(f"compared over the seeds that both have; {_list(before)} before, {_list(after)} after")
    if _recipes(old) != _recipes(new):
        notes.append("the recipe of the method changed")
    state = next(each for each in (LEFT, MOVED, SAME) if each in states)
    return _describe(new.records, tuple(seeds or sorted(after)), changes, state, tuple(notes))


def _find_unlike(before: Row, after: Row) -> list[str]:
    """In words: in what the tests of two rows differ, so that their scores cannot be compared."""
    sides = [[_list_terms(record) for record in row.records] for row in (before, after)]
    found = []
    for name in sides[0][0]:
        old, new = ({terms[name] for terms in side} for side in sides)
        if len(old | new) > 1:
            found.append(f"{name} {_shorten(old)} before, {_shorten(new)} after")
    datas = [describe_data(record.dataset for record in row.records) for row in (before, after)]
    if found and datas[0] != datas[1]:
        found.append(f"{datas[0]} before, {datas[1]} after")
    return found


def _list_terms(record: Record) -> dict[str, str]:
    """What two tests must share for their scores to be compared: name -> fingerprint."""
    protocol, taught = record.protocol, record.taught
    return {
        "protocol": protocol.fingerprint,
        "headline convention": record.conventions[protocol.headline].fingerprint,
        "lists of the data": record.dataset.fingerprint,
        "frames of the data": record.dataset.content or "unknown",
        "data trained on": digest([taught.name, taught.fingerprint, taught.content]) if taught else "the same",
    }


def _recipes(row: Row) -> set[str]:
    return {digest(record.method.recipe) for record in row.records}


def _shorten(fingerprints: Iterable[str]) -> str:
    return ", ".join(sorted(each[:8] for each in fingerprints))


def _list(seeds: Iterable[int]) -> str:
    return "seeds " + ", ".join(map(str, sorted(seeds)))


def _tell(row: dict[int, Record], state: str, reasons: tuple[str, ...] = ()) -> Drift:
    """A row that was not compared."""
    seeds = tuple(sorted(row))
    return _describe([row[seed] for seed in seeds], seeds, (), state, reasons)


def _describe(
    row: Sequence[Record], seeds: tuple[int, ...], changes: tuple[Change, ...], state: str, reasons: tuple[str, ...]
) -> Drift:
    first, data = row[0], describe_data(record.dataset for record in row)
    about = first.protocol.name, first.dataset.source, data, first.method.name, first.preset, first.variant
    return Drift(*about, seeds, changes, state, reasons)


def _order(drift: Drift) -> tuple[Any, ...]:
    place = SOURCES.index(drift.source)
    return STATES.index(drift.state), drift.protocol, place, drift.data, drift.method, drift.preset, drift.variant


def count_states(drifts: Sequence[Drift]) -> dict[str, int]:
    """How many rows there are of each of STATES."""
    return {state: sum(drift.state == state for drift in drifts) for state in STATES}
