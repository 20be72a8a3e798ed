"""Rows of a board in processes of this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from vreid_bench import Command, Job, Outcome, Processes, hookimpl

Ended = SimpleQueue[tuple[Command, Outcome] | BaseException]


class Local:
    """Runs in processes of this machine, one at a time or as many as `-j` says."""

    def __init__(self, jobs: int | None) -> None:
        self._pool = ThreadPoolExecutor(jobs or 1)
        self._processes = Processes()

    def run(self, jobs: Sequence[Job], folder: Path) -> Iterator[tuple[Command, Outcome]]:
        """As `vreid_bench.Executor.run`."""
        ended: Ended = SimpleQueue()
        for job in jobs:
            self._pool.submit(self._work, job, ended)
        for _ in range(sum(map(len, jobs))):
            result = ended.get()
            if isinstance(result, BaseException):
                raise result
            yield result
        self._pool.shutdown()

    def cancel(self) -> str:
        """As `vreid_bench.Executor.cancel`."""
        running = self._processes.end()
        self._pool.shutdown(wait=False, cancel_futures=True)
        return f"ended {running} run(s); what they trained is kept" if running else ""

    def _work(self, job: Job, ended: Ended) -> None:
        try:
            for command in job:
                ended.put((command, self._processes.run(command)))
        except BaseException as fault:  # such as no memory for a process; it ends the command
            ended.put(fault)


@hookimpl
def vreid_executors() -> Mapping[str, Callable[..., Any]]:
    """`local`."""
    return {"local": Local}
