"""Boards are filled: what is missing or outdated is run, its records are added, and nothing else is touched."""

import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
from places import TESTS

from vreid_bench.boards.fill import Making, command_of, name_row
from vreid_bench.boards.wanted import Wanted
from vreid_bench.cli.run import run

STRANGER = TESTS / "support/vreid_allotment.py"
BOARD = """\
says = "two methods on ten people"

[[rows]]
protocols = ["allotment"]
methods = ["beans", "peas"]
"""


@pytest.fixture
def allotment(tmp_path, spawn_env):
    """A leaderboard with the board above and no records; returns how to call `vreid-bench leaderboard`."""
    site = tmp_path / "site"
    site.mkdir()
    shutil.copy(STRANGER, site)
    info = site / "vreid_allotment-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: vreid-allotment\nVersion: 0.1\n")
    (info / "entry_points.txt").write_text("[vreid_bench]\nallotment = vreid_allotment\n")
    (tmp_path / "leaderboard/boards").mkdir(parents=True)
    (tmp_path / "leaderboard/boards/small.toml").write_text(BOARD)
    env = {**spawn_env, "PYTHONPATH": os.pathsep.join([str(site), spawn_env.get("PYTHONPATH", "")])}

    def call(*words):
        command = [sys.executable, "-m", "vreid_bench.cli.main", "leaderboard", *words]
        return subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)

    return SimpleNamespace(call=call, module=site / "vreid_allotment.py", folder=tmp_path, env=env)


@pytest.fixture
def spawn_env(tmp_path):
    """The environment of a process with a cache of its own."""
    return {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}


def states(call, *words):
    """Method -> the state of its row."""
    done = call("fill", *words, "--json")
    assert done.returncode == 0, done.stderr
    return {row["method"]: row["state"] for row in json.loads(done.stdout)["rows"]}


@pytest.mark.slow
def test_one_constant_of_a_method_makes_its_row_outdated_and_filling_mends_it(allotment):
    call = allotment.call
    assert states(call, "--dry-run") == {"beans": "missing", "peas": "missing"}
    assert not (allotment.folder / "runs").exists()

    done = call("fill", "-j", "2", "--tracker", "notebook")
    assert done.returncode == 0, done.stderr
    notes = [path.read_text() for path in (allotment.folder / "runs").glob("*/notebook.txt")]
    assert sorted(notes) == ["beans grew", "peas grew"]
    assert done.stdout.strip() == "2 rows: 2 up to date, 0 outdated, 0 missing"
    assert "2 of 2 rows" in done.stderr
    assert call("--check").returncode == 0
    records = {path.name: path.read_bytes() for path in (allotment.folder / "leaderboard/records").rglob("*.json")}
    assert sorted(records) == ["beans-small-seed0.json", "peas-small-seed0.json"]

    text = allotment.module.read_text()
    allotment.module.write_text(text.replace("\nSTEPS = 2", "\nSTEPS = 3"))
    assert states(call, "--dry-run") == {"beans": "outdated", "peas": "current"}
    assert "allotment beans seed 0: another recipe" in call("fill", "--dry-run").stdout

    assert states(call, "--quiet") == {"beans": "current", "peas": "current"}
    assert call("--check").returncode == 0
    now = {path.name: path.read_bytes() for path in (allotment.folder / "leaderboard/records").rglob("*.json")}
    assert {name for name in now if now[name] != records[name]} == {"beans-small-seed0.json"}
    assert json.loads(now["beans-small-seed0.json"])["budget"]["steps"] == 3


@pytest.mark.slow
def test_a_row_that_fails_is_told_and_the_others_are_added(allotment):
    text = allotment.module.read_text()
    allotment.module.write_text(text.replace("OTHER_STEPS, OTHER_RATE = 1, 1e-3", "OTHER_STEPS, OTHER_RATE = 5, 1e30"))
    done = allotment.call("fill")
    assert done.returncode == 1
    assert "2 rows: 1 up to date, 0 outdated, 1 missing" in done.stdout
    [line] = [line for line in done.stderr.splitlines() if line.startswith("allotment peas seed 0: ")][1:]
    assert "not finite" in line
    assert [path.name for path in (allotment.folder / "leaderboard/records").rglob("*.json")] == [
        "beans-small-seed0.json"
    ]
    assert allotment.call("--check").returncode == 0


@pytest.mark.slow
def test_an_interrupted_board_goes_on_where_it_was(allotment):
    """Ctrl-C ends the runs, too; what was trained is kept."""
    module = allotment.module
    module.write_text(module.read_text().replace("\nSTEPS = 2", "\nSTEPS = 100000"))
    command = [sys.executable, "-m", "vreid_bench.cli.main", "leaderboard", "fill", "--quiet"]
    with subprocess.Popen(
        command, cwd=allotment.folder, env=allotment.env, stderr=subprocess.PIPE, text=True
    ) as process:
        wait_for(lambda: any(allotment.folder.glob("runs/*beans*/checkpoint.safetensors")))
        process.terminate()
        _, told = process.communicate(timeout=60)
    assert process.returncode == 143, told
    wait_for(lambda: not running_under(allotment.folder))
    [run_folder] = allotment.folder.glob("runs/*beans*")
    assert not (run_folder / "record.json").exists()
    assert states(allotment.call, "--dry-run")["beans"] == "missing"


def test_a_tracker_that_there_is_not_is_refused_before_anything_runs(cli, tmp_path):
    (tmp_path / "boards").mkdir()
    (tmp_path / "boards/small.toml").write_text(
        BOARD.replace("allotment", "mars").replace("beans", "ica").replace("peas", "tacan")
    )
    refused = cli("leaderboard", "fill", "--dir", tmp_path, "--tracker", "wandbb", "--runs", tmp_path / "runs")
    assert (refused.exit_code, "did you mean wandb" in refused.stderr) == (2, True)
    assert not (tmp_path / "runs").exists()


def wait_for(what):
    """Until it is so; the time limit is that of a machine that hangs."""
    deadline = time.monotonic() + 120
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def running_under(folder):
    """The processes whose working folder is this."""
    found = []
    for each in Path("/proc").glob("[0-9]*/cwd"):
        with suppress(OSError):
            found += [each] if each.resolve() == folder and each.parent.name != str(os.getpid()) else []
    return found


def test_the_command_line_takes_the_command_of_a_row():
    wanted = Wanted("mars", "mean-pooling", "small", 3, ('test.sampler="uniform"',), "zhong")
    word, *arguments = command_of(wanted, Making(Path("there"), ("mlflow:experiment=x", "wandb")))
    context = run.make_context(word, arguments)
    assert context.params["names"] == ("mean-pooling",)
    assert context.params["assignments"] == wanted.settings
    assert context.params["trackers"] == ("mlflow:experiment=x", "wandb")
    assert {name: context.params[name] for name in ("protocol", "preset", "seed", "rerank", "runs", "threads")} == {
        "protocol": "mars",
        "preset": "small",
        "seed": 3,
        "rerank": "zhong",
        "runs": Path("there"),
        "threads": 1,
    }
    assert name_row(wanted) == 'mars mean-pooling test.sampler="uniform" re-ranked by zhong seed 3'
