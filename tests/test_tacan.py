"""TACAN: its equations by hand, its rows whole, each network through a step at its own frame size."""

from functools import partial

import pytest
import torch
from one_step import check_recipe, check_step, parameters, registry_of, small_frames, take, trainings

from vreid_bench import Batch, Clips, InputError
from vreid_bench.model import assemble
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


@pytest.mark.parametrize("name", METHODS)
def test_small_recipe_is_whole_and_takes_a_step(registry, name):
    method = registry.get("methods", name)("small")
    assembled = check_recipe(registry, method)
    losses, named = take(assembled, 0, method.size)
    check_step(losses, named)
    assert small_frames(method) == small_frames(temporal_modeling.METHODS["mean-pooling"]("small"))
    (stage,) = trainings(method)
    assert stage.steps == trainings(temporal_modeling.METHODS["mean-pooling"]("small"))[0].steps


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


def test_reported_rows():
    found = {
        name: {r.metric: r.value for r in make("paper").reported if r.dataset == "mars"}
        for name, make in tacan.vreid_methods().items()
    }
    assert found["tacan"] == {"mAP": 0.83, "R1": 0.882, "R5": 0.96, "R20": 0.983}
    assert found["tacan-senet"]["mAP"] - found["tacan"]["mAP"] == pytest.approx(0.01)  # section 4.2
    assert found["tacan-clip-attention"]["R1"] == 0.863
    assert found["tacan-embedding"] == found["tacan-tracklets"] == {}
    assert all(tight < loose for loose, tight in tacan.TABLE_3)
    assert all(0 < row.value < 1 for row in tacan.QUOTED)
