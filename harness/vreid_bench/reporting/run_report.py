"""A record as `run --json` prints it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vreid_bench.records.record import Record
from vreid_bench.records.scores import Summary
from vreid_bench.reporting.queried_people import CountPeople, bound_people
from vreid_bench.scoring.few_people import state_interval


def as_json(record: Record, count: CountPeople = bound_people) -> dict[str, Any]:
    """`Record.metrics` with intervals as a terminal shows them: none of few people, and none without width.

    count: tells over how many people they are. A record that does not tell it keeps its intervals.
    """
    found = record.metrics()
    _state_intervals(found["conventions"], record, record.conventions, count)
    for shown, condition in zip(found.get("conditions", ()), record.conditions, strict=True):
        _state_intervals(shown["conventions"], record, condition.conventions, count)
    return found


def _state_intervals(found: dict[str, Any], record: Record, scores: Mapping[str, Summary], count: CountPeople) -> None:
    """Put the intervals, and of how many people they are, into the numbers of each convention that was applied."""
    for name, summary in scores.items():
        if people := count(record, name, summary):
            found[name] |= state_interval(found[name]["interval"], people)
