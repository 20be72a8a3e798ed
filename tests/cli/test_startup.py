"""What starts without torch, whose import takes seconds: commands in processes of their own, and rooms."""

import shutil
import subprocess
import sys

import pytest
from places import ROOT
from short_run import SHORT

from vreid_bench.registry.entry import KINDS

ASIDE = {"vreid_bench.planning.estimate"}  # measures a network; imported where a run begins to work
ROOMS = ("registry", "planning", "cli")
PLUGINS = ("datasets", "protocols", "synthetic")


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """Run Python code in a process of its own; its stdout, stderr and whether it has imported torch."""

    def run(code):
        lines = (code, "import sys", "print('torch' in sys.modules)")
        command = [sys.executable, "-c", "\n".join(lines)]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
        *output, torch = done.stdout.splitlines()
        return output, done.stderr, torch == "True"

    folder = tmp_path_factory.mktemp("startup")
    return run


def command(*arguments):
    """The code that runs a command line."""
    return f"from vreid_bench.cli.main import main\ntry: main({[*map(str, arguments)]!r})\nexcept SystemExit: pass"


@pytest.fixture(scope="module")
def catalogue(start):
    """The first command loads every plugin."""
    output, _, torch = start(command("list"))
    assert len(output) == len(KINDS)
    assert torch


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("list",), "losses"),
        (("list", "methods"), "personvlad-oim10 "),
        (("methods", "show", "tacan"), "losses.triplet.margin"),
        (("run", "--plugin", "tacan", "--protocol", "mars", "--set", "mistyped=3"), "no setting 'mistyped'"),
        (("run", "--plugin", "softmin", "--protocol", "mars"), "no method or part is named 'softmin'"),
    ],
)
def test_a_command_that_builds_nothing_imports_no_torch(start, catalogue, arguments, said):
    output, errors, torch = start(command(*arguments))
    assert said in "\n".join([*output, errors])
    assert not torch


@pytest.mark.slow
def test_a_finished_run_is_shown_again_without_torch(start, catalogue, finished_runs, tiny_mars, tmp_path):
    shutil.copytree(finished_runs, tmp_path / "runs")
    run = ("run", "--plugin", "mean-pooling", "--data", tiny_mars, "--runs", tmp_path / "runs", *SHORT)
    output, errors, torch = start(command(*run))
    assert "its result is shown again" in errors
    assert output[-1].startswith("record: ")
    assert not torch


@pytest.mark.slow
def test_the_page_of_a_run_is_written_without_torch(start, catalogue, finished_runs, tmp_path):
    [run] = finished_runs.iterdir()
    output, _, torch = start(command("report", run, "--out", tmp_path, "--no-figures", "-q"))
    assert output == [f"{tmp_path / run.name}.html"]
    assert not torch


@pytest.mark.slow
def test_no_module_of_these_rooms_and_plugins_imports_torch(start):
    modules = {".".join(file.with_suffix("").parts) for file in list_files()}
    assert len(modules) > 100
    assert modules >= ASIDE
    code = f"from importlib import import_module\nfor name in {sorted(modules - ASIDE)!r}: import_module(name)"
    assert not start(code)[2]


def list_files():
    """The files of these rooms and plugins, relative to the folder that holds their package."""
    for package, folders in (("harness/vreid_bench", ROOMS), ("plugins/vreid_plugins", PLUGINS)):
        for folder in folders:
            for file in (ROOT / package / folder).rglob("*.py"):
                yield file.relative_to((ROOT / package).parent)
