"""The twin of P-DESTRE, read back and run on."""

from pathlib import Path

import pytest

from vreid_bench import InputError
from vreid_plugins.datasets.p_destre.reader import PDestre
from vreid_plugins.datasets.p_destre.twin import plan
from vreid_plugins.synthetic.identity import CHANGE


def test_a_twin_is_read_back_and_verifies_without_any_problem(twin: Path) -> None:
    dataset = PDestre().read(twin)
    assert dataset.source == "synthetic"
    assert dataset.notes == (
        "Folders of nobody (numbers of 0 or less), which are left out: 8.",
        "Frames of 0 bytes, which are left out: 1.",
    )
    found = PDestre().verify(twin, decode=True)
    assert found.problems == ()
    assert all(count.published == count.found for count in found.counts)


def test_a_twin_has_the_traps_of_the_layout(twin: Path) -> None:
    """Nobody, empty frames, numbers that text sorts otherwise, and people who come again on another day."""
    crops = twin / "jpg_Extracted_PIDS"
    assert {path.name for path in crops.glob("*/*") if int(path.name) <= 0} == {"-1", "0"}
    assert sum(path.stat().st_size == 0 for path in crops.rglob("*.jpg")) == 1
    tracklets = [t for split in PDestre().read(twin).splits for t in split.test]
    assert any(list(t.frames) != sorted(t.frames) for t in tracklets)
    assert len({t.camera for t in tracklets}) == 4


def test_every_split_trains_on_one_session_of_each_day_and_tests_on_the_other(twin: Path) -> None:
    for split in PDestre().read(twin).splits:
        assert len({t.pid for t in split.train}) == 8
        sessions = {t.attribute("session") for t in split.train}
        tested = {t.attribute("session") for t in split.test}
        assert len(sessions) == len(tested) == 4
        assert not sessions & tested
        for row in split.query:
            asked = split.test[row]
            mates = [split.test[other] for other in split.gallery]
            assert any(m.pid == asked.pid and m.camid != asked.camid for m in mates)


def test_who_comes_again_on_another_day_wears_other_clothes_and_is_another_person() -> None:
    twin = plan()
    seen: dict[int, set[tuple[str, int]]] = {}
    for job in twin.jobs:
        _, sequence, number, _ = job.paths[0].split("/")
        if int(number) > 0:
            seen.setdefault(int(number), set()).add((sequence[:10], job.spec.identity // CHANGE))
    again = [visits for visits in seen.values() if len(visits) > 1]
    assert len(again) == twin.expected["numbers_of_people_on_several_days"] == 60
    assert all(len({clothes for _, clothes in visits}) == len({day for day, _ in visits}) for visits in again)


@pytest.mark.parametrize("ids", [2, 3, 7, 12, 13, 31])
def test_every_split_trains_on_as_many_people_as_are_asked_for(ids: int) -> None:
    expected = plan(ids=ids).expected
    assert {expected[f"train_identities_of_split_{k}"] for k in range(5)} == {ids}
    assert expected["identities"] == 2 * ids
    assert not any(expected[f"queries_without_a_match_of_split_{k}"] for k in range(5))


def test_a_twin_too_small_or_with_other_cameras_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="2 to 999 identities and 2 to 8 cameras, not 1 and 4"):
        PDestre().synthesize(tmp_path / "twin", ids=1)


def test_a_run_averages_the_splits(cli_json, twin: Path, tmp_path: Path) -> None:
    short = ("--set", "stages.0.steps=2", "--set", "stages.0.P=2", "--set", "stages.0.K=2", "--quiet")
    command = ("run", "--plugin", "mean-pooling", "--data", twin, "--preset", "small", "--runs", tmp_path / "runs")
    report = cli_json(*command, "--protocol", "p-destre", *short)
    counts = {count.what: count.found for count in PDestre().verify(twin).counts}
    scores = report["conventions"]["gallery-as-listed"]
    assert scores["queries"] == sum(counts[f"queries of split {k}"] for k in range(5))
