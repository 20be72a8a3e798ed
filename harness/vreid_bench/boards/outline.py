"""What filling a board would do, and what it could not do, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from vreid_bench.boards.fill import Failure
from vreid_bench.boards.state import RowState
from vreid_bench.system.counting import count


def render_states(states: Sequence[RowState], seconds: Sequence[float]) -> str:
    """A line for each row that is not up to date, then the sums; seconds: of a processor, for each row that is due."""
    lines = [f"{row.state:<10}{row.wanted}{_explain(row)}" for row in states if row.is_due or row.not_given]
    number = Counter(row.state for row in states)
    words = [f"{number['current']} up to date", *(f"{number[state]} {state}" for state in ("outdated", "missing"))]
    words += [f"{number['unjudged']} not judged"] if number["unjudged"] else []
    time = f"; about {render_time(sum(seconds))} of a processor" if seconds else ""
    return "\n".join([*lines, f"{count(len(states), 'row')}: {', '.join(words)}{time}"])


def explain_unjudged(states: Sequence[RowState]) -> str:
    """Why rows were not judged and cannot be run, and what to do, in a sentence; empty if there are none."""
    unjudged = [row for row in states if row.not_given]
    if not unjudged:
        return ""
    names = sorted({name for row in unjudged for name in row.not_given})
    return f"{count(len(unjudged), 'row')} not judged and not run: {_tell_not_given(names)}, and repeat the command"


def render_time(seconds: float) -> str:
    """Minutes, or hours from 100 minutes on."""
    minutes = seconds / 60
    return f"{minutes:.0f} minutes" if minutes < 100 else f"{minutes / 60:.1f} hours"


def render_failures(failures: Sequence[Failure]) -> str:
    """A line for each row that could not be made."""
    return "\n".join(f"{failure.wanted}: {failure.reason}" for failure in failures)


def to_plain(states: Sequence[RowState], failures: Sequence[Failure] = ()) -> dict[str, Any]:
    """The states as plain values, as for JSON."""
    rows = [
        {
            **state.wanted._asdict(),
            "record": None if state.place is None else str(state.place),
            "state": state.state,
            "why": [_tell_not_given(state.not_given)] if state.not_given else list(state.outdated),
        }
        for state in states
    ]
    return {"rows": rows, "failed": [{**wanted._asdict(), "why": reason} for wanted, reason in failures]}


def _tell_not_given(names: Sequence[str]) -> str:
    return f"no copy of {' and '.join(names)} is given; name yours with VREID_DATA"


def _explain(state: RowState) -> str:
    why = [_tell_not_given(state.not_given)] if state.not_given else state.outdated
    return f": {', '.join(why)}" if why else ""
