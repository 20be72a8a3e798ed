"""Distances and batch-hard mining, of tracklet vectors and over all pairs of clips; portable arithmetic."""

from vreid_bench.system.arithmetic import is_pinned

if is_pinned():  # before anything computes
    from vreid_bench.ops.portable_arithmetic import replace_functions

    replace_functions()
