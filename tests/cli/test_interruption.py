"""Ctrl-C and SIGTERM at random moments of rendering, training and embedding, sent to real processes."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from safetensors.numpy import load_file
from short_run import SHORT

from vreid_bench.cli.main import main, say_interrupted
from vreid_bench.cli.options import FOLDER

TIMEOUT = 60  # seconds; a process that does not end fails the test


@pytest.mark.parametrize(
    ("command", "kept", "words"),
    [
        ("run", "split-0/checkpoint.safetensors", "interrupted; repeat the command to go on ({})"),
        ("run", "run.log", "interrupted; repeat the command to begin again, nothing was kept yet ({})"),
        ("inspect", "weights.safetensors", "interrupted"),
    ],
)
def test_only_what_was_kept_is_said_to_go_on(tmp_path, capsys, command, kept, words):
    (tmp_path / kept).parent.mkdir(exist_ok=True)
    (tmp_path / kept).touch()
    context = click.Context(main)
    context.invoked_subcommand, context.meta[FOLDER] = command, tmp_path
    say_interrupted(context)
    assert capsys.readouterr().err == f"{words.format(tmp_path)}\n"


@pytest.fixture
def start(tmp_path):
    """Start the command line as the leader of a process group, as a terminal does; `group` then signals them all."""
    running = []

    def begin(*arguments, **environment):
        command = [sys.executable, "-m", "vreid_bench.cli.main", *map(str, arguments)]
        process = subprocess.Popen(
            command,
            cwd=tmp_path,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        running.append(process)
        return process

    yield begin
    for process in running:
        process.kill()
        process.communicate()


def wait_for(folder, pattern, process, began):
    """Wait until the process writes a file of that pattern."""
    while not any(path.stat().st_mtime >= began for path in folder.glob(pattern)):
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)


def interrupt(process, number, group):
    """Send the signal to the process, or to its group as a terminal does; returns stderr."""
    (os.killpg if group else os.kill)(process.pid, number)
    _, said = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 128 + number, said
    assert said.count("interrupted; repeat the command to go on") == 1, said
    assert "Traceback" not in said
    return said


def list_processes(session):
    """The processes of a session that still run, without those that ended and were not waited for."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, _, _, leader = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(leader) == session and state not in "ZX":
            found.append((folder / "cmdline").read_text())
    return found


def wait_for_none(session):
    """The children of a process that ended see that, and end as well."""
    ends = time.monotonic() + TIMEOUT
    while list_processes(session):
        assert time.monotonic() < ends, list_processes(session)
        time.sleep(0.01)


SYNTHESIZE = ("--layout", "mars", "--ids", "4", "--size", "32x16")


@pytest.fixture(scope="module")
def uninterrupted(make_once):
    """The tree that `data synthesize` renders with the options SYNTHESIZE."""

    def render(root):
        assert CliRunner().invoke(main, ["data", "synthesize", str(root), *SYNTHESIZE]).exit_code == 0

    return make_once("uninterrupted", render)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize(
    ("number", "group", "moments"),
    [  # before the workers render, and while they do
        (signal.SIGINT, True, ("plan", "*.npz")),
        (signal.SIGINT, False, ("*.npz",)),
        (signal.SIGTERM, False, ("*.npz",)),
    ],
)
def test_rendering_stops_without_a_child_and_goes_on_to_the_same_tree(
    start, cli, uninterrupted, tmp_path, number, group, moments
):
    arguments = ("data", "synthesize", tmp_path / "mars", *SYNTHESIZE)
    draws = random.Random(number + group)
    for awaited in moments:
        began = time.time()
        process = start(*arguments)
        wait_for(tmp_path, f"mars.partial/.journal/{awaited}", process, began)
        time.sleep(draws.uniform(0, 0.5 if awaited == "plan" else 0.1))  # all is rendered in half a second
        said = interrupt(process, number, group)
        assert "leaked" not in said
        wait_for_none(process.pid)
        assert not (tmp_path / "mars").exists()
    assert cli(*arguments).exit_code == 0
    whole = {p.relative_to(uninterrupted): p for p in uninterrupted.rglob("*") if p.is_file()}
    assert whole
    assert all((tmp_path / "mars" / name).read_bytes() == path.read_bytes() for name, path in whole.items())


@pytest.fixture(scope="module")
def training(make_once, tiny_mars):
    """The command of a training, and what it prints where nothing interrupts it."""
    steps = ("--set", "stages.0.steps=100", "--set", "stages.0.P=2")
    command = ("run", "--plugin", "mean-pooling", "--data", tiny_mars, *SHORT, *steps, "--json")

    def train(folder):
        folder.mkdir()
        result = CliRunner().invoke(main, [*map(str, command), "--runs", str(folder / "runs")])
        assert result.exit_code == 0, result.output
        (folder / "report.json").write_text(result.stdout)

    whole = make_once("whole-training", train)
    [run] = (whole / "runs").iterdir()  # where it is by now
    return command, json.loads((whole / "report.json").read_text()) | {"run": str(run)}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "stops"),
    [(signal.SIGINT, ("checkpoint.safetensors", "weights.safetensors")), (signal.SIGTERM, ("checkpoint.safetensors",))],
)
def test_training_and_embedding_stop_and_go_on_to_the_same_bits(fork, cli, training, tmp_path, number, stops):
    command, whole = training
    moments = random.Random(number)
    for awaited in stops:
        began = time.time()
        process = fork(*command, "--runs", "runs", "--checkpoint-every", "0", cwd=tmp_path)
        wait_for(tmp_path, f"runs/*/{awaited}", process, began)
        time.sleep(moments.uniform(0, 0.1))
        said = interrupt(process, number, group=False)
        [folder] = (tmp_path / "runs").iterdir()
        assert f"(runs/{folder.name})" in said
        assert not list(folder.rglob("*.unfinished"))
        assert not (folder / "record.json").exists()
        for file in folder.glob("*.safetensors"):
            load_file(file)  # whole
        for line in (folder / "log.jsonl").read_text().splitlines():
            json.loads(line)
        wait_for_none(process.pid)
    resumed = json.loads(cli(*command, "--runs", tmp_path / "runs").stdout)
    one, two = (load_file(f"{r['run']}/weights.safetensors") for r in (whole, resumed))
    assert all((one[name] == two[name]).all() for name in one)
    assert resumed["conventions"] == whole["conventions"]
