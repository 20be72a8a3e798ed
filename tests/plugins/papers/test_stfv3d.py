"""STFV3D: descriptors of pixels, body-action units, mixtures and Fisher vectors by hand, and the method."""

import math

import pytest
import torch
from method_checks import check_recipe, printed, rows_of

from vreid_bench import Clipping, Fit, InputError
from vreid_plugins.stfv3d import (
    BodyActionFisher,
    Mixture,
    PixelDescriptors,
    fit_mixture,
    split_units,
    stfv3d_kissme,
)


def draw(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_a_descriptor_is_where_when_colour_and_its_derivatives():
    t, y, x = (torch.arange(size, dtype=torch.float64) for size in (9, 8, 6))
    surface = 0.01 * t[:, None, None] ** 2 + 0.02 * y[:, None] ** 2 + 0.03 * x  # [T, H, W]
    clips = torch.zeros(1, 9, 5, 8, 6, dtype=torch.float64)
    clips[0, :, 0], clips[0, :, 1] = surface, 2 * surface
    clips[0, :, 3] = 0.2 + 0.1 * torch.cos(2 * math.pi * t / 9)[:, None, None]
    maps = PixelDescriptors(stride=2)(clips)
    assert maps.shape == (1, 9, 24, 4, 3)
    found = maps[0, 4, :, 2, 1]  # frame 4, y = 4, x = 2
    assert found[0].item() == pytest.approx(4 / 9, abs=0.01)
    assert found[1:3].tolist() == pytest.approx([1 / 2, 2 / 3])
    value = 0.16 + 0.32 + 0.06
    assert found[3:6].tolist() == pytest.approx([value, 2 * value, 0])
    assert found[6:15].tolist() == pytest.approx([0.03, 0.06, 0, 0.16, 0.32, 0, 0.08, 0.16, 0])  # in x, y, t
    assert found[15:].tolist() == pytest.approx([0, 0, 0, 0.04, 0.08, 0, 0.02, 0.04, 0])


def test_a_unit_is_a_part_of_the_body_in_a_piece_of_a_step():
    clip = torch.zeros(3, 4, 10, 8)
    clip[:, 0] = torch.tensor([0.0, 0.3, 0.99])[:, None, None]  # the first, second and last piece
    clip[:, 1] = torch.arange(10.0)[:, None]
    clip[:, 2] = torch.arange(8.0)
    units = split_units(clip)
    pixels = [16, 6, 12, 6, 20, 20]  # head, arm, torso, arm, legs: all 80
    assert [len(unit) for unit in units] == [n * seen for n in pixels for seen in (1, 1, 0, 1)]
    torso = units[8]  # part 2, piece 0
    assert set(torso[:, 1].tolist()) == {2, 3, 4}
    assert set(torso[:, 2].tolist()) == {2, 3, 4, 5}


def slow_fisher_vector(x, weight, mean, variance):
    """Sum by sum, with the densities written out."""
    n, D = x.shape
    K = len(weight)
    by_mean, by_deviation = torch.zeros(K, D).double(), torch.zeros(K, D).double()
    for row in x:
        density = [
            weight[k]
            * math.prod(
                math.exp(-((row[d] - mean[k, d]) ** 2) / (2 * variance[k, d])) / math.sqrt(2 * math.pi * variance[k, d])
                for d in range(D)
            )
            for k in range(K)
        ]
        for k in range(K):
            share = density[k] / sum(density)
            z = (row - mean[k]) / variance[k].sqrt()
            by_mean[k] += share * z / (n * weight[k].sqrt())
            by_deviation[k] += share * (z**2 - 1) / (n * (2 * weight[k]).sqrt())
    whole = torch.cat([by_mean.flatten(), by_deviation.flatten()])
    whole = whole.sign() * whole.abs().sqrt()
    return whole / whole.norm()


def test_the_fisher_vector_is_that_of_its_definition():
    x, mean, variance = draw(7, 3), draw(2, 3, seed=1), draw(2, 3, seed=2) + 0.1
    weight = torch.tensor([0.3, 0.7]).double()
    found = Mixture(weight, mean, variance).fisher_vector(x)
    torch.testing.assert_close(found, slow_fisher_vector(x, weight, mean, variance))
    assert (Mixture(weight, mean, variance).fisher_vector(x[:0]) == 0).all()


def test_a_mixture_finds_two_clouds():
    generator = torch.Generator().manual_seed(0)
    near = torch.randn(300, 2, generator=generator).double() * torch.tensor([1.0, 0.5]) + torch.tensor([10.0, 0])
    far = torch.randn(100, 2, generator=generator).double() * torch.tensor([0.5, 2]) + torch.tensor([-10.0, 5])
    torch.manual_seed(0)
    weight, mean, variance = fit_mixture(torch.cat([near, far]), 2)
    first, second = mean[:, 0].argmax(), mean[:, 0].argmin()
    assert [weight[first].item(), weight[second].item()] == pytest.approx([0.75, 0.25], abs=1e-3)
    for at, cloud in ((first, near), (second, far)):
        torch.testing.assert_close(mean[at], cloud.mean(0), atol=1e-3, rtol=0)
        torch.testing.assert_close(variance[at], cloud.var(0, correction=0), atol=2e-2, rtol=0)


def test_the_units_vectors_lie_side_by_side():
    torch.manual_seed(0)
    maps = draw(2, 8, 4, 10, 8)
    maps[:, :, 0] = torch.arange(8).div(8)[:, None, None]
    fisher = BodyActionFisher((4, 10, 8), words=2).double()
    fisher.fit([maps])
    vectors = fisher(maps)
    assert vectors.shape == (2, 24 * 2 * 2 * 4)
    assert vectors.norm(dim=1).tolist() == pytest.approx([1, 1])
    for at, unit in enumerate(split_units(maps[1])):
        own = slow_fisher_vector(unit, fisher.weight[at], fisher.mean[at], fisher.variance[at])
        torch.testing.assert_close(vectors[1, 16 * at : 16 * at + 16], own / math.sqrt(24))


def test_too_few_descriptors_are_refused():
    fisher = BodyActionFisher((4, 10, 8), words=50)
    with pytest.raises(InputError, match="descriptors for 50 Gaussians of unit 0; use fewer words"):
        fisher.fit([torch.zeros(1, 1, 4, 10, 8)])


@pytest.mark.parametrize(("preset", "words"), [("paper", 32), ("small", 4)])
def test_the_method_is_whole_and_nothing_descends(registry, preset, words):
    method = stfv3d_kissme(preset)
    model = check_recipe(registry, method).model
    assert not list(model.parameters())
    assert model.dims["clips"] == 6 * 4 * 2 * words * 24
    whole = Clipping("all", 0)
    assert method.stages == (Fit("aggregator", whole), Fit("matcher", whole))


def test_the_printed_numbers_stand_beside_it():
    """Table V again prints the ranks on MARS of Table IX."""
    table_5 = printed("STFV3D + KISSME: 22.0 33.4 59.0", "Table V", mars="R1 R5 R20")
    table_9 = printed(
        "STFV3D: 44.3 71.7 83.7 91.7 64.1 87.3 89.9 92.0 12.3",
        "Table IX",
        ilids_vid="R1 R5 R10 R20",
        prid2011="R1 R5 R10 R20",
        mars="mAP",
    )
    assert rows_of({"": stfv3d_kissme}) == table_5 | table_9
