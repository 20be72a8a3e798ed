"""The environment of a run, and how to install what is missing."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import torch
from pydantic import Field

from vreid_bench.ops import clip_native
from vreid_bench.records.fields import Entry, Hash, Name, Text
from vreid_bench.records.parse import parse
from vreid_bench.registry.registry import Registry
from vreid_bench.scoring.ranks import counting as ranks
from vreid_bench.scoring.rerank import neighbours
from vreid_bench.system import native
from vreid_bench.system.cache_folder import cache_folder
from vreid_bench.system.environment import cores, device_name, packages, pick_device
from vreid_bench.system.errors import InputError
from vreid_bench.system.processor import instruction_set, processor
from vreid_bench.training.canary import CANARY, compare_here

ERROR = "error: "  # begins the finding of a fault that stops every run


class CanaryFile(Entry):
    """What `canary.json` must hold."""

    torch: Text
    weights: Annotated[Mapping[Name, Hash], Field(min_length=1)]


def examine(canary: str = "none") -> dict[str, str]:
    """Subject -> finding, each in words. Never raises: faults are findings, too.

    canary: how many of the trainings of `training.canary` are repeated here: none, one or all.
    """
    device = pick_device("auto")
    found = {"python": platform.python_version(), **packages()}
    found["processor"] = f"{processor()}, {instruction_set()}, {_cores()}"
    found["device"] = device_name(device) + _advice(device)
    found["kernels"] = _kernels("ranks", ranks.backend(), "ranks are counted")
    found["re-ranking"] = _kernels("rerank", neighbours.backend(), "neighbours are found")
    found["clip ops"] = _clip_ops(device)
    found["plugins"] = _plugins()
    found["timm"] = _timm()
    if canary != "none":
        found["portable"] = find_canary_fault(CANARY) or compare_here(every=canary == "all")
    found["data"] = os.environ.get("VREID_DATA") or "VREID_DATA is not set: runs without --data use synthetic twins"
    found["cache"] = f"{cache_folder()} (VREID_CACHE moves it)"
    return found


def find_canary_fault(path: Path) -> str:
    """Why nothing can be compared with this file, in words; empty if it can, or if there is no file."""
    try:
        parse(path.read_bytes(), CanaryFile)
    except OSError:
        return ""
    except (ValueError, RecursionError) as fault:
        return f"not compared: {path} is not valid ({fault}); restore it from the repository"
    return ""


def _cores() -> str:
    limit = f" (OMP_NUM_THREADS={os.environ['OMP_NUM_THREADS']})" if os.environ.get("OMP_NUM_THREADS") else ""
    return f"{cores()} core{'s' * (cores() > 1)} for this process{limit}"


def _advice(device: torch.device) -> str:
    if device.type == "cuda":
        return ""
    if torch.version.cuda:
        return f": torch {torch.__version__} has CUDA but sees no GPU; check the driver with nvidia-smi"
    return ": this torch has no CUDA; docs/running.md, 'Which torch', says how to install one that has it"


def _kernels(name: str, backend: str, work: str) -> str:
    if reason := native.explain_missing(name):
        return f"{backend}: {work} by the NumPy twin, with the same result; {reason}"
    return f"{backend}: {work} by native kernels"


def _clip_ops(device: torch.device) -> str:
    reason = native.explain_missing("clip_cpu")
    if not reason and device.type == "cuda":
        reason = native.explain_missing("clip_cuda")
    if reason:
        return f"torch: pairs of clips are reduced in plain torch, with the same result but slower; {reason}"
    return f"{clip_native.backend(device.type)}: pairs of clips are reduced by native kernels"


def _timm() -> str:
    """Whether the encoders `timm:NAME` can be used, and what to install if not."""
    if find_spec("timm") is None:
        return "not installed, so there are no encoders timm:NAME: pip install -e '.[timm]' -c constraints.txt"
    try:
        return f"{import_module('timm').__version__}: its networks are the encoders timm:NAME"
    except (ImportError, RuntimeError) as fault:  # a torchvision for another torch cannot register its operators
        reason = " ".join(str(fault).split())
        return (
            f"installed, but cannot be imported ({reason}): install the torchvision that is built for torch "
            f"{torch.__version__}, from the index that this torch is from: pip install --force-reinstall --no-deps "
            "--index-url INDEX torchvision"
        )


def _plugins() -> str:
    try:
        registry = Registry.installed()
    except InputError as fault:
        return f"{ERROR}{fault}"
    names = {f"{e.distribution} {e.version}" for e in registry.entries()}
    return ", ".join(sorted(names)) or "none: reinstall vreid-bench, its own plugins are missing"
