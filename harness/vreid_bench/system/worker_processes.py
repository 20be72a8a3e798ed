"""Processes that work for this one: Ctrl-C is left to it, each has its own cores, and they end with it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import Any, TypeVar

from tqdm import tqdm

from vreid_bench.system.errors import RunError
from vreid_bench.system.progress import write_line

AGAIN = 3  # how often workers that were lost are replaced

Shared = TypeVar("Shared")
Task = TypeVar("Task")
Result = TypeVar("Result")


def begin_work(workers: int) -> None:
    """Called first in each of so many workers: it stays on its share of the cores, and ends when its parent is killed.

    Where the system does not tell which cores there are, it may run on any.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tqdm.set_lock(threading.RLock())  # its own is shared among processes, and left behind by one that is killed
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


@dataclass(frozen=True)
class WorkerProcesses:
    """So many processes of this machine, which share its cores."""

    workers: int

    def map_tasks(
        self, work: Callable[[Shared, Task, int | None], Result], shared: Shared, tasks: Sequence[Task]
    ) -> Generator[tuple[int, Result], None, None]:
        """The number of each task with `work(shared, task, None)`, as soon as that is known.

        If a process is killed, what is not done begins again with one process fewer, as it was often killed because no
        memory was left. Raises what `work` raises, and RunError when processes were lost too often.
        """
        # spawn: a forked child of a process with threads (torch, BLAS) may hang
        context = multiprocessing.get_context("spawn")
        left, losses = dict(enumerate(tasks)), 0
        while left:
            size = max(1, min(self.workers - losses, len(left)))
            futures: dict[Future[Result], int] = {}
            with ProcessPoolExecutor(size, context, initializer=_begin, initargs=(work, shared, size)) as pool:
                # a pool whose worker is lost takes no other task
                with without_interruption(), suppress(BrokenProcessPool):
                    for number, task in left.items():
                        futures[pool.submit(_do, task)] = number
                try:
                    for future in as_completed(futures):
                        if not isinstance(future.exception(), BrokenProcessPool):
                            del left[futures[future]]
                            yield futures[future], future.result()
                except (KeyboardInterrupt, GeneratorExit):
                    for worker in multiprocessing.active_children():
                        worker.kill()
                    raise
                finally:
                    pool.shutdown(cancel_futures=True)
            if not left:
                return
            losses += 1
            if losses > AGAIN:
                raise RunError(
                    f"worker processes ended before their work did {losses} times, as those that are killed or have no "
                    "memory left; repeat the command with fewer --workers"
                )
            write_line(f"a worker process was lost; {len(left)} of {len(tasks)} tasks are left and begin again")


_given: tuple[Callable[..., Any], Any] | None = None  # of this worker: what it does, and what its tasks share


def _begin(work: Callable[..., Any], shared: Any, workers: int) -> None:
    global _given
    begin_work(workers)
    _given = work, shared


def _do(task: Any) -> Any:
    assert _given is not None, "a worker begins with its work"
    work, shared = _given
    return work(shared, task, None)
