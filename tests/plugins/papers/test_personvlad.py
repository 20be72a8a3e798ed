"""The layer of 3D PersonVLAD: against VLAD by a slow loop, and at the numbers that break floats."""

import math

import pytest
import torch
from torch.nn import functional as F
from vlad_cases import classic_vlad, layer, maps_of, place

from vreid_bench import InputError
from vreid_plugins.personvlad import PersonVlad


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
    expected = everywhere.part_features(maps).unflatten(1, (3, 12)).mean(2)
    torch.testing.assert_close(pooled.part_features(maps), expected)
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
    expected = (-alpha * (f[:, :, None] - centres).square().sum(3)).softmax(2)
    torch.testing.assert_close(vlad.assignment(f), expected, rtol=1e-6, atol=1e-9)


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


@pytest.mark.parametrize("descriptors", ["locations", "pooled"])
def test_with_hard_assignment_it_is_classic_vlad(descriptors):
    vlad = layer(alpha=1e7, descriptors=descriptors)
    centres = torch.rand(4, 5, generator=torch.Generator().manual_seed(4)).double() / 3
    centres[3] += 10  # a word that nothing belongs to
    place(vlad, centres)
    maps = maps_of(seed=5)
    for row, features in zip(vlad(maps), vlad.part_features(maps), strict=True):
        expected = classic_vlad(features.detach(), centres)
        torch.testing.assert_close(row.detach(), expected)
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


@pytest.mark.parametrize("share", [0.01, 0.3])
def test_a_word_has_the_length_of_what_is_assigned_to_it_up_to_a_descriptor(share):
    """One descriptor, of which the second word has a share: its column is that long, and not of unit length."""
    centres = [[0.0, 0.0], [2.0, 0.0]]
    # Eq. 4: a ratio of exp(-alpha (d1^2 - d0^2)) = share / (1 - share) at f = (x, 1), d1^2 - d0^2 = 4 - 4 x
    x, alpha = 0.5, math.log((1 - share) / share) / 2
    lengths = {}
    for empty in ("assigned", "short"):
        vlad = place(layer(D=2, h=1, w=1, words=2, parts=1, alpha=alpha, normalize=False, empty=empty), centres)
        with torch.no_grad():
            vlad.detector.weight.zero_()
            vlad.detector.bias.fill_(50.0)  # a map of 1
        maps = torch.tensor([x, 1.0], dtype=torch.float64).view(1, 1, 2, 1, 1)
        assert vlad.assignment(vlad.part_features(maps))[0, 0, 1].item() == pytest.approx(share)
        columns = vlad(maps).detach().unflatten(1, (2, 2))[0].norm(dim=1)
        lengths[empty] = float(columns[1] / columns[0])
    assert lengths["assigned"] == pytest.approx(share / (1 - share))
    assert lengths["short"] == pytest.approx(1)  # a hundredth of a descriptor counts as much as the rest of it


def test_words_with_a_descriptor_or_more_have_equal_lengths_however_many():
    """Five descriptors at one word and one at another, as in VLAD with hard assignment."""
    vlad = place(layer(D=2, h=1, w=1, words=2, parts=1, alpha=1000.0, normalize=False), [[0.0, 1.5], [5.0, 0.0]])
    with torch.no_grad():
        vlad.detector.weight.zero_()
        vlad.detector.bias.fill_(50.0)
    maps = torch.tensor([[0.0, 1.0]] * 5 + [[4.0, 0.0]], dtype=torch.float64).view(1, 6, 2, 1, 1)
    columns = vlad(maps).unflatten(1, (2, 2))[0].norm(dim=1)
    torch.testing.assert_close(columns[0], columns[1])


def test_a_rule_for_empty_words_that_does_not_exist_is_refused():
    with pytest.raises(InputError, match="aggregator personvlad: empty must be assigned or short"):
        layer(empty="none")


def test_a_word_whose_descriptors_lie_close_to_it_is_not_an_empty_one():
    """Residuals of a hundredth and of one: intra-normalisation gives both words the same length."""
    vlad = place(layer(D=2, h=1, w=1, words=2, parts=1, alpha=1000.0, normalize=False), [[0.0, 1.01], [5.0, 0.0]])
    with torch.no_grad():
        vlad.detector.weight.zero_()
        vlad.detector.bias.fill_(50.0)  # a map of 1
    maps = torch.tensor([[0.0, 1.0], [4.0, 0.0]], dtype=torch.float64).view(1, 2, 2, 1, 1)
    half = 0.5**0.5
    torch.testing.assert_close(vlad(maps)[0], torch.tensor([0.0, -half, -half, 0.0], dtype=torch.float64))


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
