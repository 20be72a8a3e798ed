"""The words of 3D PersonVLAD: k-means over a sample of descriptors."""

import itertools

import pytest
import torch
from vlad_cases import layer, maps_of

from vreid_bench import InputError
from vreid_plugins.aggregators.vlad import kmeans, sample_rows


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
    expected = x.view(4, 50, 2).mean(1)
    order = torch.cdist(expected, centres).argmin(1)
    assert sorted(order.tolist()) == [0, 1, 2, 3]
    torch.testing.assert_close(centres[order], expected)


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
    drawn = sample_rows(iter(batches), 1000)[:, 0]
    assert len(drawn) == len(drawn.unique()) == 1000
    assert 4700 < drawn.float().mean() < 5300
    few = sample_rows(iter(batches[:2]), 1000)[:, 0]
    assert few.sort().values.tolist() == list(range(200))
