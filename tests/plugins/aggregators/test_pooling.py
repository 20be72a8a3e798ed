"""The mean and the maximum over frames by hand."""

import pytest
import torch

from vreid_plugins.aggregators.pooling import Average, Max


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
