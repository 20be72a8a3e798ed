"""The workflows of .github as text: they are valid, pinned, and give away no more than they need."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from places import ROOT
from workflows import FILES, JOBS, WORKFLOWS

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SCRIPTS = sorted(path for path in (ROOT / ".github/scripts").iterdir() if path.is_file())
# Permissions beyond reading the repository, with the job that has them.
MAY_WRITE = {
    ("submissions-comment", "comment"): {"actions": "read", "contents": "read", "pull-requests": "write"},
    ("weekly", "propose"): {"contents": "write", "pull-requests": "write"},
}
EVENTS = {
    "tests": {"push", "pull_request"},
    "leaderboard": {"push", "pull_request"},
    "docs": {"push", "pull_request"},
    "wheels": {"push", "pull_request", "workflow_dispatch"},
    "submissions": {"pull_request"},
    "submissions-comment": {"workflow_run"},
    "weekly": {"schedule", "workflow_dispatch"},
    "security": {"schedule", "workflow_dispatch"},
}


def steps():
    return [step for name, job in JOBS for step in WORKFLOWS[name]["jobs"][job]["steps"]]


def lint(*command):
    """Run a program of the test extra; its output, and whether it found nothing."""
    beside = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    program = shutil.which(command[0], path=beside)
    assert program, f"{command[0]} is not installed; the extra `test` has it"
    done = subprocess.run([program, *command[1:]], capture_output=True, text=True, cwd=ROOT, check=False)
    return done.stdout + done.stderr, done.returncode == 0


@pytest.mark.slow
def test_every_workflow_is_valid_by_the_schema_of_github(tmp_path):
    check = ("check-jsonschema", "--builtin-schema", "vendor.github-workflows")
    said, good = lint(*check, *map(str, FILES))
    assert good, said
    broken = tmp_path / "broken.yml"
    broken.write_text(FILES[0].read_text().replace("runs-on:", "run-on:"))
    assert not lint(*check, str(broken))[1]
    said, good = lint("check-jsonschema", "--builtin-schema", "vendor.dependabot", ".github/dependabot.yml")
    assert good, said


@pytest.mark.slow
def test_zizmor_finds_no_way_in(tmp_path):
    check = ("zizmor", "--offline", "--no-progress", "--no-config")
    said, good = lint(*check, str(ROOT / ".github"))
    assert good, said
    broken = tmp_path / ".github/workflows/broken.yml"
    broken.parent.mkdir(parents=True)
    [first] = [path for path in FILES if path.stem == "leaderboard"]
    inside = 'run: echo "${{ github.event.pull_request.title }}"'
    broken.write_text(first.read_text().replace("run: vreid-bench leaderboard --check", inside))
    said, good = lint(*check, str(broken))
    assert not good
    assert "template-injection" in said


def test_each_is_started_by_these_events_alone():
    assert {name: set(workflow["on"]) for name, workflow in WORKFLOWS.items()} == EVENTS


def test_no_expression_stands_in_a_command():
    """What GitHub fills in becomes part of the script; a title of a pull request could be a command."""
    assert [step["run"] for step in steps() if "${{" in step.get("run", "")] == []
    assert any("run" in step for step in steps())


def test_commands_are_short_and_longer_ones_are_scripts():
    assert [step["run"] for step in steps() if step.get("run", "").strip().count("\n") >= 3] == []
    assert [step for step in steps() if "run" in step and "name" not in step] == []
    for script in SCRIPTS:
        others = [path for path in [*FILES, *SCRIPTS, ROOT / "pyproject.toml"] if path != script]
        assert any(script.name in path.read_text() for path in others), script.name
        assert script.suffix != ".sh" or os.access(script, os.X_OK), script.name


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_action_is_pinned_by_its_commit_with_its_version_beside(path):
    uses = re.findall(r"uses: (.*)", path.read_text())
    assert uses
    pinned = r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+"
    assert [each for each in uses if not re.fullmatch(pinned, each)] == []


def test_an_action_has_one_commit_everywhere():
    found = {each.partition("@")[0]: set() for each in uses()}
    for each in uses():
        name, _, commit = each.partition("@")
        found[name].add(commit)
    assert {name: commits for name, commits in found.items() if len(commits) > 1} == {}
    assert {name.partition("/")[0] for name in found} == {"actions"}  # GitHub's own alone


def uses():
    return [step["uses"] for step in steps() if "uses" in step]


def test_permissions_are_those_that_a_job_needs():
    for name, workflow in WORKFLOWS.items():
        assert workflow["permissions"] in ({"contents": "read"}, {}), name
    given = {(name, job): WORKFLOWS[name]["jobs"][job].get("permissions") for name, job in JOBS}
    assert {place: permissions for place, permissions in given.items() if permissions} == MAY_WRITE


def test_a_job_that_may_write_runs_no_code_of_a_pull_request():
    for name, job in MAY_WRITE:
        assert "pull_request" not in EVENTS[name]
        for step in WORKFLOWS[name]["jobs"][job]["steps"]:
            assert "ref" not in step.get("with", {}), "it would check out something else than the default branch"
            assert "make" not in step.get("run", "")
            assert "pip" not in step.get("run", "")


def test_nobody_has_a_secret():
    text = "".join(path.read_text() for path in FILES)
    assert "secrets." not in text
    assert "pull_request_target" not in text
    kept = [s for s in steps() if "checkout" in s.get("uses", "") and s["with"].get("persist-credentials") is not False]
    assert kept == []


def test_the_token_is_given_to_the_jobs_that_need_it():
    has_token = {(name, job) for name, job in JOBS if "github.token" in str(WORKFLOWS[name]["jobs"][job])}
    assert has_token == set(MAY_WRITE)


@pytest.mark.parametrize(("name", "job"), JOBS)
def test_every_job_ends_and_none_runs_twice(name, job):
    assert WORKFLOWS[name]["jobs"][job]["timeout-minutes"] <= 180
    assert WORKFLOWS[name]["concurrency"]["group"]


def test_no_host_and_no_place_of_a_machine_is_named():
    for path in [*FILES, *SCRIPTS]:
        assert not re.search(r"https?://|(?<![\w.])/(home|work|root|opt)/", path.read_text()), path.name


def supported():
    """The versions of Python that the package is declared for."""
    lines = [line.rpartition(" :: ")[2] for line in PROJECT["project"]["classifiers"] if ":: Python :: 3." in line]
    assert PROJECT["project"]["requires-python"] == f">={lines[0]}"
    return lines


def test_the_matrix_has_every_python_and_the_oldest_and_newest_torch_that_are_declared():
    matrix = WORKFLOWS["tests"]["jobs"]["quick"]["strategy"]["matrix"]
    assert matrix["python"] == supported()
    [torch] = [each for each in PROJECT["project"]["dependencies"] if re.match(r"torch\b", each)]
    oldest = re.fullmatch(r"torch>=([\d.]+)", torch)[1]  # and no upper end: the newest is whatever pip takes
    assert matrix["torch"] == [f"torch=={oldest}.*", "torch"]


def test_there_is_a_wheel_for_every_python():
    wheels = WORKFLOWS["wheels"]["jobs"]["linux"]["strategy"]["matrix"]["python"]
    assert wheels == [f"cp{version.replace('.', '')}" for version in supported()]


def test_wheels_are_of_one_python_because_two_kernels_are_bound_by_pybind11():
    """What wheels.yml says; where it is no longer so, one wheel can serve every Python."""
    bound = {path.parent.name for path in (ROOT / "csrc").rglob("*.cpp") if "pybind11" in path.read_text()}
    assert bound == {"ranks", "rerank"}
    assert all(f"_{name}" in (ROOT / ".github/workflows/wheels.yml").read_text() for name in bound)
