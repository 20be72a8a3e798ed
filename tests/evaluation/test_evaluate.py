"""A trained model under several conditions: spoiled clips, and which tracklets stand for a person."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from short_run import SHORT, record_of

from vreid_bench import InputError, Selection, Split, Tracklet
from vreid_bench.evaluation import evaluate
from vreid_bench.records.feature_store import FeatureStore
from vreid_plugins.datasets.mars.reader import Mars
from vreid_plugins.protocols.corruption import protocol


def test_a_corruption_is_refused_for_an_encoder_that_reads_flow():
    encoder = SimpleNamespace(name="streams", planes=("rgb", "flow"))
    chosen = SimpleNamespace(name="two-stream", reranker=None)
    plan = SimpleNamespace(protocol=protocol("corruption", "both"), chosen=chosen, encoder=encoder)
    with pytest.raises(InputError, match=r"spoils frames .*encoder streams of two-stream reads flow"):
        evaluate.Testing.of(plan)


@pytest.fixture
def run(cli_json, tiny_mars, tmp_path):
    """A short run under a protocol on the small tree: its report and folder."""

    def call(name, *options):
        base = ("run", "--plugin", "mean-pooling", "--protocol", name, "--data", tiny_mars, "--runs", tmp_path)
        report = cli_json(*base, *SHORT, *options)
        return report, Path(report["run"])

    return call


def average_precision(vectors, asking, split):
    """mAP of `queries-in-gallery` by the words of the rule, one query at a time."""
    found = []
    for row in split.query:
        query = split.test[row]
        ranked = []
        for other, item in zip(split.gallery, (split.test[g] for g in split.gallery), strict=True):
            if item.pid == -1 or (item.pid, item.camid) == (query.pid, query.camid):
                continue
            ranked.append((np.linalg.norm(asking[row] - vectors[other]), other, item.pid == query.pid))
        hits = [match for _, _, match in sorted(ranked)]
        precisions = [sum(hits[: n + 1]) / (n + 1) for n, hit in enumerate(hits) if hit]
        found += [np.mean(precisions)] if precisions else []
    return np.mean(found)


@pytest.mark.parametrize("side", ["both", "query"])
def test_every_condition_is_scored_on_its_own_mixture_of_clips(run, tiny_mars, side):
    """Against the stored clips, mixed and averaged here, in float64."""
    rules = protocol("corruption-mild", side)
    report, folder = run(rules.name)
    [split] = Mars().read(tiny_mars).splits
    kept, bad = (load_file(folder / f"{name}.safetensors") for name in ("features", "spoiled"))
    assert kept["counts"].tolist() == bad["counts"].tolist() == [8] * len(split.test)
    clean, worse = (store["embedding"].astype(float).reshape(len(split.test), 8, -1) for store in (kept, bad))
    assert not np.allclose(clean, worse)
    for most, condition in zip(range(8), report["conditions"], strict=True):
        assert condition["name"] == f"up to {most} of 8 clips"
        mask = np.array([rules.test.choose_spoiled(t, most, 8) for t in split.test])
        asking = np.where(mask[..., None], worse, clean).mean(1)
        vectors = asking if side == "both" else clean.mean(1)
        expected = average_precision(vectors, asking, split)
        assert condition["conventions"]["queries-in-gallery"]["mAP"] == pytest.approx(expected, abs=1e-3)
    each = [c["conventions"]["queries-in-gallery"]["mAP"] for c in report["conditions"]]
    assert len(set(each)) > 4
    assert report["conventions"]["queries-in-gallery"]["mAP"] == pytest.approx(np.mean(each), abs=1e-12)


def test_without_a_spoiled_clip_it_is_the_protocol_without_corruption(run):
    plain, folder = run("mars")
    report, corrupted = run("mars-corruption")
    for name, scores in report["conditions"][0]["conventions"].items():
        assert scores == {key: plain["conventions"][name][key] for key in scores}
    assert (folder / "weights.safetensors").read_bytes() == (corrupted / "weights.safetensors").read_bytes()


def test_clips_are_encoded_once(run, cli):
    _, folder = run("mars-occlusion")
    before = {name: (folder / name).stat().st_mtime_ns for name in ("features.safetensors", "spoiled.safetensors")}
    record = json.loads((folder / "record.json").read_text())
    (folder / "record.json").unlink()
    run("mars-occlusion")
    assert {name: (folder / name).stat().st_mtime_ns for name in before} == before
    again = json.loads((folder / "record.json").read_text())
    assert again["conditions"] == record["conditions"]
    features = cli("score", "--features", folder, "--json")  # the store is read alone, the clips averaged
    assert features.exit_code == 0, features.stderr


def test_selection_under_the_command_line(run):
    report, _ = run("mars-tracklet-selection")
    record = record_of(report)
    names = ["random against all", "random against random", "all against random", "all against all"]
    assert [condition["name"] for condition in report["conditions"]] == names
    repeats = [len(condition.conventions["cameras-ignored"].splits) for condition in record.conditions]
    assert repeats == [10, 10, 10, 1]  # what draws nothing is not repeated
    first = report["conditions"][0]["conventions"]["cameras-ignored"]
    assert first == {key: report["conventions"]["cameras-ignored"][key] for key in first}


def tracklet(pid, camid, n):
    return Tracklet(tuple(f"{pid}-{camid}-{n}-{i}.jpg" for i in range(n)), pid, camid)


TEST = [
    tracklet(*each)
    for each in [(7, 1, 1), (7, 2, 2), (3, 1, 3), (7, 1, 4), (7, 2, 5), (3, 2, 6), (0, 1, 7), (0, 2, 8), (-1, 1, 9)]
]
SPLIT = Split((), tuple(TEST), (0, 1, 2), (0, 1, 3, 4, 5, 6, 7, 8))  # the first two queries are gallery items, too


def selected(selection):
    """What each ranking is given: vectors and labels, by condition."""
    store = FeatureStore(torch.eye(len(TEST)), torch.ones(len(TEST)), (1,) * len(TEST))
    seen = {}
    for case in selection.cases({"features": store}, None, SPLIT):
        assert case.query is case.gallery
        seen.setdefault(case.condition, []).append((case.query.embedding[:, 0], case.labels, case.frames))
    return seen


def test_all_against_all_averages_every_tracklet_of_a_person():
    [(vectors, labels, frames)] = selected(Selection())["all against all"]
    assert labels.pids.tolist() == [
        3,
        7,
        3,
        7,
        0,
        0,
    ]  # probes, then gallery: persons by pid, distractors alone, no junk
    assert labels.query.tolist() == [0, 1]
    assert labels.gallery.tolist() == [2, 3, 4, 5]
    assert set(labels.camids.tolist()) == {0}  # a descriptor is of no camera
    rows = [[2], [0, 1], [5], [3, 4], [6], [7]]
    for vector, row in zip(vectors, rows, strict=True):
        assert torch.equal(vector, torch.eye(len(TEST))[row].mean(0))
    assert frames == [3, 1 + 2, 6, 4 + 5, 7, 8]


def test_random_draws_one_tracklet_of_each_person_and_others_when_repeated():
    found = selected(Selection(repeats=60))
    for name, probes, gallery in [("random against all", 1, 2), ("all against random", 2, 1)]:
        counts = [[int((v > 0).sum()) for v in vectors] for vectors, _, _ in found[name]]
        assert all(count == [1, probes, 1, gallery, 1, 1] for count in counts)
    drawn = [int(vectors[1].argmax()) for vectors, _, _ in found["random against all"]]
    assert set(drawn) == {0, 1}
    assert 15 < drawn.count(0) < 45
    again = [int(vectors[1].argmax()) for vectors, _, _ in selected(Selection(repeats=60))["random against all"]]
    assert drawn == again
    other = [
        int(vectors[1].argmax()) for vectors, _, _ in selected(Selection(repeats=60, seed=1))["random against all"]
    ]
    assert drawn != other


def test_a_descriptor_is_called_by_its_person_and_by_its_tracklet_if_it_has_one():
    [(_, every, _)] = selected(Selection())["all against all"]
    names = every.names(every.query)
    assert names["person"].tolist() == ["3", "7"]
    assert names["tracklet"].tolist() == ["3-1-3-0.jpg", ""]  # person 7 has two queries
    assert names["camera"].tolist() == ["0", "0"]
    assert every.names(every.gallery)["person"].tolist() == ["3", "7", "distractor", "distractor"]
    [(_, drawn, _)] = selected(Selection(repeats=1))["random against all"]
    assert drawn.names(drawn.query)["tracklet"][1] in ("7-1-1-0.jpg", "7-2-2-0.jpg")


def test_selection_needs_one_vector_a_tracklet():
    store = FeatureStore(torch.zeros(18, 4), torch.ones(18), (2,) * 9)
    with pytest.raises(InputError, match="needs one vector for each tracklet"):
        next(Selection().cases({"features": store}, None, SPLIT))
