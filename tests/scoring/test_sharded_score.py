"""`score --gallery FOLDER`: the scores of one file, whatever the shards, workers and numbers."""

import numpy as np
import pytest
from gallery_parts import Elsewhere

from vreid_plugins.executors.ray_cluster import Ray

WIDTH = 6


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Queries that are gallery items, and a gallery in one file. Neither type of number holds the vectors exactly."""
    folder, random = tmp_path_factory.mktemp("features"), np.random.default_rng(1)
    pid, camid = random.integers(-1, 14, 300), random.integers(1, 5, 300)
    vectors = (random.standard_normal((16, WIDTH))[pid] + random.standard_normal((300, WIDTH))).astype(np.float32)
    gallery = {"embedding": vectors, "pid": pid, "camid": camid}
    asked = np.flatnonzero(pid > 0)[::7]
    np.savez(folder / "q.npz", **{name: array[asked] for name, array in gallery.items()})
    np.savez(folder / "g.npz", **gallery)
    for number, rows in enumerate(np.array_split(np.arange(300), 4)):
        np.savez(folder / f"part-{number}.npz", **{name: array[rows] for name, array in gallery.items()})
    return folder


def write(cli, files, folder, *more, source="g.npz"):
    result = cli("gallery", "write", folder, files / source, *more)
    assert result.exit_code == 0, result.output
    return folder


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize("source", ["g.npz", "part-*.npz"])
def test_a_folder_scores_as_one_file(cli, cli_json, files, tmp_path, metric, source):
    folder = write(cli, files, tmp_path / "big", "--rows", 77, "--labels", "npz", source=source)
    asked = "score", "--query", files / "q.npz", "--metric", metric, "--precision", "fp16", "--precision", "int8"
    found, expected = (cli_json(*asked, "--gallery", gallery) for gallery in (folder, files / "g.npz"))
    assert found["conventions"] == expected["conventions"]
    assert len(found["conventions"]) == 3
    table = cli(*asked, "--gallery", folder).stdout
    assert "fp16 mAP    fp16 mAP loss" in table


@pytest.mark.parametrize(("dtype", "to"), [("float16", "fp16"), ("int8", "int8")])
def test_a_folder_in_fewer_bits_has_the_scores_that_precision_measures(cli, cli_json, files, tmp_path, dtype, to):
    """Queries are found in it although their own numbers have more bits."""
    folder = write(cli, files, tmp_path / "small", "--rows", 100, "--dtype", dtype)
    stored = cli_json("score", "--query", files / "q.npz", "--gallery", folder)["conventions"]
    whole = cli_json("score", "--query", files / "q.npz", "--gallery", files / "g.npz", "--precision", to)[
        "conventions"
    ]
    assert stored.keys() == whole.keys()
    for name, scores in stored.items():
        measured = whole[name]["precision"][to]
        assert scores["mAP"] == pytest.approx(measured["mAP"], abs=1e-12)
        assert scores["R1"] == measured["R1"]
        assert whole[name]["mAP"] - measured["mAP"] == pytest.approx(measured["mAP_loss"], abs=1e-12)
    assert any(whole[name]["precision"][to]["mAP_loss"] for name in whole)  # something is lost, or nothing was tested


def test_the_metric_is_that_of_the_manifest_unless_one_is_named(cli, cli_json, files, tmp_path):
    folder = write(cli, files, tmp_path / "big")
    asked = "score", "--query", files / "q.npz", "--gallery", folder
    cosine, euclidean = (cli_json(*asked, "--metric", metric) for metric in ("cosine", "euclidean"))
    assert cli_json(*asked) == cosine != euclidean
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"metric": null', '"metric": "euclidean"'))
    assert cli_json(*asked) == euclidean
    assert cli_json(*asked, "--metric", "cosine") == cosine


def test_queries_with_more_bits_than_the_folder_are_found_in_it(cli, cli_json, files, tmp_path):
    with np.load(files / "g.npz") as gallery:
        arrays = dict(gallery)
    arrays["embedding"] = arrays["embedding"] * (1 + 1e-12)  # exact in float64 alone
    asked = np.flatnonzero(arrays["pid"] > 0)[::7]
    np.savez(tmp_path / "g.npz", **arrays)
    np.savez(tmp_path / "q.npz", **{name: array[asked] for name, array in arrays.items()})
    assert cli("gallery", "write", tmp_path / "big", tmp_path / "g.npz").exit_code == 0
    found = cli_json("score", "--query", tmp_path / "q.npz", "--gallery", tmp_path / "big", "--dtype", "float64")
    assert len(found["conventions"]) == 3  # those of MARS, which need the queries in the gallery


def test_a_query_that_is_listed_twice_is_named(cli, files, tmp_path):
    folder = write(cli, files, tmp_path / "big")
    with np.load(files / "q.npz") as query:
        np.savez(tmp_path / "q.npz", **{name: np.concatenate([query[name], query[name][2:3]]) for name in query})
    result = cli("score", "--query", tmp_path / "q.npz", "--gallery", folder)
    assert result.exit_code == 2
    assert "q.npz: rows 2 and" in result.stderr


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize("within", [True, False])
def test_reranking_all_ranks_is_reranking_the_whole_gallery(cli, cli_json, files, tmp_path, metric, within):
    """Queries that are gallery items, and queries that are not."""
    folder = write(cli, files, tmp_path / "big", "--rows", 77)
    with np.load(files / "q.npz") as query:
        moved = query["embedding"] if within else query["embedding"] + np.float32(0.1)
        np.savez(tmp_path / "q.npz", embedding=moved, pid=query["pid"], camid=query["camid"])
    plain = ["score", "--query", tmp_path / "q.npz", "--metric", metric, "--at", 5]
    plain += [] if within else ["--convention", "gallery-as-listed"]
    asked = *plain, "--rerank", "zhong:k1=9,k2=3"
    found = cli_json(*asked, "--gallery", folder, "--candidates", 1000)
    expected = cli_json(*asked, "--gallery", files / "g.npz")
    assert found["conventions"] == expected["conventions"]
    assert len(found["conventions"]) == (3 if within else 1)
    assert found["reranking"] == expected["reranking"]
    assert found["notes"][-1].startswith("re-ranking: all 300 items of the gallery were re-ranked")
    few, none = (cli_json(*call, "--gallery", folder) for call in ((*asked, "--candidates", 20), plain))
    assert "the first 20 items of each query" in few["notes"][-1]
    assert "approximates the re-ranking of a whole gallery" in few["notes"][-1]
    for name, scores in found["conventions"].items():
        assert len({scores["mAP"], few["conventions"][name]["mAP"], none["conventions"][name]["mAP"]}) == 3


def test_workers_rerank_the_same_first_ranks(cli, cli_json, files, tmp_path, monkeypatch):
    monkeypatch.setattr(Ray, "map_tasks", lambda self, *given: Elsewhere().map_tasks(*given))
    folder = write(cli, files, tmp_path / "big", "--rows", 40)
    asked = "score", "--query", files / "q.npz", "--gallery", folder, "--rerank", "zhong", "--candidates", 25
    assert cli_json(*asked, "--executor", "ray", "--workers", 2) == cli_json(*asked)


@pytest.mark.slow
def test_workers_change_no_bit(cli, cli_json, files, tmp_path):
    folder = write(cli, files, tmp_path / "big", "--rows", 40)
    asked = "score", "--query", files / "q.npz", "--gallery", folder
    assert cli_json(*asked, "--workers", 2) == cli_json(*asked)


def test_tasks_of_another_executor_change_no_bit_and_name_files_for_every_machine(
    cli, cli_json, files, tmp_path, monkeypatch
):
    given = []

    def map_tasks(self, work, shared, tasks):
        given.extend(part for task in tasks for part in task.parts)
        return Elsewhere().map_tasks(work, shared, tasks)

    monkeypatch.setattr(Ray, "map_tasks", map_tasks)
    write(cli, files, tmp_path / "big", "--rows", 40, "--dtype", "float16")
    monkeypatch.chdir(tmp_path)
    asked = "score", "--query", files / "q.npz", "--gallery", "big", "--precision", "int8"
    assert cli_json(*asked, "--executor", "ray:cpus=2", "--workers", 2) == cli_json(*asked)
    assert {part.file.path.parent for part in given[:8]} == {tmp_path / "big"}
    assert len(given) == 3 * 8  # two passes, and one of rounded vectors


def test_a_gallery_folder_among_the_files_is_told_its_option(cli, files, tmp_path):
    folder = write(cli, files, tmp_path / "big", "--rows", 77)
    told = cli("score", folder)
    assert (told.exit_code, told.stderr) == (
        2,
        f"error: {folder}: is a gallery in shards; name it with --gallery, and the queries with --query\n",
    )


def test_a_folder_is_verified(cli, files, tmp_path):
    folder = write(cli, files, tmp_path / "big", "--rows", 100)
    good = cli("gallery", "verify", folder)
    assert good.exit_code == 0
    assert f"{folder}: no fault; 300 rows of 6 numbers (float32) in 3 shards" in good.stdout
    assert "gallery: 300 of 300" in good.stderr
    assert "gallery:" not in cli("gallery", "verify", folder, "--quiet").stderr
    (folder / "labels-00001.parquet").unlink()
    (folder / "vectors-00002.npy").write_bytes(b"")
    bad = cli("gallery", "verify", folder)
    assert bad.exit_code == 2
    assert len(bad.stdout.splitlines()) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--gallery", "g.npz", "--workers", 2), "--workers: is for a gallery in shards"),
        (
            ("--gallery", "g.npz", "--precision", "fp16", "--ties", "expected"),
            "--precision compares rankings of vectors",
        ),
        (("--gallery", "g.npz", "--executor", "ray"), "--executor: is for a gallery in shards"),
        (("--gallery", "big", "--executor", "slurm"), "--executor slurm: makes rows of boards, and no scores"),
        (("--gallery", "g.npz", "--rerank", "zhong", "--candidates", 3), "--candidates: is for a gallery in shards"),
        (("--gallery", "big", "--convention", "zone.toml"), "--convention zone: reads zone, and shards have pid and"),
        (("--gallery", "big", "--candidates", 3), "--candidates: says how many first ranks --rerank changes"),
        (
            ("--gallery", "big", "--rerank", "zhong", "--precision", "int8"),
            "--precision with --rerank: is not computed",
        ),
        (("--gallery", "g.npz", "--precision", "fp16", "--matcher", "mean"), "--precision: rounds one vector"),
    ],
)
def test_what_does_not_fit_is_refused(cli, files, tmp_path, options, message):
    if "big" in options:
        options = [tmp_path / "big" if option == "big" else option for option in options]
        write(cli, files, tmp_path / "big")
    rule = 'average_precision = "step"\nunmatched = "skip"\nmatch = [["zone", "same"]]\n'
    (files / "zone.toml").write_text(rule)
    options = [files / option if option in ("g.npz", "zone.toml") else option for option in options]
    result = cli("score", "--query", files / "q.npz", *options)
    assert result.exit_code == 2
    assert message in result.stderr


def test_queries_of_another_width_are_refused(cli, files, tmp_path):
    folder = write(cli, files, tmp_path / "big")
    np.savez(tmp_path / "q.npz", embedding=np.ones((2, 4)), pid=[1, 2], camid=[1, 1])
    result = cli("score", "--query", tmp_path / "q.npz", "--gallery", folder)
    assert result.exit_code == 2
    assert "big: has vectors of 6 numbers, the queries of 4; they must come from one model" in result.stderr
