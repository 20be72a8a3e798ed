"""What is special in the files that people bring: sides, cameras, similarities. `test_forms.py` scores every form."""

import subprocess
import sys
from hashlib import sha256

import brought_files
import numpy as np
import pytest
from brought_files import MATRICES, SHAPES, world, write_npz


@pytest.fixture
def twin(cli_json, tmp_path):
    """The numbers of the plain `.npz` of a world, by features and by distances."""

    def score(w, *more):
        given = write_npz(tmp_path, w)
        return cli_json("score", *given, "--convention", "gallery-as-listed", *more)["conventions"]

    return score


@pytest.mark.parametrize("shape", ["layumi", "CSV", "HDF5", "BUPTCampus", "roles"])
def test_queries_that_are_in_the_gallery_are_found_and_scored_by_the_rules_of_mars(cli_json, tmp_path, shape):
    w = world(in_gallery=True)
    expected = cli_json("score", *write_npz(tmp_path, w))["conventions"]
    found = cli_json("score", *SHAPES[shape](tmp_path, w), *(["--convention", "torchreid"] if shape == "roles" else []))
    if shape == "roles":  # which lists the queries once more, as tracklets of their own
        assert found["conventions"]["torchreid"]["queries"] == expected["torchreid"]["queries"]
    else:
        assert found["conventions"] == expected


@pytest.mark.parametrize("shape", ["layumi", "BUPTCampus", "npy"])
def test_the_hash_of_each_file_is_in_the_report(cli_json, tmp_path, shape):
    paths = SHAPES[shape](tmp_path, world())
    files = sorted(paths[0].iterdir()) if paths[0].is_dir() else paths
    found = cli_json("score", *paths)["files"]
    assert sorted(found.values()) == sorted(sha256(file.read_bytes()).hexdigest() for file in files)


def test_each_key_is_printed_with_what_it_became(cli, tmp_path):
    result = cli("score", *SHAPES["layumi"](tmp_path, world()))
    assert result.exit_code == 0
    assert "gallery_f [60, 6] -> features of the gallery" in result.stderr
    assert "query_label [1, 16] -> person ids of the queries" in result.stderr


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


def test_a_parquet_file_without_its_package_says_what_to_install(cli, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    (tmp_path / "rows.parquet").write_bytes(b"PAR1 and more")
    result = cli("score", tmp_path / "rows.parquet")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "pip install 'vreid-bench[parquet]'" in result.stderr


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


def test_a_foreign_file_for_each_side_is_scored_as_both_together(cli_json, tmp_path):
    """The three conventions of MARS need the queries in the gallery, which other programs list apart."""
    SHAPES["torch sides"](tmp_path, world())
    sides = tmp_path / "query_features.pth", tmp_path / "gallery_features.pth"
    found = cli_json("score", "--query", sides[0], "--gallery", sides[1])["conventions"]
    assert found == cli_json("score", *sides)["conventions"]
    assert list(found) == ["gallery-as-listed"]


def test_queries_without_a_match_are_told(cli, cli_json, tmp_path):
    w = world(people=14)
    alone = [
        not any(w.gallery.pid[g] == pid and w.gallery.camid[g] != camera for g in range(len(w.gallery.pid)))
        for pid, camera in zip(w.query.pid, w.query.camid, strict=True)
    ]
    files = SHAPES["layumi"](tmp_path, w)
    found = cli_json("score", *files)["conventions"]["gallery-as-listed"]
    assert 0 < found["left_out"] == sum(alone) == len(alone) - found["queries"]
    told = f"note: {sum(alone)} of {len(alone)} queries have no match under gallery-as-listed, and do not count"
    assert told in cli("score", *files).stdout


def test_lists_of_rows_that_are_texts_are_refused(cli, tmp_path):
    whole = {"embedding": np.eye(4), "pid": [1, 1, 2, 2], "camid": [1, 2, 1, 2]}
    np.savez(tmp_path / "all.npz", **whole, query=np.array(["0", "2"]), gallery=np.array(["1", "3"]))
    result = cli("score", tmp_path / "all.npz")
    assert (result.exit_code, "must hold the numbers of rows" in result.stderr) == (2, True), result.output
