"""Rows of a board in tasks of a Ray cluster."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

from vreid_bench import Command, InputError, Job, Outcome, hookimpl, run_commands

REACH = 10.0  # seconds for the head of a cluster to answer


class Ray:
    """Tasks of a Ray cluster; what a lost node was doing is done by another.

    The nodes need not share files with this machine: records and other small files come back, weights and features
    stay on the node that made them. `-j` is how many tasks there are at a time.

    address: of a running cluster, as in 10.0.0.1:6379, or auto for the one that this machine belongs to. Empty means
        that, or RAY_ADDRESS, or a new cluster of this machine.
    cpus: processors that Ray counts for a task; a run of a board uses one.
    gpus: GPUs that Ray counts for a task; a run of a board uses none, as portable arithmetic is that of a CPU.
    memory: GB that Ray counts for a task; 0 for none.
    retries: how often a task begins again after its node or its process was lost.
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
        self._running: dict[Any, Job] = {}  # reference -> what it does

    def run(self, jobs: Sequence[Job], folder: Path) -> Iterator[tuple[Command, Outcome]]:
        """As `vreid_bench.Executor.run`."""
        ray = self._connect()
        task = ray.remote(_work).options(
            name="vreid-bench", max_retries=self._retries, retry_exceptions=False, **self._needs
        )
        left = iter(jobs)
        self._running = {task.remote(job): job for job in islice(left, self._jobs)}
        while self._running:
            [done], _ = ray.wait(list(self._running), num_returns=1, fetch_local=True)
            job = self._running.pop(done)
            self._running |= {task.remote(job): job for job in islice(left, 1)}
            try:
                outcomes = ray.get(done)
            except ray.exceptions.RayError as fault:
                lines = str(fault).strip().splitlines() or [type(fault).__name__]
                outcomes = [Outcome(None, f"the task of Ray failed ({type(fault).__name__}: {lines[-1]})")] * len(job)
            yield from zip(job, outcomes, strict=True)

    def cancel(self) -> str:
        """As `vreid_bench.Executor.cancel`."""
        if not self._running:
            return ""
        import ray

        for each in self._running:
            ray.cancel(each, force=True)
        return f"cancelled {len(self._running)} task(s) of Ray; what they trained is kept on their nodes"

    def _connect(self) -> Any:
        """Ray itself, connected to the cluster."""
        if find_spec("ray") is None:
            raise InputError("executor ray: Ray is not installed; `pip install vreid-bench[ray]` installs it")
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # a cluster that begins here reports to nobody
        import ray

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
    """What a task does."""
    return run_commands(job, carry=True)


@hookimpl
def vreid_executors() -> Mapping[str, Callable[..., Any]]:
    """`ray`."""
    return {"ray": Ray}
