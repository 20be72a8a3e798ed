"""Jobs of Slurm: submitit's own local executor, and programs that answer as those of Slurm do."""

import os
import pickle
import re
import signal
from pathlib import Path

import pytest
from allotment import wait_for
from submitit.core.utils import JobPaths

from vreid_bench import InputError, Outcome
from vreid_plugins.executors import slurm

JOBS = [[("run", "a"), ("run", "b")], [("run", "c")]]
SAYS = {
    "sbatch": 'cp "$1" {folder}/script && echo Submitted batch job 7',
    "squeue": "cat {folder}/queue",
    "scancel": 'echo "$@" >> {folder}/cancelled',
    "srun": "exit 1",
}


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """A folder of programs that answer as Slurm's do: jobs 7_0 and 7_1 are in its queue."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, text in SAYS.items():
        (folder / name).write_text(f"#!/bin/sh\n{text.format(folder=folder)}\n")
        (folder / name).chmod(0o755)
    (folder / "queue").write_text("7_0\n7_1\n")
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    monkeypatch.setattr(slurm, "POLL", 0.01)
    monkeypatch.setattr(slurm, "LOOK", 0.0)
    return folder


def finish(folder, job, outcomes, end="success"):
    """Write what a job leaves."""
    paths = JobPaths(folder / "slurm", job, 0)
    paths.result_pickle.write_bytes(pickle.dumps((end, outcomes)))


def test_jobs_are_one_array_with_its_bound_and_options(cluster, tmp_path):
    executor = slurm.Slurm(1, partition="cpu", time=90, memory=1.5)
    done = executor.run(JOBS, tmp_path)
    executor._submit(JOBS, tmp_path / "slurm")
    options = dict(re.findall(r"^#SBATCH --([\w-]+)=(.*)$", (cluster / "script").read_text(), re.MULTILINE))
    assert {name: options[name] for name in ("array", "partition", "time", "mem", "cpus-per-task")} == {
        "array": "0-1%1",
        "partition": "cpu",
        "time": "90",
        "mem": "1536MB",
        "cpus-per-task": "1",
    }
    assert not {"account", "qos", "gpus-per-node"} & options.keys()
    done.close()


def test_results_come_as_jobs_end_and_a_job_that_left_none_is_a_fault(cluster, tmp_path):
    executor = slurm.Slurm(None)
    done = executor.run(JOBS, tmp_path)
    (tmp_path / "slurm").mkdir()
    finish(tmp_path, "7_1", [Outcome(Path("c"))])
    assert next(done) == (("run", "c"), Outcome(Path("c")))
    (cluster / "queue").write_text("")
    rest = list(done)
    assert [command for command, _ in rest] == JOBS[0]
    log = tmp_path / "slurm/7_0_0_log.err"
    assert {outcome.fault for _, outcome in rest} == {f"job 7_0 of Slurm ended without a result; its log is {log}"}
    assert not (cluster / "cancelled").exists()


def test_a_job_that_raises_is_a_fault_with_what_it_raised(cluster, tmp_path):
    (tmp_path / "slurm").mkdir()
    finish(tmp_path, "7_0", "Traceback\nModuleNotFoundError: No module named 'vreid_bench'\n", "error")
    finish(tmp_path, "7_1", [Outcome(Path("c"))])
    (cluster / "queue").write_text("")
    done = dict(slurm.Slurm(None).run(JOBS, tmp_path))
    assert "job 7_0 of Slurm failed (ModuleNotFoundError: No module named 'vreid_bench')" in done["run", "a"].fault
    assert done["run", "c"] == Outcome(Path("c"))


def test_an_interruption_cancels_what_is_not_done(cluster, tmp_path):
    executor = slurm.Slurm(None)
    assert executor.cancel() == ""
    done = executor.run(JOBS, tmp_path)
    (tmp_path / "slurm").mkdir()
    finish(tmp_path, "7_0", [Outcome(Path("a")), Outcome(Path("b"))])
    next(done)
    assert executor.cancel() == "cancelled 1 job(s) of Slurm (7_1); what they trained is kept"
    assert wait_for((cluster / "cancelled").exists)
    assert wait_for((cluster / "cancelled").read_text) == "--signal=KILL 7_1\n"


def test_a_job_that_was_queued_again_after_its_end_is_cancelled(cluster, tmp_path):
    (tmp_path / "slurm").mkdir()
    finish(tmp_path, "7_0", [Outcome(Path("a")), Outcome(Path("b"))])
    finish(tmp_path, "7_1", [Outcome(Path("c"))])
    (cluster / "queue").write_text("7_1\n8\n")
    assert len(list(slurm.Slurm(None).run(JOBS, tmp_path))) == 3
    assert wait_for((cluster / "cancelled").exists)
    assert wait_for((cluster / "cancelled").read_text) == "--signal=KILL 7_1\n"


def test_while_slurm_does_not_answer_jobs_are_waited_for(cluster, tmp_path):
    executor = slurm.Slurm(None)
    executor._submit(JOBS, tmp_path / "slurm")
    (cluster / "squeue").write_text("#!/bin/sh\nexit 1\n")
    assert executor._list_queued() == {"7_0", "7_1"}


def test_what_sbatch_refuses_is_told(cluster, tmp_path):
    (cluster / "sbatch").write_text("#!/bin/sh\necho 'invalid partition specified: gpu' >&2\nexit 1\n")
    with pytest.raises(InputError, match=r"sbatch refused the jobs: .*invalid partition specified: gpu"):
        next(slurm.Slurm(None, partition="gpu").run(JOBS, tmp_path))


def test_without_slurm_or_submitit_it_is_told_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="found no sbatch on this machine"):
        next(slurm.Slurm(None).run(JOBS, tmp_path))
    monkeypatch.setattr(slurm, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"submitit is not installed; `pip install vreid-bench\[slurm\]`"):
        next(slurm.Slurm(None).run(JOBS, tmp_path))


@pytest.mark.slow
def test_a_preempted_job_is_queued_again_and_the_board_scores_as_on_one_machine(one_machine, board, board_scores):
    with board.start("fill", "--executor", "slurm:cluster=local", "--quiet") as process:
        wait_for(lambda: [*board.folder.glob("runs/*beans*/run.log")])
        [run] = [number for number in board.list_processes() if "beans" in read_words(number)]
        status = Path(f"/proc/{run}/status").read_text()
        blocked = int(re.search(r"SigBlk:\s*(\w+)", status)[1], 16)
        assert blocked >> (signal.SIGUSR2 - 1) & 1  # Slurm sends it to every process of a job
        os.kill(int(re.search(r"PPid:\s*(\d+)", status)[1]), signal.SIGUSR2)
        _, told = process.communicate()
    assert process.returncode == 0, told
    logs = [file.read_text() for file in board.folder.glob("runs/.jobs/slurm/*_log.out")]
    assert len([text for text in logs if "Requeued job" in text]) == 1
    assert board_scores() == one_machine
    assert len(one_machine) == 2


def read_words(number):
    """The words of the command of a process."""
    try:
        return Path(f"/proc/{number}/cmdline").read_text().split("\0")
    except OSError:
        return []
