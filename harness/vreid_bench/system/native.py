"""Loads the native kernels that were built, and explains why one cannot be loaded."""

from __future__ import annotations

import os
import struct
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

# The version of the native functions' names and arguments: a file from another version of this package is refused.
# setup.py reads this line and compiles the number into every module.
VERSION = 3
OF_TORCH = ("clip_cpu", "clip_cuda", "portable")  # link to torch's libraries, which are found once torch is loaded


def load(name: str) -> Any | None:
    """The module `vreid_bench._<name>`, or None if the Python reference runs instead."""
    return None if os.environ.get("VREID_NATIVE") == "0" else _load(name)[0]


def explain_missing(name: str) -> str:
    """Why `load` returns None, and how to repair that; empty if it returns the module."""
    if os.environ.get("VREID_NATIVE") == "0":
        return "VREID_NATIVE=0 turns the native kernels off"
    return _load(name)[1]


@cache
def _load(name: str) -> tuple[Any | None, str]:
    remedy = "reinstall vreid-bench with a C++ compiler present, and without VREID_NATIVE=0"
    found = find_spec(f"vreid_bench._{name}")
    if found and found.origin and _is_cut_off(Path(found.origin)):
        return None, f"_{name} cannot be loaded ({found.origin} is shorter than its header says); {remedy}"
    try:
        if name in OF_TORCH:
            import_module("torch")
        module = import_module(f"vreid_bench._{name}")
    except ModuleNotFoundError:
        return None, f"_{name} was not built; {remedy}"
    except ImportError as fault:
        return None, f"_{name} cannot be loaded ({fault}); {remedy}"
    if getattr(module, "VERSION", None) != VERSION:
        return None, f"_{name} was built from another version of this package; {remedy}"
    return module, ""


def _is_cut_off(path: Path) -> bool:
    """Is an ELF library shorter than its header says? Loading it would end the process without a message."""
    with path.open("rb") as file:
        header = file.read(64)
    if len(header) < 64 or not header.startswith(b"\x7fELF\x02\x01"):  # the loader refuses such a file with a message
        return False
    (sections,), (size, count) = struct.unpack_from("<Q", header, 40), struct.unpack_from("<HH", header, 58)
    return bool(sections + size * count > path.stat().st_size)
