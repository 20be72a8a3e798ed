"""The twin of CCVID, read back and run on."""

from pathlib import Path

import pytest

from vreid_bench import InputError
from vreid_plugins.datasets.ccvid.reader import Ccvid
from vreid_plugins.datasets.ccvid.twin import plan


def test_a_twin_is_read_back_and_verifies_without_any_problem(twin: Path) -> None:
    assert Ccvid().read(twin).source == "synthetic"
    found = Ccvid().verify(twin, decode=True)
    assert found.problems == ()
    assert all(count.published is not None for count in found.counts)


def test_a_twin_of_fewer_people_would_leave_a_session_empty(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="3 to 99 identities and 9 cameras, not 2 and 9"):
        Ccvid().synthesize(tmp_path / "twin", ids=2)


def test_everybody_in_the_default_twin_changes_clothes() -> None:
    twin = plan()
    files = [twin.files[f"{part}.txt"].decode() for part in ("train", "query", "gallery")]
    lines = [line.split("\t") for file in files for line in file.splitlines()]
    worn: dict[str, set[str]] = {}
    for _, person, clothes in lines:
        worn.setdefault(person, set()).add(clothes)
    assert {len(outfits) for outfits in worn.values()} == {2, 3, 4}
    assert twin.expected["cameras"] == 24
    assert twin.expected["queries_without_a_match_in_the_same_clothes"] > 0
    assert twin.expected["queries_without_a_match"] == 0


def test_a_run_scores_all_modes_at_once(cli_json, twin: Path, tmp_path: Path) -> None:
    short = ("--set", "stages.0.steps=2", "--set", "stages.0.P=2", "--set", "stages.0.K=2", "--quiet")
    command = ("run", "--plugin", "mean-pooling", "--data", twin, "--preset", "small", "--runs", tmp_path / "runs")
    report = cli_json(*command, "--protocol", "ccvid-clothes-changing", *short)
    modes = report["conventions"]
    counts = {count.what: count.found for count in Ccvid().verify(twin).counts}
    assert modes["general"]["queries"] == counts["query tracklets"]
    lost = counts["queries without a match in the same clothes"]
    assert modes["same-clothes"]["queries"] == counts["query tracklets"] - lost
    assert modes["clothes-changing"]["mAP"] != modes["same-clothes"]["mAP"]
