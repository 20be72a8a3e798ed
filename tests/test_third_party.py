"""A stranger's package, installed as a stranger would: listed, run, and in a table with its version."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

STRANGER = Path(__file__).parent / "third_party" / "vreid-softmin"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder that holds the installed stranger; the source is copied, so that no build output is left in it."""
    folder = tmp_path_factory.mktemp("stranger")
    source = shutil.copytree(STRANGER, folder / "source")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--target", str(folder / "site"), str(source)], check=True)
    return folder / "site"


@pytest.fixture
def vreid_bench(spawn, site, tmp_path):
    """Run the command line in a process that sees the stranger; returns what it prints."""

    def call(*arguments, code=0, **environment):
        process = spawn(*arguments, cwd=tmp_path, PYTHONPATH=str(site), **environment)
        out, err = process.communicate()
        assert process.returncode == code, err
        return out if code == 0 else err

    return call


def test_the_stranger_is_under_forty_lines():
    assert len((STRANGER / "vreid_softmin.py").read_text().splitlines()) < 40


def test_a_stranger_is_listed_runs_and_has_its_row(vreid_bench, tiny_mars, tmp_path):
    [entry] = [row for row in json.loads(vreid_bench("list", "aggregators", "--json")) if row["name"] == "softmin"]
    assert (entry["distribution"], entry["version"]) == ("vreid-softmin", "0.3.1")
    short = ("--set", "stages.0.steps=3", "--preset", "small", "--quiet", "--json")
    report = json.loads(vreid_bench("run", "--plugin", "softmin", "--data", tiny_mars, *short))
    vreid_bench("leaderboard", "add", report["run"])
    vreid_bench("leaderboard", "--check")
    page = (tmp_path / "leaderboard" / "mars-synthetic.md").read_text()
    assert "softmin" in page
    assert "vreid-softmin 0.3.1" in page


def test_leaving_the_stranger_out_leaves_it_out(vreid_bench):
    rows = json.loads(vreid_bench("list", "--json", VREID_PLUGINS="vreid-bench"))
    assert "softmin" not in {row["name"] for row in rows}
    assert "mars" in {row["name"] for row in rows}


def test_a_stranger_that_cannot_be_imported_stops_with_its_name(vreid_bench, site):
    module = site / "vreid_softmin.py"
    content = module.read_text()
    module.write_text("import no_such_module\n")
    try:
        message = vreid_bench("list", code=2)
    finally:
        module.write_text(content)
    assert "'softmin' of vreid-softmin cannot be imported" in message
    assert "no_such_module" in message
