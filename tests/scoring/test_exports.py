"""What is exported scores as what it was exported from, through every form."""

import numpy as np
import pytest
import torch
from brought_files import world, write_npz
from scipy.io import loadmat

from vreid_bench.cli import export as command
from vreid_bench.registry.registry import Registry
from vreid_bench.scoring import exports
from vreid_bench.scoring.imports import import_files

NAMES = ("gallery-as-listed", "official", "queries-in-gallery", "torchreid")
CONVENTIONS = [word for name in NAMES for word in ("--convention", name)]


RULE = """
queries_in_gallery = true
average_precision = "step"
unmatched = "skip"
query = [["zone", ["gate"]]]
match = [["zone", "other"]]
"""


@pytest.fixture
def zones(cli_json, tmp_path):
    """A file with an attribute that a rule reads, and one whose name MATLAB and HDF5 lack; the rule, and its scores."""
    w = world(in_gallery=True)
    random = np.random.default_rng(1)
    zone = random.choice(["gate", "yard", "7"], len(w.gallery.pid))
    colour = np.where(w.gallery.pid > 0, random.choice(["red", "blue", ""], len(zone)), "")
    arrays = {}
    for letter, side in (("q", w.query), ("g", w.gallery)):
        arrays |= {f"{letter}f": np.round(side.features * 64), f"{letter}_pids": side.pid}
        arrays |= {f"{letter}_camids": side.camid, f"{letter}_tracklets": side.names}
        arrays |= {f"{letter}_attribute.zone": zone[side.names], f"{letter}_attribute.hair/colour": colour[side.names]}
    np.savez(tmp_path / "zones.npz", **arrays)
    (tmp_path / "rule.toml").write_text(RULE)
    rule = ["--metric", "sqeuclidean", "--convention", tmp_path / "rule.toml", "--by", "zone"]
    return tmp_path / "zones.npz", arrays, rule, cli_json("score", tmp_path / "zones.npz", *rule)["conventions"]


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


FORMS = [*(("--features", form) for form in exports.FEATURES), *(("--distances", form) for form in exports.DISTANCES)]


@pytest.fixture
def named(tmp_path):
    """A file whose people and cameras have names, with an attribute."""
    arrays = {"qf": np.eye(4)[:2], "gf": np.eye(4), "q_pids": ["bob", "ann"], "g_pids": ["bob", "ann", "ann", "bob"]}
    arrays |= {"q_camids": ["hall", "hall"], "g_camids": ["hall", "hall", "yard", "yard"]}
    arrays |= {"q_outfit": ["coat", "suit"], "g_outfit": ["coat", "suit", "coat", ""]}
    np.savez(tmp_path / "named.npz", **arrays)
    return tmp_path / "named.npz"


@pytest.mark.parametrize(("option", "form"), FORMS)
def test_names_and_attributes_come_back_from_every_form(cli, cli_json, tmp_path, named, option, form):
    out = write(cli, named, tmp_path, option, form)
    given, back = (import_files((path,), Registry.installed) for path in (named, out))
    for side in ("query", "gallery"):
        before, after = getattr(given, side), getattr(back, side)
        for column in ("pid", "camid", "person", "camera", "attribute.outfit"):
            assert after[column].tolist() == before[column].tolist(), (side, column)
    assert back.gallery["person"].tolist() == ["bob", "ann", "ann", "bob"]
    assert back.gallery["camera"].tolist() == ["hall", "hall", "yard", "yard"]
    rule = ("--convention", "gallery-as-listed", *(("--metric", "sqeuclidean") if option == "--features" else ()))
    expected = cli_json("score", named, "--metric", "sqeuclidean", "--convention", "gallery-as-listed")
    assert cli_json("score", out, *rule)["conventions"] == expected["conventions"]


@pytest.mark.parametrize(("option", "form"), FORMS)
def test_cameras_that_are_not_known_are_not_made_up(cli, cli_json, tmp_path, option, form):
    arrays = {"qf": np.eye(4)[:2], "gf": np.eye(4), "q_pids": [1, 2], "g_pids": [1, 2, 2, 1]}
    np.savez(tmp_path / "plain.npz", **arrays, q_tracklets=["a", "b"], g_tracklets=["a", "b", "c", "d"])
    out = write(cli, tmp_path / "plain.npz", tmp_path, option, form)
    assert "no cameras are given" in cli("score", "-q", out).stderr
    given = ("--metric", "sqeuclidean")
    expected = cli_json("score", tmp_path / "plain.npz", *given)["conventions"]
    assert cli_json("score", out, *(given if option == "--features" else ()))["conventions"] == expected


def test_programs_that_know_their_own_keys_find_numbers_under_them(cli, tmp_path, named):
    mat = loadmat(write(cli, named, tmp_path, "--features", "mat"))
    assert mat["gallery_label"].tolist() == [[2, 1, 1, 2]]
    assert mat["gallery_cam"].tolist() == [[1, 1, 2, 2]]
    npz = np.load(write(cli, named, tmp_path, "--distances", "mevid"), allow_pickle=False)
    assert npz["q_pids"].tolist() == [2, 1]
    pt = torch.load(write(cli, named, tmp_path, "--features", "pt"), weights_only=True)
    assert pt["g_camids"].tolist() == [1, 1, 2, 2]


def test_the_metric_that_features_are_compared_by_is_told(cli, tmp_path, store):
    given = ("-q", store[0], "--features", "npz", "-o", tmp_path / "out.npz")
    told = "note: score these features with --metric sqeuclidean; without it, cosine is taken\n"
    assert cli("export", *given, "--metric", "sqeuclidean").stderr == told
    assert cli("export", *given).stderr == ""


def test_a_run_of_several_splits_is_told_to_be_scored_by_one(cli, tmp_path, store):
    for split in (0, 1):
        (tmp_path / f"run/split-{split}").mkdir(parents=True)
        (tmp_path / f"run/split-{split}/features.safetensors").touch()
    (tmp_path / "run/record.json").touch()
    for words in (("score", tmp_path / "run"), ("export", tmp_path / "run", "--features", "npz", "-o", "x.npz")):
        refused = cli(*words)
        assert refused.exit_code == 2
        first = tmp_path / "run/split-0/features.safetensors"
        assert f"has the features of 2 splits; name those of one, such as {first}" in refused.stderr


@pytest.mark.parametrize("form", exports.DISTANCES)
def test_exported_distances_score_the_same(cli, cli_json, tmp_path, store, form):
    out = write(cli, store[0], tmp_path, "--distances", form)
    assert cli_json("score", out, *CONVENTIONS)["conventions"] == store[1]["conventions"]


def test_attributes_of_a_side_decide_who_asks_and_what_is_a_match(zones, cli_json, tmp_path):
    """Held against a file without attributes, of the queries at the gate, and what they are no match of as junk."""
    _, arrays, _, found = zones
    asks = arrays["q_attribute.zone"] == "gate"
    assert found["rule"]["queries"] + found["rule"]["left_out"] == asks.sum() > 0
    plain = {name: array[asks] if name[0] == "q" else array for name, array in arrays.items() if "attr" not in name}
    (tmp_path / "zero.toml").write_text(RULE[: RULE.index("query =")].replace("skip", "zero"))
    command = ["score", tmp_path / "one.npz", "--metric", "sqeuclidean", "--convention", tmp_path / "zero.toml"]
    scores, counted = [], 0
    for query in range(asks.sum()):
        one = {name: array[query : query + 1] if name[0] == "q" else array.copy() for name, array in plain.items()}
        same = (arrays["g_pids"] == one["q_pids"]) & (arrays["g_attribute.zone"] == "gate")
        one["g_pids"][same & (arrays["g_tracklets"] != one["q_tracklets"])] = -1
        np.savez(tmp_path / "one.npz", **one)
        each = cli_json(*command)
        scores.append(each["conventions"]["zero"]["mAP"])
        counted += scores[-1] > 0
    assert found["rule"]["queries"] == counted
    assert found["rule"]["mAP"] == pytest.approx(sum(scores) / counted, abs=1e-12)


@pytest.mark.parametrize("form", exports.FEATURES)
def test_exported_features_keep_attributes(cli, cli_json, tmp_path, zones, form):
    out = write(cli, zones[0], tmp_path, "--features", form)
    assert cli_json("score", out, *zones[2])["conventions"] == zones[3]
    by = cli("score", out, *zones[2], "--by", "hair/colour")
    assert by.exit_code == (2 if form in ("mat", "hdf5") else 0), by.output


@pytest.mark.parametrize("form", exports.DISTANCES)
def test_exported_distances_keep_attributes(cli, cli_json, tmp_path, zones, form):
    out = write(cli, zones[0], tmp_path, "--distances", form)
    assert cli_json("score", out, *zones[2][2:])["conventions"] == zones[3]


def test_attributes_that_a_form_has_no_name_for_are_told(cli, tmp_path, zones):
    for form in ("mat", "hdf5"):
        told = cli("export", zones[0], "--features", form, "-o", tmp_path / "x").stderr
        assert "note: query" in told
        assert "hair/colour: left out, because " in told


@pytest.mark.parametrize("form", ["ag-vpreid", "vreid-xfd"])
def test_an_exported_ranking_scores_the_same(cli, cli_json, tmp_path, store, form):
    out = write(cli, store[0], tmp_path, "--ranking", form)
    found = cli_json("score", "--ranking", out, store[0], *CONVENTIONS)
    assert found["conventions"] == store[1]["conventions"]


def test_a_ranking_of_tracklets_without_names_says_what_it_has(cli, tmp_path):
    np.savez(
        tmp_path / "x.npz", qf=np.eye(2), gf=np.eye(2), q_pids=[1, 2], g_pids=[1, 2], q_camids=[1, 1], g_camids=[2, 2]
    )
    told = cli("export", tmp_path / "x.npz", "--ranking", "trec", "-o", tmp_path / "r.txt").stderr
    assert "note: tracklets have no names here, so the ranking has row numbers" in told


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


@pytest.mark.parametrize(
    ("option", "form"), [("--features", "npz"), ("--features", "csv"), ("--distances", "mevid"), ("--ranking", "trec")]
)
def test_a_file_of_each_side_is_written_as_one_of_both(cli, tmp_path, store, option, form):
    arrays = np.load(store[0])
    for letter in "qg":
        np.savez(tmp_path / f"{letter}.npz", **{key[2:]: arrays[key] for key in arrays if key[0] == letter})
    sides = ("--query", tmp_path / "q.npz", "--gallery", tmp_path / "g.npz")
    for name, given in (("one", (store[0],)), ("two", sides)):
        written = cli("export", *given, option, form, "-o", tmp_path / name)
        assert written.exit_code == 0, written.output
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([], "expected a run, files, such as pytorch_result.mat, or --query and --gallery with a file each"),
        (["--query", "q.npz"], "expected a run, files, such as"),
        (["x.npz", "--query", "q.npz"], "files by themselves say what they hold; leave out --query and --gallery"),
        (["--query", "q.npz", "--gallery", "shard-*.npz"], "is a gallery in shards, which only `score` reads"),
    ],
)
def test_what_does_not_fit_together_is_told(cli, given, told):
    refused = cli("export", *given, "--features", "npz", "-o", "out.npz")
    assert (refused.exit_code, told in refused.stderr) == (2, True), refused.output


def test_vectors_of_body_parts_are_not_written_as_their_mean(cli, tmp_path):
    random = np.random.default_rng(0)
    arrays = {"probe_embeddings": random.random((2, 4, 3)), "gallery_embeddings": random.random((2, 4, 3))}
    for side, views in (("probe", [1, 1]), ("gallery", [2, 2])):
        arrays |= {f"{side}_labels": [1, 2], f"{side}_views": views, f"{side}_types": ["nm", "nm"]}
    np.savez(tmp_path / "parts.npz", **arrays)
    assert cli("score", tmp_path / "parts.npz").exit_code == 0
    refused = cli("export", tmp_path / "parts.npz", "--features", "npz", "-o", tmp_path / "out.npz")
    assert refused.exit_code == 2
    assert "parts.npz: has a vector for each body part, which no form of `export` holds" in refused.stderr
