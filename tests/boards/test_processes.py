"""Commands as processes of this machine: their outcomes, and how they end."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from allotment import wait_for

from vreid_bench.boards import processes
from vreid_bench.boards.processes import Processes, run_commands

WAIT = "import time; time.sleep(600)"
STARTS = """
import os, subprocess, sys
command = [*{bound!r}, str(os.getpid()), sys.executable, "-c", {wait!r}]
print(subprocess.Popen(command).pid, flush=True)
{wait}
"""


@pytest.fixture
def script(monkeypatch, tmp_path):
    """Let each command be a Python script; makes one of a text."""
    launcher = tmp_path / "launcher.py"
    launcher.write_text("import sys; exec(sys.argv[5])")  # after: the parent, the interpreter, -m and the module
    monkeypatch.setattr(processes, "BOUND", (sys.executable, str(launcher)))
    monkeypatch.chdir(tmp_path)
    return lambda text: (text,)


@pytest.mark.slow
def test_the_outcome_of_a_command_is_the_folder_that_it_prints(script):
    [outcome] = run_commands([script('print(\'{"run": "runs/a"}\')')])
    assert (outcome.folder, outcome.fault, dict(outcome.files)) == (Path("runs/a"), "", {})
    assert outcome.host == os.uname().nodename


@pytest.mark.slow
def test_what_is_no_json_in_the_place_of_a_folder_is_a_fault(script):
    outcomes = run_commands([script("print('a plugin says hello\\n{}')"), script("print('[1]')")])
    assert [outcome.folder for outcome in outcomes] == [None, None]
    assert outcomes[0].fault.startswith("the run printed 'a plugin says hello\\n{}\\n', expected one JSON object alone")


@pytest.mark.slow
def test_a_run_of_a_board_sees_no_gpu(script, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    [outcome] = run_commands([script("import os; sys.exit('GPUs: ' + os.environ['CUDA_VISIBLE_DEVICES'])")])
    assert outcome.fault == "GPUs:"


@pytest.mark.slow
def test_the_fault_of_a_command_is_its_last_line(script):
    outcomes = run_commands([script("sys.exit('first\\nerror: the last')"), script("sys.exit(3)")])
    assert [(outcome.folder, outcome.fault) for outcome in outcomes] == [
        (None, "error: the last"),
        (None, "the run ended with 3"),
    ]


@pytest.mark.slow
def test_a_process_that_is_asked_to_end_begins_again_as_often_as_is_said(script):
    asked = "import os, signal; open('begun', 'a').write('x'); os.kill(os.getpid(), signal.SIGTERM)"
    [outcome] = run_commands([script(asked)], again=2)
    assert Path("begun").read_text() == "xxx"
    assert outcome.fault == f"the run ended with {-signal.SIGTERM}"


@pytest.mark.slow
def test_ending_the_processes_ends_what_runs_and_starts_nothing_more(script):
    with Processes() as running:
        done = []
        thread = threading.Thread(target=lambda: done.append(running.run(script(WAIT), again=5)))
        thread.start()
        wait_for(lambda: running._running)
        assert running.end() == 1
        thread.join()
        assert done[0].folder is None
        assert running.run(script("open('begun', 'w')")).fault == "interrupted"
    assert not Path("begun").exists()


@pytest.mark.slow
def test_a_process_does_not_outlive_a_parent_that_is_killed():
    text = STARTS.format(bound=processes.BOUND, wait=WAIT)
    with subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, text=True) as parent:
        child = Path(f"/proc/{int(parent.stdout.readline())}")
        wait_for(lambda: WAIT in (child / "cmdline").read_text())  # it has become the command
        parent.kill()
    wait_for(lambda: not child.exists() or "\nState:\tZ" in (child / "status").read_text())


@pytest.mark.slow
def test_a_process_whose_parent_has_ended_becomes_nothing():
    done = subprocess.run([*processes.BOUND, "1", "/bin/echo", "ran"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "its parent has ended\n")
