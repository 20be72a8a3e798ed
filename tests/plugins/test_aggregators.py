"""Pooling, the mean matcher and the flip: small parts by hand."""

import pytest
import torch

from vreid_bench import Clips, InputError
from vreid_plugins.aggregators.pooling import Average, Max
from vreid_plugins.augmentations.flip import Flip
from vreid_plugins.matchers.mean import Mean


def test_average_and_max_by_hand():
    # one clip, two frames, two channels, one row of two places
    maps = torch.tensor([[[[[1.0, 3.0]], [[0.0, 0.0]]], [[[5.0, 1.0]], [[4.0, 8.0]]]]])
    assert maps.shape == (1, 2, 2, 1, 2)
    assert Average((2, 1, 2))(maps).tolist() == [[2.5, 3.0]]
    assert Max((2, 1, 2))(maps).tolist() == [[3.0, 6.0]]


@pytest.mark.parametrize("pooling", [Average, Max])
def test_order_of_frames_changes_nothing(pooling):
    maps = torch.rand(3, 5, 4, 2, 2, generator=torch.Generator().manual_seed(0))
    aggregator = pooling((4, 2, 2))
    torch.testing.assert_close(aggregator(maps), aggregator(maps[:, [3, 0, 4, 1, 2]]))


@pytest.mark.parametrize("pooling", [Average, Max])
def test_one_frame_is_its_own_pooling(pooling):
    maps = torch.rand(3, 1, 4, 2, 2, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(pooling((4, 2, 2))(maps), maps.mean((1, 3, 4)))


def clips_of(*tracklets):
    most = max(len(t) for t in tracklets)
    rows = [[*t, *[[99.0, 99.0]] * (most - len(t))] for t in tracklets]
    valid = torch.tensor([[c < len(t) for c in range(most)] for t in tracklets])
    return Clips(torch.tensor(rows), torch.ones(valid.shape), valid)


def test_mean_ignores_the_clips_that_are_not_there():
    clips = clips_of([[3.0, 4.0], [1.0, 0.0]], [[0.0, 2.0]])
    represented = Mean(2).represent(clips)
    assert represented.embedding.tolist() == [[[2.0, 2.0]], [[0.0, 2.0]]]
    assert represented.valid.tolist() == [[True], [True]]


def test_mean_can_scale_each_clip_first():
    clips = clips_of([[3.0, 4.0], [1.0, 0.0]], [[0.0, 2.0]])
    represented = Mean(2, normalize=True).represent(clips)
    torch.testing.assert_close(represented.embedding, torch.tensor([[[0.8, 0.4]], [[0.0, 1.0]]]))


@pytest.mark.parametrize(
    ("metric", "distance"),
    [("euclidean", [5.0, 13.0]), ("sqeuclidean", [25.0, 169.0]), ("cosine", [0.0, 1 + 33 / 65])],
)
def test_mean_distance_by_hand(metric, distance):
    query = Clips.single(torch.tensor([[6.0, 8.0]]))
    gallery = Clips.single(torch.tensor([[3.0, 4.0], [1.0, -4.0]]))
    if metric == "cosine":
        gallery = Clips.single(torch.tensor([[3.0, 4.0], [5.0, -12.0]]))
    torch.testing.assert_close(Mean(2, metric=metric).distance(query, gallery), torch.tensor([distance]))


def test_mean_refuses_a_metric_it_does_not_know():
    with pytest.raises(InputError, match="matcher mean: metric must be one of euclidean, sqeuclidean, cosine"):
        Mean(2, metric="manhattan")


def test_flip_mirrors_a_whole_clip_or_leaves_it():
    clips = torch.rand(64, 3, 3, 4, 5, generator=torch.Generator().manual_seed(3))
    before = clips.clone()
    flipped = Flip(p=0.5)(clips, torch.Generator().manual_seed(4), ("rgb",))
    mirrored = [torch.equal(new, old.flip(-1)) for new, old in zip(flipped, clips, strict=True)]
    left = [torch.equal(new, old) for new, old in zip(flipped, clips, strict=True)]
    assert all(a != b for a, b in zip(mirrored, left, strict=True))
    assert 20 < sum(mirrored) < 44
    assert torch.equal(clips, before)


def test_flip_follows_its_generator_alone():
    clips = torch.rand(32, 1, 3, 2, 2)
    draws = [Flip()(clips, torch.Generator().manual_seed(seed), ("rgb",)) for seed in (5, 5, 6)]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])


@pytest.mark.parametrize(("planes", "horizontal"), [(("rgb", "flow"), 3), (("flow", "rgb"), 0), (("flow",), 0)])
def test_flip_turns_horizontal_flow_round(planes, horizontal):
    channels = 5 if "rgb" in planes else 2
    clips = torch.rand(2, 2, channels, 3, 4, generator=torch.Generator().manual_seed(7))
    flipped = Flip(p=1.0)(clips, torch.Generator(), planes)
    for channel in range(channels):
        sign = -1 if channel == horizontal else 1
        assert torch.equal(flipped[:, :, channel], sign * clips[:, :, channel].flip(-1))


def test_flip_refuses_what_is_no_probability():
    with pytest.raises(InputError, match="augmentation flip: p must be between 0 and 1"):
        Flip(p=1.5)
