"""The twin of MEVID, read back and run on."""

from pathlib import Path

import pytest

from vreid_bench import InputError
from vreid_plugins.datasets.mevid.reader import Mevid
from vreid_plugins.datasets.mevid.twin import plan


def test_a_twin_is_read_back_and_verifies_without_any_problem(twin: Path) -> None:
    dataset = Mevid().read(twin)
    assert (dataset.source, dataset.notes) == ("synthetic", ())
    found = Mevid().verify(twin, decode=True)
    assert (found.problems, found.notes) == ((), ())
    assert all(count.published is not None for count in found.counts)


def test_a_twin_has_the_cameras_of_the_original_and_no_others(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="2 to 999 identities and 11 cameras, not 1 and 11"):
        Mevid().synthesize(tmp_path / "twin", ids=1)


def test_the_files_of_the_twin_are_written_as_published() -> None:
    twin = plan()
    first = twin.files["track_train_info.txt"].decode().splitlines()[0].split()
    assert all("e+" in cell for cell in first)
    start, end, pid, outfit, camera = map(float, first)
    name = twin.files["train_name.txt"].decode().splitlines()[int(end)]
    assert (start, name[:4], name[5:8], name[9:12]) == (0, f"{pid:04.0f}", f"{outfit:03.0f}", f"{camera:03.0f}")
    assert name.endswith(f"F{end:05.0f}.jpg")  # the end is the last frame, and frames are counted from 0


def test_every_mode_can_be_scored_on_the_default_twin() -> None:
    expected = plan().expected
    assert (expected["train_identities"], expected["test_identities"], expected["cameras"]) == (104, 110, 11)
    assert expected["queries_without_a_match"] == 0
    for half in ("place_indoor", "place_outdoor", "scale_large", "scale_medium"):
        assert expected[f"test_tracklets_of_{half}"] > 400


def test_a_run_scores_all_modes_at_once(cli_json, twin: Path, tmp_path: Path) -> None:
    short = ("--set", "stages.0.steps=2", "--set", "stages.0.P=2", "--set", "stages.0.K=2", "--quiet")
    command = ("run", "--plugin", "mean-pooling", "--data", twin, "--preset", "small", "--runs", tmp_path / "runs")
    modes = cli_json(*command, "--protocol", "mevid-same-scale", *short)["conventions"]
    assert len(modes) == 7
    counts = {count.what: count.found for count in Mevid().verify(twin).counts}
    assert modes["overall"]["queries"] == counts["queries"]
    assert len({mode["mAP"] for mode in modes.values()}) == 7
