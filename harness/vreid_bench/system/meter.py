"""What each stage of a run costs: `costs.json`, which an interrupted run continues."""

from __future__ import annotations

import json
import platform
import resource
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from vreid_bench.system.files import write_atomic
from vreid_bench.system.plain_json import load_json

COST = ("seconds", "cpu_seconds", "peak_mb", "frames")  # of one stage of a run
Costs = dict[str, dict[str, float]]  # stage -> its cost


class Stage:
    """The count of one stage while it runs."""

    def __init__(self, path: Path, name: str, device: torch.device, before: dict[str, float]) -> None:
        self.path, self.name, self.device, self.before = path, name, device, before
        self.wall, self.cpu, self.frames = time.monotonic(), time.process_time(), 0

    def see(self, frames: int) -> None:
        """Count frames that go through the network."""
        self.frames += frames

    def write(self) -> None:
        """Write what was counted so far."""
        cost = {
            "seconds": self.before["seconds"] + time.monotonic() - self.wall,
            "cpu_seconds": self.before["cpu_seconds"] + time.process_time() - self.cpu,
            "peak_mb": max(self.before["peak_mb"], _peak(self.device) / 1e6),
            "frames": self.before["frames"] + self.frames,
        }
        write_costs(self.path, read_costs(self.path) | {self.name: cost})


class Meter:
    """The costs of the stages of one fold, kept in a file."""

    def __init__(self, path: Path, device: torch.device) -> None:
        self.path, self.device = path, device

    @contextmanager
    def stage(self, name: str, *, resumes: bool = False) -> Iterator[Stage]:
        """Count the block to the stage `name`.

        `resumes`: the block continues where it was interrupted. Any other block starts over, and so does its count.
        """
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
        nothing = dict.fromkeys(COST, 0.0)
        stage = Stage(self.path, name, self.device, read_costs(self.path).get(name, nothing) if resumes else nothing)
        yield stage
        stage.write()


def read_costs(path: Path) -> Costs:
    """The costs so far; empty if the file cannot be read, because costs are not results."""
    try:
        costs = load_json(path.read_text())
        return {str(stage): {key: float(cost[key]) for key in COST} for stage, cost in costs.items()}
    except (OSError, ValueError, TypeError, LookupError, AttributeError, OverflowError):
        return {}


def write_costs(path: Path, costs: Costs) -> None:
    """Write the costs of all stages to the file."""
    write_atomic(path, json.dumps(costs).encode())


def add_costs(each: Iterable[Costs]) -> Costs:
    """The costs of several folds, by stage: the sums of their times and frames, the highest of their peaks."""
    total: Costs = {}
    known = list(each)
    for name in dict.fromkeys(name for costs in known for name in costs):
        stages = [costs[name] for costs in known if name in costs]
        total[name] = {key: sum(stage[key] for stage in stages) for key in ("seconds", "cpu_seconds", "frames")}
        total[name]["peak_mb"] = max(stage["peak_mb"] for stage in stages)
    return total


def _peak(device: torch.device) -> int:
    """The peak memory in bytes: of the GPU's allocator, else of this process since it began."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if platform.system() == "Darwin" else 1024 * peak  # Linux counts in KiB, macOS in bytes
