"""The command `new-plugin`: a package of each kind installs, passes its tests and checks, and runs."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest
import simplejpeg
from short_run import SHORT, record_of, with_settings

from vreid_bench.cli.new_plugin import KINDS

MODULES = re.compile(r"vreid_my_\w+")


@pytest.fixture(scope="module")
def site(make_once):
    """A folder with a package of each kind, in `packages`, and all of them installed, in `site`."""
    from click.testing import CliRunner

    from vreid_bench.cli.main import main

    def write(folder):
        for kind in KINDS:
            result = CliRunner().invoke(main, ["new-plugin", f"my-{kind}", "--kind", kind, "--out", str(folder)])
            assert result.exit_code == 0, result.output
        (folder / "vreid-my-encoder" / "vreid_my_encoder" / "mine.safetensors").write_bytes(b"weights")
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
        packages = [str(folder / f"vreid-my-{kind}") for kind in KINDS]
        subprocess.run([*pip, "--target", str(folder / "site"), *packages], check=True)

    return make_once("new-plugins", write)


@pytest.fixture
def vreid_bench(cli, site, tmp_path, monkeypatch):
    """Run the command line where Python sees the packages; returns what it prints."""
    monkeypatch.syspath_prepend(site / "site")
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        result = cli(*arguments)
        assert result.exit_code == 0, result.output
        return result.stdout

    yield call
    for name in filter(MODULES.match, list(sys.modules)):
        del sys.modules[name]


@pytest.fixture(scope="module")
def yard(tmp_path_factory):
    """Four people to train on and four to test on, listed as the new data set and as `tracklets` read them."""
    root = tmp_path_factory.mktemp("yard")
    frames, random = [], np.random.default_rng(0)
    for person in range(1, 9):
        for camera in (1, 2):
            folder = root / f"{person}-{camera}"
            folder.mkdir()
            for number in range(3):
                picture = random.integers(0, 256, (32, 16, 3), dtype=np.uint8)
                (folder / f"{number}.jpg").write_bytes(simplejpeg.encode_jpeg(picture))
            part = "train" if person < 5 else ("query", "gallery")[camera - 1]
            frames.append((part, person, camera, folder.name))
    listed = [f"{part} {person} {camera} coat {folder}\n" for part, person, camera, folder in frames]
    (root / "tracklets.txt").write_text("".join(listed))
    rows = [f"{part},{person},{camera},{folder}/*.jpg\n" for part, person, camera, folder in frames]
    (root / "tracklets.csv").write_text("split,pid,camid,frames\n" + "".join(rows))
    return root


@pytest.mark.slow
def test_the_tests_of_every_new_package_pass(site):
    """Each in the same process, which imports torch once."""
    tests = [str(site / f"vreid-my-{kind}" / f"test_vreid_my_{kind}.py") for kind in KINDS]
    code = "import sys; sys.path.insert(0, sys.argv.pop(1)); import pytest; sys.exit(pytest.main(sys.argv[1:]))"
    options = ["-q", "-p", "no:cacheprovider", "--rootdir", str(site)]
    command = [sys.executable, "-c", code, str(site / "site"), *options, *tests]
    done = subprocess.run(command, cwd=site, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) > 50


@pytest.mark.slow
def test_weights_beside_the_code_are_installed_with_it(site):
    assert (site / "site" / "vreid_my_encoder" / "mine.safetensors").read_bytes() == b"weights"


@pytest.mark.slow
def test_every_new_plugin_conforms(vreid_bench, yard):
    for kind in KINDS:
        data = ("--data", yard) if kind in ("dataset", "protocol") else ()
        outcomes = json.loads(vreid_bench("check", f"my-{kind}", "--kind", kind, *data, "--json"))
        assert len(outcomes) > 3
        assert [each["name"] for each in outcomes if each["state"] == "failed"] == [], kind


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["encoder", "aggregator", "matcher", "loss", "augmentation"])
def test_every_new_part_runs(vreid_bench, tiny_mars, kind):
    name = f"my-{kind}"
    which = ("mean-pooling", "--set", f"stages.0.augment={name}") if kind == "augmentation" else (name,)
    run = ("run", "--plugin", *which, "--data", tiny_mars, *SHORT, "--quiet", "--json")
    providers = record_of(json.loads(vreid_bench(*run))).method.providers
    assert ("vreid-" + name, "0.1.0") in {(each.distribution, each.version) for each in providers}


@pytest.mark.slow
def test_the_new_method_runs(vreid_bench, tiny_mars):
    small = with_settings({"size": [32, 16], "stages.0.steps": 3, "stages.0.P": 2, "test.sampler": "uniform"})
    record = record_of(
        json.loads(
            vreid_bench("run", "--plugin", "my-method", "--data", tiny_mars, "--preset", "small", *small, "--json")
        )
    )
    assert record.method.name == "my-method"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["dataset", "protocol"])
def test_the_new_data_set_and_protocol_run(vreid_bench, yard, kind):
    run = ("run", "--plugin", "mean-pooling", "--protocol", f"my-{kind}", "--data", yard, *SHORT, "--quiet", "--json")
    report = json.loads(vreid_bench(*run))
    assert report["conventions"]["torchreid"]["queries"] == 4


@pytest.mark.slow
def test_the_new_convention_scores(vreid_bench, tmp_path):
    """Two queries: the match of the first stands at rank 2 of 2, and the second has none, which counts as 0."""
    query = {"q_embedding": [[1.0, 0], [0, 1]], "q_pid": [1, 2], "q_camid": [1, 1]}
    gallery = {"g_embedding": [[1.0, 0], [0, 1]], "g_pid": [3, 1], "g_camid": [2, 2]}
    np.savez(tmp_path / "features.npz", **{name: np.array(each) for name, each in (query | gallery).items()})
    report = json.loads(vreid_bench("score", "features.npz", "--convention", "my-convention", "--json"))
    assert report["conventions"]["my-convention"]["mAP"] == 0.25
    assert "my-convention, version 1" in vreid_bench("conventions", "show", "my-convention")


@pytest.mark.parametrize("name", ["Bad", "two words", "a--b", "-a", "a/../b", "x" * 41, "soft_min", "import;os"])
def test_a_name_that_cannot_be_one_is_a_sentence(cli, tmp_path, name):
    result = cli("new-plugin", "--kind", "loss", "--out", tmp_path, "--", name)
    assert result.exit_code == 2
    assert f"{name!r} cannot be the name of a plugin" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_taken_is_a_sentence(cli, tmp_path):
    result = cli("new-plugin", "oim", "--kind", "loss", "--out", tmp_path)
    assert result.exit_code == 2
    assert "loss 'oim' of vreid-bench has this name already" in result.stderr


def test_nothing_is_written_over(cli, tmp_path):
    (tmp_path / "vreid-mine").mkdir()
    result = cli("new-plugin", "mine", "--kind", "loss", "--out", tmp_path)
    assert result.exit_code == 2
    assert "is there already and is not written over" in result.stderr
    assert list((tmp_path / "vreid-mine").iterdir()) == []
