"""The twin of VCCR, read back and run on."""

from pathlib import Path

import pytest

from vreid_bench import InputError
from vreid_plugins.datasets.vccr.index import is_moved
from vreid_plugins.datasets.vccr.reader import Vccr
from vreid_plugins.datasets.vccr.twin import plan


def test_a_twin_is_read_back_and_verifies_without_any_problem(twin: Path) -> None:
    dataset = Vccr().read(twin)
    found = Vccr().verify(twin, decode=True)
    assert (dataset.source, found.problems, found.notes) == ("synthetic", (), dataset.notes)
    assert all(count.published is not None for count in found.counts)


def test_the_traps_of_the_layout_are_in_a_twin(twin: Path) -> None:
    (split,) = Vccr().read(twin).splits
    assert any(map(is_moved, split.train))
    assert any(map(is_moved, split.test))
    assert any(t.camid > 9 for t in split.test)
    assert min(len(t.frames) for t in split.train) < 8
    for rows in (split.query, split.gallery):
        assert min(len(split.test[row].frames) for row in rows) < 8
    worn = {}
    for tracklet in split.test:
        worn.setdefault(tracklet.attribute("outfit"), set()).add(tracklet.pid)
    assert len(worn["1"]) > 1  # the same number on several people


def test_a_twin_needs_cameras_enough_for_everybody(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a VCCR twin has 2 to 1999 identities and 3 to 99 cameras, not 1 and 12"):
        Vccr().synthesize(tmp_path / "twin", ids=1)


def test_every_mode_can_be_scored_on_the_default_twin() -> None:
    expected = plan().expected
    assert (expected["train_identities"], expected["query_identities"], expected["cameras"]) == (90, 120, 12)
    assert (expected["fewest_outfits_of_a_person"], expected["most_outfits_of_a_person"]) == (2, 4)
    for part in ("query", "gallery"):
        assert 0.7 < expected[f"{part}_tracklets_of_8_frames_or_more"] / expected[f"{part}_tracklets"] < 0.9
    assert 0 < expected["queries_without_a_match_in_the_same_clothes"] < 50
    assert 0 < expected["queries_without_a_match_in_other_clothes"] < 50


def test_a_run_scores_all_modes_at_once(cli_json, twin: Path, tmp_path: Path) -> None:
    short = ("--set", "stages.0.steps=2", "--set", "stages.0.P=2", "--set", "stages.0.K=2", "--quiet")
    command = ("run", "--plugin", "mean-pooling", "--data", twin, "--preset", "small", "--runs", tmp_path / "runs")
    modes = cli_json(*command, "--protocol", "vccr-clothes-changing", *short)["conventions"]
    counts = {count.what: count.found for count in Vccr().verify(twin).counts}
    assert modes["general"]["queries"] == counts["query tracklets"]
    assert modes["general-from-8-frames"]["queries"] == counts["query tracklets of 8 frames or more"]
    for mode, words in (("same-clothes", "the same clothes"), ("clothes-changing", "other clothes")):
        unmatched = counts[f"queries without a match in {words}"]
        long = counts["query tracklets of 8 frames or more"]
        assert modes[f"{mode}-from-8-frames"]["queries"] == long - unmatched
    assert len(modes) == 6
