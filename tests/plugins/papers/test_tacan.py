"""TACAN: its layers and losses by hand, and its equations from the maps to the loss."""

from dataclasses import replace
from functools import partial

import pytest
import torch
from method_checks import (
    build,
    naive_cross_entropy,
    naive_triplet,
    objective,
)

from vreid_bench import Batch, Clips, InputError, part
from vreid_bench.contracts.packing import pad_features
from vreid_plugins import tacan
from vreid_plugins.aggregators.pooling import Average
from vreid_plugins.matchers.weighted import Weighted
from vreid_plugins.tacan import MinMax, Tacan
from vreid_plugins.temporal_modeling import TemporalAttention


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
    loss, expected = MinMax({}, 4)(batch_of(x, pids)), naive_min_max(x, pids)
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(torch.autograd.grad(loss, x)[0], torch.autograd.grad(expected, x)[0])
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


def test_tacan_is_its_equations_from_the_maps_to_the_loss(registry):
    """The paper's recipe behind a narrow encoder: two tracklets of each of two persons, four clips of four frames."""
    method = replace(tacan.tacan_tracklets("paper"), encoder=part("resnet", depth=8), size=(64, 32))
    torch.manual_seed(0)
    assembled, pids = build(method, registry, identities=3), [2, 2, 0, 0]
    model, losses = assembled.model.double().eval(), assembled.losses.double()
    tacan_layer, classifier = model.aggregator, losses["cross-entropy"].classifier
    for layer in (tacan_layer.inner.score, tacan_layer.weight, tacan_layer.embedding, classifier):
        torch.nn.init.normal_(layer.weight)
    clips = torch.rand(16, 4, 3, 64, 32, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    features = model.features(clips)
    batch = Batch(pad_features([features], [4] * 4), torch.tensor(pids), torch.zeros(4), assembled.stages[0].matcher)

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
