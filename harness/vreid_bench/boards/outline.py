"""What filling a board would do, and what it could not do, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vreid_bench.boards.fill import Failure, name_row
from vreid_bench.boards.state import RowState


def render_states(states: Sequence[RowState], seconds: Sequence[float]) -> str:
    """A line for each row that is missing or outdated, then the sums; seconds: of a processor, for each of these."""
    due = [state for state in states if not state.is_current]
    lines = [f"{_tell(state)}{name_row(state.wanted)}{_explain(state)}" for state in due]
    missing = sum(state.record is None for state in due)
    sums = f"{len(states)} rows: {len(states) - len(due)} up to date, {len(due) - missing} outdated, {missing} missing"
    time = f"; about {render_time(sum(seconds))} of a processor" if due else ""
    return "\n".join([*lines, sums + time])


def render_time(seconds: float) -> str:
    """Minutes, or hours from 100 minutes on."""
    minutes = seconds / 60
    return f"{minutes:.0f} minutes" if minutes < 100 else f"{minutes / 60:.1f} hours"


def render_failures(failures: Sequence[Failure]) -> str:
    """A line for each row that could not be made."""
    return "\n".join(f"{name_row(failure.wanted)}: {failure.reason}" for failure in failures)


def to_plain(states: Sequence[RowState], failures: Sequence[Failure] = ()) -> dict[str, Any]:
    """The states as plain values, as for JSON."""
    rows = [
        {
            **state.wanted._asdict(),
            "record": None if state.place is None else str(state.place),
            "state": _tell(state).strip(),
            "why": list(state.outdated),
        }
        for state in states
    ]
    return {"rows": rows, "failed": [{**wanted._asdict(), "why": reason} for wanted, reason in failures]}


def _tell(state: RowState) -> str:
    if state.record is None:
        return "missing   "
    return "outdated  " if state.outdated else "current   "


def _explain(state: RowState) -> str:
    return f": {', '.join(state.outdated)}" if state.outdated else ""
