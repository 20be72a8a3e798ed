"""What several test files need: a small synthetic tree in the MARS layout, and the command line."""

import json
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from vreid_bench.cli.main import main

collect_ignore = ["gpu"]  # unless it is named: `make gpu` does


@pytest.fixture(scope="session")
def tiny_mars(tmp_path_factory):
    """Ten identities to train on and ten to test on, as the renderer writes them."""
    from vreid_plugins.datasets.mars.reader import Mars

    root = tmp_path_factory.mktemp("data") / "mars"
    Mars().synthesize(root, ids=10, cameras=3, size=(32, 16), workers=1, progress=False)
    return root


@pytest.fixture(scope="session")
def tiny_ilids(tmp_path_factory):
    """Five identities in each half, two cameras and ten splits, as the renderer writes them."""
    from vreid_plugins.datasets.ilids_vid.reader import IlidsVid

    root = tmp_path_factory.mktemp("data") / "ilids-vid"
    IlidsVid().synthesize(root, ids=5, size=(32, 16), workers=1, progress=False)
    return root


@pytest.fixture
def cli():
    """Run the command line in this process; returns click's result."""

    def call(*arguments):
        return CliRunner().invoke(main, [str(a) for a in arguments])

    return call


@pytest.fixture
def cli_json(cli):
    """Run the command line and parse what it prints on stdout; the command has to succeed."""

    def call(*arguments):
        result = cli(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return call


@pytest.fixture
def spawn():
    """Start `python -m vreid_bench.cli.main` as a process of its own."""

    def start(*arguments, cwd, **environment):
        command = [sys.executable, "-m", "vreid_bench.cli.main", *map(str, arguments)]
        variables = {**os.environ, **environment}
        return subprocess.Popen(
            command, cwd=cwd, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    return start
