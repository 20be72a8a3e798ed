"""Which last bits a run's numbers have: those of this machine, or those that every x86-64 processor with AVX2 gives.

Libraries choose their code by the processor when they are loaded, and the choices differ in the last bits. A training
multiplies such a difference: after 700 steps the same command gave an mAP of 36.3 on one processor and of 28.6 on
another. `portable` holds every library to one choice:

- NumPy, ATen, oneDNN, OpenBLAS and the kernels of this package take their code for AVX2, by the variables of `PINS`.
- One thread, because the number of threads decides in which order sums are taken.
- What torch computes by MKL is computed by this package instead (`vreid_bench.system.portable_arithmetic`), because MKL
  decides by the maker of the processor as well.

This module loads neither NumPy nor torch, because the variables count only before these are loaded.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Literal, get_args

from vreid_bench.system.errors import InputError
from vreid_bench.system.processor import PLAIN, instruction_set

Arithmetic = Literal["native", "portable"]
ARITHMETICS: tuple[Arithmetic, ...] = get_args(Arithmetic)

PINS = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "DNNL_MAX_CPU_ISA": "AVX2",  # oneDNN
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    "OPENBLAS_CORETYPE": "Haswell",  # of NumPy and SciPy
    "VREID_INSTRUCTION_SET": "avx2",
}
_READERS = ("numpy", "torch")  # they read the variables when they are loaded


def choose_arithmetic(arithmetic: Arithmetic) -> None:
    """Let this process, and those that it starts, compute so.

    Raises InputError if `portable` is asked for where it is impossible.
    """
    if arithmetic == "native" or is_pinned():
        return
    if reason := explain_impossible():
        raise InputError(f"--arithmetic portable: {reason}; leave it out")
    os.environ.update(PINS)


@contextmanager
def pin_children() -> Iterator[None]:
    """Hold the libraries of the processes that are started in the block to AVX2 and one thread, where there is AVX2.

    So what they compute with NumPy has the same bits on every such processor.
    """
    pins = {**PINS, "OPENBLAS_NUM_THREADS": "1"}
    before = {name: os.environ.get(name) for name in pins}
    if not explain_processor():
        os.environ.update(pins)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def explain_impossible() -> str:
    """Why this process cannot compute portably; empty if it can."""
    if reason := explain_processor():
        return reason
    if os.environ.get("VREID_NATIVE") == "0" or find_spec("vreid_bench._portable") is None:
        return "its kernels are missing; reinstall vreid-bench with a C++ compiler present, and without VREID_NATIVE=0"
    if loaded := [name for name in _READERS if name in sys.modules]:
        return f"it has to be chosen before {' and '.join(loaded)} is imported, so in a new process"
    return ""


def explain_processor() -> str:
    """Why no process of this processor can compute portably; empty if one can."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return f"the processor is of the kind {platform.machine()}, and portable arithmetic needs x86-64 with AVX2"
    if instruction_set() == PLAIN:
        return "the processor has no AVX2, which portable arithmetic needs"
    return ""


def name_arithmetic() -> str:
    """`portable`, or `native` and the instruction set that torch uses: AVX512, AVX2 or DEFAULT."""
    return "portable" if is_pinned() else f"native {instruction_set()}"


def is_pinned() -> bool:
    """Were the libraries of this process held to AVX2 before they were loaded?"""
    return all(os.environ.get(name) == value for name, value in PINS.items())
