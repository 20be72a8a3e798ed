"""Processes that work for this one: Ctrl-C is left to it, each has its own cores, and they end with it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import wait


def begin_work(workers: int) -> None:
    """Called first in each of so many workers: it stays on its share of the cores, and ends when its parent is killed.

    Where the system does not tell which cores there are, it may run on any.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "sched_getaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        number = int(multiprocessing.current_process().name.rpartition("-")[2])  # SpawnProcess-1, and so on
        os.sched_setaffinity(0, cores[number % workers :: workers] or cores)
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            wait([parent.sentinel])
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def without_interruption() -> Iterator[None]:
    """Start workers in the block: they begin with Ctrl-C blocked, as one that still imports would print a traceback."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
