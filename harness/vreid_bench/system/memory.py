"""Memory that does not suffice: told as such, with what to make smaller, whichever part of a run asked for it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

from vreid_bench.system.errors import TRACEBACK, RunError

# what torch, CUDA and its libraries say; torch's own class of it is known by its name, so that none is imported here
WORDS = re.compile(r"out of memory|can(no|')t allocate memory|not enough memory|_ALLOC_FAILED", re.IGNORECASE)
AMOUNT = re.compile(r"allocate ([\d.]+ (?:[KMGTPE]?i?B|bytes))")


def is_out_of_memory(fault: BaseException) -> bool:
    """Does an exception say that there is not enough memory?"""
    if isinstance(fault, MemoryError) or type(fault).__name__ == "OutOfMemoryError":
        return True
    return isinstance(fault, RuntimeError) and WORDS.search(str(fault)) is not None


def describe_shortage(fault: BaseException) -> str:
    """`out of memory`, and how much was asked for if the exception says it."""
    amount = AMOUNT.search(str(fault))
    return "out of memory" + (f" ({amount[1]} more were needed)" if amount else "")


@contextmanager
def explain_memory(work: str, settings: str, device: str) -> Iterator[None]:
    """Raise RunError where the block runs out of memory; any other exception passes.

    work: what the block does, with the size of its batch; settings: those that make it smaller; device: where it runs,
    such as `cuda`. With VREID_TRACEBACK=1 the exception passes unchanged.
    """
    try:
        yield
    except Exception as fault:
        if os.environ.get(TRACEBACK) or not is_out_of_memory(fault):
            raise
        other = "" if device == "cpu" else ", or --device cpu"
        remedy = f"lower {settings} with --set, or use --preset small{other}"
        raise RunError(f"{describe_shortage(fault)} on {device} in {work}; {remedy}") from fault
