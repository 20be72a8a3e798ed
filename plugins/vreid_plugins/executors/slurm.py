"""Rows of a board in jobs of Slurm, through submitit (facebookincubator/submitit)."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from vreid_bench import Command, InputError, Job, Outcome, hookimpl, run_commands

RULE = "----------------------"  # around a traceback in a fault of submitit
POLL = 1.0  # seconds between two looks for results
LOOK = 10.0  # seconds between two questions to Slurm
AGAIN = 5  # in the grace period of a preemption, a run that Slurm asked to end goes on


class Work:
    """What a job of Slurm does: its commands. It is queued again as it is, because runs know how far they are."""

    def __call__(self, job: Job) -> list[Outcome]:
        return run_commands(job, again=AGAIN)

    def checkpoint(self, job: Job) -> Any:
        """What submitit queues again when the job is preempted, or near its time limit."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self, job)


class Slurm:
    """Jobs of Slurm, as one array through submitit; a job that is preempted or out of time is queued again and goes on.

    The folder of runs must be one that the nodes and this machine share. `-j` is how many jobs of the array Slurm runs
    at a time. Other options of sbatch can be given in its variables, such as SBATCH_RESERVATION.

    partition, account, qos, constraint: as sbatch takes them; empty for the default of Slurm.
    time: minutes that Slurm gives a job, before it is queued again.
    requeues: how often a job may run out of its time. Preemptions are not counted.
    cpus: processors of a job; a run of a board uses one.
    gpus: GPUs of a job; a run of a board uses none, as portable arithmetic is that of a CPU.
    memory: GB of a job; 0 for the default of Slurm.
    cluster: slurm, or local to try all this in processes of this machine, all jobs at once.
    """

    def __init__(  # noqa: PLR0913  # options of a command, most of which nobody gives
        self,
        jobs: int | None,
        *,
        partition: str = "",
        account: str = "",
        qos: str = "",
        constraint: str = "",
        time: int = 120,
        requeues: int = 3,
        cpus: int = 1,
        gpus: int = 0,
        memory: float = 0.0,
        cluster: Literal["slurm", "local"] = "slurm",
    ) -> None:
        named = {"partition": partition, "account": account, "qos": qos, "constraint": constraint}
        self._options = {
            "name": "vreid-bench",
            "timeout_min": time,
            "cpus_per_task": cpus,
            "gpus_per_node": gpus or None,
            "mem_gb": memory or None,
            "slurm_array_parallelism": jobs,
        }
        self._options |= {f"slurm_{name}": value or None for name, value in named.items()}
        self._requeues = requeues
        self._cluster = cluster
        self._submitted: dict[Any, Job] = {}  # of submitit -> ours; those that are not done

    def run(self, jobs: Sequence[Job], folder: Path) -> Iterator[tuple[Command, Outcome]]:
        """As `vreid_bench.Executor.run`."""
        self._submit(jobs, folder / "slurm")
        ids = {each.job_id for each in self._submitted}
        queued, looked, missing = ids, 0.0, set[str]()
        while self._submitted:
            if time.monotonic() - looked > (LOOK if self._cluster == "slurm" else 0):
                looked, before = time.monotonic(), queued
                queued = self._list_queued()
                missing = ids - before - queued  # twice, because a result can be seen later than the end of its job
            for each in list(self._submitted):
                if each.paths.result_pickle.exists() or each.job_id in missing:
                    job = self._submitted.pop(each)
                    yield from zip(job, self._read(each, job), strict=True)
            if self._submitted:
                time.sleep(POLL if self._cluster == "slurm" else 0.1)
        if self._cluster == "slurm" and (left := ids & self._list_queued()):
            _cancel(left)  # queued again while they were ending

    def cancel(self) -> str:
        """As `vreid_bench.Executor.cancel`."""
        if not self._submitted:
            return ""
        ids = sorted(each.job_id for each in self._submitted)
        if self._cluster == "local":
            for each in self._submitted:
                each.cancel()
        else:
            _cancel(ids)
        return f"cancelled {len(ids)} job(s) of Slurm ({', '.join(ids)}); what they trained is kept"

    def _submit(self, jobs: Sequence[Job], folder: Path) -> None:
        if find_spec("submitit") is None:
            raise InputError("executor slurm: submitit is not installed; `pip install vreid-bench[slurm]` installs it")
        if self._cluster == "slurm" and shutil.which("sbatch") is None:
            raise InputError(
                "executor slurm: found no sbatch on this machine; start the command where jobs of Slurm are submitted, "
                "or try it with --executor slurm:cluster=local"
            )
        import submitit

        logging.getLogger("submitit").setLevel(logging.ERROR)
        limits = {f"{name}_max_num_timeout": self._requeues for name in ("slurm", "local")}
        executor = submitit.AutoExecutor(folder, self._cluster, **limits)
        executor.update_parameters(**self._options)
        try:
            submitted = executor.map_array(Work(), jobs)
        except submitit.core.utils.FailedJobError as fault:
            raise InputError(f"executor slurm: sbatch refused the jobs: {' '.join(str(fault).split())}") from fault
        self._submitted = dict(zip(submitted, jobs, strict=True))

    def _list_queued(self) -> set[str]:
        """The ids of the jobs that Slurm has to do or does; all, if Slurm does not answer."""
        if self._cluster == "local":
            return {each.job_id for each in self._submitted if not each.done()}
        command = ["squeue", "--array", "--noheader", "--format=%i", f"--user={os.getuid()}"]
        asked = subprocess.run(command, capture_output=True, text=True, check=False)
        if asked.returncode:
            return {each.job_id for each in self._submitted}
        return set(asked.stdout.split())

    def _read(self, submitted: Any, job: Job) -> list[Outcome]:
        """The outcomes of a job that has ended."""
        log = submitted.paths.stderr
        if not submitted.paths.result_pickle.exists():
            fault = f"job {submitted.job_id} of Slurm ended without a result; its log is {log}"
            return [Outcome(None, fault)] * len(job)
        if fault := submitted.exception():
            told = str(fault).split(RULE)  # submitit's own words, the traceback, and its words again
            last = told[len(told) > 1].strip().splitlines()[-1]
            return [Outcome(None, f"job {submitted.job_id} of Slurm failed ({last}); its log is {log}")] * len(job)
        outcomes: list[Outcome] = submitted.result()
        return outcomes


def _cancel(ids: Collection[str]) -> None:
    """Have Slurm end jobs at once. This is not waited for, because the command is ending.

    Killed runs keep what they have trained. If they were only asked to end, they would go on until Slurm kills them.
    """
    command = ["scancel", "--signal=KILL", *sorted(ids)]
    subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@hookimpl
def vreid_executors() -> Mapping[str, Callable[..., Any]]:
    """`slurm`."""
    return {"slurm": Slurm}
