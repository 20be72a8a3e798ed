"""Rows of a board, or tasks of one computation, in tasks of a Ray cluster."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

from vreid_bench import Command, InputError, Job, Outcome, RunError, hookimpl, run_commands

REACH = 10.0  # seconds for the head of a cluster to answer


class Ray:
    """Tasks of a Ray cluster; what a lost node was doing is done by another.

    The nodes need not share files with this machine: records and other small files come back, weights and features
    stay on the node that made them. `-j` or `--workers` is how many tasks there are at a time.

    address: of a running cluster, as in 10.0.0.1:6379, or auto for the one that this machine belongs to. Empty means
        that, or RAY_ADDRESS, or a new cluster of this machine.
    cpus: processors that Ray counts for a task; a run of a board uses one, and counting uses so many.
    gpus: GPUs that Ray counts for a task; a run of a board uses none, as portable arithmetic is that of a CPU.
    memory: GB that Ray counts for a task; 0 for none.
    retries: how often a task begins again after its node or its process was lost, as for lack of memory.
    """

    def __init__(
        self,
        jobs: int | None,
        *,
        address: str = "",
        cpus: float = 1.0,
        gpus: float = 0.0,
        memory: float = 0.0,
        retries: int = 3,
    ) -> None:
        self._jobs = jobs
        self._address = address
        self._needs = {"num_cpus": cpus, "num_gpus": gpus, "memory": int(memory * 2**30) or None}
        self._retries = retries
        self._threads = max(1, int(cpus))
        self._running: dict[Any, int] = {}  # reference of a result -> the number of its task

    def run(self, jobs: Sequence[Job], folder: Path) -> Iterator[tuple[Command, Outcome]]:
        """As `vreid_bench.Executor.run`."""
        ray = self._connect()
        begin = self._prepare(ray, _work)
        for number, outcomes in self._finish(ray, lambda number: begin(jobs[number]), len(jobs)):
            job = jobs[number]
            if isinstance(outcomes, ray.exceptions.RayError):
                outcomes = [Outcome(None, f"the task of Ray failed ({_describe(outcomes)})")] * len(job)
            yield from zip(job, outcomes, strict=True)

    def map_tasks(
        self, work: Callable[..., Any], shared: Any, tasks: Sequence[Any]
    ) -> Generator[tuple[int, Any], None, None]:
        """As `vreid_bench.TaskExecutor.map_tasks`; the nodes must see the files that tasks name."""
        ray = self._connect()
        begin, stored = self._prepare(ray, _do), ray.put(shared)  # which each node takes once
        try:
            for number, result in self._finish(
                ray, lambda number: begin(work, stored, tasks[number], self._threads), len(tasks)
            ):
                if isinstance(result, ray.exceptions.RayTaskError):
                    raise result.cause  # what the task raised, without Ray's words around it
                if isinstance(result, ray.exceptions.RayError):
                    raise RunError(
                        f"executor ray: a task was lost {self._retries + 1} times ({_describe(result)}); let Ray count "
                        "more memory for each (ray:memory=GB), or look at the nodes"
                    )
                yield number, result
        finally:
            self.cancel()

    def cancel(self) -> str:
        """As `vreid_bench.Executor.cancel`."""
        if not self._running:
            return ""
        import ray

        for each in self._running:
            ray.cancel(each, force=True)
        return f"cancelled {len(self._running)} task(s) of Ray; what they trained is kept on their nodes"

    def _prepare(self, ray: Any, function: Callable[..., Any]) -> Callable[..., Any]:
        """What begins a task that calls this function, and returns the reference of its result."""
        # Ray would begin a task that its node has too little memory for again without end
        options = {"name": "vreid-bench", "max_retries": 0, "retry_exceptions": False}
        begin: Callable[..., Any] = ray.remote(function).options(**options, **self._needs).remote
        return begin

    def _finish(self, ray: Any, begin: Callable[[int], Any], count: int) -> Iterator[tuple[int, Any]]:
        """The number of each of so many tasks with its result, or with the error of Ray that it ended with.

        begin: begins the task of a number, and begins it again after its node or its process was lost.
        """
        left, losses = iter(range(count)), Counter[int]()
        final = ray.exceptions.RayTaskError, ray.exceptions.TaskCancelledError
        self._running = {begin(number): number for number in islice(left, self._jobs)}
        while self._running:
            [done], _ = ray.wait(list(self._running), num_returns=1, fetch_local=True)
            number = self._running.pop(done)
            try:
                result = ray.get(done)
            except ray.exceptions.RayError as fault:
                if not isinstance(fault, final) and losses[number] < self._retries:
                    losses[number] += 1
                    self._running[begin(number)] = number
                    continue
                result = fault
            self._running |= {begin(number): number for number in islice(left, 1)}
            yield number, result

    def _connect(self) -> Any:
        """Ray itself, connected to the cluster."""
        if find_spec("ray") is None:
            raise InputError("executor ray: Ray is not installed; `pip install vreid-bench[ray]` installs it")
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # a cluster that begins here reports to nobody
        import ray

        if ray.is_initialized():  # by an earlier pass of the same command
            return ray
        ours = {name: value for name, value in os.environ.items() if name.startswith("VREID_")}
        more = {"runtime_env": {"env_vars": ours}} if ours else {}
        main = threading.current_thread() is threading.main_thread()
        before = signal.getsignal(signal.SIGTERM)
        try:
            self._reach()
            ray.init(self._address or None, log_to_driver=False, logging_level="error", **more)
        except (OSError, RuntimeError, ValueError) as fault:
            where = self._address or "a new one of this machine"
            raise InputError(
                f"executor ray: no connection to the cluster ({where}): {' '.join(str(fault).split())}; "
                "`ray start --head` begins one, and one that asks for a token needs RAY_AUTH_MODE=token here"
            ) from fault
        if main:
            signal.signal(signal.SIGTERM, before)  # Ray's own would end the command without a word
        return ray

    def _reach(self) -> None:
        """Raise OSError if nobody listens at the address; Ray itself would try for minutes."""
        host, colon, port = self._address.removeprefix("ray://").rpartition(":")
        if colon and port.isdigit():
            socket.create_connection((host, int(port)), timeout=REACH).close()


def _work(job: Job) -> list[Outcome]:
    """What a task of a board does."""
    return run_commands(job, carry=True)


def _do(work: Callable[..., Any], shared: Any, task: Any, threads: int) -> Any:
    """What a task of one computation does."""
    return work(shared, task, threads)


def _describe(fault: Exception) -> str:
    lines = str(fault).strip().splitlines()
    return f"{type(fault).__name__}: {lines[-1]}" if lines else type(fault).__name__


@hookimpl
def vreid_executors() -> Mapping[str, Callable[..., Any]]:
    """`ray`."""
    return {"ray": Ray}
