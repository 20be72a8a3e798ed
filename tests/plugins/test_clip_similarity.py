"""Learned clip similarity: its equations against slow ones, its methods whole, both stages through a step."""

import math
from dataclasses import replace

import pytest
import torch
from one_step import check_recipe, check_step, parameters, registry_of, small_frames, take, trainings
from torch.nn import functional as F

from vreid_bench import Batch, Clips, InputError, part
from vreid_bench.modeling.model import assemble
from vreid_bench.registry.settings import override, resolve
from vreid_bench.training.stages import learning_rate, trainable
from vreid_plugins import clip_similarity, temporal_modeling
from vreid_plugins.aggregators import pooling
from vreid_plugins.augmentations import clip_corruption, crop, flip, shift
from vreid_plugins.clip_similarity import Learned, Top
from vreid_plugins.encoders import i3d
from vreid_plugins.losses import cross_entropy, triplet
from vreid_plugins.matchers import mean

MODULES = (clip_similarity, pooling, clip_corruption, crop, flip, shift, i3d, cross_entropy, triplet, mean)
METHODS = tuple(clip_similarity.vreid_methods())


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
            wanted, _ = one_by_one(matcher, query.embedding[i][query.valid[i]], gallery.embedding[j][gallery.valid[j]])
            torch.testing.assert_close(distance[i, j], 1 - wanted)


def test_importances_are_those_of_the_equation_and_zero_where_no_clip_is():
    matcher = learned(seed=1)
    query, gallery = (matcher.represent(c) for c in (clips_of(3, 2), clips_of(1, 2, seed=1)))
    alpha = matcher.alphas(query, gallery)
    assert alpha.shape == (2, 3, 2)
    assert (alpha[:, 0, 0] == 1).all()
    _, wanted = one_by_one(matcher, query.embedding[0], gallery.embedding[0][:1])
    torch.testing.assert_close(alpha[0, :, 0], torch.stack(wanted))
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
    wanted = by_steps(matcher, clips)
    represented = matcher.represent(clips)
    torch.testing.assert_close(matcher.distance(represented, represented), wanted)
    assert not torch.allclose(wanted, wanted.T, atol=1e-4)  # or the order of the sides would not be tested
    hardest = matcher.hardest(represented, torch.tensor([0, 0, 1, 1]))
    partner = torch.tensor([1, 0, 3, 2])
    torch.testing.assert_close(hardest.positive, wanted[torch.arange(4), partner])
    others = torch.stack([wanted[:2, 2:], wanted[2:, :2]]).flatten(0, 1)  # [4, 2]
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


# the methods


@pytest.fixture(scope="module")
def registry():
    return registry_of(*MODULES)


@pytest.mark.parametrize("name", METHODS)
def test_small_recipe_is_whole_and_takes_a_step_of_each_stage(registry, name):
    method = registry.get("methods", name)("small")
    assembled = check_recipe(registry, method)
    for at in range(len(trainings(method))):
        losses, named = take(assembled, at, method.size)
        check_step(losses, named, moving=0.7 if at else 0.9)  # dropout
        if at:
            assert all(n.startswith("matcher.") for n in named)
            assert assembled.model.encoder.training is False
    first = trainings(method)[0]
    assert small_frames(temporal_modeling.METHODS["mean-pooling"]("small")) == first.P * first.K * first.clipping.T


I3D, D = 12_287_264, 1024
PAPER = [
    ("clip-average", 0),
    ("clip-average-raw", 0),
    ("clip-average-1", 0),
    ("clip-top", D * D),
    ("clip-top-trained", D * D),
    ("clip-learned", 2 * (D * D + 3 * D) + D + 1),
]


@pytest.mark.parametrize(("name", "matcher"), PAPER, ids=[row[0] for row in PAPER])
def test_paper_preset_is_whole_and_has_its_parameters(registry, name, matcher):
    method = registry.get("methods", name)("paper")
    with torch.device("meta"):  # shapes without numbers
        assert parameters(check_recipe(registry, method).model) == I3D + matcher
    assert method.size == (256, 128)
    assert method.test.T == 4


@pytest.mark.slow
def test_paper_network_takes_a_step_at_the_papers_frame_size(registry):
    method = clip_similarity.clip_learned("paper")
    assembled = assemble(method, registry, identities=625)
    losses, named = take(assembled, 0, method.size)
    check_step(losses, named)
    # the second stage on features, which I3D gives it once
    module = torch.nn.ModuleDict({"model": assembled.model, "loss": assembled.losses})
    named = trainable(module, assembled.stages[1].recipe)
    clips = Clips(torch.randn(4, 8, D), torch.ones(4, 8), torch.ones(4, 8, dtype=torch.bool))
    pids = torch.tensor([0, 0, 1, 1])
    loss = assembled.losses["similarity"](Batch(clips, pids, pids * 0, assembled.stages[1].matcher))
    loss.backward()
    check_step({"similarity": loss}, named, moving=0.7)


def test_paper_stages_are_the_printed_ones():
    first, second = trainings(clip_similarity.clip_learned("paper"))
    assert (first.P, first.K, second.P, second.K) == (8, 4, 12, 4)
    for stage in (first, second):
        assert stage.optimizer.options == {"betas": (0.9, 0.999), "weight_decay": 5e-4, "amsgrad": True}
    epoch = 78
    rates = [learning_rate(first.schedule, at * epoch, first.steps) for at in (0, 399, 400, 800, 1199)]
    assert rates == pytest.approx([3e-4, 3e-4, 3e-5, 3e-6, 3e-6])
    assert first.steps == 1200 * epoch
    epoch = 52
    rates = [learning_rate(second.schedule, at, second.steps) for at in (0, 8 * epoch - 1, 8 * epoch, 12 * epoch - 1)]
    assert rates == pytest.approx([3e-5, 3e-5, 3e-6, 3e-6])
    assert second.steps == 12 * epoch
    assert (second.clipping.clips, second.clipping.T, second.cached) == (8, 4, 4)


def test_paper_losses_clips_and_matchers_are_the_printed_ones():
    methods = {name: make("paper") for name, make in clip_similarity.vreid_methods().items()}
    whole = methods["clip-learned"]
    first, second = trainings(whole)
    assert whole.aggregator.name == "average"
    assert (first.clipping.sampler, first.clipping.T, first.clipping.clips) == ("consecutive", 4, 1)
    assert second.clipping == whole.test
    assert (whole.test.sampler, whole.test.T, whole.test.clips) == ("uniform", 4, 8)
    assert first.losses == {"cross-entropy": 1.0, "triplet": 1.0}
    assert second.losses == {"similarity": 1.0}
    assert {name: loss.options.get("margin") for name, loss in whole.losses.items() if "margin" in loss.options} == {
        "triplet": 0.3,
        "similarity": 1.0,
    }
    assert first.matcher.options == {"metric": "euclidean"}  # Eq. 7: of features at their own length
    assert second.matcher is None  # the similarity itself
    assert (first.freeze, second.train) == (("matcher.*",), ("matcher.*",))
    for stage in (first, second):  # 144 x 288 for 128 x 256
        assert [(each.name, each.options) for each in stage.augment] == [
            ("crop", {"enlarge": 288 / 256, "p": 1.0}),
            ("flip", {}),
        ]
    assert {name: method.matcher.options for name, method in methods.items() if "average" not in name} == {
        "clip-top": {"top": 0.6, "train_top": 1.0, "project": True},
        "clip-top-trained": {"top": 0.5, "project": True},
        "clip-top-corrupted": {"top": 0.5, "project": True},
        "clip-learned": {},
        "clip-learned-corrupted": {},
    }
    averages = {name: method for name, method in methods.items() if "average" in name}
    assert {name: method.test.clips for name, method in averages.items()} == {
        "clip-average": 8,
        "clip-average-raw": 8,
        "clip-average-1": 1,
        "clip-average-2": 2,
        "clip-average-4": 4,
    }
    assert {name for name, method in averages.items() if not method.matcher.options.get("normalize")} == {
        "clip-average-raw"
    }


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("clip-average-1", {"test.sampler": "random", "test.T": 32}),  # Table 1, Fig. 3
        ("clip-average-1", {"test.sampler": "evenly", "test.T": 8}),
        ("clip-average-1", {"test.sampler": "all", "test.T": 0}),
        ("clip-average", {"test.clips": 16}),  # Fig. 4
        ("clip-average", {"test.T": 16, "stages.0.clipping.T": 16}),  # Table 6
        ("clip-top", {"matcher.top": 0.2}),  # Table 2
    ],
)
def test_what_else_the_paper_varies_is_a_setting(registry, name, settings):
    method = resolve(registry.get("methods", name)("paper"), registry)
    method, changed = override(method, [f"{path}={value}" for path, value in settings.items()])
    assert changed == settings
    check_recipe(registry, replace(method, encoder=part("i3d", shrink=8)))


def test_training_spoils_as_many_clips_as_the_hardest_test():
    """M_c from 0 to 7 of 8 clips, each as likely: scaled down by 5 (section 4.4)."""
    spoiling = trainings(clip_similarity.clip_learned_corrupted("paper"))[1].augment[-1]
    share = sum(range(8)) / 8 / 8
    assert spoiling.options == {"share": share, "kind": "low-resolution", "strength": 5.0}


def test_methods_share_the_first_stage_and_spoil_in_the_second_alone():
    """So that weights of the first are one training, and differences come from the comparison of clips."""
    methods = {name: make("small") for name, make in clip_similarity.vreid_methods().items()}
    firsts = {name: trainings(method)[0] for name, method in methods.items()}
    assert len({repr((s.clipping, s.augment, s.steps, s.schedule, s.matcher)) for s in firsts.values()}) == 1
    for name, method in methods.items():
        names = [a.name for a in trainings(method)[-1].augment]
        assert ("clip-corruption" in names) == name.endswith("corrupted")
        assert "clip-corruption" not in [a.name for a in firsts[name].augment]


def test_reported_rows():
    found = {
        name: {(row.dataset, row.metric): row.value for row in make("paper").reported if not row.reranked}
        for name, make in clip_similarity.vreid_methods().items()
    }
    assert found["clip-learned"]["mars", "mAP"] == 0.759
    assert found["clip-top"]["mars", "R1"] == 0.832  # better on clean data than the paper's own method
    assert found["clip-learned"]["mars-corruption", "mAP"] == pytest.approx(0.741, abs=5e-4)
    assert found["clip-top"]["mars-corruption", "mAP"] == pytest.approx(0.67575)
    assert [found[f"clip-average{m}"]["mars", "mAP"] for m in ("-1", "-2", "-4", "")] == [0.633, 0.701, 0.745, 0.749]
    assert len(clip_similarity.TABLE_2) == 10 + 4 + 1
    reported = {row.where for make in clip_similarity.vreid_methods().values() for row in make("paper").reported}
    quoted = {row.where for row in clip_similarity.QUOTED}
    for made in ("Table 2, Ours", "Table 2, topt-e, t = 60", "Table 6, L = 4, M = 2", "Table 3, Ours + Reranking"):
        assert made in reported - quoted
    for other in ("Table 2, topt-te, t = 20", "Table 6, L = 16, M = 8", "Table 3, PSE + ECN", "Table 5, QAN"):
        assert other in quoted - reported
    assert all(len(row.split()) == 16 for row in clip_similarity.TABLE_2.values())
    assert all(0 < row.value <= 1 for row in clip_similarity.QUOTED)
    assert {row.where.removeprefix("Table 3, ") for row in clip_similarity.QUOTED if row.reranked} == {
        "RQEN+XQDA+Reranking",
        "TriNet + Reranking",
        "PSE + ECN",
        "PABR + Reranking",
        "STA + Reranking",
    }
