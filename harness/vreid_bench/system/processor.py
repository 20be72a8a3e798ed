"""The processor: its name, and the instructions that results depend on. Importing this loads no torch."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from pathlib import Path

INFORMATION = Path("/proc/cpuinfo")  # on Linux
LIMIT = "ATEN_CPU_CAPABILITY"  # the variable by which torch takes another set than the widest
# set -> the flags that torch asks for before it uses its kernels of that set; the widest first
NEEDS = {
    "AVX512": {"avx512f", "avx512vl", "avx512bw", "avx512dq", "fma"},
    "AVX2": {"avx2", "fma"},
}
PLAIN = "DEFAULT"  # none of them


def instruction_set() -> str:
    """The widest instructions that torch's kernels use on this processor: `AVX512`, `AVX2`, or `DEFAULT` for others.

    The same training gives other last bits with each, and so other scores.
    """
    limit = os.environ.get(LIMIT, "")
    for name in (*NEEDS, PLAIN):
        if limit == name.lower():  # torch takes no other spelling
            return name
    flags = next((set(line.split()) for line in _read("flags")), set())
    return next((name for name, needed in NEEDS.items() if needed <= flags), PLAIN)


def processor() -> str:
    """The processor's name, as the system reports it."""
    return next(_read("model name"), platform.processor())


def _read(key: str) -> Iterator[str]:
    """The values of a key, one for each core."""
    if not INFORMATION.exists():
        return
    for line in INFORMATION.read_text(errors="replace").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            yield value.strip()
