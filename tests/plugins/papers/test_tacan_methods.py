"""The methods of TACAN: recipes as printed, each network through a step, and the tables."""

from dataclasses import replace

import pytest
import torch
from method_checks import (
    build,
    check_recipe,
    check_step,
    parameters,
    printed,
    rows_of,
    take,
    trainings,
    trainings_on_mars,
    without_checks,
)

from vreid_bench import Clipping, part
from vreid_bench.training.learning import learning_rate
from vreid_plugins import tacan

METHODS = tuple(tacan.vreid_methods())


def test_small_recipe_compares_and_weighs_as_the_papers():
    for name, make in tacan.vreid_methods().items():
        paper, small = make("paper"), make("small")
        assert paper.matcher == small.matcher, name
        assert [s.losses for s in trainings(paper)] == [s.losses for s in trainings(small)], name
        for loss in set(small.losses) & {"triplet"}:
            assert paper.losses[loss].options["metric"] == small.losses[loss].options["metric"], name


@pytest.mark.slow
@pytest.mark.parametrize("name", METHODS)
def test_small_recipe_is_whole_and_takes_a_step(registry, name):
    method = registry.get("methods", name)("small")
    assembled = check_recipe(registry, method)
    losses, named = take(assembled, 0, method.size)
    check_step(losses, named)


@pytest.mark.parametrize("frames", [1, 3])
def test_small_network_embeds_clips_of_any_length(registry, frames):
    model = build(tacan.tacan("small"), registry, identities=3).model.eval()
    features = model.features(torch.rand(2, frames, 3, 64, 32))
    assert features.embedding.shape == (2, 1024)
    assert features.importance.shape == (2,)


RESNET, SENET = 23_508_032, 26_039_024
FRAMES = 2048 * 256 * 7 * 4 + 256 + 3 * 256 + 1
EMBEDDING, WEIGHT = 2048 * 1024 + 1024, 2048 + 1
PAPER = [
    ("tacan-baseline", RESNET),
    ("tacan-triplet", RESNET),
    ("tacan-attention", RESNET + FRAMES),
    ("tacan-clip-attention", RESNET + FRAMES + EMBEDDING + WEIGHT),
    ("tacan-embedding", RESNET + FRAMES + EMBEDDING),
    ("tacan", RESNET + FRAMES + EMBEDDING + WEIGHT),
    ("tacan-tracklets", RESNET + FRAMES + EMBEDDING + WEIGHT),
    ("tacan-senet", SENET + FRAMES + EMBEDDING + WEIGHT),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "count"), PAPER, ids=[row[0] for row in PAPER])
def test_paper_preset_is_whole_and_has_its_parameters(registry, name, count):
    method = registry.get("methods", name)("paper")
    with torch.device("meta"), without_checks():  # shapes without numbers
        assert parameters(check_recipe(registry, method).model) == count
    assert method.size == (224, 112)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tacan", "tacan-senet"])  # the others are these less a part
def test_paper_network_takes_a_step_at_the_papers_frame_size(registry, name):
    method = registry.get("methods", name)("paper")
    assembled = build(method, registry, identities=625)
    losses, named = take(assembled, 0, method.size, frames=2)  # each frame by itself
    check_step(losses, named)
    assert assembled.model.dims["embedding"] == 1024


def test_table_1_adds_one_thing_at_a_time():
    losses = [set(trainings(make("paper"))[0].losses) for make in tacan.vreid_methods().values()]
    rows = dict(zip(tacan.vreid_methods(), losses, strict=True))
    assert rows["tacan-baseline"] == {"cross-entropy"}
    assert rows["tacan-triplet"] == rows["tacan-attention"] == rows["tacan-clip-attention"]
    assert rows["tacan-triplet"] == {"cross-entropy", "triplet"}
    assert rows["tacan"] == rows["tacan-senet"] == rows["tacan-triplet"] | {"min-max"}


def test_paper_batch_is_the_printed_one():
    for name, make in tacan.vreid_methods().items():
        (stage,) = trainings(make("paper"))
        assert (stage.P, stage.K) == (8, 4), name  # "the batch size n is 32", "instances with the same identity" are 4
        assert (stage.optimizer.name, stage.schedule.rate, stage.clipping.T) == ("SGD", 3e-4, 4)


def test_paper_rate_falls_to_a_tenth_every_200_of_800_epochs():
    """An epoch is a group of 8 of each of MARS' 625 persons."""
    (stage,) = trainings_on_mars(tacan.tacan("paper"))
    rates = [learning_rate(stage.schedule, at * 78, stage.steps) for at in (0, 199, 200, 400, 600, 799)]
    assert rates == pytest.approx([3e-4, 3e-4, 3e-5, 3e-6, 3e-7, 3e-7])
    assert stage.steps == 800 * 78
    assert stage.optimizer.options == {"momentum": 0.9, "weight_decay": 5e-4}


def test_paper_test_sees_every_frame_in_clips_of_four():
    for name, make in tacan.vreid_methods().items():
        method = make("paper")
        assert method.test == Clipping("dense", 4), name
        average = part("mean", metric="euclidean")  # section 4.2's baseline
        assert method.matcher == (part("weighted", divide="count") if method.aggregator.name == "tacan" else average)


@pytest.mark.parametrize("preset", ["paper", "small"])
def test_training_on_tracklets_has_the_same_batch_of_four_clips_each(preset):
    (one,), (four,) = (trainings(make(preset)) for make in (tacan.tacan, tacan.tacan_tracklets))
    assert (one.P, one.K, one.clipping) == (8, 4, Clipping("consecutive", 4))
    assert four == replace(one, clipping=Clipping("consecutive", 4, clips=4))


TABLE_1 = """
baseline: 61.4 72.6 87.2 93.2
Ls + Lt: 76.2 82.6 93.9 96.8
TA + Ls + Lt: 76.8 83.9 93.9 97.2
TA + CA + Ls + Lt: 81.6 86.3 95.4 98.1
TA + CA + L: 83.0 88.2 96.0 98.3
SENet50 + TA + CA + L: 84.0 89.1 96.1 98.0
"""
TABLE_2 = """
ASTPN: - 44 70 81
JSTRN: 50.7 70.6 90.0 97.6
STAN: 65.8 82.3 - -
RQEN: 71.1 77.8 88.8 94.3
STIM: 72.7 84.4 93.2 96.3
SCAN: 76.7 86.6 94.8 97.1
TA: 76.7 83.3 93.8 97.4
ResNet3D NL: 77.0 84.3 94.6 -
STAL: 73.5 82.2 92.8 98.0
VRSTC: 82.3 88.5 96.5 -
"""
TABLE_4 = """
ASTPN: - 62 - 77
JSTRN: - 55.2 - 79.4
STAN: - 80.2 - 93.2
RQEN: - 80.0 - 93.4
STIM: - 84.3 - 92.7
SCAN: 89.9 88.0 95.8 95.3
ResNet3D NL: - 81.3 - 91.2
STAL: - 82.8 - 92.7
VRSTC: - 83.4 - -
"""
TABLE_5 = """
EUG: 78.3 83.6 94.6 97.6
VRSTC: 93.5 95.0 99.1 99.4
"""


def test_reported_rows_are_the_printed_ones():
    mars, halves = {"mars": "mAP R1 R5 R20"}, {"ilids_vid": "mAP R1", "prid2011": "mAP R1"}
    duke = {"duke_video": "mAP R1 R5 R10"}
    assert rows_of(tacan.vreid_methods()) == (
        printed(TABLE_1, "Table 1", **mars)
        | printed("TACAN: 93.0 88.9 96.7 95.3", "Table 4", **halves)
        | printed("TACAN: 95.4 96.2 99.4 99.6", "Table 5", **duke)
    )
    assert rows_of(tacan.vreid_methods(), "quoted") == (
        printed(TABLE_2, "Table 2", **mars)
        | printed(TABLE_4, "Table 4", **halves)
        | printed(TABLE_5, "Table 5", **duke)
    )


def test_reported_rows_stand_beside_their_method():
    """Section 4.2 names what each step of Table 1 gains, in percent."""
    mAP, R1 = {}, {}
    for name, make in tacan.vreid_methods().items():
        mars = {row.metric: row.value for row in make("paper").reported if row.dataset == "mars"}
        if mars:
            mAP[name], R1[name] = mars["mAP"], mars["R1"]
    assert mAP["tacan-triplet"] - mAP["tacan-baseline"] == pytest.approx(0.148)
    assert R1["tacan-triplet"] - R1["tacan-baseline"] == pytest.approx(0.1)
    assert mAP["tacan-triplet"] < mAP["tacan-attention"] < mAP["tacan-clip-attention"] == 0.816
    assert mAP["tacan-senet"] - mAP["tacan"] == pytest.approx(0.01)
    assert {"tacan-embedding", "tacan-tracklets"}.isdisjoint(mAP)
    assert all(tight < loose for loose, tight in tacan.TABLE_3)
