"""Every shape in which people bring features or distances scores to the numbers of its `.npz` twin."""

import pickle
import subprocess
import sys

import brought_files
import numpy as np
import pytest
import torch
from brought_files import MATRICES, SHAPES, world, write_npz


@pytest.fixture
def twin(cli_json, tmp_path):
    """The numbers of the plain `.npz` of a world, by features and by distances."""

    def score(w, *more):
        given = write_npz(tmp_path, w)
        return cli_json("score", *given, "--convention", "gallery-as-listed", *more)["conventions"]

    return score


@pytest.mark.parametrize("shape", SHAPES)
def test_features_in_every_shape_score_as_their_twin(cli_json, tmp_path, twin, shape):
    w = world()
    found = cli_json("score", *SHAPES[shape](tmp_path, w))
    assert found["conventions"] == twin(w)
    assert all(len(sha) == 64 for sha in found["files"].values())


@pytest.mark.parametrize("shape", MATRICES)
def test_distances_in_every_shape_score_as_their_twin(cli_json, tmp_path, twin, shape):
    w = world()
    np.save(tmp_path / "own.npy", w.distance)
    found = cli_json("score", *MATRICES[shape](tmp_path, w))["conventions"]
    expected = twin(w, "--distance", tmp_path / "own.npy")
    assert found == expected


@pytest.mark.parametrize("shape", ["layumi", "CSV", "HDF5", "BUPTCampus", "roles"])
def test_queries_that_are_in_the_gallery_are_found_and_scored_by_the_rules_of_mars(cli_json, tmp_path, shape):
    w = world(in_gallery=True)
    expected = cli_json("score", *write_npz(tmp_path, w))["conventions"]
    found = cli_json("score", *SHAPES[shape](tmp_path, w), *(["--convention", "torchreid"] if shape == "roles" else []))
    if shape == "roles":  # which lists the queries once more, as tracklets of their own
        assert found["conventions"]["torchreid"]["queries"] == expected["torchreid"]["queries"]
    else:
        assert found["conventions"] == expected


def test_each_key_is_printed_with_what_it_became(cli, tmp_path):
    result = cli("score", *SHAPES["layumi"](tmp_path, world()))
    assert result.exit_code == 0
    assert "gallery_f [60, 6] -> features of the gallery" in result.stderr
    assert "query_label [1, 16] -> person ids of the queries" in result.stderr


def test_multi_query_is_the_mean_over_the_images_of_a_query(cli_json, tmp_path):
    w = world()
    random = np.random.default_rng(1)
    label, camera = np.repeat(w.query.pid, 3), np.repeat(w.query.camid, 3)
    features = random.standard_normal((len(label), 6)).astype(np.float32)
    shuffled = random.permutation(len(label))
    arrays = {"mquery_f": features, "mquery_label": label[None], "mquery_cam": camera[None]}
    arrays = {n: a[shuffled] if n == "mquery_f" else a[:, shuffled] for n, a in arrays.items()}
    brought_files.savemat(tmp_path / "multi_query.mat", arrays)
    found = cli_json("score", *SHAPES["layumi"](tmp_path, w), tmp_path / "multi_query.mat")["conventions"]
    w.query.features = np.stack(
        [arrays["mquery_f"][np.isin(shuffled // 3, [q])].mean(0) for q in range(len(w.query.pid))]
    )
    assert found == cli_json("score", *SHAPES["aliases"](tmp_path, w))["conventions"]


def test_without_cameras_nothing_but_the_query_itself_is_left_out(cli, cli_json, tmp_path):
    w = world(in_gallery=True)
    arrays = {}
    for letter, side in (("q", w.query), ("g", w.gallery)):
        arrays |= {f"{letter}f": side.features, f"{letter}pids": side.pid}
        arrays[f"{letter}_tracklets"] = brought_files.tracklets(side)
    np.savez(tmp_path / "none.npz", **arrays)
    found = cli_json("score", tmp_path / "none.npz")["conventions"]
    w.gallery.camid = np.arange(len(w.gallery.pid))
    w.query.camid = w.query.names
    assert found == cli_json("score", *write_npz(tmp_path, w), "--convention", "gallery-as-listed")["conventions"]
    refused = cli("score", tmp_path / "none.npz", "--convention", "official")
    assert refused.exit_code == 2
    assert "has no array 'camid', and official leaves out what the query's own camera shows" in refused.stderr


def test_similarities_are_told_by_key_by_option_or_refused(cli, cli_json, tmp_path):
    w = world()
    expected = cli_json("score", *MATRICES["MEVID"](tmp_path, w))["conventions"]
    arrays = dict(np.load(tmp_path / "eval.npz"))
    matrix = arrays.pop("distmat")
    np.savez(tmp_path / "named.npz", similarity=-matrix, **arrays)
    np.savez(tmp_path / "unnamed.npz", distmat=-matrix, **arrays)
    assert cli_json("score", tmp_path / "named.npz")["conventions"] == expected
    refused = cli("score", tmp_path / "unnamed.npz")
    assert refused.exit_code == 2
    assert "say which with --similarity or --no-similarity" in refused.stderr
    assert cli_json("score", tmp_path / "unnamed.npz", "--similarity")["conventions"] == expected
    assert cli_json("score", tmp_path / "unnamed.npz", "--no-similarity")["conventions"] != expected


def test_similarities_are_recognised_where_queries_are_farthest_from_themselves(cli, cli_json, tmp_path):
    w = world(in_gallery=True)
    expected = cli_json("score", *MATRICES["AG-VPReID"](tmp_path, w))["conventions"]
    w.distance = -w.distance
    result = cli("score", *MATRICES["AG-VPReID"](tmp_path, w))
    assert "-> similarities, larger is closer" in result.stderr
    assert cli_json("score", *MATRICES["AG-VPReID"](tmp_path, w))["conventions"] == expected


def test_parquet_scores_as_its_twin(cli_json, tmp_path, twin):
    pytest.importorskip("pyarrow")
    import pyarrow
    import pyarrow.parquet as parquet

    w = world()
    columns = zip(*brought_files._rows(w), strict=True)
    named = dict(zip(("role", "tracklet", "pid", "camid", "embedding"), map(list, columns), strict=True))
    parquet.write_table(pyarrow.table(named), tmp_path / "rows.parquet")
    assert cli_json("score", tmp_path / "rows.parquet")["conventions"] == twin(w)


def test_a_parquet_file_without_its_package_says_what_to_install(cli, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    (tmp_path / "rows.parquet").write_bytes(b"PAR1 and more")
    result = cli("score", tmp_path / "rows.parquet")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "pip install 'vreid-bench[parquet]'" in result.stderr


def test_numbered_parts_are_joined_in_the_order_of_their_numbers(cli_json, tmp_path, twin):
    w = world()
    inside = tmp_path / "batches"
    inside.mkdir()
    for name, side in (("q_feat", w.query), ("g_feat", w.gallery)):
        for number, part in enumerate(np.array_split(side.features, 12)):  # 10 comes behind 9, not behind 1
            torch.save(torch.from_numpy(part), inside / f"{name}_{number}.pt")
    labels = brought_files.write_qf_gf(tmp_path, w)[2]
    assert cli_json("score", inside, labels)["conventions"] == twin(w)


def test_a_file_an_image_with_its_labels_in_the_name_is_read_as_fast_reid_writes_it(cli_json, tmp_path, twin):
    w = world()
    for name in ("query", "gallery"):
        side = getattr(w, name)
        (tmp_path / name).mkdir()
        for row, (pid, camera, vector) in enumerate(zip(side.pid, side.camid, side.features, strict=True)):
            np.save(tmp_path / name / f"{pid:04d}_c{camera}s1_{row:06d}_00.npy", vector[None])
    found = cli_json("score", "--query", tmp_path / "query", "--gallery", tmp_path / "gallery")["conventions"]
    assert found["torchreid"]["mAP"] == pytest.approx(twin(w)["gallery-as-listed"]["mAP"], abs=1e-12)


def test_people_are_labels_where_a_table_numbers_its_rows_as_id(cli_json, tmp_path, twin):
    w = world()
    brought_files.write_csv(tmp_path, w)
    header, *lines = (tmp_path / "rows.csv").read_text(encoding="utf-8-sig").splitlines()
    numbered = [f"id,{header.replace('pid', 'person')}", *(f"{n},{line}" for n, line in enumerate(lines))]
    (tmp_path / "rows.csv").write_text("\n".join(numbered))
    assert cli_json("score", tmp_path / "rows.csv")["conventions"] == twin(w)


def test_reading_a_mat_loads_no_torch(tmp_path):
    path = SHAPES["layumi"](tmp_path, world())[0]
    script = (
        "import sys; from vreid_bench.cli.main import main; main(sys.argv[1:], standalone_mode=False); "
        "print(sorted({'torch', 'vreid_plugins'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script, "score", path], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_body_parts_of_a_side_each_are_read_from_pickles(cli_json, tmp_path):
    w = world()
    for name in ("query", "gallery"):
        side = getattr(w, name)
        content = {"embeddings": np.stack([side.features] * 2, 2), "labels": [f"{p:03d}" for p in side.pid]}
        content |= {"types": ["nm-01"] * len(side.pid), "views": [f"{c * 18:03d}" for c in side.camid]}
        content["labels"] = [str(p) if p < 1 else f"{p:03d}" for p in side.pid]
        (tmp_path / f"{name}.pkl").write_bytes(pickle.dumps(content))
    arguments = ["--query", tmp_path / "query.pkl", "--gallery", tmp_path / "gallery.pkl"]
    rule = ("--convention", "gallery-as-listed")
    found = cli_json("score", *arguments, *rule)["conventions"]["gallery-as-listed"]
    expected = cli_json("score", *write_npz(tmp_path, w), "--metric", "euclidean", *rule)["conventions"][
        "gallery-as-listed"
    ]
    for score in ("mAP", "R1", "mINP", "queries"):  # two equal parts
        assert found[score] == expected[score]
