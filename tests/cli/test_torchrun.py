"""`torchrun ... vreid-bench run`: the metrics of one process, one sentence for a mistake, nothing lost by a kill."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from short_run import SHORT, record_of

pytestmark = pytest.mark.slow  # the processes are not measured; tests/training/test_processes.py is

LAUNCH = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node")
RUN = ("-m", "vreid_bench.cli.main", "run", "--plugin", "mean-pooling")


def start(total, *arguments):
    """The run in so many processes."""
    command = [
        *LAUNCH,
        str(total),
        "-m",
        "vreid_bench.cli.main",
        "run",
        "--plugin",
        "mean-pooling",
        *map(str, arguments),
    ]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, **pipes)


def list_children(pid):
    """The processes that torchrun has started; each leads a session of its own."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def finish(process):
    printed, told = process.communicate(timeout=100)
    assert process.returncode == 0, told
    return json.loads(printed)  # of the first process alone


@pytest.fixture(scope="module")
def alone(tiny_mars, tmp_path_factory):
    """What one process prints of the run."""
    options = ("--data", tiny_mars, "--runs", tmp_path_factory.mktemp("alone"), *SHORT, "--json", "-q")
    command = [sys.executable, *RUN, *map(str, options)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.mark.parametrize("total", [2, 3])
def test_a_run_has_the_metrics_of_one_process(alone, tiny_mars, tmp_path, total):
    found = finish(start(total, "--data", tiny_mars, "--runs", tmp_path, *SHORT, "--json", "-q"))
    assert found["conventions"].keys() == alone["conventions"].keys()
    for name, scores in alone["conventions"].items():
        for metric in ("mAP", "R1", "R5", "R20", "mINP", "queries"):
            assert found["conventions"][name][metric] == scores[metric], (name, metric)
    record = record_of(found)
    assert record.environment.processes == total
    assert record_of(alone).environment.processes is None


def test_a_killed_run_goes_on_to_the_bits_of_an_undisturbed_one(tiny_mars, tmp_path):
    options = ("--data", tiny_mars, *SHORT, "--set", "stages.0.steps=24", "--json", "-q", "--checkpoint-every", "0")
    process = start(2, *options, "--runs", tmp_path / "killed")
    deadline = time.monotonic() + 200
    while not list((tmp_path / "killed").glob("*/checkpoint.safetensors")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    for each in (process.pid, *list_children(process.pid)):
        os.kill(each, signal.SIGKILL)
    for each in (process.stdout, process.stderr):
        each.close()
    process.wait()
    again = start(2, *options, "--runs", tmp_path / "killed")
    whole = start(2, *options, "--runs", tmp_path / "whole")
    killed, undisturbed = finish(again), finish(whole)
    assert record_of(killed).weights.sha256 == record_of(undisturbed).weights.sha256
    assert killed["conventions"] == undisturbed["conventions"]


def test_a_mistake_is_told_once(tiny_mars, tmp_path):
    process = start(2, "--data", tiny_mars, "--runs", tmp_path, *SHORT, "--set", "marign=1")
    printed, told = process.communicate(timeout=100)
    assert process.returncode != 0
    assert told.count("no setting 'marign'") == 1
    assert printed == ""
    assert not list(tmp_path.iterdir())
