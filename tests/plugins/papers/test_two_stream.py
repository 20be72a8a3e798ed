"""The two-stream networks: what each stream sees, published weights, and the fusion of the streams."""

import pytest
import torch
from torch import nn

from vreid_bench import InputError
from vreid_plugins.two_stream import StreamConvolution, StreamFusion, TwoStreams

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


@pytest.mark.parametrize(
    ("fusion", "expected"),
    [
        ("max", [(3 + 5) / 2, (4 + 6) / 2]),
        ("average", [(2 + 3) / 2, (3 + 4) / 2]),
        ("multiply", [(3 * 1 + 1 * 5) / 2, (2 * 4 + 2 * 6) / 2]),
    ],
)
def test_streams_are_fused_element_by_element(fusion, expected):
    maps = torch.tensor([[3.0, 2, 1, 4], [1, 2, 5, 6]]).reshape(1, 2, 4, 1, 1)  # two stacks of two and two channels
    features = StreamFusion((4, 1, 1), fusion)(maps)
    assert features.embedding.tolist() == [expected]
    assert features.extra["scored"].tolist() == [[1.0, 1.0, 1.5, 2.5]]


def test_a_classifier_gives_the_average_of_the_scores_of_both_streams():
    """Late fusion as printed: a classifier for each stream, their scores averaged before the softmax."""
    torch.manual_seed(0)
    spatial, temporal, joint = nn.Linear(6, 3), nn.Linear(6, 3), nn.Linear(12, 3)
    joint.weight.data = torch.cat([spatial.weight, temporal.weight], 1).detach()
    joint.bias.data = (spatial.bias + temporal.bias).detach() / 2
    maps = torch.rand(4, 1, 12, 1, 1)
    average = (spatial(maps[:, 0, :6, 0, 0]) + temporal(maps[:, 0, 6:, 0, 0])) / 2
    torch.testing.assert_close(joint(StreamFusion((12, 1, 1))(maps).extra["scored"]), average)


def test_maps_are_fused_place_by_place_then_connected():
    """The paper's form: one kernel of 1 x 1 over both streams, ReLU, pooling by two, fc6 and fc7, mean over stacks."""
    torch.manual_seed(0)
    fused = StreamConvolution((6, 4, 4), grid=(2, 2), width=5).eval()
    fused.fusion.weight.data.normal_()
    fused.fusion.bias.data.normal_()
    maps = torch.rand(2, 3, 6, 4, 4)
    expected = torch.zeros(2, 5)
    for row in range(2):
        for stack in range(3):
            pooled = torch.zeros(3, 2, 2)
            for y in range(4):
                for x in range(4):
                    value = fused.fusion.weight[:, :, 0, 0] @ maps[row, stack, :, y, x] + fused.fusion.bias
                    pooled[:, y // 2, x // 2] = torch.maximum(pooled[:, y // 2, x // 2], value)  # none is below zero
            vector = pooled.flatten()
            for place in (0, 3):
                vector = (fused.classifier[place].weight @ vector + fused.classifier[place].bias).clamp_min(0)
            expected[row] += vector / 3
    torch.testing.assert_close(fused(maps), expected)


def test_the_fusing_convolution_starts_as_the_mean_of_both_streams():
    maps = torch.rand(2, 6, 4, 4)
    torch.testing.assert_close(StreamConvolution((6, 4, 4)).fusion(maps), (maps[:, :3] + maps[:, 3:]) / 2)


def test_options_that_cannot_be_are_refused():
    with pytest.raises(InputError, match="encoder two-streams: stack must be 1 or more"):
        TwoStreams(stack=0)
    with pytest.raises(InputError, match="fusion must be one of max, average, multiply, got 'sum'"):
        StreamFusion((4, 1, 1), "sum")
