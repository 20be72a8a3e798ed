"""3D PersonVLAD's layer and its recipe: against VLAD by a slow loop, and at the numbers that break floats."""

import itertools

import pytest
import torch
from torch.nn import functional as F

from vreid_bench import Fit, InputError
from vreid_bench.training.stages import learning_rate
from vreid_plugins.personvlad import (
    METHODS,
    C3dHead,
    PartPooling,
    PersonVlad,
    RegionVlad,
    _sample,
    kmeans,
    vreid_aggregators,
)


def layer(D=5, h=3, w=2, seed=0, **options):
    torch.manual_seed(seed)
    return PersonVlad((D, h, w), **{"parts": 3, "words": 4, **options}).double()


def maps_of(B=2, T=2, D=5, h=3, w=2, seed=1):
    return torch.rand(B, T, D, h, w, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def place(vlad, centres):
    """Centres as `fit` would leave them."""
    vlad._place(torch.as_tensor(centres, dtype=torch.float64))
    return vlad


def test_part_maps_are_weights_of_each_place():
    vlad, maps = layer(), 4 * maps_of()
    masks = vlad.detector(maps)  # [B, parts, T', h, w]
    assert masks.shape == (2, 3, 2, 3, 2)
    assert masks.min() > 0
    assert masks.max() < 1
    weight, bias = vlad.detector.weight[2, :, 0, 0, 0], vlad.detector.bias[2]
    torch.testing.assert_close(masks[1, 2, 0, 1, 1], torch.sigmoid(weight @ maps[1, 0, :, 1, 1] + bias))


@pytest.mark.parametrize("normalize", [True, False])
def test_part_features_weigh_every_place(normalize):
    """Eq. 2 by a loop over clips, parts and places."""
    vlad, maps = layer(normalize=normalize), maps_of()
    masks, features = vlad.detector(maps), vlad.part_features(maps)
    assert features.shape == (2, 3 * 12, 5)
    for b in range(2):
        for part in range(3):
            for place_ in range(12):
                t, y, x = place_ // 6, place_ // 2 % 3, place_ % 2
                f = maps[b, t, :, y, x] / (maps[b, t, :, y, x].norm() if normalize else 1)
                torch.testing.assert_close(features[b, part * 12 + place_], masks[b, part, t, y, x] * f)


def test_pooled_features_are_the_mean_over_places():
    torch.manual_seed(2)
    everywhere, pooled = layer(seed=3), layer(seed=3, descriptors="pooled")
    maps = maps_of()
    wanted = everywhere.part_features(maps).unflatten(1, (3, 12)).mean(2)
    torch.testing.assert_close(pooled.part_features(maps), wanted)
    assert pooled(maps).shape == everywhere(maps).shape == (2, 20)


def test_normalising_leaves_the_part_maps_their_say():
    """Scaling after Eq. 2 would divide each part's weight out again, and all parts would look alike."""
    vlad, maps = layer(), maps_of()
    features = vlad.part_features(maps)
    torch.testing.assert_close(features.norm(dim=2), vlad.detector(maps).flatten(1))


@pytest.mark.parametrize("alpha", [0.5, 1000.0])
def test_assignment_is_equation_4_as_long_as_it_follows_the_centres(alpha):
    centres, f = torch.rand(4, 5).double(), torch.rand(2, 7, 5).double()
    vlad = place(layer(alpha=alpha), centres)
    wanted = (-alpha * (f[:, :, None] - centres).square().sum(3)).softmax(2)
    torch.testing.assert_close(vlad.assignment(f), wanted, rtol=1e-6, atol=1e-9)


def test_assignment_and_residual_are_decoupled():
    """Eq. 5: w and z assign, c is what is subtracted."""
    vlad, maps = layer(alpha=5.0), maps_of()
    f, a = vlad.part_features(maps), vlad.assignment(vlad.part_features(maps))
    with torch.no_grad():
        vlad.c.add_(1.0)
    torch.testing.assert_close(vlad.assignment(f), a)
    with torch.no_grad():
        vlad.z[0] += 3
        vlad.w[1] += 1
    moved = (f @ vlad.w.T + vlad.z).softmax(2)
    torch.testing.assert_close(vlad.assignment(f), moved)
    assert not torch.allclose(moved, a)


def classic_vlad(descriptors, centres):
    """VLAD of Jegou et al. 2010 with intra-normalisation: each descriptor to its nearest centre, one by one."""
    columns = torch.zeros_like(centres)
    for f in descriptors:
        k = min(range(len(centres)), key=lambda k: float((f - centres[k]).norm()))
        columns[k] += f - centres[k]
    columns = torch.stack([c / c.norm() if c.norm() > 0 else c for c in columns])
    return columns.flatten() / columns.norm()


@pytest.mark.parametrize("descriptors", ["locations", "pooled"])
def test_with_hard_assignment_it_is_classic_vlad(descriptors):
    vlad = layer(alpha=1e7, descriptors=descriptors)
    centres = torch.rand(4, 5, generator=torch.Generator().manual_seed(4)).double() / 3
    centres[3] += 10  # a word that nothing belongs to
    place(vlad, centres)
    maps = maps_of(seed=5)
    for row, features in zip(vlad(maps), vlad.part_features(maps), strict=True):
        wanted = classic_vlad(features.detach(), centres)
        torch.testing.assert_close(row.detach(), wanted)
        assert row[15:].abs().sum() == 0


def test_the_vector_has_unit_length_and_one_column_per_word():
    vlad = place(layer(), torch.rand(4, 5))
    v = vlad(maps_of())
    torch.testing.assert_close(v.norm(dim=1), torch.ones(2).double())
    lengths = v.unflatten(1, (4, 5)).norm(dim=2)  # the words in use share the length equally
    for row in lengths:
        used = row[row > 0.1]
        torch.testing.assert_close(used, used[0].expand_as(used))


def test_order_of_places_and_frames_changes_nothing():
    vlad, maps = place(layer(alpha=10.0), torch.rand(4, 5)), maps_of(T=3)
    torch.testing.assert_close(vlad(maps), vlad(maps[:, [2, 0, 1]].flip(4)))


@pytest.mark.parametrize("length", [1.0, 5.0, 30.0])
def test_float32_agrees_with_float64_at_alpha_1000(length):
    """The terms of Eq. 5 reach 1000 length^2 and their differences decide; logits in float32 miss this 40 times."""
    torch.manual_seed(6)
    fitted, maps = (length * F.normalize(torch.rand(n, 2, 64, 4, 2), dim=2) for n in (8, 3))
    single, double = (PersonVlad((64, 4, 2), parts=4, words=16, normalize=False) for _ in range(2))
    single.fit([fitted])
    assert single.z.abs().max() > 100 * length**2
    double.load_state_dict(single.state_dict())
    values, gradients = [], []
    cotangent = torch.randn(3, 16 * 64)
    for vlad, x in ((single, maps.clone()), (double.double(), maps.double())):
        v = vlad(x.requires_grad_())
        (v * cotangent.to(v.dtype)).sum().backward()
        values.append(v.detach().double())
        gradients.append(x.grad.double())
        assert all(p.grad.isfinite().all() for p in vlad.parameters())
    assert (values[0] - values[1]).abs().max() < 1e-6
    assert (gradients[0] - gradients[1]).norm() < 1e-4 * gradients[1].norm()


@pytest.mark.parametrize("fill", [0.0, 1e6])
@pytest.mark.parametrize("normalize", [True, False])
def test_constant_maps_stay_finite(fill, normalize):
    vlad = PersonVlad((5, 3, 2), parts=3, words=4, normalize=normalize)
    maps = torch.full((2, 1, 5, 3, 2), fill, requires_grad=True)
    v = vlad(maps)
    v.sum().backward()
    assert v.isfinite().all()
    assert maps.grad.isfinite().all()


def test_gradient_in_double_precision():
    vlad = place(layer(alpha=3.0), torch.rand(4, 5, generator=torch.Generator().manual_seed(7)))
    maps = maps_of(B=1, T=1, h=2, w=1).requires_grad_()

    def function(x, *_):
        return vlad(x)

    assert torch.autograd.gradcheck(function, (maps, vlad.w, vlad.z, vlad.c, vlad.detector.weight))


def test_a_word_without_descriptors_gets_no_gradient_of_the_tail():
    """Scaled to unit length, the last digits of the softmax would become a full column, and differ by machine."""
    vlad = place(layer(D=2, h=1, w=1, words=2, parts=1, alpha=150.0), [[0.5, 0.0], [0.0, 0.5]])
    with torch.no_grad():
        vlad.detector.weight.zero_()
        vlad.detector.bias.fill_(0.1)
    maps = torch.tensor([1.0, 0.1], dtype=torch.float64).view(1, 1, 2, 1, 1)
    a = vlad.assignment(vlad.part_features(maps))
    assert 0 < a[0, 0, 1] < 1e-30
    column = vlad(maps).unflatten(1, (2, 2))[0, 1]
    assert 0 < column.norm() < 1e4 * a[0, 0, 1]


def test_a_word_whose_descriptors_lie_close_to_it_is_not_an_empty_one():
    """Residuals of a hundredth and of one: intra-normalisation gives both words the same length."""
    vlad = place(layer(D=2, h=1, w=1, words=2, parts=1, alpha=1000.0, normalize=False), [[0.0, 1.01], [5.0, 0.0]])
    with torch.no_grad():
        vlad.detector.weight.zero_()
        vlad.detector.bias.fill_(50.0)  # a map of 1
    maps = torch.tensor([[0.0, 1.0], [4.0, 0.0]], dtype=torch.float64).view(1, 2, 2, 1, 1)
    half = 0.5**0.5
    torch.testing.assert_close(vlad(maps)[0], torch.tensor([0.0, -half, -half, 0.0], dtype=torch.float64))


# fit


def test_fit_ties_assignment_to_the_centres():
    vlad = layer(alpha=1000.0)
    vlad.fit([maps_of(seed=s) for s in range(3)])
    torch.testing.assert_close(vlad.w, 2000 * vlad.c)
    torch.testing.assert_close(vlad.z, -1000 * vlad.c.square().sum(1))


def test_fit_places_words_among_the_descriptors_of_all_parts():
    """One word is their mean, by a loop over maps, parts and places."""
    vlad, batches = layer(words=1), [maps_of(seed=s) for s in range(2)]
    vlad.fit(batches)
    found = []
    for maps in batches:
        masks = vlad.detector(maps)
        for b, part, t, y, x in itertools.product(range(2), range(3), range(2), range(3), range(2)):
            f = maps[b, t, :, y, x]
            found.append(masks[b, part, t, y, x] * f / f.norm())
    torch.testing.assert_close(vlad.c[0], torch.stack(found).mean(0))


def test_fit_follows_the_seed_alone():
    found = []
    for seed in (0, 0, 1):
        vlad = layer(words=3)
        torch.manual_seed(seed)
        vlad.fit(maps_of(seed=s) for s in range(3))  # an iterator serves, too
        found.append(vlad.c.detach().clone())
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


def test_kmeans_finds_separate_groups():
    torch.manual_seed(8)
    middles = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]])
    x = (middles[:, None] + 0.1 * torch.randn(4, 50, 2)).flatten(0, 1)
    centres = kmeans(x, 4)
    wanted = x.view(4, 50, 2).mean(1)
    order = torch.cdist(wanted, centres).argmin(1)
    assert sorted(order.tolist()) == [0, 1, 2, 3]
    torch.testing.assert_close(centres[order], wanted)


def test_kmeans_starts_from_rows_that_lie_apart():
    """k-means++ (Arthur and Vassilvitskii 2007): of a thousand equal rows and a far one, the start has both."""
    x = torch.zeros(1001, 2)
    x[400] = torch.tensor([3.0, 4.0])
    for seed in range(5):
        torch.manual_seed(seed)
        assert sorted(kmeans(x, 2).tolist()) == [[0.0, 0.0], [3.0, 4.0]]


def test_kmeans_ends_where_every_centre_is_the_mean_of_its_rows():
    torch.manual_seed(14)
    x = torch.randn(60, 2, dtype=torch.float64)
    centres = kmeans(x, 5)
    nearest = [min(range(5), key=lambda k: float((row - centres[k]).norm())) for row in x]
    for k in range(5):
        torch.testing.assert_close(centres[k], x[[n == k for n in nearest]].mean(0))


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_kmeans_with_fewer_descriptors_than_words_repeats_them(rows):
    torch.manual_seed(9)
    x = torch.randn(rows, 3)
    centres = kmeans(x, 8)
    assert centres.shape == (8, 3)
    distance = torch.cdist(centres, x)
    assert distance.amin(1).max() < 1e-3  # every centre is a row
    assert distance.amin(0).max() < 1e-3  # every row is a centre


def test_fit_on_one_place_still_gives_a_vector():
    vlad = layer(words=8, h=1, w=1, parts=1)
    vlad.fit([maps_of(B=1, T=1, h=1, w=1)])
    assert vlad(maps_of(B=2, T=1, h=1, w=1)).isfinite().all()


def test_fit_without_maps_says_so():
    with pytest.raises(InputError, match="fit\\(\\) got no maps"):
        layer().fit([])


def test_sample_is_even_and_bounded():
    torch.manual_seed(10)
    batches = [torch.arange(i, i + 100)[:, None] for i in range(0, 10_000, 100)]
    drawn = _sample(iter(batches), 1000)[:, 0]
    assert len(drawn) == len(drawn.unique()) == 1000
    assert 4700 < drawn.float().mean() < 5300
    few = _sample(iter(batches[:2]), 1000)[:, 0]
    assert few.sort().values.tolist() == list(range(200))


def test_reads_bfloat16_maps_under_autocast_as_float32():
    vlad = PersonVlad((5, 3, 2), parts=3, words=4)
    maps = maps_of().to(torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        v = vlad(maps)
    assert v.dtype == torch.float32
    torch.testing.assert_close(v, vlad(maps.float()))


def test_refuses_descriptors_it_does_not_know():
    with pytest.raises(InputError, match="descriptors must be locations or pooled"):
        PersonVlad((5, 3, 2), descriptors="all")


def test_is_not_what_average_pooling_gives():
    """The centres matter: moving one changes the vector."""
    vlad, maps = place(layer(alpha=1.0), torch.rand(4, 5)), maps_of()
    before = vlad(maps).detach()
    with torch.no_grad():
        vlad.c[0] += 0.5
    assert F.cosine_similarity(before, vlad(maps).detach()).max() < 0.999


# What Table III and V compare it with


def regions(rows, columns, h, w, **options):
    torch.manual_seed(0)
    return RegionVlad((5, h, w), rows, columns, **{"words": 4, **options}).double()


def test_stripes_of_a_height_that_divides_are_plain_stripes():
    vlad, maps = regions(3, 1, h=6, w=2), maps_of(h=6)
    masks = vlad.detector(maps)  # [B, parts, T', h, w]
    assert masks.shape == (2, 3, 2, 6, 2)
    for stripe in range(3):
        wanted = torch.zeros(6, 2).double()
        wanted[2 * stripe : 2 * stripe + 2] = 1
        assert torch.equal(masks[1, stripe, 1], wanted)
    features = vlad.part_features(maps)  # [B, parts, D]
    unit = F.normalize(maps, dim=2)
    torch.testing.assert_close(features[:, 1], unit[:, :, :, 2:4].mean((1, 3, 4)))


@pytest.mark.parametrize(("rows", "columns"), [(5, 1), (5, 5)])
def test_regions_share_every_place_by_its_area(rows, columns):
    """Of C3D's 6 x 3 places, which five does not divide."""
    masks = regions(rows, columns, h=6, w=3).detector(maps_of(T=1, h=6, w=3))[0, :, 0]  # [parts, h, w]
    assert masks.shape == (rows * columns, 6, 3)
    torch.testing.assert_close(masks.sum(0), torch.ones(6, 3).double(), atol=1e-6, rtol=0)
    torch.testing.assert_close(masks.sum((1, 2)), torch.full((rows * columns,), 18 / rows / columns).double())
    first = [1, 0.2, 0, 0, 0, 0]  # a fifth of six rows is one and a fifth
    across = [1, 1, 1] if columns == 1 else [0.6, 0, 0]
    wanted = torch.tensor(first)[:, None].double() * torch.tensor(across).double()
    torch.testing.assert_close(masks[0], wanted, atol=1e-6, rtol=0)


def test_one_region_is_the_mean_of_all_places():
    vlad, maps = regions(1, 1, h=3, w=2), maps_of()
    torch.testing.assert_close(vlad.part_features(maps)[:, 0], F.normalize(maps, dim=2).mean((1, 3, 4)))


def test_regions_with_hard_assignment_are_classic_vlad():
    vlad, maps = regions(3, 2, h=3, w=2, alpha=1e7), maps_of(seed=5)
    centres = torch.rand(4, 5, generator=torch.Generator().manual_seed(4)).double()
    place(vlad, centres)
    for row, features in zip(vlad(maps), vlad.part_features(maps), strict=True):
        torch.testing.assert_close(row.detach(), classic_vlad(features.detach(), centres))


def test_regions_learn_their_words_and_nothing_of_where_parts_are():
    vlad = regions(5, 5, h=6, w=3)
    assert {name for name, _ in vlad.named_parameters()} == {"w", "z", "c"}
    vlad.fit([maps_of(h=6, w=3)])
    torch.testing.assert_close(vlad.w, 2000 * vlad.c)


@pytest.mark.parametrize("pooling", ["average", "max"])
def test_part_pooling_by_a_loop(pooling):
    """III-B a): f_b = ReLU(W (W6 pool(F_b))), concatenated."""
    torch.manual_seed(11)
    layer, maps = PartPooling((5, 3, 2), parts=3, hidden=4, width=6, pooling=pooling).double(), maps_of()
    masks = layer.detector(maps)
    assert masks.min() > 0
    assert masks.max() < 1
    f = layer(maps)
    assert f.shape == (2, 18)
    for b in range(2):
        for p in range(3):
            weighed = torch.stack([maps[b, t] * masks[b, p, t] for t in range(2)])  # [T', D, h, w]
            pooled = weighed.mean((0, 2, 3)) if pooling == "average" else weighed.amax((0, 2, 3))
            wanted = (layer.fc[p].weight @ (layer.fc6[p].weight @ pooled)).clamp_min(0)
            torch.testing.assert_close(f[b, 6 * p : 6 * p + 6], wanted)
    torch.testing.assert_close(layer(maps[:, [1, 0]].flip(4)), f)  # places and frames have no order


def test_part_pooling_gradient_in_double_precision():
    torch.manual_seed(12)
    layer, maps = PartPooling((5, 2, 1), parts=2, hidden=3, width=2).double(), maps_of(B=1, T=1, h=2, w=1)
    assert torch.autograd.gradcheck(lambda x, *_: layer(x), (maps.requires_grad_(), *layer.parameters()))


def test_c3d_head_by_hand():
    torch.manual_seed(13)
    head, maps = C3dHead((5, 3, 2), width=7).double().eval(), maps_of()
    features = head(maps)
    flat = maps.mean(1).flatten(1)  # channel by channel, as the published fc6 has them
    fc6 = (flat @ head.fc6.weight.T + head.fc6.bias).clamp_min(0)
    torch.testing.assert_close(features.embedding, fc6)
    torch.testing.assert_close(features.extra["fc7"], (fc6 @ head.fc7.weight.T + head.fc7.bias).clamp_min(0))
    head.train()
    dropped = head(maps)
    torch.testing.assert_close(dropped.embedding, fc6)  # what is compared is never dropped
    assert (dropped.extra["fc7"] == 0).sum() > (features.extra["fc7"] == 0).sum()


def test_part_pooling_refuses_a_pooling_it_does_not_know():
    with pytest.raises(InputError, match="aggregator part-pooling: pooling must be average or max, got 'sum'"):
        PartPooling((5, 3, 2), pooling="sum")


# The methods


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        # 257 a part detector, 513 a word, less than C3D's at the printed widths
        ("personvlad", 6 * 257 + 64 * 513),
        *((f"personvlad-b{parts}", parts * 257 + 64 * 513) for parts in (1, 2, 4, 8)),
        ("personvlad-stripes", 64 * 513),
        ("personvlad-grid", 64 * 513),
        ("personvlad-global-pooling", 6 * (257 + 2 * 256 * 256)),
    ],
)
def test_parameters_of_every_variant(name, parameters):
    chosen = METHODS[name]("paper").aggregator
    built = vreid_aggregators()[chosen.name]((256, 6, 3), **chosen.options)
    assert sum(p.numel() for p in built.parameters()) == parameters


def test_parameters_of_the_c3d_baseline():
    method = METHODS["c3d-baseline"]("paper")
    assert method.encoder.options == {}  # C3D's own widths, not PersonVLAD's
    head = C3dHead((512, 6, 3), **method.aggregator.options)
    assert sum(p.numel() for p in head.parameters()) == (512 * 18 + 1) * 4096 + 4097 * 4096


@pytest.mark.parametrize("preset", ["paper", "small"])
def test_variants_change_one_thing(preset):
    base = METHODS["personvlad"](preset)
    for name, factory in METHODS.items():
        method = factory(preset)
        assert (method.size, method.test) == (base.size, base.test), name
        fields = ("encoder", "aggregator", "matcher", "losses", "stages")
        changed = {field for field in fields if getattr(method, field) != getattr(base, field)}
        if name == "personvlad":
            assert changed == set()
        elif "oim" in name:
            assert changed == {"losses"}
            assert method.losses["oim"].options["subsample"] == int(name.rpartition("oim")[2])
        elif name == "personvlad-xqda":
            assert changed == {"matcher", "stages"}
            assert method.matcher.name == "xqda"
            assert method.stages[:-1] == base.stages
            assert method.stages[-1] == Fit("matcher", method.test)
        elif name == "personvlad-b4" and preset == "small":
            assert changed == set()  # what `small` has anyway
        elif name.startswith(("personvlad-b", "personvlad-s", "personvlad-grid")):
            assert changed == {"aggregator"}
    pooled = METHODS["personvlad-global-pooling"](preset)
    assert [(s.steps, s.schedule) for s in pooled.stages] == [(s.steps, s.schedule) for s in base.stages[1:]]
    assert all(s.freeze == () for s in pooled.stages)
    assert pooled.matcher.options == {"metric": "euclidean", "normalize": True}  # as PersonVLAD's unit vectors are


def test_the_epsilon_for_unit_vectors_is_not_the_c3d_baseline_s():
    """With 1e-4 the gradients of an evenly unsure classifier are too small to move it."""
    [stage] = METHODS["c3d-baseline"]("paper").stages
    assert "eps" not in stage.optimizer.options
    assert METHODS["personvlad"]("paper").stages[-1].optimizer.options["eps"] == 1e-4


def test_paper_recipe_is_the_printed_one():
    """Section III-C and the clips of IV-B."""
    method = METHODS["personvlad"]("paper")
    assert method.size == (180, 90)
    assert method.encoder.options == {"widths": (64, 128, 256, 256, 256)}
    assert method.aggregator.options == {"parts": 6, "words": 64, "alpha": 1000.0}
    assert method.losses["oim"].options == {"temperature": 0.1, "queue_size": 5000}
    assert method.matcher.options == {"metric": "euclidean"}
    assert (method.test.sampler, method.test.T, method.test.step) == ("dense", 16, 8)
    words, first, second = method.stages
    assert isinstance(words, Fit)
    assert words.part == "aggregator"
    built = {f"aggregator.{name}" for name, _ in PersonVlad((256, 6, 3)).named_parameters()}
    assert set(first.freeze) == {name for name in built if "detector" not in name}
    assert first.train == second.train == ("*",)
    assert second.freeze == ()
    for stage in (first, second):
        assert (stage.P * stage.K, stage.clipping.sampler, stage.clipping.T) == (15, "consecutive", 16)
        assert (stage.optimizer.name, stage.optimizer.options) == ("Adam", {"eps": 1e-4})
        assert [(each.name, each.options) for each in stage.augment] == [("flip", {"p": 0.5})]
    assert first.steps == 50_000
    rates = [learning_rate(first.schedule, step, first.steps) for step in (0, 999, 1000, 2500, 49_999)]
    assert rates == pytest.approx([0.003, 0.003, 0.0015, 0.00075, 0.003 / 2**49])
    assert {learning_rate(second.schedule, step, second.steps) for step in (0, 49_999)} == {1e-4}


def test_grids_and_stripes_are_five_by_five_and_five():
    for name, wanted in (("personvlad-stripes", (5, 1)), ("personvlad-grid", (5, 5))):
        for preset in ("paper", "small"):
            options = METHODS[name](preset).aggregator.options
            assert (options["rows"], options["columns"]) == wanted


@pytest.mark.parametrize(
    ("name", "dataset", "R1"),
    [
        ("personvlad", "mars", [0.808, 0.808]),
        ("personvlad", "mars-tracklet-selection", [0.808, 0.741, 0.802]),
        ("personvlad", "mars-to-ilids-vid", [0.563]),
        ("personvlad", "mars-to-ilids-vid-fine-tuned", [0.694]),
        ("personvlad", "mars-to-prid2011", [0.717]),
        ("personvlad", "mars-to-prid2011-fine-tuned", [0.876]),
        ("personvlad-stripes", "mars", [0.683]),
        ("personvlad-grid", "mars", [0.671]),
        ("personvlad-global-pooling", "mars", [0.748]),
        ("personvlad-b1", "mars", [0.747]),
        ("personvlad-b2", "mars", [0.764]),
        ("personvlad-b4", "mars", [0.778]),
        ("personvlad-b8", "mars", [0.788]),
        ("c3d-baseline", "mars", [0.589]),
        ("c3d-baseline", "mars-to-prid2011-fine-tuned", [0.738]),
        ("personvlad-xqda", "mars", [0.828]),
        ("personvlad-xqda", "mars-to-ilids-vid-fine-tuned", [0.707]),
        ("personvlad-oim10", "mars", []),
    ],
)
def test_rows_of_the_tables_stand_beside_their_system(name, dataset, R1):
    rows = METHODS[name]("paper").reported
    assert [r.value for r in rows if (r.dataset, r.metric) == (dataset, "R1")] == R1
    assert all("not comparable" in r.note for r in rows)


def test_quoted_rows_are_all_there():
    rows = METHODS["personvlad"]("paper").quoted
    tables = {}
    for row in rows:
        tables.setdefault(row.where.partition(",")[0], set()).add(row.where)
    assert {table: len(names) for table, names in tables.items()} == {
        "Table V": 2,
        "Table VII": 8,
        "Table VIII": 6,
        "Table IX": 13,
        "Table X": 1,
    }
    assert [r.value for r in rows if (r.where, r.dataset, r.metric) == ("Table IX, JST", "mars", "mAP")] == [0.507]
    assert not any(r.dataset == "mars" for r in rows if r.where == "Table IX, TDL")
    assert not any(METHODS[name]("paper").quoted for name in METHODS if name != "personvlad")
