"""A record as `run --json` prints it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vreid_bench.records.record import Record
from vreid_bench.records.scores import Summary
from vreid_bench.scoring.few_people import state_interval


def as_json(record: Record) -> dict[str, Any]:
    """`Record.metrics` with intervals as a terminal shows them: none of few people, and none without width.

    A record that does not tell how many people were queried keeps its intervals.
    """
    found = record.metrics()
    _state_intervals(found["conventions"], record, record.conventions)
    for shown, condition in zip(found.get("conditions", ()), record.conditions, strict=True):
        _state_intervals(shown["conventions"], record, condition.conventions)
    return found


def _state_intervals(found: dict[str, Any], record: Record, scores: Mapping[str, Summary]) -> None:
    """Put the intervals, and of how many people they are, into the numbers of each convention that was applied."""
    for name, summary in scores.items():
        if people := count_people(record, summary):
            found[name] |= state_interval(found[name]["interval"], people)


def count_people(record: Record, scores: Summary | None = None) -> int:
    """How many people were queried; 0 if the record does not tell.

    scores: those of one convention, under which fewer may ask. The record has its people under the headline convention
    alone, and of each other the number of queries: there are no more people than that.
    """
    people = len(record.people[0].queries) if record.people else 0
    return people if scores is None else min(people, scores.splits[0].queries)
