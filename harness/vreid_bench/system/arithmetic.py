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
import sys
from typing import Literal, get_args

from vreid_bench.system.errors import InputError
from vreid_bench.system.processor import instruction_set

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

    Raises InputError if `portable` is asked for when NumPy or torch is loaded already without it.
    """
    if arithmetic == "native" or is_pinned():
        return
    if loaded := [name for name in _READERS if name in sys.modules]:
        raise InputError(
            f"arithmetic portable has to be chosen before {' and '.join(loaded)} is imported; "
            "set it in a new process, by the command line or by choose_arithmetic"
        )
    os.environ.update(PINS)


def name_arithmetic() -> str:
    """`portable`, or `native` and the instruction set that torch uses: AVX512, AVX2 or DEFAULT."""
    return "portable" if is_pinned() else f"native {instruction_set()}"


def is_pinned() -> bool:
    """Were the libraries of this process held to AVX2 before they were loaded?"""
    return all(os.environ.get(name) == value for name, value in PINS.items())
