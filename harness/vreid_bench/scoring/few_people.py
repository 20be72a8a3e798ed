"""What the people of a test cannot tell: an interval of few of them, or for a score that is the same for all.

Resampling people who all score alike gives the same score every time, so the interval collapses to a point, as in
`100.0–100.0` for six people. But of six people nobody can know how the seventh scores.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FEW = 10  # people: of fewer, the bootstrap interval covers the truth too seldom to be given (docs/intervals.md)
NO_INTERVAL = "–"
Interval = tuple[float, float]  # low, high

OUTSIDE = 0.025  # at either end of a 95 % interval


def explain_few(people: int) -> list[str]:
    """What a reader has to know of the intervals of so few people; nothing if there are enough."""
    return [f"note: {_describe_few(people)}"] if people < FEW else []


def _describe_few(people: int) -> str:
    asked = "1 person was" if people == 1 else f"{people} people were"
    return f"{asked} queried; of fewer than {FEW}, no 95 % interval is given, as it would be too narrow"


def state_interval(interval: Mapping[str, Interval], people: int) -> dict[str, Any]:
    """The intervals of some metrics as `--json` gives them: `interval`, and `people`, over whom they are.

    As in a table, there is none of fewer than `FEW` people: each is null, and `no_interval` says why. One without
    spread is widened.
    """
    if people < FEW:
        none = dict.fromkeys(interval)
        return {"interval": none, "no_interval": _describe_few(people), "people": people}
    return {"interval": {name: list(widen_point(ends, people)) for name, ends in interval.items()}, "people": people}


def render_interval(interval: Interval, people: int) -> str:
    """`57.1–63.3`, in percent; a dash for fewer than `FEW` people."""
    if people < FEW:
        return NO_INTERVAL
    return show_interval(widen_point(interval, people))


def show_interval(interval: Interval | None) -> str:
    """`57.1–63.3`, in percent; a dash where there is none."""
    return NO_INTERVAL if interval is None else f"{100 * interval[0]:.1f}–{100 * interval[1]:.1f}"


def unseen_share(people: int) -> float:
    """The largest share of a population that would be missing among that many people with probability 0.025.

    This is the end of the interval of Clopper and Pearson (Biometrika 1934) for a share of which no one was seen.
    """
    return float(1 - OUTSIDE ** (1 / people))


def widen_point(interval: Interval, people: int, least: float = 0.0, most: float = 1.0) -> tuple[float, float]:
    """The interval, unless its ends are the same: then one in which unseen people score anything from least to most.

    A share of the population that was not seen (`unseen_share`) may score `least` or `most`, all others as these.
    people: how many there are, at least one.
    """
    low, high = interval
    if low < high:
        return interval
    share = unseen_share(people)
    return low * (1 - share) + least * share, high * (1 - share) + most * share
