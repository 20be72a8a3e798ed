"""The twin of AG-VPReID, read back and run on; and a run on a copy of it whose identities are masked."""

import csv
import json
import shutil
from pathlib import Path

import pytest
from ag_vpreid_tree import mask

from vreid_bench import InputError
from vreid_plugins.datasets.ag_vpreid.reader import AgVpreid
from vreid_plugins.datasets.ag_vpreid.twin import plan

CHANGES = ("stages.0.steps=2", "stages.0.P=2", "stages.0.K=2", "size=[32,16]")
SHORT = (*(word for change in CHANGES for word in ("--set", change)), "--quiet")


def command(data: Path, runs: Path, protocol: str = "ag-vpreid", plugin: str = "mean-pooling") -> tuple:
    base = ("run", "--plugin", plugin, "--data", data, "--preset", "small", "--runs", runs, "--protocol", protocol)
    return (*base, "--from-scratch", *SHORT)


@pytest.fixture(scope="module")
def masked(twin: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the twin whose test identities are masked, as those of the challenge's copy are."""
    root = tmp_path_factory.mktemp("masked") / "ag-vpreid"
    shutil.copytree(twin, root)
    mask(root)
    return root


def test_a_twin_is_read_back_and_verifies_without_any_problem(twin: Path) -> None:
    dataset = AgVpreid().read(twin)
    assert (dataset.source, dataset.notes, dataset.unscored) == ("synthetic", (), None)
    found = AgVpreid().verify(twin, decode=True)
    assert (found.problems, found.notes) == ((), ())
    assert all(count.published is not None for count in found.counts)


def test_a_twin_has_the_cameras_of_the_original_and_no_others(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="2 to 1999 identities and 6 cameras, not 1 and 6"):
        AgVpreid().synthesize(tmp_path / "twin", ids=1)


def test_the_twin_has_the_traps_of_the_original() -> None:
    twin = plan()
    names = [job.paths for job in twin.jobs]
    assert any(sorted(paths) != list(paths) for paths in names)  # frames in order of text are out of order
    assert any("/0/" in paths[0] for paths in names)  # people count from 0
    query, gallery = (
        {path.split("/")[-2] for paths in names for path in paths if path.startswith(f"{case}/")}
        for case in ("case1_aerial_to_ground/gallery", "case2_ground_to_aerial/query")
    )
    assert query == gallery  # the same tracklets under the same names in both cases
    assert twin.expected["case2 gallery_identities"] == 4 * twin.expected["case2 query_identities"] // 3
    assert set(twin.files) == {
        f"attributes/{folder}.csv"
        for folder in (
            "train",
            "case1_aerial_to_ground/query",
            "case1_aerial_to_ground/gallery",
            "case2_ground_to_aerial/query",
            "case2_ground_to_aerial/gallery",
        )
    }


@pytest.mark.slow
def test_a_run_scores_both_cases_and_their_mean(cli_json, twin: Path, tmp_path: Path) -> None:
    found = cli_json(*command(twin, tmp_path))
    record = json.loads((Path(found["run"]) / "record.json").read_bytes())
    cases = {each["name"]: each["conventions"] for each in record["conditions"]}
    assert list(cases) == ["aerial-to-ground", "ground-to-aerial"]
    for convention in ("gallery-as-listed", "first-20"):
        scores = [each[convention]["mAP"] for each in cases.values()]
        assert record["conventions"][convention]["mAP"] == pytest.approx(sum(scores) / 2)
    assert {"platform", "altitude", "gender"} <= found["breakdown"]["gallery-as-listed"]["attributes"].keys()
    alone = cli_json(*command(twin, tmp_path, "ag-vpreid-ground-to-aerial"))
    one = alone["conventions"]["gallery-as-listed"]
    assert one["mAP"] == pytest.approx(cases["ground-to-aerial"]["gallery-as-listed"]["mAP"])


@pytest.mark.slow
def test_a_run_on_a_masked_copy_writes_a_ranking_and_no_scores(cli, cli_json, masked: Path, tmp_path: Path) -> None:
    result = cli(*command(masked, tmp_path))
    assert result.exit_code == 0, result.output
    assert "Its test identities are masked" in result.stderr
    assert "So this run writes a ranking in the form of the challenge, and no scores." in result.stderr
    assert "mAP" not in result.stdout
    (folder,) = tmp_path.iterdir()
    assert result.stdout == (
        f"ranking: {folder / 'ranking.csv'}, in the form of the challenge; there are no scores, because this copy "
        "does not have the true identities\n"
    )
    files = {path.name for path in folder.iterdir()}
    assert {"ranking.csv", "weights.safetensors", "features.safetensors"} <= files
    assert not {"record.json", "per_query.npz", "breakdown.json"} & files
    check_ranking(masked, folder / "ranking.csv")
    # again: nothing is trained, and the same file is written
    content = (folder / "ranking.csv").read_bytes()
    report = cli_json(*command(masked, tmp_path))
    assert report["run"] == str(folder)
    assert report.keys() == {"run", "ranking", "unscored"}
    assert (folder / "ranking.csv").read_bytes() == content
    # it is listed, and no leaderboard takes it
    (listed,) = cli_json("runs", "--runs", tmp_path)
    assert (listed["state"], listed["score"]) == ("ranked", None)
    added = cli("leaderboard", "add", folder, "--dir", tmp_path / "board")
    assert added.exit_code == 2
    assert "this run has a ranking and no scores, because its test cannot be scored here" in added.stderr


def check_ranking(root: Path, path: Path) -> None:
    """The rows of both cases under one header, in order, each list with 20 names of its own gallery or all of it."""
    with path.open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["row_id", "query_tracklet", "gallery_tracklets"]
    assert [row[0] for row in rows] == [str(number) for number in range(1, len(rows) + 1)]
    expected = []
    for variant in ("aerial-to-ground", "ground-to-aerial"):
        (split,) = AgVpreid().read(root, variant).splits
        gallery = {split.test[row].folder_name for row in split.gallery}
        for row in split.query:
            expected.append((split.test[row].folder_name, gallery))
    assert [row[1] for row in rows] == [name for name, _ in expected]
    for (_, gallery), (_, _, listed) in zip(expected, rows, strict=True):
        names = listed.split(" ")
        assert len(names) == len(set(names)) == min(20, len(gallery))
        assert set(names) <= gallery


@pytest.mark.slow
def test_the_ranking_is_that_of_the_scored_run(cli_json, twin: Path, masked: Path, tmp_path: Path) -> None:
    """The same pictures and weights: the masked run's order, judged by the true people, has the scored run's R1."""
    scored = cli_json(*command(twin, tmp_path / "scored", "ag-vpreid-aerial-to-ground"))
    ranked = cli_json(*command(masked, tmp_path / "ranked", "ag-vpreid-aerial-to-ground"))
    (split,) = AgVpreid().read(twin, "aerial-to-ground").splits
    person = {t.folder_name: t.pid for t in split.test}
    with Path(ranked["ranking"]).open(newline="") as file:
        rows = list(csv.reader(file))[1:]
    first = [person[query] == person[listed.split(" ")[0]] for _, query, listed in rows]
    assert scored["conventions"]["gallery-as-listed"]["R1"] == pytest.approx(sum(first) / len(first))


@pytest.mark.slow
def test_a_matcher_of_pairs_and_a_reranker_are_ranked_too(cli_json, masked: Path, tmp_path: Path) -> None:
    for more in (("--set", "matcher=top"), ("--rerank", "zhong"), ("--set", "matcher=top", "--rerank", "zhong")):
        found = cli_json(*command(masked, tmp_path), *more)
        check_ranking(masked, Path(found["ranking"]))


def test_what_cannot_be_ranked_is_refused_before_training(cli, masked: Path, tmp_path: Path) -> None:
    root = tmp_path / "ag-vpreid"
    shutil.copytree(masked, root)
    first, second = sorted((root / "case1_aerial_to_ground/query").iterdir())[:2]
    tracklet = next(iter(first.iterdir()))
    shutil.copytree(tracklet, second / tracklet.name)
    result = cli(*command(root, tmp_path / "runs"))
    assert result.exit_code == 2
    assert "a ranking names a tracklet by its folder" in result.stderr
    shutil.rmtree(second / tracklet.name)
    tracklet.rename(tracklet.with_name("tracklet 1"))
    result = cli(*command(root, tmp_path / "runs"))
    assert "expected a name without blank, comma and semicolon" in result.stderr
    assert not (tmp_path / "runs").exists()


def test_a_dry_run_tells_it_too(cli, masked: Path, tmp_path: Path) -> None:
    result = cli(*command(masked, tmp_path / "runs"), "--dry-run")
    assert result.exit_code == 0, result.output
    assert "this run writes a ranking in the form of the challenge, and no scores" in result.stderr


@pytest.mark.slow
def test_stored_features_are_not_ranked_across_cases_nor_scored_by_masked_identities(
    cli, cli_json, twin: Path, masked: Path, tmp_path: Path
) -> None:
    """The queries of one case would find themselves in the gallery of the other."""
    out = ("-o", tmp_path / "out")
    both = Path(cli_json(*command(twin, tmp_path / "scored"))["run"])
    ranked = Path(cli_json(*command(masked, tmp_path / "ranked"))["run"])
    for folder, message in (
        (both, "ag-vpreid ranks each of its cases apart"),
        (ranked, "this run has a ranking and no scores, because its test cannot be scored here"),
    ):
        for path in (folder, folder / "features.safetensors"):
            for arguments in (
                ("score", path),
                ("score", "--features", path),
                ("score", "--ranking", ranked / "ranking.csv", path),
                ("export", path, "--ranking", "ag-vpreid", *out),
                ("export", path, "--distances", "mat", *out),
            ):
                result = cli(*arguments)
                assert result.exit_code == 2, arguments
                assert message in result.stderr
        assert cli("export", folder, "--features", "npz", *out).exit_code == 0
    result = cli("run", "--from", ranked, "--protocol", "ag-vpreid", "--runs", tmp_path / "ranked")
    assert "this run has a ranking and no scores" in result.stderr
    # one case, with the weights of both
    alone = cli_json(
        "run", "--from", both, "--protocol", "ag-vpreid-aerial-to-ground", "--data", twin, "--runs", tmp_path, "--quiet"
    )
    found = cli_json("score", alone["run"])["conventions"]["gallery-as-listed"]
    assert found["mAP"] == pytest.approx(alone["conventions"]["gallery-as-listed"]["mAP"])
    assert cli("export", alone["run"], "--ranking", "ag-vpreid", *out).exit_code == 0
