"""`vreid-bench inspect` on finished runs: against the files of the run, and what it refuses before it embeds."""

import json
from pathlib import Path

import numpy as np
import pytest
from doc_tables import check_arrays, table
from places import ROOT
from safetensors.numpy import load_file
from short_run import SHORT

from vreid_bench import Dataset
from vreid_bench.evaluation import inspection, trained_model
from vreid_bench.evaluation.inspection import InspectionRequest
from vreid_bench.records.names import NAMES
from vreid_bench.registry.registry import Registry

PAGE = (ROOT / "docs/inspect.md").read_text()


@pytest.fixture
def inspect(cli, tmp_path):
    """Inspect a run; returns the arrays and what was printed."""

    def call(run, what, *options):
        result = cli("inspect", run, "--what", what, "--out", tmp_path / "out.npz", "--runs", run.parent, *options)
        assert result.exit_code == 0, result.output
        return dict(np.load(tmp_path / "out.npz")), result.stdout

    return call


def test_embeddings_of_all_tracklets_are_those_of_the_run(inspect, finished_run):
    found, _ = inspect(finished_run, "embeddings")
    stored = load_file(finished_run / "features.safetensors")
    np.testing.assert_allclose(found["embedding"], stored["embedding"], rtol=1e-3, atol=1e-5)  # in other batches
    for name in ("pid", "camid"):
        np.testing.assert_array_equal(found[name], stored[name])
    assert found["row"].tolist() == list(range(len(stored["pid"])))


def test_a_tracklet_is_found_by_row_or_name_as_the_file_of_queries_has_them(inspect, finished_run):
    queries = np.load(finished_run / "per_query.npz")
    row, name = int(queries["query"][3]), str(queries["tracklet"][3])
    found, shown = inspect(finished_run, "clip-embeddings", "--query", row)
    again, _ = inspect(finished_run, "clip-embeddings", "--query", name)
    assert found["tracklet"].tolist() == [name]
    assert found["pid"].tolist() == [queries["pid"][3]]
    assert {key: again[key].tobytes() for key in again} == {key: found[key].tobytes() for key in found}
    assert [line.split()[0] for line in shown.splitlines()] == [
        "row",
        "pid",
        "camid",
        *NAMES,
        "counts",
        "frames",
        "embedding",
    ]


def test_curves_are_those_of_the_record(inspect, finished_run):
    found, _ = inspect(finished_run, "cmc")
    record = json.loads((finished_run / "record.json").read_text())
    for name, convention in record["conventions"].items():
        assert found[f"{name}.cmc"].tolist() == convention["cmc"]
        for rank in (1, 5, 10, 20):
            assert found[f"{name}.splits"][0, found["rank"] == rank].tolist() == [convention[f"R{rank}"]]
        for kind in (".cmc", ".splits"):
            found[f"<convention>{kind}"] = found.pop(f"{name}{kind}")
    assert found.keys() == table(PAGE, "cmc").keys()
    check_arrays(found, table(PAGE, "cmc"))


@pytest.mark.slow
def test_curves_of_several_splits_are_averaged(inspect, cli_json, cli, tiny_ilids, tmp_path):
    command = ("run", "--plugin", "mean-pooling", "--protocol", "ilids-vid", "--data", tiny_ilids, "--runs", tmp_path)
    report = cli_json(*command, *SHORT, "--set", "stages.0.steps=1", "--splits", "1,3")
    run = Path(report["run"])
    found, _ = inspect(run, "cmc")
    [(name, convention)] = json.loads((run / "record.json").read_text())["conventions"].items()
    assert found["split"].tolist() == [1, 3]
    np.testing.assert_allclose(found[f"{name}.splits"].mean(0), found[f"{name}.cmc"])
    assert found[f"{name}.cmc"].tolist() == convention["cmc"]
    assert found[f"{name}.splits"][:, 0].tolist() == [split["R1"] for split in convention["splits"]]
    first, third = (inspect(run, "embeddings", *options)[0] for options in ((), ("--split", 3)))
    for split, arrays in ((1, first), (3, third)):
        stored = load_file(run / f"split-{split}/features.safetensors")
        np.testing.assert_array_equal(arrays["pid"], stored["pid"])
        np.testing.assert_allclose(arrays["embedding"], stored["embedding"], rtol=1e-3, atol=1e-5)
    refused = cli("inspect", run, "--what", "embeddings", "--split", 2, "--out", tmp_path / "no.npz")
    assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1)
    assert "it has no weights for split 2" in refused.stderr


@pytest.mark.slow
def test_scores_during_training_are_those_that_were_printed(inspect, cli, tiny_mars, tmp_path):
    command = ("run", "--plugin", "mean-pooling", "--data", tiny_mars, "--runs", tmp_path / "runs", *SHORT)
    shown = cli(*command, "--validate", "every=4").stderr
    [run] = (tmp_path / "runs").iterdir()
    found, _ = inspect(run, "validation")
    rows = zip(found["steps"], found["mAP"], found["R1"], strict=True)
    lines = [f"validation after {n} of 6 steps: mAP {100 * m:.1f}, R1 {100 * r:.1f}" for n, m, r in rows]
    assert [line.partition(" (")[0] for line in shown.splitlines() if line.startswith("validation")] == lines
    assert found["steps"].tolist() == [4, 6]
    assert found.keys() == table(PAGE, "validation").keys()
    check_arrays(found, table(PAGE, "validation"))


def test_pixels_of_another_protocol_are_spoiled(inspect, finished_run):
    plain, _ = inspect(finished_run, "pixels", "--query", 0)
    found, _ = inspect(finished_run, "pixels", "--query", 0, "--protocol", "mars-occlusion")
    np.testing.assert_array_equal(found["pixels"], plain["pixels"])
    assert (found["spoiled"] != found["pixels"]).any()
    assert "spoiled" not in plain


def test_a_long_name_does_not_run_into_its_shape(cli, tmp_path, monkeypatch):
    arrays = {name: np.zeros((1, 50)) for name in ("rank", "queries-in-gallery.splits")}
    monkeypatch.setattr(inspection, "inspect_run", lambda request: arrays)
    shown = cli("inspect", "run", "--what", "cmc", "--out", tmp_path / "out.npz").stdout
    assert [line.split()[0] for line in shown.splitlines()] == list(arrays)
    assert len({line.index("[1, 50]") for line in shown.splitlines()}) == 1


def test_a_run_lists_what_it_has(cli, finished_run):
    shown = cli("inspect", finished_run, "--what", "list")
    names = [line.split()[0] for line in shown.stdout.splitlines()]
    assert names == [
        "cmc",
        "embeddings",
        "clip-embeddings",
        "frame-embeddings",
        "responses",
        "saliency",
        "pixels",
        "visibility",
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("pairs", "--query", 0, "--gallery", 1), "a run of mean-pooling has no pairs; it has embeddings, clip-embed"),
        (("part-maps", "--query", 0), "has no part-maps"),
        (("validation",), "this run has no validation; it has cmc; train with --validate to have it"),
        (("pixels",), "--what pixels: expected one --query or more, and no --gallery, got 0 of --query"),
        (("pixels", "--query", 10_000), "--query 10000: is no test tracklet; expected a row number from 0 to"),
        (("responses", "--query", 0, "--layer", "conv9"), "--layer conv9: encoder 'resnet' of vreid-bench"),
        (("embeddings", "--data", "nowhere"), "nowhere"),
    ],
)
def test_what_cannot_be_shown_is_refused_before_anything_is_embedded(cli, finished_run, monkeypatch, options, message):
    monkeypatch.setattr(trained_model, "embed", lambda *_: pytest.fail("it embeds"))
    what, *rest = options
    result = cli("inspect", finished_run, "--what", what, *rest, "--out", finished_run / "out.npz")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1), result.output
    assert message in result.stderr
    assert not (finished_run / "out.npz").exists()


def test_a_file_is_asked_for(cli, finished_run):
    result = cli("inspect", finished_run, "--what", "cmc")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "--out is missing: name the .npz file to write, as in --out cmc.npz" in result.stderr


@pytest.mark.parametrize(("form", "begins"), [("svg", b"<?xml"), ("pdf", b"%PDF"), ("png", b"\x89PNG")])
def test_a_figure_is_drawn_where_the_file_is_one(cli, finished_run, tmp_path, form, begins):
    out = tmp_path / f"figure.{form}"
    result = cli("inspect", finished_run, "--what", "visibility", "--query", 0, "--out", out)
    assert (result.exit_code, result.stdout) == (0, f"{out}\n")
    assert out.read_bytes().startswith(begins)


def test_frames_of_rendered_people_are_shown_unless_they_are_left_out(finished_run):
    def show(**options):
        request = InspectionRequest(finished_run, finished_run.parent, "responses", ("0",), **options)
        return inspection.inspect_run(request)

    assert "pixels" in show(figure=True)
    assert "pixels" not in show(figure=True, images=False)
    assert "pixels" not in show()


def test_real_people_are_shown_only_if_asked_for():
    def list_of(what, **options):
        request = InspectionRequest("run", "runs", what, figure=True, **options)
        return inspection.list_beside(request, Registry.installed(), dataset)

    dataset = Dataset("mars", "root", (), "official")
    assert list_of("clip-weights") == []
    assert list_of("clip-weights", images=True) == ["pixels"]
    dataset = Dataset("mars", "root", (), "synthetic")
    assert list_of("clip-weights") == ["pixels", "visibility"]
    assert list_of("clip-weights", images=False) == ["visibility"]
    dataset = Dataset("ilids-vid", "root", (), "synthetic")  # its renderer keeps no visibility
    assert list_of("clip-weights") == ["pixels"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("cmc", "--out", "a.jpg"), "--out a.jpg: expected a file that ends in .npz, .pdf, .svg, .png"),
        (("cmc", "--out", "a.svg", "--images"), "--what cmc: its figure shows no frames beside it"),
        (("responses", "--query", 0, "--out", "a.npz", "--images"), "--images and --no-images are of figures; name a"),
    ],
)
def test_what_cannot_be_drawn_is_one_sentence(cli, finished_run, tmp_path, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    what, *rest = options
    result = cli("inspect", finished_run, "--what", what, *rest)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1), result.output
    assert message in result.stderr
    assert not list(tmp_path.glob("a.*"))
