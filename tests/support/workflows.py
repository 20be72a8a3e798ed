"""The workflows of .github, parsed, and one of their jobs run in a clean clone as GitHub would."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from places import ROOT
from ruamel.yaml import YAML

FOLDER = ROOT / ".github/workflows"
FILES = sorted(FOLDER.glob("*.yml"))
EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")


def read(path):
    """A YAML file as plain values: YAML 1.2, in which `on` is a text."""
    return YAML(typ="safe").load(path)


WORKFLOWS = {path.stem: read(path) for path in FILES}
JOBS = [(name, job) for name, workflow in WORKFLOWS.items() for job in workflow["jobs"]]


class Step(NamedTuple):
    """A step of a job that runs a command."""

    name: str
    command: str
    env: dict[str, str]


def commands(workflow, job):
    """The steps of a job that run a command, with the variables that they see."""
    spec = WORKFLOWS[workflow]["jobs"][job]
    cell = {name: values[0] for name, values in spec.get("strategy", {}).get("matrix", {}).items()}
    outer = {**WORKFLOWS[workflow].get("env", {}), **spec.get("env", {})}
    return [
        Step(
            step["name"],
            step["run"],
            {name: fill(value, cell) for name, value in {**outer, **step.get("env", {})}.items()},
        )
        for step in spec["steps"]
        if "run" in step
    ]


def fill(value, cell):
    """The value of a variable: what the matrix says for its first cell; of GitHub itself nothing is known here."""

    def look_up(match):
        place, _, name = match[1].partition(".")
        return str(cell[name]) if place == "matrix" else ""

    return EXPRESSION.sub(look_up, str(value))


def clone(folder):
    """A clean clone of what is committed, with the environment of these tests in place of an installed one."""
    subprocess.run(["git", "clone", "--quiet", "--depth=1", ROOT.as_uri(), folder], check=True)
    for module in (ROOT / "harness/vreid_bench").glob("*.so"):
        shutil.copy(module, folder / "harness/vreid_bench")
    lend_environment(folder / ".venv")
    return folder


def lend_environment(venv):
    """Make the folder a virtual environment that is this one, and looks to make as if it were just installed."""
    venv.mkdir()
    for name in ("bin", "lib"):
        (venv / name).symlink_to(Path(sys.prefix, name))
    settings = Path(sys.prefix, "pyvenv.cfg")
    if settings.exists():
        shutil.copy(settings, venv)
    for name in ("torch", "installed"):
        (venv / name).touch()


def run(command, folder, **environment):
    """Run a command as GitHub runs a step on Linux, with the code of the clone; returns the finished process."""
    scratch = folder.parent / f"{folder.name}-runner"
    scratch.mkdir(exist_ok=True)
    code = os.pathsep.join(str(folder / place) for place in ("harness", "plugins"))
    outer = ("PYTEST_", "COV_")  # these tests' own
    variables = {
        **{name: value for name, value in os.environ.items() if not name.startswith(outer)},
        "PYTHONPATH": code,
        "PATH": os.pathsep.join([str(folder / ".venv/bin"), os.environ["PATH"]]),
        **{name: str(scratch / name.lower()) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")},
        **environment,
    }
    shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", command]
    return subprocess.run(shell, cwd=folder, env=variables, capture_output=True, text=True, check=False)
