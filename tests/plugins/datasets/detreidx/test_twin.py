"""The twin of DetReIDX, read back and run on; and a run on a copy of it whose identities are masked."""

import csv
import json
import shutil
from pathlib import Path

import pytest
from detreidx_tree import anonymize

from vreid_bench import InputError
from vreid_plugins.datasets.detreidx.reader import CALLED, DetReidx
from vreid_plugins.datasets.detreidx.twin import plan

CHANGES = ("stages.0.steps=2", "stages.0.P=2", "stages.0.K=2", "size=[32,16]")
SHORT = (*(word for change in CHANGES for word in ("--set", change)), "--quiet", "--from-scratch", "--preset", "small")


def command(data: Path, runs: Path) -> tuple:
    return ("run", "--plugin", "mean-pooling", "--protocol", "detreidx", "--data", data, "--runs", runs, *SHORT)


def test_a_twin_is_read_back_and_verifies_without_any_problem(twin: Path) -> None:
    dataset = DetReidx().read(twin)
    assert (dataset.source, dataset.notes, dataset.unscored) == ("synthetic", (), None)
    found = DetReidx().verify(twin, decode=True)
    assert (found.problems, found.notes) == ((), ())
    assert all(count.published is not None for count in found.counts)


def test_a_twin_has_the_cameras_of_the_challenge_and_no_others(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="2 to 1999 identities and 3 cameras, not 1 and 3"):
        DetReidx().synthesize(tmp_path / "twin", ids=1)


def test_the_twin_has_the_traps_of_the_original() -> None:
    twin = plan()
    names = [job.paths for job in twin.jobs]
    assert any(sorted(paths) != list(paths) for paths in names)  # frames in order of text are out of order
    assert all(twin.expected[f"tracklets_of_flight_point_{point}"] > 30 for point in range(1, 19))
    assert any("_F.jpg" in paths[0] for paths in names)
    assert all(paths[0].split("/")[-2].startswith(paths[0].split("/")[-3] + "_") for paths in names)


@pytest.mark.slow
def test_a_run_scores_three_cases_and_their_mean_and_is_broken_down_by_flight_point(
    cli_json, twin: Path, tmp_path: Path
) -> None:
    found = cli_json(*command(twin, tmp_path))
    record = json.loads((Path(found["run"]) / "record.json").read_bytes())
    cases = [each["conventions"] for each in record["conditions"]]
    assert [each["name"] for each in record["conditions"]] == list(CALLED)
    for convention in ("cameras-ignored-trapezoid", "gallery-as-listed"):
        assert record["conventions"][convention]["mAP"] == pytest.approx(
            sum(each[convention]["mAP"] for each in cases) / 3
        )
    points = found["breakdown"]["cameras-ignored-trapezoid"]["attributes"]["flight-point"]
    assert {"ground"} < {row["value"] for row in points}
    assert sum(row["queries"] for row in points) == record["conventions"]["cameras-ignored-trapezoid"]["queries"]


@pytest.mark.slow
def test_a_run_on_a_masked_copy_writes_the_ranking_of_three_cases(cli, twin: Path, tmp_path: Path) -> None:
    root = tmp_path / "anonymized"
    shutil.copytree(twin, root)
    anonymize(root)
    result = cli(*command(root, tmp_path / "runs"))
    assert result.exit_code == 0, result.output
    assert "So this run writes a ranking in the form of the challenge, and no scores." in result.stderr
    (folder,) = (tmp_path / "runs").iterdir()
    with (folder / "ranking.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["row_id", "case", "query_tracklet", "ranked_gallery_tracklets"]
    assert list(dict.fromkeys(row[1] for row in rows)) == list(CALLED.values())
    place = 0
    for case in CALLED:
        (split,) = DetReidx().read(root, case).splits
        gallery = {split.test[row].folder_name for row in split.gallery}
        for row in split.query:
            number, called, query, listed = rows[place]
            assert (number, called, query) == (str(place + 1), CALLED[case], split.test[row].folder_name)
            assert set(listed.split(" ")) == gallery  # the whole gallery, each once
            assert len(listed.split(" ")) == len(gallery)
            place += 1
    assert place == len(rows)


@pytest.mark.slow
def test_the_ranking_scores_by_its_names_as_the_challenges_script_reads_them(
    cli, cli_json, twin: Path, tmp_path
) -> None:
    """Folders are called `<pid>_<tracklet>`: with the true names, `score --ranking` needs nothing else."""
    root = tmp_path / "anonymized"
    shutil.copytree(twin, root)
    anonymize(root)
    assert cli(*command(root, tmp_path / "runs")).exit_code == 0
    (folder,) = (tmp_path / "runs").iterdir()
    scored = cli_json(*command(twin, tmp_path / "scored"))["conventions"]["cameras-ignored-trapezoid"]
    convention = ("--convention", "cameras-ignored-trapezoid")
    found = cli_json("score", "--ranking", folder / "ranking.csv", *convention)["mean"]["cameras-ignored-trapezoid"]
    for metric in ("mAP", "R1"):
        assert found[metric] == pytest.approx(scored[metric])
