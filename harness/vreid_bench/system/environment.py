"""What a run runs on: recorded with every result, and shown by `vreid-bench doctor`."""

from __future__ import annotations

import json
import os
import platform
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import torch
from torch.utils import deterministic

from vreid_bench.system.errors import InputError
from vreid_bench.system.files import write_atomic

COST = ("seconds", "cpu_seconds", "peak_mb")  # of one stage of a run


def pick_device(name: str) -> torch.device:
    """`auto` is the GPU where torch has one. Raises InputError for a device that torch cannot use."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).cpu()
    except (RuntimeError, AssertionError, NotImplementedError) as fault:
        reason = str(fault).partition("\n")[0]
        raise InputError(f"--device {name}: torch {torch.__version__} cannot use it ({reason}); try cpu") from fault
    return device


def prepare(device: torch.device, threads: int) -> None:
    """Make torch repeat itself: same command, same machine, same numbers."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS repeats itself only with this
    torch.set_num_threads(threads)
    # a few CUDA kernels (3D max pooling backward) have no deterministic form: there torch warns and goes on
    torch.use_deterministic_algorithms(True, warn_only=device.type == "cuda")
    # a debugging aid of the deterministic mode that costs a quarter of a step on CPU: no op reads such memory
    deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # torch adds it at run time
    torch.backends.cudnn.benchmark = False


def cores() -> int:
    """How many processors this process may use, or OMP_NUM_THREADS, which torch heeds as well."""
    if os.environ.get("OMP_NUM_THREADS", "").isdigit():
        return max(1, int(os.environ["OMP_NUM_THREADS"]))
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def packages() -> dict[str, str]:
    """The versions that decide numbers."""
    return {name: version(name) for name in ("vreid-bench", "torch", "numpy")}


def device_name(device: torch.device) -> str:
    """The GPU's name, or `cpu`."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


class Meter:
    """What each stage of one split took, kept in a file so that an interrupted run goes on counting."""

    def __init__(self, path: Path, device: torch.device) -> None:
        self.path, self.device = path, device
        self.read()

    def read(self) -> None:
        """Go on from what the file says was counted."""
        self.costs = _counted(self.path)

    @contextmanager
    def stage(self, name: str, *, resumes: bool = False) -> Iterator[Callable[[], None]]:
        """Count the block to `name`; the callable it gives writes what was counted so far.

        `resumes`: the block goes on where it was interrupted; any other starts over, and so does its count.
        """
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
        nothing = dict.fromkeys(COST, 0.0)
        before = self.costs.get(name, nothing) if resumes else nothing
        wall, cpu = time.monotonic(), time.process_time()

        def write() -> None:
            self.costs[name] = {
                "seconds": before["seconds"] + time.monotonic() - wall,
                "cpu_seconds": before["cpu_seconds"] + time.process_time() - cpu,
                "peak_mb": max(before["peak_mb"], _peak(self.device) / 1e6),
            }
            write_atomic(self.path, json.dumps(self.costs).encode())

        yield write
        write()


def _counted(path: Path) -> dict[str, dict[str, float]]:
    """What an earlier process counted; nothing if its file cannot be read, for these are no results."""
    try:
        costs = json.loads(path.read_text())
        return {str(stage): {key: float(cost[key]) for key in COST} for stage, cost in costs.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}


def together(costs: Sequence[dict[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    """What several splits took, by stage: the sum of their times, the highest of their peaks."""
    total: dict[str, dict[str, float]] = {}
    for name in dict.fromkeys(name for each in costs for name in each):
        stages = [each[name] for each in costs if name in each]
        total[name] = {key: sum(stage[key] for stage in stages) for key in ("seconds", "cpu_seconds")}
        total[name]["peak_mb"] = max(stage["peak_mb"] for stage in stages)
    return total


def processor() -> str:
    """The processor's name, as the system tells it."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


def _peak(device: torch.device) -> int:
    """Bytes: on a GPU of its allocator, else of this process since it began."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if platform.system() == "Darwin" else 1024 * peak  # Linux counts in KiB, macOS in bytes
