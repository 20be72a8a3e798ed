"""Two networks side by side: what each of them sees, and published weights for both."""

import pytest
import torch

from vreid_bench import InputError
from vreid_plugins.encoders.two_streams import TwoStreams

SMALL = {"stack": 4, "narrow": True, "layer": "pool5"}


@pytest.fixture
def network():
    torch.manual_seed(0)
    return TwoStreams(**SMALL).eval()


def clips_of(frames):
    return torch.rand(2, frames, 5, 32, 16, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_a_stack_is_its_middle_frame_and_the_flow_of_all(network):
    clips = clips_of(8)
    maps = network(clips)
    assert maps.shape == (2, 2, 128, 4, 2)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])  # of ImageNet
    for row in range(2):
        for stack in range(2):
            frames = clips[row, 4 * stack : 4 * stack + 4]  # [4, 5, H, W]
            colours = ((frames[2, :3].movedim(0, -1) - mean) / std).movedim(-1, 0)
            flow = torch.stack([frames[t, 3 + axis] / 0.45 for t in range(4) for axis in range(2)])
            torch.testing.assert_close(maps[row, stack, :64], network.spatial.maps(colours[None])[0])
            torch.testing.assert_close(maps[row, stack, 64:], network.temporal.maps(flow[None])[0])


@pytest.mark.parametrize(("frames", "stacks"), [(1, 1), (3, 1), (4, 1), (5, 2)])
def test_a_short_stack_repeats_the_last_frame(network, frames, stacks):
    clips = clips_of(frames)
    longer = torch.cat([clips, *[clips[:, -1:]] * (4 * stacks - frames)], 1)
    maps = network(clips)
    assert maps.shape[1] == stacks
    assert torch.equal(maps, network(longer))


def test_a_file_of_torchvision_fills_both_networks():
    with torch.device("meta"):
        encoder = TwoStreams(layer="conv5")
    state = encoder.state_dict()
    [kind] = encoder.published
    names = [name.removeprefix("spatial.") for name in state if name.startswith("spatial.")]
    file = {name: torch.rand(state[f"spatial.{name}"].shape) for name in names}
    found = kind.own({**file, "classifier.6.bias": torch.zeros(1000)})
    assert found.keys() - state.keys() == {"classifier.6.bias"}
    assert all(name.startswith(kind.head) for name in found.keys() - state.keys())
    assert {name: value.shape for name, value in found.items() if name in state} == {
        name: value.shape for name, value in state.items()
    }
    assert all(torch.equal(found[f"spatial.{name}"], value) for name, value in file.items())
    assert all(torch.equal(found[f"temporal.{name}"], value) for name, value in file.items() if name != names[0])
    first = found["temporal.features.0.weight"]
    grey = (file[names[0]][:, 0] + file[names[0]][:, 1] + file[names[0]][:, 2]) / 3
    for channel in range(20):
        torch.testing.assert_close(first[:, channel], grey)


def test_a_stack_of_no_frame_is_refused():
    with pytest.raises(InputError, match="encoder two-streams: stack must be 1 or more"):
        TwoStreams(stack=0)
