"""HOG3D: directions, cells, histograms by a loop, and the method as Table V names it."""

import math

import pytest
import torch
from method_checks import check_recipe, printed, rows_of

from vreid_bench import Clipping, Fit
from vreid_plugins.hog3d import Cells, Hog3d, cell_shares, face_directions, hog3d_kissme


def test_the_twenty_directions_are_the_faces_of_an_icosahedron():
    directions = face_directions()
    cosines = (directions @ directions.T).flatten().tolist()
    angles = {round(math.degrees(math.acos(max(-1, min(1, each)))), 1) for each in cosines}
    assert angles == {0.0, 41.8, 70.5, 109.5, 138.2, 180.0}  # of a dodecahedron's corners
    assert (directions @ directions.T > 0.74).sum(1).tolist() == [4] * 20  # itself and three neighbours


def test_a_gradient_along_a_direction_has_that_bin_alone():
    encoder = Hog3d()
    bins = encoder.quantize(2.5 * encoder.directions)
    torch.testing.assert_close(bins, 2.5 * torch.eye(20), atol=1e-5, rtol=0)
    assert (encoder.quantize(torch.zeros(3)) == 0).all()


def test_half_of_a_cell_overlaps_the_next():
    assert cell_shares(2, 6).tolist() == [[1, 1, 1, 1, 0, 0], [0, 0, 1, 1, 1, 1]]
    assert cell_shares(5, 6).sum(1).tolist() == [2] * 5
    assert cell_shares(2, 1).tolist() == [[1], [1]]


def slow_histogram(video, rows, columns):
    """Pixel by pixel, in double precision: of frame 2, the cells [20, 5, 2]."""
    directions = face_directions().double()
    found = torch.zeros(20, 5, 2).double()
    for y in range(video.shape[1]):
        for x in range(video.shape[2]):
            up, down = max(y - 1, 0), min(y + 1, video.shape[1] - 1)
            left, right = max(x - 1, 0), min(x + 1, video.shape[2] - 1)
            gradient = torch.stack(
                [
                    (video[2, y, right] - video[2, y, left]) / (right - left),
                    (video[2, down, x] - video[2, up, x]) / (down - up),
                    (video[3, y, x] - video[1, y, x]) / 2,
                ]
            )
            share = (directions @ gradient - math.sqrt(5) / 3 * gradient.norm()).clamp_min(0)
            share = share / share.norm() * gradient.norm()
            for r in range(5):
                for c in range(2):
                    if r * 2 <= y < r * 2 + 4 and c * 2 <= x < c * 2 + 4:  # 12 rows, 6 columns
                        found[:, r, c] += share
    return found


def test_histograms_are_those_of_a_loop():
    video = torch.rand(5, 12, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = Hog3d().double().histograms(video)
    assert found.shape == (5, 20, 5, 2)
    torch.testing.assert_close(found[2], slow_histogram(video, 5, 2), rtol=1e-6, atol=1e-6)


def test_fragments_lie_around_the_extrema_of_the_energy():
    clips = torch.rand(1, 40, 5, 20, 10, generator=torch.Generator().manual_seed(0))
    clips[:, :, 3] = (torch.cos(torch.arange(40) * 2 * math.pi / 20) / 4 + 0.5)[:, None, None]  # turns at 10, 20, 30
    clips[:, :, 4] = 0
    maps = Hog3d(reach=3)(clips)
    assert maps.shape == (1, 1, 40, 5, 2)
    parts = [
        Hog3d(reach=3)(torch.cat([clips[:, at - 4 : at + 5, :3], torch.ones(1, 9, 2, 20, 10)], 2))
        for at in (10, 20, 30)
    ]  # of constant energy: one fragment around the middle
    torch.testing.assert_close(maps, sum(parts) / 3)


def test_no_number_of_a_descriptor_stands_out():
    clips = torch.zeros(1, 8, 5, 20, 10)
    clips[:, :, :3, 10:] = 1  # one edge: few bins
    maps = Hog3d()(clips)
    assert maps.norm().item() == pytest.approx(1)
    assert maps.max() < 0.5


def test_cells_lie_side_by_side():
    maps = torch.rand(2, 1, 40, 5, 2)
    assert torch.equal(Cells((40, 5, 2))(maps), maps.reshape(2, 400))


@pytest.mark.parametrize("preset", ["paper", "small"])
def test_the_method_is_whole_and_only_its_metric_is_fitted(registry, preset):
    method = hog3d_kissme(preset)
    model = check_recipe(registry, method).model
    assert not list(model.parameters())
    assert model.dims["clips"] == 2 * 5 * 2 * 20
    assert method.stages == (Fit("matcher", Clipping("all", 0)),)
    assert method.matcher.name == "kissme"


def test_the_printed_numbers_stand_beside_it():
    assert rows_of({"": hog3d_kissme}) == printed("HOG3D + KISSME: 2.6 - 6.4 12.4", "Table V", mars="R1 R10 R5 R20")
