"""`vreid_bench.score` and `vreid-bench score`: the same numbers by every way in, and a sentence for what is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import wraps
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from oracle import by_hand, distances_by_hand
from places import GOLDEN
from safetensors.numpy import save_file
from safetensors.torch import save
from scipy.io import savemat

import vreid_bench
from vreid_bench import InputError, Protocol, hookimpl
from vreid_bench.registry.plugins import Plugin
from vreid_bench.registry.registry import Registry
from vreid_bench.scoring.conventions import CONVENTIONS, MARS
from vreid_bench.scoring.label_source import Pair, read_index
from vreid_bench.scoring.labelled_features import LabelledFeatures
from vreid_plugins.rerankers.k_reciprocal import FastReidEvaluator


def mars_like(seed=0, items=80, width=6):
    """A gallery as MARS has it: persons, distractors and junk in several cameras, the queries among them."""
    random = np.random.default_rng(seed)
    pid = random.integers(-1, 8, items)
    camid = random.integers(1, 5, items)
    embedding = (random.standard_normal((10, width))[pid] + random.standard_normal((items, width))).astype(np.float32)
    gallery = {"embedding": embedding, "pid": pid, "camid": camid}
    people = np.flatnonzero(pid > 0)
    _, first = np.unique(pid[people] * 10 + camid[people], return_index=True)
    rows = np.sort(people[first])
    return {name: array[rows] for name, array in gallery.items()}, gallery, rows


def labels_of(query, gallery):
    sides = ((query, "query"), (gallery, "gallery"))
    return Pair(*(LabelledFeatures.from_arrays(arrays, origin) for arrays, origin in sides)).labels


@pytest.fixture
def files(tmp_path):
    """The test set as files: query, gallery, distances, all in one, and the index files of MARS."""
    query, gallery, rows = mars_like()
    paths = {name: tmp_path / f"{name}.npz" for name in ("query", "gallery", "test")}
    np.savez(paths["query"], **query)
    np.savez(paths["gallery"], **gallery)
    np.savez(paths["test"], embedding=gallery["embedding"])
    paths["store"] = tmp_path / "store.safetensors"
    ones = {"importance": np.ones(len(gallery["pid"]), np.float32), "counts": np.ones(len(gallery["pid"]), int)}
    roles = {"query": rows, "gallery": np.arange(len(gallery["pid"]))}
    save_file({**gallery, **roles, **ones}, paths["store"], {"metric": "cosine"})
    paths["distance"] = tmp_path / "distance.npy"
    np.save(paths["distance"], distances_by_hand(query["embedding"], gallery["embedding"], "cosine"))
    paths["info"] = tmp_path / "info"
    paths["info"].mkdir()
    table = np.stack([np.arange(len(gallery["pid"])) + 1] * 2 + [gallery["pid"], gallery["camid"]], 1)
    savemat(paths["info"] / "tracks_test_info.mat", {"track_test_info": table})
    savemat(paths["info"] / "query_IDX.mat", {"query_IDX": rows[None] + 1})
    return paths


def ways(files):
    """Command lines that must all give the same scores."""
    pair = ["--query", files["query"], "--gallery", files["gallery"]]
    index = ["--protocol", "mars", "--info", files["info"]]
    return {
        "features": [*pair, "--metric", "cosine"],
        "double": [*pair, "--metric", "cosine", "--dtype", "float64"],
        "matcher": [*pair, "--matcher", "mean", "--metric", "cosine"],
        "distances": ["--distance", files["distance"], *pair],
        "index": ["--features", files["test"], *index, "--metric", "cosine"],
        "distances by index": ["--distance", files["distance"], *index],
        "store": ["--features", files["store"]],
    }


def test_every_way_in_gives_the_scores_of_the_loop(cli_json, files):
    query, gallery, _ = mars_like()
    who = labels_of(query, gallery)
    distances = distances_by_hand(query["embedding"], gallery["embedding"], "cosine")
    expected = {}
    for rule in CONVENTIONS:
        column = np.array(by_hand(distances, who, rule))
        expected[rule.name] = column[~np.isnan(column[:, 0])]
    for name, arguments in ways(files).items():
        report = cli_json("score", *arguments)
        assert sorted(report["conventions"]) == sorted(MARS), name
        for convention, numbers in report["conventions"].items():
            average, first = expected[convention][:, 0], expected[convention][:, 1]
            assert numbers["mAP"] == pytest.approx(average.mean(), abs=1e-12), (name, convention)
            assert numbers["R1"] == (first == 0).mean(), (name, convention)
            assert numbers["queries"] == len(average)
            assert numbers["cmc"] == [float((first < r).mean()) for r in range(1, 51)]
            assert numbers["people"] == len(np.unique(query["pid"])) < 10
            assert numbers["interval"] == {"mAP": None, "R1": None}


def test_three_lines_in_a_training_loop():
    query, gallery, _ = mars_like()
    as_tensors = [
        {k: torch.from_numpy(v).requires_grad_(k == "embedding") for k, v in s.items()} for s in (query, gallery)
    ]
    report = vreid_bench.score(*as_tensors, metric="euclidean")
    assert report["official"]["mAP"] == vreid_bench.score(query, gallery, metric="sqeuclidean")["official"]["mAP"]
    assert set(report.metrics()["conventions"]) == set(MARS)
    distance = distances_by_hand(query["embedding"], gallery["embedding"], "sqeuclidean")
    assert vreid_bench.score(query, gallery, distance=distance).metrics() == report.metrics()


def test_clips_are_averaged_over_what_is_valid_and_by_importance():
    query, gallery, _ = mars_like()
    plain = vreid_bench.score(query, gallery)

    def clips(arrays):
        embedding = arrays["embedding"].astype(np.float64)
        twice = np.stack([embedding * 1.5, embedding * 0.5, np.full_like(embedding, np.nan)], 1)
        valid = np.tile([True, True, False], (len(embedding), 1))
        return arrays | {"embedding": twice, "valid": valid}

    assert vreid_bench.score(clips(query), clips(gallery), dtype="float64").metrics() == plain.metrics()
    weighted = clips(query) | {"importance": np.tile([0.0, 2.0, 1.0], (len(query["pid"]), 1))}
    assert vreid_bench.score(weighted, clips(gallery), dtype="float64").metrics() == plain.metrics()
    weighted["valid"][0, 1] = False
    with pytest.raises(InputError, match="query: row 0 has no valid clip with an importance above 0"):
        vreid_bench.score(weighted, clips(gallery))


def test_queries_outside_the_gallery_leave_official_without_a_number(cli, cli_json, files, tmp_path):
    _, gallery, rows = mars_like()
    rest = np.setdiff1d(np.arange(len(gallery["pid"])), rows)
    np.savez(tmp_path / "rest.npz", **{name: array[rest] for name, array in gallery.items()})
    sides = ("score", "--query", files["query"], "--gallery", tmp_path / "rest.npz")
    arguments = *sides, *(word for name in MARS for word in ("--convention", name))
    told = "official: not computable, the query tracklets are not in this gallery"
    assert told in cli(*arguments).output
    report = cli_json(*arguments)["conventions"]
    [refused] = report["official"].values()
    assert refused.startswith("the query tracklets are not in this gallery; list them in the gallery, too")
    whole = cli_json("score", "--query", files["query"], "--gallery", files["gallery"])["conventions"]
    assert report["torchreid"] == whole["torchreid"]
    # a gallery that lacks one query supports no rule about queries in the gallery either
    np.savez(tmp_path / "rest.npz", **{name: np.delete(array, rows[0], 0) for name, array in gallery.items()})
    assert f"1 of the {len(rows)} query tracklets are not in this gallery" in cli(*arguments).output
    found = f"1 of the {len(rows)} query tracklets are not in this gallery"
    for way in (sides, (*sides[:-1], tmp_path / "r*.npz")):
        report = cli_json(*way)
        assert list(report["conventions"]) == ["gallery-as-listed"]
        advice = "list all queries there, or choose with --convention"
        assert report["notes"][0] == f"note: {found}, so that {', '.join(MARS)} are left out; {advice}"


def one_way_each(folder, within, key, value):
    """The arguments of `score` for a test in each way of giving files; with one more array under `key`, if any."""
    query, gallery, rows = mars_like()
    if not within:
        gallery = {name: np.delete(array, rows, 0) for name, array in gallery.items()}
    sides = {"query": query, "gallery": gallery}
    both = {name: np.concatenate([query[name], gallery[name]]) for name in query}
    if key:
        both[key] = np.full(len(both["pid"]), value)
        for side in sides.values():
            side[key] = np.full(len(side["pid"]), value)
    for name, side in sides.items():
        np.savez(folder / f"{name}.npz", **side)
    roles = np.repeat(list(sides), [len(side["pid"]) for side in sides.values()])
    np.savez(folder / "whole.npz", role=roles, **both)
    if within:  # each tracklet is listed once
        np.savez(folder / "features.npz", **{**gallery, "query": rows, "gallery": np.arange(len(gallery["pid"]))})
    else:
        np.savez(folder / "features.npz", **both, **{name: np.flatnonzero(roles == name) for name in sides})
    (folder / "parts").mkdir()
    for name, side in sides.items():
        np.savez(folder / "parts" / f"{name}_features.npz", **side)
    for number, part in enumerate(np.array_split(np.arange(len(gallery["pid"])), 2)):
        np.savez(folder / f"shard-{number}.npz", **{name: array[part] for name, array in gallery.items()})
    return {
        "sides": ("--query", folder / "query.npz", "--gallery", folder / "gallery.npz"),
        "one file": (folder / "whole.npz",),
        "two files": (folder / "query.npz", folder / "gallery.npz"),
        "folder": (folder / "parts",),
        "features": ("--features", folder / "features.npz"),
        "shards": ("--query", folder / "query.npz", "--gallery", folder / "shard-*.npz"),
    }


@pytest.mark.parametrize("key", ["", "coat", "attribute.coat", "outfit"])
@pytest.mark.parametrize("within", [True, False])
def test_the_default_conventions_are_those_of_the_labels_in_every_way_of_giving_files(tmp_path, cli_json, within, key):
    """Whatever attributes there are, and no other than can be computed."""
    expected = [*MARS] if within else ["gallery-as-listed"]
    for way, arguments in one_way_each(tmp_path, within, key, "red").items():
        found = cli_json("score", *arguments)["conventions"]
        assert sorted(found) == expected, way
        assert not any("not_computable" in numbers for numbers in found.values()), way


def test_unused_keys_are_named_with_the_key_of_an_attribute_in_every_way_of_giving_files(tmp_path, cli, cli_json):
    for way, arguments in one_way_each(tmp_path, True, "coat", "red").items():
        [note] = [note for note in cli_json("score", *arguments)["notes"] if "not used" in note]
        shards = "with a gallery in shards, no attributes are read; give one file to score by them"
        assert note.startswith("note: not used: coat of "), way
        assert note.endswith(shards if way == "shards" else "an attribute has a key such as attribute.coat"), way
        assert cli("score", *arguments).stdout.count(note) == 1
    query, gallery, _ = mars_like()
    more = {"coat": np.full(len(gallery["pid"]), "red")}
    [note] = [note for note in vreid_bench.score(query, gallery | more).notes if "not used" in note]
    assert note == "note: not used: coat of gallery; an attribute has a key such as attribute.coat"


def test_of_an_attribute_that_is_named_as_the_note_says_nothing_is_told(tmp_path, cli_json):
    for way, arguments in one_way_each(tmp_path, False, "attribute.coat", "red").items():
        notes = [note for note in cli_json("score", *arguments)["notes"] if "not used" in note]
        assert len(notes) == (way == "shards"), way  # which read none
        if way != "shards":
            assert cli_json("score", *arguments, "--by", "coat")["conventions"]["gallery-as-listed"]["by"]["coat"]


def test_names_of_tracklets_tell_queries_in_the_gallery_where_there_is_no_embedding(cli_json, tmp_path, files):
    query, gallery, rows = mars_like()
    for name, arrays, names in (("q", query, rows), ("g", gallery, np.arange(len(gallery["pid"])))):
        np.savez(tmp_path / f"{name}.npz", pid=arrays["pid"], camid=arrays["camid"], tracklet=names)
    arguments = ["--distance", files["distance"], "--query", tmp_path / "q.npz", "--gallery", tmp_path / "g.npz"]
    assert cli_json("score", *arguments) == cli_json("score", *ways(files)["distances"])


def test_a_run_is_scored_under_its_own_conventions(cli_json, tmp_path):
    record = json.loads((GOLDEN / "record.json").read_text())
    headline = record["protocol"]["headline"]
    record["conventions"] = {headline: record["conventions"][headline]}
    (tmp_path / "record.json").write_text(json.dumps(record))
    rows = {"query": np.arange(4), "gallery": np.arange(len(QUERY["pid"]))}
    save_file(
        {name: np.ascontiguousarray(QUERY[name]) for name in ("pid", "camid", "embedding")} | rows,
        tmp_path / "features.safetensors",
        {"metric": "cosine"},
    )
    assert list(cli_json("score", "--features", tmp_path)["conventions"]) == [headline]


def test_per_query_file_is_in_query_order(cli, files, tmp_path):
    query, gallery, _ = mars_like()
    out = tmp_path / "out.npz"
    result = cli("score", *ways(files)["features"], "--per-query", out)
    assert result.exit_code == 0, result.output
    arrays = np.load(out)
    who = labels_of(query, gallery)
    distances = distances_by_hand(query["embedding"], gallery["embedding"], "cosine")
    for rule in CONVENTIONS[:3]:
        columns = np.array(by_hand(distances, who, rule))
        np.testing.assert_allclose(arrays[f"{rule.name}.ap"], columns[:, 0], rtol=1e-12)
        np.testing.assert_array_equal(arrays[f"{rule.name}.first_rank"], columns[:, 1])


def test_per_query_file_has_the_names_that_are_known(cli, files, tmp_path):
    query, gallery, rows = mars_like()
    out = tmp_path / "out.npz"
    assert cli("score", *ways(files)["features"], "--per-query", out).exit_code == 0
    arrays = np.load(out)
    for name, numbers in (("person", query["pid"]), ("camera", query["camid"]), ("tracklet", rows)):
        assert arrays[name].tolist() == list(map(str, numbers)), name
    named = {"person": np.array([f"p{pid:03d}" for pid in gallery["pid"]])}
    for name, arrays, part in (("query", query, rows), ("gallery", gallery, slice(None))):
        np.savez(files[name], **arrays, person=named["person"][part])
    assert cli("score", *ways(files)["features"], "--per-query", out).exit_code == 0
    assert np.load(out)["person"].tolist() == [f"p{pid:03d}" for pid in query["pid"]]
    assert np.load(out)["camera"].tolist() == list(map(str, query["camid"]))


def nan(arrays, row):
    arrays = arrays.copy()
    arrays[row, 0] = np.nan
    return arrays


QUERY = mars_like()[0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"embedding": nan(QUERY["embedding"], 3)}, "query.npz: row 3 of embedding holds NaN or infinity"),
        ({"embedding": QUERY["embedding"] * np.inf}, "query.npz: row 0 of embedding holds NaN or infinity"),
        ({"embedding": QUERY["embedding"] * 0}, "query row 0: its embedding is zero"),
        ({"embedding": QUERY["embedding"][:, :2]}, "query embeddings have 2 numbers, gallery embeddings 6"),
        ({"embedding": QUERY["embedding"][:-1]}, "embedding must have a row for each of the"),
        ({"embedding": QUERY["embedding"][..., None, None]}, "embedding must be numbers [N, E] or [N, C, E]"),
        ({"pid": QUERY["pid"][:-1]}, "pid must have a row for each of the"),
        ({"pid": QUERY["pid"] + 0.5}, "query.npz: pid must hold whole numbers, got float64"),
        ({"pid": np.array([f"person {pid}" for pid in QUERY["pid"]])}, "pid has numbers, but"),
        ({"pid": QUERY["pid"] * 0}, "has pid 0; a query must show a person"),
        ({"pid": QUERY["pid"] + 100}, "has a match in the gallery"),
        ({"camid": np.array([], int)}, "camid must have a row for each"),
        ({"person": QUERY["pid"][:-1].astype(str)}, "person must have a row for each of the"),
        ({"camera": QUERY["embedding"]}, "camera must be [N], [N, 1] or [1, N], got ["),
        ({"camid": None}, "query.npz: has no array 'camid'; it has embedding, pid"),
        ({name: array[:0] for name, array in QUERY.items()}, "query.npz: it is empty"),
        (
            {n: np.concatenate([a, a[2:3]]) for n, a in QUERY.items()},
            "the same tracklet; their person, camera and emb",
        ),
        ({"valid": np.ones((3, 3))}, "valid must have a row for each"),
        ({"importance": -np.ones((len(QUERY["pid"]), 1))}, "importance must be [N, C]"),
    ],
)
def test_input_that_cannot_be_scored_is_refused_in_a_sentence(cli, files, changes, message):
    arrays = {name: value for name, value in {**QUERY, **changes}.items() if value is not None}
    np.savez(files["query"], **arrays)
    result = cli("score", "--query", files["query"], "--gallery", files["gallery"])
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def rotten(path):
    path.write_bytes(b"PK\x03\x04 no archive")


@pytest.mark.parametrize(
    ("spoil", "arguments", "message"),
    [
        (lambda f: rotten(f["query"]), "features", "query.npz: cannot be read as npz"),
        (lambda f: f["query"].write_text("pid,camid"), "features", "it has no row below its first line"),
        (lambda f: f["query"].unlink(), "features", "query.npz: the file does not exist"),
        (lambda f: np.savez(f["query"], pid=np.array([{}])), "features", "query.npz: cannot be read as npz"),
        (lambda f: rotten(f["distance"]), "distances", "distance.npy: cannot be read as a matrix"),
        (lambda f: np.save(f["distance"], np.zeros((3, 4))), "distances", "distances: expected [Q, G] ="),
        (lambda f: np.save(f["distance"], np.zeros(3)), "distances", "expected one matrix of numbers"),
        (lambda f: np.save(f["distance"], np.load(f["distance"]) * np.nan), "distances", "gallery item 0 is nan"),
        (lambda f: (f["info"] / "query_IDX.mat").unlink(), "index", "query_IDX.mat is missing"),
        (lambda f: np.savez(f["test"], embedding=np.ones((3, 2))), "index", "has 3 tracklets"),
        (lambda f: savemat(f["info"] / "query_IDX.mat", {"query_IDX": [[5, 5]]}), "index", "repeats the query"),
    ],
)
def test_files_that_cannot_be_read_are_refused_in_a_sentence(cli, files, spoil, arguments, message):
    spoil(files)
    result = cli("score", *ways(files)[arguments])
    assert result.exit_code == 2, result.output
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"nothing at all", "store.safetensors: cannot be read as .safetensors"),
        (save({"pid": torch.ones(3, dtype=torch.bfloat16)}), "store.safetensors: cannot be read as .safetensors"),
        (save({"pid": torch.ones(3)}), "store.safetensors: has no array 'camid', expected the labels pid and camid"),
    ],
)
def test_stores_that_cannot_be_read_are_refused_in_a_sentence(cli, tmp_path, content, message):
    (tmp_path / "store.safetensors").write_bytes(content)
    result = cli("score", "--features", tmp_path / "store.safetensors")
    assert (result.exit_code, message in result.stderr) == (2, True), result.output
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "expected files, such as pytorch_result.mat, or --query and --gallery, or --features"),
        (["--query", "q"], "or --query and --gallery"),
        (["--metric", "manhattan"], "metric must be one of cosine, euclidean, sqeuclidean, got 'manhattan'"),
        (["--metric", "cosin"], "got 'cosin'; did you mean cosine?"),
        (["--matcher", "meen"], "did you mean mean?"),
        (["--convention", "oficial"], "did you mean official?"),
        (["--protocol", "custom", "--info", "x", "--features", "f"], "--query and --gallery have labels of their own"),
        (["--distance", "d", "--metric", "cosine"], "leave out --metric and --matcher"),
    ],
)
def test_options_that_do_not_fit_are_refused(cli, files, arguments, message):
    given = (
        []
        if len(arguments) < 2 or arguments[0] == "--query"
        else ["--query", files["query"], "--gallery", files["gallery"]]
    )
    result = cli("score", *given, *arguments)
    assert (result.exit_code, message in result.stderr) == (2, True), result.output


def test_other_conventions_by_name(cli_json, files):
    arguments = ("--convention", "gallery-as-listed", "--convention", "one-camera-each")
    report = cli_json("score", *ways(files)["features"], *arguments)["conventions"]
    assert set(report) == {"gallery-as-listed", "one-camera-each"}
    assert "is itself in the gallery" in report["one-camera-each"]["not_computable"]  # which is that of MARS
    whole = cli_json("score", *ways(files)["features"])["conventions"]
    assert report["gallery-as-listed"] == whole["queries-in-gallery"]


def test_true_accept_rates_come_by_every_way_in(cli, cli_json, files):
    expected = cli_json("score", *ways(files)["features"], "--far", "0.01", "--far", "0.1")["conventions"]
    for name in ("double", "distances", "index", "distances by index"):
        found = cli_json("score", *ways(files)[name], "--far", "0.01", "--far", "0.1")["conventions"]
        assert {k: v["tar"] for k, v in found.items()} == {k: v["tar"] for k, v in expected.items()}
    tar = expected["official"]["tar"]
    assert 0 < tar["0.01"] < tar["0.1"] < 1
    assert tar == expected["queries-in-gallery"]["tar"] != expected["torchreid"]["tar"]
    printed = cli("score", *ways(files)["features"], "--far", "0.1").output.splitlines()
    assert "TAR@0.1" in printed[0]
    assert f"{100 * tar['0.1']:.1f}" in printed[2]
    refused = cli("score", *ways(files)["matcher"], "--far", "0.1")
    assert (refused.exit_code, "--far needs distances" in refused.stderr) == (2, True)


@pytest.mark.parametrize("way", ["distances", "store"])
def test_scoring_loads_no_torch(files, way):
    arguments = [str(a) for a in ways(files)[way]]
    script = (
        "import sys; from vreid_bench.cli.main import main; main(sys.argv[1:], standalone_mode=False); "
        "print(sorted({'torch', 'vreid_plugins'} & set(sys.modules)), file=sys.stderr)"
    )
    command = [sys.executable, "-c", script, "score", *arguments, "--json"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stderr.strip() == "[]"
    assert set(json.loads(result.stdout)["conventions"]) == set(MARS)


@pytest.mark.parametrize(
    ("way", "more", "built"),
    [
        ("features", (), 0),
        ("distances", ("--far", "0.1"), 0),
        ("matcher", (), 1),
        ("index", ("--rerank", "zhong", "--convention", "clothes-changing", "--convention", "official"), 1),
    ],
)
def test_plugins_are_loaded_once_and_only_where_one_is_needed(cli_json, files, monkeypatch, way, more, built):
    registries = []
    installed = Registry.installed

    def count():
        registries.append(installed())
        return registries[-1]

    monkeypatch.setattr(Registry, "installed", count)
    cli_json("score", *ways(files)[way], *more)
    assert len(registries) == built


def test_a_re_ranker_is_built_once(cli_json, files, monkeypatch):
    built = []
    initialize = FastReidEvaluator.__init__

    @wraps(initialize)  # a registry reads the options from the signature
    def count(self, *arguments, **options):
        built.append(options)
        initialize(self, *arguments, **options)

    monkeypatch.setattr(FastReidEvaluator, "__init__", count)
    report = cli_json("score", *ways(files)["features"], "--rerank", "fast-reid-evaluator:k1=8")
    assert built == [report["reranking"]["options"]]


def test_the_numpy_twin_gives_the_same_report(cli_json, files, monkeypatch):
    native = {name: cli_json("score", *ways(files)[name]) for name in ("features", "distances")}
    monkeypatch.setenv("VREID_NATIVE", "0")
    for name, report in native.items():
        twin = cli_json("score", *ways(files)[name])
        assert twin.pop("backend") == "numpy"
        report.pop("backend")
        assert twin == report


@pytest.mark.parametrize(
    ("roles", "message"),
    [
        (None, r"dataset 'mine' of vreid-test failed \(TypeError: .*NoneType"),
        (([1, 2], [1, 2], [0]), "expected four lists of whole numbers"),
        ((["a", "b"], [1, 2], [0], [1]), r"roles\(\) returned <U1 \[2\], int64 \[2\], .*, expected four lists"),
        (([1, 2], [1], [0], [1]), "pids and camids of the same length"),
        (([1, 2], [1, 2], [0], [7]), "gallery list: rows must be 0 to 1, got 7"),
        ((np.array([1, 2**64 - 1], np.uint64), [1, 2], [0], [1]), "pid of roles.* holds 18446744073709551615"),
    ],
    ids=["none", "three", "texts", "lengths", "row", "wraps"],
)
def test_a_reader_whose_roles_cannot_be_used_is_named(tmp_path, roles, message):
    reader = SimpleNamespace(read=lambda root: None, roles=lambda info: roles)
    protocol = Protocol("mine", "1", "mine", "torchreid", ("torchreid",), "summary", "source")
    hooks = {"vreid_datasets": {"mine": reader}, "vreid_protocols": {"mine": protocol}}
    module = SimpleNamespace(**{name: hookimpl(lambda value=value: value) for name, value in hooks.items()})
    registry = Registry([Plugin("test", module, "vreid-test", "1")])
    with pytest.raises(InputError, match=message):
        read_index("mine", tmp_path, registry)


def test_quiet_leaves_out_what_each_key_became_and_keeps_what_decides_scores(cli, tmp_path):
    arrays = {"qf": np.eye(3)[:2], "gf": np.eye(3) + 0.1, "q_pids": [1, 2], "g_pids": [1, 2, 3]}
    np.savez(tmp_path / "x.npz", **arrays)
    told, quiet = cli("score", tmp_path / "x.npz"), cli("score", "-q", tmp_path / "x.npz")
    assert "x.npz: qf [2, 3] -> features of the queries" in told.stderr
    assert quiet.stderr == "no cameras are given: nothing is left out as seen by the query's own camera\n"
    assert quiet.stdout == told.stdout


def test_quiet_hides_the_bars_of_a_gallery_in_shards(cli, tmp_path):
    random = np.random.default_rng(0)
    for name, pid in (("q", [1, 2]), ("shard-0", [1, 2]), ("shard-1", [1, 2])):
        np.savez(tmp_path / f"{name}.npz", embedding=random.random((2, 4)), pid=pid, camid=[1, int(name == "q") + 1])
    command = ("score", "--query", tmp_path / "q.npz", "--gallery", tmp_path / "shard-*.npz")
    assert "find matches: 4 of 4" in cli(*command).stderr
    quiet = cli(*command, "--quiet")
    assert (quiet.exit_code, quiet.stderr) == (0, "")


def test_quiet_hides_what_a_ranking_was_read_as(cli, tmp_path):
    (tmp_path / "r.txt").write_text("1_a Q0 1_b 1 0.9 me\n1_a Q0 2_a 2 0.8 me\n")
    command = ("score", "--ranking", tmp_path / "r.txt")
    told, quiet = cli(*command), cli(*command, "-q")
    assert told.stderr.startswith(f"{tmp_path / 'r.txt'}: ")
    assert (quiet.stdout, quiet.exit_code) == (told.stdout, 0)
    assert "1 queries" not in quiet.stderr
