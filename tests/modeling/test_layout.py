"""The order in memory of the weights of convolutions, and of what they compute."""

import copy

import pytest
import torch
from torch import nn

from vreid_bench.modeling.layout import CHANNELS_LAST, lay_out


@pytest.mark.parametrize(("convolution", "sizes"), [(nn.Conv2d, (9, 7)), (nn.Conv3d, (4, 9, 7))])
def test_channels_come_last_on_a_cpu_and_no_value_changes(convolution, sizes):
    before = nn.Sequential(convolution(3, 8, 3), nn.ReLU(), convolution(8, 8, 1))
    after = copy.deepcopy(before)
    lay_out(after)
    order = CHANNELS_LAST[2 + len(sizes)]
    for old, new in zip(before.parameters(), after.parameters(), strict=True):
        assert torch.equal(old, new)
        assert new.is_contiguous(memory_format=order) or new.dim() == 1
    x = torch.randn(16, 3, *sizes)  # torch computes a few clips in another way
    maps = after(x)
    assert maps.is_contiguous(memory_format=order)
    torch.testing.assert_close(maps, before(x))


def test_other_parameters_and_devices_keep_their_order():
    module = nn.ModuleDict({"linear": nn.Linear(3, 4), "conv": nn.Conv1d(3, 4, 3), "meta": nn.Conv2d(3, 4, 3)})
    module["meta"].to("meta")
    module["meta"].weight.data = module["meta"].weight.data.contiguous(memory_format=torch.channels_last)
    lay_out(module)
    assert all(parameter.is_contiguous() for parameter in module.parameters())
