"""The twin of `mot`: read back, verified, and re-associated."""

from pathlib import Path

import pytest

from vreid_bench import Reassociation
from vreid_bench.planning.dataset_check import check_dataset
from vreid_bench.registry.registry import Registry
from vreid_plugins.datasets.mot.reader import Mot
from vreid_plugins.datasets.mot.twin import plan
from vreid_plugins.protocols.reassociation import GAPS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small twin."""
    root = tmp_path_factory.mktemp("twin") / "mot"
    Mot().synthesize(root, ids=3, size=(16, 8), workers=1, progress=False)
    return root


def test_a_twin_is_read_back_and_verifies_without_any_problem(twin: Path) -> None:
    dataset = Mot().read(twin)
    (split,) = dataset.splits
    assert (len(split.train), len(split.test)) == (12, 3)
    assert all(62 <= len(t.frames) <= 250 for t in split.test)
    check = check_dataset(Registry.installed(), "mot", twin, decode=True)
    assert check.source == "synthetic"
    assert check.problems == ()
    counts = {count.what: count.found for count in check.counts}
    assert counts["crops"] == counts["frames on disk"] == sum(len(t.frames) for t in (*split.train, *split.test))


def test_every_gap_cuts_many_tracks_of_the_default_twin() -> None:
    lengths = [job.spec.frames for job in plan().jobs[-150:]]
    # a gap of t seconds and twice 8 frames, at 12.5 frames a second
    assert [sum(frames - 1 >= 12.5 * gap + 14 for frames in lengths) for gap in GAPS] == [150, 150, 139, 80]
    assert Reassociation().conditions[-1] == "gap of 10 s"


def test_a_run_scores_every_gap(cli_json, twin: Path, tmp_path: Path) -> None:
    short = ("--set", "stages.0.steps=2", "--set", "stages.0.P=2", "--set", "stages.0.K=2", "--quiet")
    command = ("run", "--plugin", "mean-pooling", "--data", twin, "--preset", "small", "--runs", tmp_path / "runs")
    report = cli_json(*command, "--protocol", "reassociation-2s", *short)
    # three people who are all cut: a query is one of two parts, and finds the other among five
    assert report["conventions"]["same-track"]["queries"] == 6
    assert report["conventions"]["same-track"]["mAP"] >= 1 / 5
    folder = next((tmp_path / "runs").iterdir())
    scored = cli_json("score", "--features", folder)  # what the folder keeps is enough
    assert scored["conventions"]["same-track"]["mAP"] == report["conventions"]["same-track"]["mAP"]
    again = cli_json("run", "--from", folder, "--protocol", "reassociation-1s",
                     "--data", twin, "--runs", tmp_path / "runs", "--quiet")  # fmt: skip
    assert again["conventions"]["same-track"]["queries"] == 6
