"""The drift between two states of a leaderboard, as Markdown and as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from vreid_bench.reporting.drift import GONE, LEFT, METRICS, MOVED, NEW, SAME, STATES, UNLIKE, Drift, count_states
from vreid_bench.reporting.leaderboard_tables import markdown
from vreid_bench.reporting.text import escape

TITLES = {
    LEFT: "Scores that left their interval",
    MOVED: "Scores that moved within their interval",
    UNLIKE: "Not comparable: the test changed",
    NEW: "New rows",
    GONE: "Rows that are gone",
}
LEGEND = """\
Percent under the headline convention, means over the seeds that both have. The interval is that of before: 95 % over
people. It says where the score of these weights would lie with other people, so a score that left it moved by more than
the test set can blur. Within it, the same code on the same machine still repeats the same bits: a move has a cause.
"""
NO_CHANGE = "No row changed.\n"


def render_drift(drifts: Sequence[Drift]) -> str:
    """The report: how many rows there are of each kind, then a table of each kind but the unchanged ones."""
    counts = count_states(drifts)
    lines = ["# Drift\n", ", ".join(f"{counts[state]} {state}" for state in STATES) + ".\n"]
    if counts[SAME] == len(drifts):
        return "\n".join([*lines, NO_CHANGE])
    lines.append(LEGEND)
    for state, title in TITLES.items():
        rows = [drift for drift in drifts if drift.state == state]
        if rows:
            lines += [f"## {title}\n", _compared(rows) if state in (LEFT, MOVED) else _told(rows)]
    return "\n".join(lines)


def _compared(rows: Sequence[Drift]) -> str:
    headers = ["protocol", "method", "seeds"]
    for metric in METRICS:
        headers += [f"{metric} before", "95 %", "after", "difference"]
    table = []
    for drift in rows:
        cells = [_protocol(drift), _method(drift), _seeds(drift)]
        for change in drift.changes:
            low, high = (100 * end for end in change.interval)
            mark = "**" if change.state == LEFT else ""
            after, difference = f"{100 * change.after:.1f}", f"{100 * change.difference:+.1f}"
            cells += [f"{100 * change.before:.1f}", f"{low:.1f}–{high:.1f}", mark + after + mark, difference]
        table.append([*cells, escape("; ".join(drift.reasons))])
    return markdown([*headers, "remarks"], table, "llr" + "rrrr" * len(METRICS) + "l") + "\n"


def _told(rows: Sequence[Drift]) -> str:
    table = [[_protocol(d), _method(d), _seeds(d), escape("; ".join(d.reasons))] for d in rows]
    return markdown(["protocol", "method", "seeds", "remarks"], table, "llrl") + "\n"


def _protocol(drift: Drift) -> str:
    return escape(f"{drift.protocol} on {drift.data}")


def _method(drift: Drift) -> str:
    return escape("; ".join([f"{drift.method}, {drift.preset}", *drift.variant]))


def _seeds(drift: Drift) -> str:
    return ", ".join(map(str, drift.seeds))


def to_plain(drifts: Sequence[Drift]) -> dict[str, Any]:
    """Everything as plain values, as for JSON; scores are fractions."""
    return {"counts": count_states(drifts), "rows": [_row_to_plain(drift) for drift in drifts]}


def _row_to_plain(drift: Drift) -> dict[str, Any]:
    scores = {
        change.metric: {
            "before": change.before,
            "interval": list(change.interval),
            "after": change.after,
            "difference": change.difference,
            "state": change.state,
        }
        for change in drift.changes
    }
    return {name: value for name, value in asdict(drift).items() if name != "changes"} | {"scores": scores}
