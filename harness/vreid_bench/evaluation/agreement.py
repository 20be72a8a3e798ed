"""How well weights agree with a known truth: rank correlations within groups and over all groups together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tabulate import tabulate

from vreid_bench.scoring.bootstrap import interval

Floats = NDArray[np.float64]
TEXTS, NUMBERS = ["left"] * 2, ["right"] * 4  # columns
MEANING = (
    "groups: clips, for weights of frames, or tracklets, for weights of clips, in which weights and visibility vary\n"
    "correlation: within each group, averaged; pooled: over all groups together, as one group"
)
Key = tuple[str, str]  # the condition of the test, and what is weighed


@dataclass(frozen=True)
class Agreement:
    """Spearman's rank correlations."""

    correlation: float  # mean over the groups in which both vary
    interval: tuple[float, float]  # 95 %, over people
    groups: int  # in which both vary
    pooled: float  # over all groups together, as one group


@dataclass(frozen=True)
class Groups:
    """Weights and truth of each group, and the person that it belongs to."""

    weights: list[Floats] = field(default_factory=list)
    truth: list[Floats] = field(default_factory=list)
    pids: list[int] = field(default_factory=list)

    def add(self, weights: NDArray[Any], truth: NDArray[Any], pid: int) -> None:
        """Add one group; weights and truth: [n]."""
        self.weights.append(np.asarray(weights, np.float64))
        self.truth.append(np.asarray(truth, np.float64))
        self.pids.append(pid)

    def agreement(self) -> Agreement | None:
        """The correlations; None if both vary in no group."""
        each = np.array([spearman(*pair) for pair in zip(self.weights, self.truth, strict=True)])
        count = int(np.isfinite(each).sum())
        if not count:
            return None
        pooled = spearman(np.concatenate(self.weights), np.concatenate(self.truth))
        return Agreement(float(np.nanmean(each)), interval(each, np.array(self.pids)), count, pooled)


def spearman(one: Floats, other: Floats) -> float:
    """Rank correlation of two vectors [n], equal values sharing their mean rank; NaN where one does not vary."""
    from scipy.stats import rankdata

    a, b = (rankdata(values) - (len(values) + 1) / 2 for values in (one, other))
    spread = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / spread if spread else float("nan")


def as_json(found: Mapping[Key, Agreement]) -> list[dict[str, Any]]:
    """One entry for each condition and kind of weights."""
    return [{"condition": condition, "weights": what, **asdict(one)} for (condition, what), one in found.items()]


def render(found: Mapping[Key, Agreement]) -> str:
    """The agreements as a table, and below it what its columns mean; without conditions there is no column for them."""
    headers = ["condition", "weights", "correlation", "95 %", "groups", "pooled"]
    rows = []
    for key, one in found.items():
        low, high = one.interval
        rows.append([*key, f"{one.correlation:+.3f}", f"{low:+.3f} to {high:+.3f}", one.groups, f"{one.pooled:+.3f}"])
    first = 0 if any(condition for condition, _ in found) else 1
    table = tabulate(
        [row[first:] for row in rows], headers[first:], disable_numparse=True, colalign=TEXTS[first:] + NUMBERS
    )
    return f"{table}\n\n{MEANING}"
