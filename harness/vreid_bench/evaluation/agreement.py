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
    """The agreements as a table."""
    headers = ["condition", "weights", "correlation", "95 %", "groups", "pooled"]
    rows = []
    for key, one in found.items():
        low, high = one.interval
        rows.append([*key, f"{one.correlation:+.3f}", f"{low:+.3f} to {high:+.3f}", one.groups, f"{one.pooled:+.3f}"])
    return tabulate(rows, headers, disable_numparse=True, colalign=["left", "left", *["right"] * 4])
