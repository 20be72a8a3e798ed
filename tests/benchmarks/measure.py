"""Seconds, megabytes and the one report of all benchmarks, build/bench.json."""

from __future__ import annotations

import ctypes
import gc
import json
import re
import time
from pathlib import Path

REPORT = Path(__file__).parents[2] / "build" / "bench.json"


def seconds(rounds, *functions):
    """The best time of each function; they take turns, so that a busy moment of the machine hits all alike."""
    best = [float("inf")] * len(functions)
    for _ in range(rounds):
        for i, function in enumerate(functions):
            begin = time.perf_counter()
            function()
            best[i] = min(best[i], time.perf_counter() - begin)
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


def _status(field):
    return int(re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text())[1])
