"""Seconds, megabytes and the one report of all benchmarks, build/bench.json."""

from __future__ import annotations

import ctypes
import gc
import json
import re
import time
from pathlib import Path

# What the product promises of an entry, where its kernels have AVX-512: ratios at least, ratios and megabytes at most.
LEAST = {
    "score_matrix": {"ratio_peer": 80, "ratio_cython": 120},
    "rerank_distance": {"ratio_peer": 45},
    "clip_factored": {"ratio_eager": 40},
    "clip_batch_hard_t1": {"ratio_eager": 3.5, "ratio_compile": 2.3},
    "clip_batch_hard_t2": {"ratio_eager": 3, "ratio_compile": 1.9},
}
MOST = {
    "score_matrix": {"ratio_floor": 4, "extra_mb": 10},
    "score_embeddings": {"ratio_floor": 1.15, "extra_mb": 100},
    "score_million": {"extra_mb_more": 2},  # than at 12,180 items: a byte an item says in which group it is counted
    "rerank_distance": {"extra_mb": 150},
    "rerank_features": {"ratio_floor": 1.6, "extra_mb": 150},
    "clip_top": {"over_floor": 1.05},
    "clip_top_bf16": {"over_floor": 0.56},
    "clip_batch_hard_t1": {"peak_share": 1 / 3},
    "clip_batch_hard_t2": {"peak_share": 1 / 3},
}
REPORT = Path(__file__).parents[2] / "build" / "bench.json"


def seconds(rounds, *functions, clock=time.process_time):
    """The least time of each function: other processes can only slow it down.

    Processor time, which they disturb less; where several threads share the work, use the wall clock.
    The functions take turns, so that a busy time of the machine hits all alike.
    """
    best = [float("inf")] * len(functions)
    for _ in range(rounds):
        for i, function in enumerate(functions):
            begin = clock()
            function()
            best[i] = min(best[i], clock() - begin)
    return best


def extra_mb(function):
    """What a call needs at its peak beyond what is resident before it, in MB, and what it returns."""
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark begins here
    before = _status("VmRSS")
    result = function()
    return (_status("VmHWM") - before) * 1024 / 1e6, result


def record(name, entry):
    """Put one benchmark's entry into the report, beside those of the others."""
    found = json.loads(REPORT.read_text()) if REPORT.exists() else {}
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(found | {name: entry}, indent=1, sort_keys=True) + "\n")


def broken(name, entry):
    """The promises that an entry does not keep, in words."""
    if entry["backend"] != "native-avx512":
        return []
    below = [f"{k} {entry[k]:.4g}, promised at least {v}" for k, v in LEAST.get(name, {}).items() if entry[k] < v]
    above = [f"{k} {entry[k]:.4g}, promised at most {v}" for k, v in MOST.get(name, {}).items() if entry[k] > v]
    return below + above


def _status(field):
    return int(re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text())[1])
