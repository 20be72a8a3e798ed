"""A comparison of two runs, or of two groups of runs, as text."""

from __future__ import annotations

from tabulate import tabulate

from vreid_bench.scoring.comparison import Compared
from vreid_bench.scoring.sign_flip import FEWEST
from vreid_bench.system.counting import count

MEANING = (
    "can show: the smallest A - B that this test set can tell from chance at 5 %; win/tie/loss: people whose queries A "
    "scores better, the same, worse"
)


def render_comparison(compared: Compared) -> str:
    """A table in percent, a line for each convention and metric, and below it what its columns mean.

    Notes say what few people cannot tell.
    """
    headers = ["convention", "metric", "A", "B", "A - B", "95 %", "p", "can show", "win/tie/loss", "verdict"]
    rows, notes = [], []
    for name, metrics in compared.items():
        for metric, one in metrics.items():
            cells = [_write_mean(one.a, one.spread[0]), _write_mean(one.b, one.spread[1])]
            cells += [f"{100 * one.difference:+.1f}", _write_interval(one.interval), f"{one.p:.2g}"]
            cells.append("none" if one.smallest is None else f"{100 * one.smallest:.1f}")
            rows.append([name, metric, *cells, f"{one.win}/{one.tie}/{one.loss}", one.verdict])
            if one.people < FEWEST:
                notes.append(
                    f"note: {name} has {count(one.people, 'person', 'people')}: no difference between two runs can be "
                    f"told from chance at 5 %, {FEWEST} people are needed at least"
                )
    table = tabulate(rows, headers, disable_numparse=True, colalign=["left", "left", *["right"] * 7, "left"])
    return "\n".join([table, "", MEANING, *dict.fromkeys(notes)])


def _write_interval(interval: tuple[float, float]) -> str:
    """In percent, with one digit more where an end other than 0 would read as 0."""
    ends = [100 * end for end in interval]
    digits = 2 if any(end and abs(end) < 0.05 for end in ends) else 1
    return " to ".join(f"{end:+.{digits}f}" for end in ends)


def _write_mean(mean: float, spread: float | None) -> str:
    return f"{100 * mean:.1f}" + ("" if spread is None else f" ± {100 * spread:.1f}")
