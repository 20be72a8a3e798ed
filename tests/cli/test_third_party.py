"""A stranger's package, installed as a stranger would: listed, run, and in a table with its version."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import simplejpeg
from places import TESTS
from short_run import SHORT, record_of

STRANGERS = TESTS / "third_party"
STRANGER = STRANGERS / "vreid-softmin"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder that holds the installed strangers; their source is copied, so that no build output is left in it."""
    folder = tmp_path_factory.mktemp("stranger")
    source = shutil.copytree(STRANGERS, folder / "source")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--target", str(folder / "site"), *map(str, sorted(source.iterdir()))], check=True)
    return folder / "site"


@pytest.fixture
def vreid_bench(cli, site, tmp_path, monkeypatch):
    """Run the command line where Python sees the strangers' packages; returns what it prints."""
    monkeypatch.syspath_prepend(site)
    monkeypatch.chdir(tmp_path)

    def call(*arguments, code=0):
        result = cli(*arguments)
        assert result.exit_code == code, result.stderr
        return result.stdout if code == 0 else result.stderr

    yield call
    for module in [name for name in sys.modules if name.startswith(("vreid_softmin", "vreid_courtyard", "vreid_lab"))]:
        del sys.modules[module]


def test_the_stranger_is_under_forty_lines():
    assert len((STRANGER / "vreid_softmin.py").read_text().splitlines()) < 40


def test_a_stranger_is_listed_runs_and_has_its_row(vreid_bench, tiny_mars, tmp_path):
    [entry] = [row for row in json.loads(vreid_bench("list", "aggregators", "--json")) if row["name"] == "softmin"]
    assert (entry["distribution"], entry["version"]) == ("vreid-softmin", "0.3.1")
    run = ("run", "--plugin", "softmin", "--data", tiny_mars, *SHORT, "--quiet", "--json")
    report = json.loads(vreid_bench(*run))
    vreid_bench("leaderboard", "add", report["run"])
    vreid_bench("leaderboard", "--check")
    page = (tmp_path / "leaderboard" / "mars-synthetic.md").read_text()
    assert "softmin" in page
    assert "vreid-softmin 0.3.1" in page


def test_a_stranger_brings_an_encoder_a_loss_and_a_method(vreid_bench, tiny_mars):
    settings = ("--set", "steps=3", "--set", "size=32x16", "--set", "spread.margin=1")
    record = record_of(json.loads(vreid_bench("run", "--plugin", "lab", "--data", tiny_mars, *settings, "--json")))
    theirs = {(each.kind, each.name) for each in record.method.providers if each.distribution == "vreid-lab"}
    assert theirs == {("encoder", "shallow"), ("loss", "spread"), ("method", "lab")}
    assert "how many channels the maps have" in vreid_bench("methods", "show", "lab")


def test_a_stranger_adds_a_protocol_over_its_own_data_in_under_thirty_lines(vreid_bench, tmp_path):
    assert len((STRANGERS / "vreid-courtyard" / "vreid_courtyard.py").read_text().splitlines()) < 30
    frame = simplejpeg.encode_jpeg(np.random.default_rng(0).integers(0, 256, (32, 16, 3), dtype=np.uint8))
    people = {"train": range(1, 5), "query": range(5, 8), "gallery": range(5, 8)}
    for part, persons in people.items():
        for person in persons:
            for camera in (1, 2) if part == "train" else (1,) if part == "query" else (2,):
                folder = tmp_path / "yard" / part / f"{person}-{camera}-1"
                folder.mkdir(parents=True)
                for number in range(3):
                    (folder / f"{number}.jpg").write_bytes(frame)
                (folder / "Thumbs.db").touch()
        (tmp_path / "yard" / part / ".DS_Store").touch()
    told = vreid_bench("protocols", "show", "courtyard")
    assert "Our own yard." in told
    data = ("--protocol", "courtyard", "--data", tmp_path / "yard")
    report = json.loads(vreid_bench("run", "--plugin", "mean-pooling", *data, *SHORT, "--quiet", "--json"))
    assert report["conventions"]["torchreid"]["queries"] == 3
    vreid_bench("leaderboard", "add", report["run"])
    assert (tmp_path / "leaderboard" / "courtyard-unverified.md").is_file()


def test_a_process_of_its_own_sees_the_stranger(spawn, site, tmp_path):
    out, err = spawn("list", "aggregators", "--json", cwd=tmp_path, PYTHONPATH=str(site)).communicate()
    assert "softmin" in {row["name"] for row in json.loads(out)}, err


def test_leaving_the_stranger_out_leaves_it_out(vreid_bench, monkeypatch):
    monkeypatch.setenv("VREID_PLUGINS", "vreid-bench")
    rows = json.loads(vreid_bench("list", "--json"))
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
