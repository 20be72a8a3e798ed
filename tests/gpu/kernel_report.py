"""The report of the benchmarks on a GPU: medians, spreads and ratios of times, one JSON file for each GPU."""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

RUNS = 30  # the fewest runs of which a median is reported


def entry(times: Mapping[str, Sequence[float]], peaks: Mapping[str, float]) -> dict[str, float]:
    """One benchmark: times of `ours` and of its peers in ms, every run; peaks in MB.

    For each name `_ms` is the median and `_spread_ms` the distance of the quartiles; `ratio_` is how many times as
    long as ours a peer takes. Raises ValueError for fewer than 30 runs.
    """
    found: dict[str, float] = {}
    ours = statistics.median(times["ours"])
    for name, taken in times.items():
        if len(taken) < RUNS:
            raise ValueError(f"{name}: a median needs at least {RUNS} runs, got {len(taken)}")
        low, middle, high = statistics.quantiles(taken, n=4, method="inclusive")
        found |= {f"{name}_ms": middle, f"{name}_spread_ms": high - low}
        if name != "ours":
            found[f"ratio_{name}"] = middle / ours
    return found | {f"{name}_peak_mb": peak for name, peak in peaks.items()}


def report(machine: Mapping[str, str], entries: Mapping[str, Mapping[str, float]]) -> str:
    """The file's text: what the machine is, key by key, and the entries by name; the same for the same numbers."""
    whole: dict[str, Any] = {**machine, "entries": entries}
    return json.dumps(whole, indent=1, sort_keys=True) + "\n"


def file_name(gpu: str) -> str:
    """`NVIDIA H100 80GB HBM3` -> `nvidia-h100-80gb-hbm3.json`."""
    return re.sub(r"[^a-z0-9]+", "-", gpu.lower()).strip("-") + ".json"
