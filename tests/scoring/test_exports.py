"""What is exported scores as what it was exported from, through every form."""

import numpy as np
import pytest
from brought_files import world, write_npz

from vreid_bench.cli import export as command
from vreid_bench.scoring import exports

NAMES = ("gallery-as-listed", "official", "queries-in-gallery", "torchreid")
CONVENTIONS = [word for name in NAMES for word in ("--convention", name)]


@pytest.fixture
def store(cli_json, tmp_path):
    """A file of features whose queries are in the gallery, and its scores."""
    w = world(in_gallery=True)
    for name in ("query", "gallery"):
        side = getattr(w, name)
        side.features = np.round(side.features * 64)  # whole numbers: products are the same in any order
    given = write_npz(tmp_path, w)
    columns = {}
    for letter, path in (("q", given[1]), ("g", given[3])):
        columns |= {f"{letter}_{name}": array for name, array in np.load(path).items()}
    np.savez(tmp_path / "both.npz", **columns)
    return tmp_path / "both.npz", cli_json("score", tmp_path / "both.npz", "--metric", "sqeuclidean", *CONVENTIONS)


def test_the_command_offers_the_forms_that_are_written():
    assert tuple(exports.FEATURES) == command.FEATURES
    assert tuple(exports.DISTANCES) == command.DISTANCES
    assert exports.RANKINGS == command.RANKINGS


def write(cli, store, tmp_path, option, form):
    if form == "parquet":
        pytest.importorskip("pyarrow")
    out = tmp_path / f"exported-{form}"
    result = cli("export", store, option, form, "--metric", "sqeuclidean", "-o", out)
    assert result.exit_code == 0, result.output
    return out


@pytest.mark.parametrize("form", exports.FEATURES)
def test_exported_features_score_the_same(cli, cli_json, tmp_path, store, form):
    out = write(cli, store[0], tmp_path, "--features", form)
    assert cli_json("score", out, "--metric", "sqeuclidean", *CONVENTIONS)["conventions"] == store[1]["conventions"]


@pytest.mark.parametrize("form", exports.DISTANCES)
def test_exported_distances_score_the_same(cli, cli_json, tmp_path, store, form):
    out = write(cli, store[0], tmp_path, "--distances", form)
    assert cli_json("score", out, *CONVENTIONS)["conventions"] == store[1]["conventions"]


@pytest.mark.parametrize("form", ["ag-vpreid", "vreid-xfd"])
def test_an_exported_ranking_scores_the_same(cli, cli_json, tmp_path, store, form):
    out = write(cli, store[0], tmp_path, "--ranking", form)
    found = cli_json("score", "--ranking", out, store[0], *CONVENTIONS)
    assert found["conventions"] == store[1]["conventions"]


def test_an_exported_run_of_trec_scores_the_same_by_its_qrels(cli, cli_json, tmp_path, store):
    out = write(cli, store[0], tmp_path, "--ranking", "trec")
    found = cli_json("score", "--ranking", out, f"{out}.qrels")["conventions"]["gallery-as-listed"]
    expected = store[1]["conventions"]["gallery-as-listed"]
    for score in ("mAP", "R1", "R5", "R10", "R20", "mINP", "queries"):
        assert found[score] == expected[score], score


@pytest.mark.parametrize(("form", "ranks"), [("grew", (1, 5, 10, 20)), ("hid", (1,))])
def test_exported_people_are_found_at_the_same_ranks(cli, cli_json, tmp_path, store, form, ranks):
    out = write(cli, store[0], tmp_path, "--ranking", form)
    found = cli_json("score", "--ranking", out, store[0])["conventions"]["gallery-as-listed"]
    for rank in ranks:
        assert found[f"R{rank}"] == store[1]["conventions"]["gallery-as-listed"][f"R{rank}"]


def test_export_needs_one_form(cli, store, tmp_path):
    for options in ([], ["--features", "mat", "--ranking", "trec"]):
        result = cli("export", store[0], *options, "-o", tmp_path / "x")
        assert (result.exit_code, "expected one of --features" in result.stderr) == (2, True)
