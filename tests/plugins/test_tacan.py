"""TACAN: its equations by hand, its rows whole, each network through a step at its own frame size."""

from dataclasses import replace
from functools import partial

import pytest
import torch
from one_step import (
    check_recipe,
    check_step,
    naive_cross_entropy,
    naive_triplet,
    objective,
    parameters,
    printed,
    registry_of,
    rows_of,
    small_frames,
    take,
    trainings,
)

from vreid_bench import Batch, Clipping, Clips, InputError, part
from vreid_bench.modeling.model import assemble, gather
from vreid_bench.training.stages import learning_rate
from vreid_plugins import tacan, temporal_modeling
from vreid_plugins.aggregators import pooling
from vreid_plugins.aggregators.pooling import Average
from vreid_plugins.augmentations import flip, shift
from vreid_plugins.encoders import resnet, senet
from vreid_plugins.losses import cross_entropy, triplet
from vreid_plugins.matchers import mean, weighted
from vreid_plugins.matchers.weighted import Weighted
from vreid_plugins.tacan import MinMax, Tacan
from vreid_plugins.temporal_modeling import TemporalAttention

MODULES = (tacan, temporal_modeling, pooling, flip, shift, resnet, senet, cross_entropy, triplet, mean, weighted)
METHODS = tuple(tacan.vreid_methods())


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def batch_of(vectors, pids):
    pids = torch.as_tensor(pids)
    clips = Clips.single(torch.as_tensor(vectors, dtype=torch.float64))
    return Batch(clips, pids, torch.zeros_like(pids), Weighted(clips.embedding.shape[2], divide="count"))


# section 3.3


def test_clip_weight_and_embedding_come_from_the_inner_aggregators_feature():
    aggregator = Tacan((3, 2, 1), inner=Average, dim=2)
    aggregator.weight.weight.data = torch.tensor([[1.0, 0.0, -2.0]])
    aggregator.weight.bias.data.fill_(0.5)
    maps = torch.rand(4, 5, 3, 2, 1)
    clip = maps.mean((1, 3, 4))
    features = aggregator(maps)
    torch.testing.assert_close(features.importance, clip[:, 0] - 2 * clip[:, 2] + 0.5)
    torch.testing.assert_close(features.embedding, aggregator.embedding(clip))
    aggregator.activation = "sigmoid"
    torch.testing.assert_close(aggregator(maps).importance, torch.sigmoid(features.importance))


def test_training_starts_from_the_plain_mean_and_weights_learn_at_once():
    torch.manual_seed(0)
    aggregator, maps = Tacan((3, 2, 1), inner=Average, dim=2), torch.rand(4, 5, 3, 2, 1)
    features = aggregator(maps)
    assert features.importance.tolist() == [1.0] * 4
    clips = Clips(features.embedding[None], features.importance[None], torch.ones(1, 4, dtype=torch.bool))
    f = Weighted(2, divide="count").represent(clips).embedding[0, 0]
    torch.testing.assert_close(f, features.embedding.mean(0))
    f.square().sum().backward()
    assert aggregator.weight.weight.grad.abs().sum() > 0


def test_weights_teach_the_clip_feature_they_come_from():
    """Eq. 1 is part of the network: its gradient reaches f_C."""
    torch.manual_seed(0)
    aggregator, maps = Tacan((3, 2, 1), inner=Average, dim=2), torch.rand(4, 5, 3, 2, 1, requires_grad=True)
    torch.nn.init.ones_(aggregator.weight.weight)
    aggregator(maps).importance.sum().backward()
    torch.testing.assert_close(maps.grad, torch.full_like(maps, 1 / 10))  # of 5 frames and 2 places


def test_no_weight_is_no_importance():
    aggregator = Tacan((3, 2, 1), inner=partial(TemporalAttention, width=2), dim=2, weight="none")
    assert aggregator(torch.rand(4, 5, 3, 2, 1)).importance is None
    assert "weight.weight" not in dict(aggregator.named_parameters())
    with pytest.raises(InputError, match="weight must be linear, sigmoid or none, got 'softmax'"):
        Tacan((3, 2, 1), inner=Average, weight="softmax")


def test_a_tracklet_is_the_sum_of_weighted_clips_over_their_number():
    """Eq. 3 divides by m, not by the sum of the weights; padding is nobody's clip."""
    embedding = torch.tensor([[[1.0, 0.0], [0.0, 2.0], [9.0, 9.0]], [[4.0, 4.0], [9.0, 9.0], [9.0, 9.0]]])
    importance = torch.tensor([[0.5, 3.0, 7.0], [2.0, 7.0, 7.0]])
    valid = torch.tensor([[True, True, False], [True, False, False]])
    clips = Clips(embedding, importance, valid)
    matcher = Weighted(2, divide="count")
    f = matcher.represent(clips)
    assert f.embedding.tolist() == [[[0.25, 3.0]], [[8.0, 8.0]]]
    assert matcher.distance(f, f)[0, 1].item() == pytest.approx((7.75**2 + 5**2) ** 0.5)
    unit = Weighted(2, normalize=True, divide="count").represent(clips)
    torch.testing.assert_close(unit.embedding[:, 0], torch.tensor([[0.25, 1.5], [2**0.5, 2**0.5]]))
    weighted = Weighted(2).represent(clips)
    torch.testing.assert_close(weighted.embedding[:, 0], torch.tensor([[0.5 / 3.5, 6 / 3.5], [4.0, 4.0]]))


# section 3.4


def naive_min_max(x, pids):
    within = between = 0.0
    for pid in sorted(set(pids)):
        own = [row for row, p in zip(x, pids, strict=True) if p == pid]
        centre = sum(own) / len(own)
        within = within + sum((row - centre) @ (row - centre) for row in own)
        between = between + len(own) * (centre - x.mean(0)) @ (centre - x.mean(0))
    return within / between


def test_min_max_by_hand():
    # means (0, 1) and (4, 0) of three and one; overall mean (1, 0.75)
    x = [[0.0, 0.0], [0.0, 3.0], [0.0, 0.0], [4.0, 0.0]]
    within = 1 + 4 + 1
    between = 3 * (1 + 0.0625) + 1 * (9 + 0.5625)
    assert MinMax({}, 2)(batch_of(x, [7, 7, 7, 2])).item() == pytest.approx(within / between)


def test_min_max_is_the_naive_loop_and_its_gradient():
    x, pids = randn(9, 4, seed=1).requires_grad_(), [0, 0, 3, 3, 3, 1, 1, 2, 2]
    loss, wanted = MinMax({}, 4)(batch_of(x, pids)), naive_min_max(x, pids)
    torch.testing.assert_close(loss, wanted)
    torch.testing.assert_close(torch.autograd.grad(loss, x)[0], torch.autograd.grad(wanted, x)[0])
    assert torch.autograd.gradcheck(lambda v: MinMax({}, 4)(batch_of(v, pids)), x)


def test_min_max_falls_as_classes_tighten_and_as_they_part():
    centres, noise, pids = randn(4, 3, seed=2), randn(12, 3, seed=3), [i // 3 for i in range(12)]

    def loss(spread, apart):
        return MinMax({}, 4)(batch_of(centres.repeat_interleave(3, 0) * apart + noise * spread, pids)).item()

    assert loss(1.0, 1.0) > loss(0.5, 1.0) > loss(0.1, 1.0) > loss(0.0, 1.0)
    assert loss(0.0, 1.0) < 1e-30
    assert loss(1.0, 1.0) > loss(1.0, 2.0)
    assert loss(2.0, 2.0) == pytest.approx(loss(1.0, 1.0))  # a ratio: scale is nothing


def test_min_max_of_one_identity_or_of_coinciding_means_is_finite():
    x = randn(4, 3, seed=4).requires_grad_()
    alone = MinMax({}, 1)(batch_of(x, [5, 5, 5, 5]))
    assert alone.item() == 0
    assert torch.autograd.grad(alone, x)[0].abs().sum() == 0
    assert MinMax({}, 2)(batch_of(torch.ones(4, 3), [0, 0, 1, 1])).item() == 0


# the methods


@pytest.fixture(scope="module")
def registry():
    return registry_of(*MODULES)


def test_tacan_is_its_equations_from_the_maps_to_the_loss(registry):
    """The paper's recipe behind a narrow encoder: two tracklets of each of two persons, four clips of four frames."""
    method = replace(tacan.tacan_tracklets("paper"), encoder=part("resnet", depth=8), size=(64, 32))
    torch.manual_seed(0)
    assembled, pids = assemble(method, registry, identities=3), [2, 2, 0, 0]
    model, losses = assembled.model.double().eval(), assembled.losses.double()
    tacan_layer, classifier = model.aggregator, losses["cross-entropy"].classifier
    for layer in (tacan_layer.inner.score, tacan_layer.weight, tacan_layer.embedding, classifier):
        torch.nn.init.normal_(layer.weight)
    clips = torch.rand(16, 4, 3, 64, 32, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    features = model.features(clips)
    batch = Batch(gather([features], [4] * 4), torch.tensor(pids), torch.zeros(4), assembled.stages[0].matcher)

    vectors = []
    for tracklet in model.encoder(clips).split(4):
        f = 0
        for maps in tracklet:  # of a clip
            attention = tacan_layer.inner.attention(maps[None])[0]
            f_C = sum(a * frame.mean((1, 2)) for a, frame in zip(attention, maps, strict=True)) / 4  # section 3.2
            w = tacan_layer.weight.weight[0] @ f_C + tacan_layer.weight.bias[0]  # Eq. 1
            f = f + w * (tacan_layer.embedding.weight @ f_C + tacan_layer.embedding.bias)  # Eq. 2
        vectors.append(f / 4)  # Eq. 3
    x = torch.stack(vectors)
    torch.testing.assert_close(batch.embedding, x)
    triplets = naive_triplet(vectors, pids, lambda a, b: (a - b) @ (a - b))  # Eq. 5, 6
    logits = x @ classifier.weight.T + classifier.bias
    total = naive_cross_entropy(logits, pids) + triplets + naive_min_max(x, pids)  # Eq. 4
    assert triplets > 0
    torch.testing.assert_close(objective(assembled, 0, batch), total)
    distance = model.matcher.distance(batch.represented, batch.represented)
    torch.testing.assert_close(distance, torch.cdist(x, x), rtol=1e-6, atol=1e-5)  # section 3.1


def test_small_recipe_compares_and_weighs_as_the_papers():
    for name, make in tacan.vreid_methods().items():
        paper, small = make("paper"), make("small")
        assert paper.matcher == small.matcher, name
        assert [s.losses for s in trainings(paper)] == [s.losses for s in trainings(small)], name
        for loss in set(small.losses) & {"triplet"}:
            assert paper.losses[loss].options["metric"] == small.losses[loss].options["metric"], name


@pytest.mark.parametrize("name", METHODS)
def test_small_recipe_is_whole_and_takes_a_step(registry, name):
    method = registry.get("methods", name)("small")
    assembled = check_recipe(registry, method)
    losses, named = take(assembled, 0, method.size)
    check_step(losses, named)
    baseline = temporal_modeling.METHODS["mean-pooling"]("small")
    (stage,), (plain,) = trainings(method), trainings(baseline)
    assert small_frames(method) == small_frames(baseline)
    for field in ("steps", "schedule", "optimizer", "augment"):
        assert getattr(stage, field) == getattr(plain, field)
    assert (method.test, method.size) == (baseline.test, baseline.size)
    assert method.losses["cross-entropy"] == baseline.losses["cross-entropy"]
    if "triplet" in method.losses:
        assert method.losses["triplet"].options["margin"] == baseline.losses["triplet"].options["margin"] == "soft"


@pytest.mark.parametrize("frames", [1, 3])
def test_small_network_embeds_clips_of_any_length(registry, frames):
    model = assemble(tacan.tacan("small"), registry, identities=3).model.eval()
    features = model.features(torch.rand(2, frames, 3, 64, 32))
    assert features.embedding.shape == (2, 32)
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


@pytest.mark.parametrize(("name", "count"), PAPER, ids=[row[0] for row in PAPER])
def test_paper_preset_is_whole_and_has_its_parameters(registry, name, count):
    method = registry.get("methods", name)("paper")
    with torch.device("meta"):  # shapes without numbers
        assert parameters(check_recipe(registry, method).model) == count
    assert method.size == (224, 112)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tacan", "tacan-senet"])  # the others are these less a part
def test_paper_network_takes_a_step_at_the_papers_frame_size(registry, name):
    method = registry.get("methods", name)("paper")
    assembled = assemble(method, registry, identities=625)
    losses, named = take(assembled, 0, method.size)
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
        assert stage.P * stage.K * stage.clipping.clips == 32, name
        assert (stage.optimizer.name, stage.schedule.rate, stage.clipping.T) == ("SGD", 3e-4, 4)
    assert trainings(tacan.tacan("paper"))[0].K == 4


def test_paper_rate_falls_to_a_tenth_every_200_of_800_epochs():
    """An epoch is a group of 8 of each of MARS' 625 persons."""
    (stage,) = trainings(tacan.tacan("paper"))
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


def test_training_on_tracklets_has_as_many_clips_and_persons_with_two_tracklets():
    (stage,) = trainings(tacan.tacan_tracklets("paper"))
    assert (stage.P, stage.K, stage.clipping.clips) == (4, 2, 4)


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
