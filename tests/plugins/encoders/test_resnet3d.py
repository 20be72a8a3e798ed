"""3D residual networks: published names and sizes, and clips of any length."""

import pytest
import torch
from method_checks import parameters
from torch.nn import functional as F

from vreid_bench import InputError
from vreid_plugins.encoders.resnet import Resnet
from vreid_plugins.encoders.resnet3d import Resnet3d


@pytest.fixture(scope="module")
def resnet3d50():
    torch.manual_seed(0)
    return Resnet3d(depth=50).eval()


def test_resnet3d50_parameters_by_hand(resnet3d50):
    """7x7x7 stem; 1x1x1, 3x3x3 and 1x1x1 in a block; type B shortcuts; two numbers a channel for each normalisation."""
    count, channels = 3 * 64 * 343 + 2 * 64, 64
    for width, blocks in ((64, 3), (128, 4), (256, 6), (512, 3)):
        count += channels * 4 * width + 2 * 4 * width  # the shortcut of the first block
        for _ in range(blocks):
            count += channels * width + 27 * width**2 + 4 * width**2 + 2 * (width + width + 4 * width)
            channels = 4 * width
    assert parameters(resnet3d50) == count == 46_198_976


def test_resnet3d50_state_dict_has_the_published_names_and_shapes(resnet3d50):
    """Those of `resnet-50-kinetics.pth` behind `module.`, less fc."""
    shapes = {name: tuple(value.shape) for name, value in resnet3d50.state_dict().items()}
    flat = {name: tuple(value.shape) for name, value in Resnet(50).state_dict().items()}
    assert list(shapes) == list(flat)  # the two dimensional network's names, all of them
    for name, shape in flat.items():
        if len(shape) < 4:
            assert shapes[name] == shape, name
        else:
            out, channels, kernel, _ = shape
            assert shapes[name] == (out, channels, kernel, kernel, kernel), name


def test_resnet3d50_strides(resnet3d50):
    assert resnet3d50.conv1.stride == (1, 2, 2)  # frames are halved from the pooling on
    for layer, stride in (("layer1", 1), ("layer2", 2), ("layer3", 2), ("layer4", 2)):
        block = resnet3d50.get_submodule(f"{layer}.0")
        assert (block.conv1.stride, block.conv2.stride) == ((1,) * 3, (stride,) * 3)
        assert block.downsample[0].stride == (stride,) * 3


@pytest.mark.parametrize(("frames", "left"), [(1, 1), (4, 1), (16, 1), (17, 2)])
def test_resnet3d50_maps(resnet3d50, frames, left):
    assert resnet3d50(torch.zeros(1, frames, 3, 64, 32)).shape == (1, left, 2048, 2, 1)


@pytest.mark.parametrize(("frames", "left"), [(1, 1), (2, 1), (3, 1), (4, 1), (5, 2), (8, 2)])
def test_small_resnet3d_has_its_documented_size(frames, left):
    encoder = Resnet3d(depth=8).eval()
    assert parameters(encoder) == 230_416
    assert encoder(torch.zeros(2, frames, 3, 64, 32)).shape == (2, left, 64, 8, 4)


def test_resnet3d_looks_across_frames():
    torch.manual_seed(1)
    encoder, clips = Resnet3d(depth=8).eval(), torch.rand(1, 4, 3, 32, 16)
    assert not torch.allclose(encoder(clips), encoder(clips.flip(1)), rtol=1e-2)


def test_resnet3d_takes_what_the_published_weights_saw():
    """Colours in 0..255 less the mean."""
    encoder = Resnet3d(depth=8).eval()
    seen = []
    encoder.conv1.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    activitynet = torch.tensor([114.7748, 107.7354, 99.4750])  # red, green, blue
    encoder(((activitynet + 2) / 255).view(1, 1, 3, 1, 1).expand(1, 1, 3, 8, 8))
    torch.testing.assert_close(seen[0], torch.full((1, 3, 1, 8, 8), 2.0), rtol=1e-4, atol=1e-4)


def test_resnet3d_maps_are_in_the_order_of_the_frames():
    torch.manual_seed(2)
    encoder, clips = Resnet3d(depth=8).eval(), torch.rand(1, 24, 3, 16, 8)
    other = torch.cat([torch.rand(1, 1, 3, 16, 8), clips[:, 1:]], 1)  # another first frame
    before, after = encoder(clips)[0], encoder(other)[0]  # [6, D, h, w]
    assert not torch.allclose(before[0], after[0], rtol=1e-2)
    torch.testing.assert_close(before[-1], after[-1])  # which looks no farther back than 13 frames


@pytest.mark.parametrize("block", ["conv2", "downsample.0"])
def test_one_repeated_frame_is_a_two_dimensional_network(block):
    """In the middle of a still clip a 3D kernel does what its sum over time does to a frame."""
    torch.manual_seed(3)
    conv = Resnet3d(depth=8).get_submodule("layer2.0").get_submodule(block)
    frame = torch.randn(1, conv.in_channels, 6, 4)
    still = frame[:, :, None].expand(-1, -1, 5, -1, -1)
    expected = F.conv2d(frame, conv.weight.sum(2), stride=conv.stride[1:], padding=conv.padding[1:])
    torch.testing.assert_close(conv(still)[:, :, 1], expected, rtol=1e-4, atol=1e-5)


def test_resnet3d_refuses_depths_it_does_not_know():
    with pytest.raises(InputError, match="encoder resnet3d: depth must be 8 or 50, got 18"):
        Resnet3d(depth=18)
