"""Learned clip similarity and the mean over the most similar pairs, against slow loops over their equations."""

import math

import pytest
import torch
from method_checks import parameters
from torch.nn import functional as F

from vreid_bench import Clips, InputError
from vreid_plugins.clip_similarity import Learned, Top


def clips_of(*counts, dim=4, seed=0):
    """Random clips, `counts` of each tracklet; what is not there is large, so that using it shows."""
    most = max(counts)
    embedding = torch.randn(len(counts), most, dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    valid = torch.arange(most) < torch.tensor(counts)[:, None]
    return Clips(embedding.masked_fill(~valid[..., None], 50.0), torch.ones(valid.shape), valid)


def learned(dim=4, seed=0):
    torch.manual_seed(seed)
    matcher = Learned(dim, hidden=6).double().eval()
    for norm in (matcher.g[1], matcher.g[5]):
        norm.running_mean.normal_(0, 0.1)
        norm.running_var.uniform_(0.5, 1.5)
        torch.nn.init.uniform_(norm.weight, 0.5, 1.5)
        torch.nn.init.normal_(norm.bias, std=0.3)
    return matcher


def one_by_one(matcher, query, gallery):
    """Eq. 3 as a weighted mean of cosines, with the sums of Eq. 2 written out, for one pair of tracklets."""
    pairs = [(q, g) for q in query for g in gallery]
    alphas, products = [], []
    for q, g in pairs:
        c = (q / q.norm()) * (g / g.norm())
        if not alphas:
            alphas.append(torch.ones((), dtype=torch.float64))
        else:
            r = sum(alpha * each for alpha, each in zip(alphas, products, strict=True)) / sum(alphas)
            alphas.append(matcher.g((r - c)[None])[0, 0])
        products.append(c)
    cosines = [F.cosine_similarity(q, g, dim=0) for q, g in pairs]
    return sum(a * c for a, c in zip(alphas, cosines, strict=True)) / sum(alphas), alphas


def test_a_clips_importance_is_its_mean_share_in_the_pairs_but_for_the_first():
    alpha = torch.tensor([[[1.0, 2.0], [3.0, 4.0]], [[1.0, 0.5], [0.5, 0.0]]])
    alpha[1, :, 1] = 0  # the second gallery tracklet has one clip
    matcher = learned()
    matcher.alphas = lambda query, gallery: alpha
    found = matcher.importance(clips_of(2, 2), clips_of(2, 1))
    torch.testing.assert_close(found, torch.tensor([[2 / 10, 3.5 / 10], [0.0, 0.5 / 1.5]]))


# Eq. 1-6


def test_learned_similarity_is_the_weighted_mean_of_cosines():
    matcher, query, gallery = learned(), clips_of(3, 1, 2), clips_of(2, 3, seed=1)
    distance = matcher.distance(matcher.represent(query), matcher.represent(gallery))
    assert distance.shape == (3, 2)
    for i in range(3):
        for j in range(2):
            expected, _ = one_by_one(
                matcher, query.embedding[i][query.valid[i]], gallery.embedding[j][gallery.valid[j]]
            )
            torch.testing.assert_close(distance[i, j], 1 - expected)


def test_importances_are_those_of_the_equation_and_zero_where_no_clip_is():
    matcher = learned(seed=1)
    query, gallery = (matcher.represent(c) for c in (clips_of(3, 2), clips_of(1, 2, seed=1)))
    alpha = matcher.alphas(query, gallery)
    assert alpha.shape == (2, 3, 2)
    assert (alpha[:, 0, 0] == 1).all()
    _, expected = one_by_one(matcher, query.embedding[0], gallery.embedding[0][:1])
    torch.testing.assert_close(alpha[0, :, 0], torch.stack(expected))
    assert alpha[0, :, 1].abs().sum() == 0
    assert alpha[1, 2].abs().sum() == 0
    assert (alpha[1, :2] > 0).all()  # softplus


def test_a_constant_importance_of_one_is_the_mean_over_all_pairs():
    matcher, query, gallery = learned(), clips_of(3, 1), clips_of(2, 3, seed=1)
    last = matcher.g[8]
    torch.nn.init.zeros_(last.weight)
    torch.nn.init.constant_(last.bias, math.log(math.e - 1))  # softplus of it is 1
    every = Top(4, top=1.0)
    torch.testing.assert_close(
        matcher.distance(matcher.represent(query), matcher.represent(gallery)),
        every.eval().distance(every.represent(query), every.represent(gallery)),
    )


def test_learned_similarity_gradient():
    matcher, query, gallery = learned(), clips_of(2, 2), clips_of(2, 2, seed=1)
    for p in matcher.parameters():
        p.requires_grad_(False)

    def distance(q, g):
        return matcher.distance(
            matcher.represent(query.with_embedding(q)), matcher.represent(gallery.with_embedding(g))
        )

    inputs = query.embedding.clone().requires_grad_(), gallery.embedding.clone().requires_grad_()
    assert torch.autograd.gradcheck(distance, inputs)


def over_the_batch(g, x):
    """Eq. 1's g of rows [n, E] with normalisation by their own mean and variance, written out."""
    for at in (0, 4):
        linear, norm = g[at], g[at + 1]
        h = x @ linear.weight.T + linear.bias
        spread = ((h - h.mean(0)) ** 2).mean(0) + norm.eps
        x = ((h - h.mean(0)) / spread.sqrt() * norm.weight + norm.bias).clamp_min(0)
    return torch.log1p((x @ g[8].weight.T + g[8].bias).exp())[:, 0]


def by_steps(matcher, clips):
    """Distances [N, N] in training: in each step, one clip of all queries against one of all gallery tracklets."""
    x, valid = F.normalize(clips.embedding, dim=-1), clips.valid
    state = {}  # a pair of tracklets: the alphas and products so far
    for a in range(x.shape[1]):
        for b in range(x.shape[1]):
            there = [(i, j) for i in range(len(x)) for j in range(len(x)) if valid[i, a] and valid[j, b]]
            asked = [pair for pair in there if pair in state]
            c = {(i, j): x[i, a] * x[j, b] for i, j in there}
            for pair in there:
                state.setdefault(pair, ([], []))
            alpha = dict.fromkeys(there, torch.ones((), dtype=x.dtype))
            if asked:
                means = [sum(w * p for w, p in zip(*state[pair], strict=True)) / sum(state[pair][0]) for pair in asked]
                rows = torch.stack([r - c[pair] for r, pair in zip(means, asked, strict=True)])
                alpha.update(zip(asked, over_the_batch(matcher.g, rows), strict=True))
            for pair in there:
                state[pair][0].append(alpha[pair])
                state[pair][1].append(c[pair])
    found = x.new_zeros(len(x), len(x))
    for (i, j), (alphas, products) in state.items():
        found[i, j] = 1 - sum(w * p.sum() for w, p in zip(alphas, products, strict=True)) / sum(alphas)
    return found


def test_training_compares_by_the_statistics_of_the_pairs_of_a_step():
    matcher = learned(seed=2).train()
    matcher.g[3].p = matcher.g[7].p = 0.0
    clips = clips_of(3, 1, 2, 3, seed=3)
    expected = by_steps(matcher, clips)
    represented = matcher.represent(clips)
    torch.testing.assert_close(matcher.distance(represented, represented), expected)
    assert not torch.allclose(expected, expected.T, atol=1e-4)  # or the order of the sides would not be tested
    hardest = matcher.hardest(represented, torch.tensor([0, 0, 1, 1]))
    partner = torch.tensor([1, 0, 3, 2])
    torch.testing.assert_close(hardest.positive, expected[torch.arange(4), partner])
    others = torch.stack([expected[:2, 2:], expected[2:, :2]]).flatten(0, 1)  # [4, 2]
    torch.testing.assert_close(hardest.negative, others.amin(1))


def test_training_moves_the_normalisation_and_every_weight():
    matcher = learned().train()
    matcher.g[3].p = matcher.g[7].p = 0.0
    before = matcher.g[1].running_mean.clone()
    represented = matcher.represent(clips_of(3, 3, 2))
    matcher.distance(represented, represented).square().sum().backward()
    assert not torch.equal(matcher.g[1].running_mean, before)
    assert all(p.grad is not None and p.grad.isfinite().all() for p in matcher.parameters())


def test_g_has_the_printed_layers():
    assert parameters(Learned(1024)) == 2 * (1024 * 1024 + 1024 + 2 * 1024) + 1024 + 1
    kinds = [type(layer).__name__ for layer in Learned(8).g]
    assert kinds == ["Linear", "BatchNorm1d", "ReLU", "Dropout"] * 2 + ["Linear", "Softplus"]
    assert [layer.p for layer in Learned(8).g if isinstance(layer, torch.nn.Dropout)] == [0.5, 0.5]
    x = torch.tensor([-3.0, 0.0, 2.0])
    torch.testing.assert_close(Learned(8).g[9](x), torch.log1p(x.exp()))


# Eq. 9


def naive_top(query, gallery, share):
    cosines = sorted((F.cosine_similarity(q, g, dim=0).item() for q in query for g in gallery), reverse=True)
    count = max(math.ceil(round(share * len(cosines), 9)), 1)
    return sum(cosines[:count]) / count


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.6, 1.0])
def test_top_similarity_is_the_sorted_loop(share):
    torch.manual_seed(0)
    matcher, query, gallery = Top(4, top=share, project=True).double().eval(), clips_of(5, 2, 1), clips_of(3, 4, seed=1)
    torch.nn.init.normal_(matcher.project.weight)
    distance = matcher.distance(matcher.represent(query), matcher.represent(gallery))
    for i in range(3):
        for j in range(2):
            q, g = (matcher.project(side.embedding[row][side.valid[row]]) for side, row in ((query, i), (gallery, j)))
            assert distance[i, j].item() == pytest.approx(1 - naive_top(q, g, share))


def test_the_share_of_training_is_its_own_and_gradients_reach_the_chosen_pairs_alone():
    matcher, gallery = Top(4, top=1.0, train_top=0.1, project=True).double().train(), clips_of(2, seed=1)
    x = clips_of(5).embedding.requires_grad_()
    query = clips_of(5).with_embedding(x)
    distance = matcher.distance(matcher.represent(query), matcher.represent(gallery))
    assert distance.item() == pytest.approx(1 - naive_top(x[0], gallery.embedding[0], 0.1))
    touched = torch.autograd.grad(distance.sum(), x)[0].abs().sum(2)[0] > 0
    assert touched.sum() == 1  # one of ten pairs
    matcher.eval()
    distance = matcher.distance(matcher.represent(query), matcher.represent(gallery))
    assert distance.item() == pytest.approx(1 - naive_top(x[0], gallery.embedding[0], 1.0))


def test_projection_starts_as_the_identity_and_can_be_left_out():
    clips = clips_of(3, 2)
    plain, projected = Top(4), Top(4, project=True).double()
    torch.testing.assert_close(plain.represent(clips).embedding, projected.represent(clips).embedding)
    assert parameters(projected) == 16
    assert parameters(plain) == 0
    for name in ("top", "train_top"):
        with pytest.raises(InputError, match=f"matcher top: {name} must be above 0 and at most 1, got 0.0"):
            Top(4, **{name: 0.0})
