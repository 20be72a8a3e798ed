"""Fail if a wheel lacks a kernel: an install goes on without kernels, so a wheel that lacks one looks whole."""

from __future__ import annotations

import sys

from vreid_bench.system.native import explain_missing

KERNELS = ("ranks", "rerank", "clip_cpu", "portable")

missing = [reason for name in KERNELS if (reason := explain_missing(name))]
print("\n".join(missing) or f"all kernels load: {', '.join(KERNELS)}")
sys.exit(bool(missing))
