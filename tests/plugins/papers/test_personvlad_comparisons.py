"""What Tables III and V compare 3D PersonVLAD with: regions, pooled parts and the head of C3D."""

import itertools
from fractions import Fraction

import pytest
import torch
from torch.nn import functional as F
from vlad_cases import classic_vlad, maps_of, place

from vreid_bench import InputError
from vreid_plugins.personvlad import (
    C3dHead,
    PartPooling,
    PersonVlad,
    Regions,
    RegionVlad,
)


def regions(rows, columns, h, w, **options):
    torch.manual_seed(0)
    return RegionVlad((5, h, w), rows, columns, **{"words": 4, **options}).double()


def test_stripes_of_a_height_that_divides_are_plain_stripes():
    vlad, maps = regions(3, 1, h=6, w=2), maps_of(h=6)
    masks = vlad.detector(maps)  # [B, parts, T', h, w]
    assert masks.shape == (2, 3, 2, 6, 2)
    for stripe in range(3):
        expected = torch.zeros(6, 2).double()
        expected[2 * stripe : 2 * stripe + 2] = 1
        assert torch.equal(masks[1, stripe, 1], expected)
    unit = F.normalize(maps, dim=2).movedim(2, 4)  # [B, T', h, w, D]
    features = vlad.part_features(maps).unflatten(1, (3, 2, 2, 2))  # [B, parts, T', h / 3, w, D]
    for stripe in range(3):
        torch.testing.assert_close(features[:, stripe], unit[:, :, 2 * stripe : 2 * stripe + 2])
    pooled = regions(3, 1, h=6, w=2, descriptors="pooled").part_features(maps)  # [B, parts, D]
    torch.testing.assert_close(pooled[:, 1], unit[:, :, 2:4].mean((1, 2, 3)))


@pytest.mark.parametrize(("rows", "columns", "descriptors"), [(5, 1, 10 * 3), (5, 5, 10 * 7)])
def test_every_place_of_a_region_is_a_descriptor_and_no_other_is(rows, columns, descriptors):
    """Eq. 2 by a loop. Of C3D's 6 x 3 places, four of the six rows lie in two stripes, and columns in 2, 3 and 2."""
    vlad, maps = regions(rows, columns, h=6, w=3), maps_of(T=2, h=6, w=3)
    found, at = vlad.part_features(maps), 0
    assert found.shape == (2, 2 * descriptors, 5)
    for part, frame, y, x in itertools.product(range(rows * columns), range(2), range(6), range(3)):
        above, left = part // columns * 6 / rows, part % columns * 3 / columns
        height = min(above + 6 / rows, y + 1) - max(above, y)
        width = min(left + 3 / columns, x + 1) - max(left, x)
        if height > 1e-9 and width > 1e-9:
            f = maps[1, frame, :, y, x]
            torch.testing.assert_close(found[1, at], height * width * f / f.norm(), atol=1e-6, rtol=1e-6)
            at += 1
    assert at == found.shape[1]


def test_a_region_that_ends_between_two_places_does_not_touch_the_next():
    """In fractions; rounding would make a descriptor of almost nothing."""
    for rows, h in itertools.product(range(1, 9), range(1, 17)):
        shares = Regions(rows, 1, h, 1).maps[:, :, 0].tolist()
        for row, y in itertools.product(range(rows), range(h)):
            above, below = (Fraction(each * h, rows) for each in (row, row + 1))
            share = max(min(below, y + 1) - max(above, y), 0)
            assert abs(shares[row][y] - share) < 1e-6
            assert (shares[row][y] > 0) == (share > 0), (rows, h, row, y)


def test_places_of_one_region_each_add_what_they_add_without_regions():
    """All parts share the words, so dense descriptors of regions that share no place are those without regions."""
    maps, centres = maps_of(h=6, w=2), torch.rand(4, 5, generator=torch.Generator().manual_seed(4))
    plain, apart = (place(regions(*shape, h=6, w=2), centres) for shape in ((1, 1), (3, 2)))
    torch.testing.assert_close(plain.part_features(maps), F.normalize(maps, dim=2).permute(0, 1, 3, 4, 2).flatten(1, 3))
    torch.testing.assert_close(apart(maps), plain(maps))


@pytest.mark.parametrize(("rows", "columns"), [(5, 1), (5, 5)])
def test_regions_share_every_place_by_its_area(rows, columns):
    """Of C3D's 6 x 3 places, which five does not divide."""
    masks = regions(rows, columns, h=6, w=3).detector(maps_of(T=1, h=6, w=3))[0, :, 0]  # [parts, h, w]
    assert masks.shape == (rows * columns, 6, 3)
    torch.testing.assert_close(masks.sum(0), torch.ones(6, 3).double(), atol=1e-6, rtol=0)
    torch.testing.assert_close(masks.sum((1, 2)), torch.full((rows * columns,), 18 / rows / columns).double())
    first = [1, 0.2, 0, 0, 0, 0]  # a fifth of six rows is one and a fifth
    across = [1, 1, 1] if columns == 1 else [0.6, 0, 0]
    expected = torch.tensor(first)[:, None].double() * torch.tensor(across).double()
    torch.testing.assert_close(masks[0], expected, atol=1e-6, rtol=0)


def test_one_pooled_region_is_the_mean_of_all_places():
    vlad, maps = regions(1, 1, h=3, w=2, descriptors="pooled"), maps_of()
    torch.testing.assert_close(vlad.part_features(maps)[:, 0], F.normalize(maps, dim=2).mean((1, 3, 4)))


@pytest.mark.parametrize("descriptors", ["locations", "pooled"])
def test_regions_with_hard_assignment_are_classic_vlad(descriptors):
    vlad, maps = regions(3, 2, h=3, w=2, alpha=1e7, descriptors=descriptors), maps_of(seed=5)
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
            expected = (layer.branches.fc[p].weight @ (layer.branches.fc6[p].weight @ pooled)).clamp_min(0)
            torch.testing.assert_close(f[b, 6 * p : 6 * p + 6], expected)
    torch.testing.assert_close(layer(maps[:, [1, 0]].flip(4)), f)  # places and frames have no order


def test_part_pooling_gradient_in_double_precision():
    torch.manual_seed(12)
    layer, maps = PartPooling((5, 2, 1), parts=2, hidden=3, width=2).double(), maps_of(B=1, T=1, h=2, w=1)
    assert torch.autograd.gradcheck(lambda x, *_: layer(x), (maps.requires_grad_(), *layer.parameters()))


@pytest.mark.parametrize("descriptors", ["locations", "pooled"])
@pytest.mark.parametrize("build", [PersonVlad, RegionVlad])
def test_fully_connected_layers_of_each_branch_by_a_loop(build, descriptors):
    """Fig. 3 and III-B a: f_b <- ReLU(W (W6 f_b)) with weights of its own, on every descriptor of the part."""
    sizes = {"parts": 3} if build is PersonVlad else {"rows": 3, "columns": 1}
    options = {**sizes, "words": 4, "descriptors": descriptors}
    torch.manual_seed(15)
    plain = build((5, 3, 2), **options).double()
    layered = build((5, 3, 2), **options, fully_connected=True).double()
    layered.load_state_dict(plain.state_dict(), strict=False)
    maps = maps_of()
    before, after = plain.part_features(maps), layered.part_features(maps)
    assert before.shape == after.shape
    each = before.shape[1] // 3  # three stripes of three rows have as many places each
    for row in range(before.shape[1]):
        first, second = layered.branches.fc6[row // each].weight, layered.branches.fc[row // each].weight
        torch.testing.assert_close(after[1, row], (second @ (first @ before[1, row])).clamp_min(0))
    assert (after > 0).any()
    extra = {name for name, _ in layered.named_parameters()} - {name for name, _ in plain.named_parameters()}
    assert extra == {f"branches.{layer}.{part}.weight" for layer in ("fc6", "fc") for part in range(3)}
    layered.fit([maps])
    layered(maps)[0, :5].sum().backward()
    assert all(layered.get_parameter(name).grad is not None for name in extra)


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
