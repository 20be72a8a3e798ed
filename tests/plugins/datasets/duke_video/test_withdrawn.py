"""Real data of DukeMTMC-VideoReID was withdrawn: it is read only if the user accepts that, and records say so."""

from pathlib import Path

from duke_tree import synthetic

from vreid_bench.records.record import Record
from vreid_plugins.datasets.duke_video.reader import WITHDRAWN, DukeVideo


def test_real_data_carries_its_banner_and_a_twin_none(root: Path) -> None:
    assert DukeVideo().read(root).notes == (WITHDRAWN,)
    assert "withdrawn by its authors in 2019" in WITHDRAWN
    assert DukeVideo().read(synthetic(root)).notes == ()


SHORT = ("--set", "stages.0.steps=2", "--set", "stages.0.P=2", "--set", "stages.0.K=2", "--quiet")


def test_a_run_on_real_data_wants_to_be_asked_for_and_says_so_in_record_and_table(cli, root: Path, tmp_path) -> None:
    command = ("run", "--plugin", "mean-pooling", "--protocol", "duke-video", "--data", root, "--preset", "small")
    command += ("--runs", tmp_path / "runs", *SHORT)
    refused = cli(*command)
    assert refused.exit_code == 2
    assert "--accept-withdrawn duke-video" in refused.stderr
    assert not (tmp_path / "runs").exists()
    assert cli(*command, "--accept-withdrawn", "mars").exit_code == 2
    accepted = cli(*command, "--accept-withdrawn", "duke-video")
    assert accepted.exit_code == 0, accepted.output
    assert f"note: {WITHDRAWN}" in accepted.stdout
    [record] = (tmp_path / "runs").glob("*/record.json")
    withdrawn, trained, twice, people = Record.from_file(record).dataset.notes  # the pictures of this tree are alike
    assert withdrawn == WITHDRAWN
    assert "15 test frames are the same picture as one that is trained on" in trained
    assert "the same picture as one that is in another test tracklet" in twice
    assert "the same picture as one of another person who is trained on" in people
    assert Record.from_file(record).dataset.source == "unverified"


def test_verifying_real_data_wants_to_be_asked_for_too_and_a_twin_does_not(cli, root: Path) -> None:
    refused = cli("data", "verify", "duke-video", "--data", root)
    assert "--accept-withdrawn duke-video" in refused.stderr
    assert refused.stdout == ""
    accepted = cli("data", "verify", "duke-video", "--data", root, "--accept-withdrawn", "duke-video")
    assert "gallery tracklets" in accepted.stdout
    asked = cli("data", "verify", "duke-video", "--data", synthetic(root))
    assert "gallery tracklets" in asked.stdout
    assert "withdrawn" not in asked.stdout + asked.stderr
