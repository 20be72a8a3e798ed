"""The environment of a run: recorded with every result, and shown by `vreid-bench doctor`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.metadata import version

import torch
from torch.utils import deterministic

from vreid_bench.system.arithmetic import is_pinned, name_arithmetic
from vreid_bench.system.errors import InputError
from vreid_bench.system.portable_arithmetic import replace_functions
from vreid_bench.system.processes import processes


@dataclass(frozen=True)
class Machine:
    """How a run uses the machine. `quiet` and `checkpoint_every` do not change its numbers."""

    device: torch.device
    threads: int
    quiet: bool = False  # no progress bars
    checkpoint_every: float = 5.0  # seconds

    @property
    def arithmetic(self) -> list[str | int]:
        """All of it that the last bits of its numbers depend on."""
        several = [f"{processes().total} processes"] if processes().total > 1 else []  # who add in another order
        return [self.device.type, self.threads, torch.__version__, name_arithmetic(), *several]


def pick_device(name: str) -> torch.device:
    """The device; `auto` is the GPU if torch has one. Raises InputError for a device that torch cannot use."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and processes().total > 1:
        name = f"cuda:{processes().local}"
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).cpu()
    except (RuntimeError, AssertionError, NotImplementedError) as fault:
        reason = str(fault).partition("\n")[0]
        raise InputError(f"--device {name}: torch {torch.__version__} cannot use it ({reason}); try cpu") from fault
    return device


def prepare(name: str, threads: int | None, *, quiet: bool = False, checkpoint_every: float = 5.0) -> Machine:
    """Make torch deterministic: the same command on the same machine gives the same numbers.

    name: the device, as for `pick_device`; threads: None for all cores.
    """
    device = pick_device(name)
    if is_pinned():
        check_portable(device, threads)
        replace_functions()
        threads = 1
    threads = threads or cores()
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is deterministic only with this
    torch.set_num_threads(threads)
    torch.backends.cudnn.allow_tf32 = False  # float32 means float32: TF32 keeps 10 of its 23 bits
    # a few CUDA kernels (3D max pooling backward) have no deterministic form: for these torch warns and continues
    # `use_deterministic_algorithms` would do the same, and import torch's compiler for it, which takes a second
    torch.set_deterministic_debug_mode("warn" if device.type == "cuda" else "error")
    os.environ.setdefault("TORCHINDUCTOR_DETERMINISTIC", "1")  # for a part that is compiled
    # a debugging aid that costs a quarter of a step on CPU; no op here reads uninitialized memory
    deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # torch adds it at run time
    torch.backends.cudnn.benchmark = False
    return Machine(device, threads, quiet, checkpoint_every)


def check_portable(device: torch.device, threads: int | None) -> None:
    """Raises InputError for a device or a number of threads (None: any) that portable arithmetic does not have."""
    if device.type != "cpu":
        raise InputError(f"--arithmetic portable: computes on the CPU, not on {device}; add --device cpu")
    if threads not in (None, 1):
        raise InputError(f"--arithmetic portable: computes on one thread, found --threads {threads}; leave it out")


def cores() -> int:
    """How many processors this process may use, or OMP_NUM_THREADS, which torch obeys as well."""
    if os.environ.get("OMP_NUM_THREADS", "").isdigit():
        return max(1, int(os.environ["OMP_NUM_THREADS"]))
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def packages() -> dict[str, str]:
    """The versions of the packages that can change numbers."""
    return {name: version(name) for name in ("vreid-bench", "torch", "numpy")}


def device_name(device: torch.device) -> str:
    """The GPU's name, or `cpu`."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
