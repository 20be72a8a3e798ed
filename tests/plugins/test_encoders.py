"""The in-tree encoders: published names and sizes, and every length of clip."""

import itertools
from functools import partial

import pytest
import torch
from torch.nn import functional as F

from vreid_bench import InputError
from vreid_plugins.encoders.c3d import C3d
from vreid_plugins.encoders.residual import CLIPS, IMAGES, Basic, Bottleneck
from vreid_plugins.encoders.resnet import Resnet
from vreid_plugins.encoders.resnet3d import Resnet3d
from vreid_plugins.encoders.senet import SqueezeExcite

SMALL_C3D = {
    "widths": (8, 16, 32, 32, 32),
    "pools": ((1, 2, 2), (2, 2, 2), (2, 1, 1), (1, 1, 1), (1, 1, 1)),
    "norm": True,
}


def parameters(module):
    return sum(p.numel() for p in module.parameters())


@pytest.fixture(scope="module")
def resnet50():
    torch.manual_seed(0)
    return Resnet(depth=50).eval()


def test_resnet50_has_torchvisions_parameters_less_the_classifier(resnet50):
    assert parameters(resnet50) == 23_508_032  # 25,557,032 - 2,049,000 of fc


def test_resnet50_state_dict_has_torchvisions_names_and_shapes(resnet50):
    shapes = {name: tuple(value.shape) for name, value in resnet50.state_dict().items()}
    assert len(shapes) == 318  # 320 with fc.weight and fc.bias
    assert list(shapes)[:6] == [
        "conv1.weight",
        "bn1.weight",
        "bn1.bias",
        "bn1.running_mean",
        "bn1.running_var",
        "bn1.num_batches_tracked",
    ]
    assert shapes["conv1.weight"] == (64, 3, 7, 7)
    assert shapes["layer1.0.conv1.weight"] == (64, 64, 1, 1)
    assert shapes["layer1.0.downsample.0.weight"] == (256, 64, 1, 1)
    assert shapes["layer1.0.downsample.1.running_var"] == (256,)
    assert shapes["layer2.0.conv2.weight"] == (128, 128, 3, 3)
    assert shapes["layer3.5.conv3.weight"] == (1024, 256, 1, 1)
    assert shapes["layer4.2.bn3.bias"] == (2048,)
    assert "layer2.1.downsample.0.weight" not in shapes
    assert "layer3.6.conv1.weight" not in shapes


def test_resnet50_begins_with_the_variance_that_keeps_gradients_as_large(resnet50):
    """2 / (k k out), He et al., "Delving Deep into Rectifiers", 2015, Eq. 14, as torchvision has it."""
    for name, fan in (
        ("conv1", 49 * 64),
        ("layer2.0.conv1", 128),
        ("layer2.0.conv2", 9 * 128),
        ("layer4.0.conv3", 2048),
    ):
        assert resnet50.get_submodule(name).weight.std().item() == pytest.approx((2 / fan) ** 0.5, rel=0.05), name


def test_resnet50_strides_in_the_3x3_convolution(resnet50):
    block = resnet50.get_submodule("layer3.0")
    assert (block.conv1.stride, block.conv2.stride) == ((1, 1), (2, 2))


@pytest.mark.parametrize(("last_stride", "size"), [(2, (7, 4)), (1, (14, 7))])
def test_resnet50_maps_at_the_papers_size(last_stride, size):
    maps = Resnet(50, last_stride).eval()(torch.zeros(1, 1, 3, 224, 112))
    assert maps.shape == (1, 1, 2048, *size)


def test_small_resnet_has_its_documented_size():
    encoder = Resnet(depth=8)
    assert parameters(encoder) == 78_160
    assert encoder.eval()(torch.zeros(2, 3, 3, 64, 32)).shape == (2, 3, 64, 8, 4)


def test_resnet_treats_each_frame_by_itself():
    torch.manual_seed(1)
    encoder, clips = Resnet(depth=8).eval(), torch.rand(2, 3, 3, 32, 16)
    maps = encoder(clips)
    alone = encoder(clips[1:, 2:])
    torch.testing.assert_close(maps[1:, 2:], alone, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(encoder(clips[:, [2, 0, 1]]), maps[:, [2, 0, 1]])


def test_resnet_normalises_its_own_input():
    encoder = Resnet(depth=8).eval()
    seen = []
    encoder.conv1.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])  # of ImageNet
    encoder((mean + 2 * std).view(1, 1, 3, 1, 1).expand(1, 1, 3, 8, 8))
    torch.testing.assert_close(seen[0], torch.full((1, 3, 8, 8), 2.0))


@pytest.mark.parametrize(("kind", "shape"), [(IMAGES, (5, 4)), (CLIPS, (3, 5, 4))])
@pytest.mark.parametrize("block", [Basic, Bottleneck])
def test_residual_block_by_hand(block, kind, shape):
    """With its last normalisation at zero a block is its shortcut behind a ReLU."""
    torch.manual_seed(2)
    unit = block(kind, 8 * block.expansion, 8, 1).eval()
    last = unit.bn2 if block is Basic else unit.bn3
    torch.nn.init.zeros_(last.weight)
    x = torch.randn(2, 8 * block.expansion, *shape)
    assert unit.downsample is None
    torch.testing.assert_close(unit(x), x.relu())
    torch.nn.init.ones_(last.weight)
    assert not torch.allclose(unit(x), x.relu())


SQUEEZED = IMAGES._replace(weighting=partial(SqueezeExcite, reduction=4), early=True)


@pytest.mark.parametrize(("kind", "shape"), [(IMAGES, (5, 4)), (CLIPS, (3, 5, 4)), (SQUEEZED, (5, 4))])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("block", [Basic, Bottleneck])
def test_residual_block_is_its_equations(block, stride, kind, shape):
    """Convolutions, each normalised, a ReLU between them and behind the sum; the weighting comes before the sum."""
    torch.manual_seed(5)
    unit = block(kind, 8, 8, stride).double().eval()
    for name, value in unit.state_dict().items():
        if value.is_floating_point() and value.ndim == 1:
            value.uniform_(0.5, 1.5) if name.endswith(("weight", "var")) else value.normal_()

    def unit_of(x, convolution, norm, stride):
        kernel = convolution.weight
        convolve = F.conv2d if len(shape) == 2 else F.conv3d
        x = convolve(x, kernel, stride=stride, padding=kernel.shape[-1] // 2).movedim(1, -1)  # channels last
        x = (x - norm.running_mean) / (norm.running_var + 1e-5).sqrt() * norm.weight + norm.bias
        return x.movedim(-1, 1)

    x = torch.randn(2, 8, *shape, dtype=torch.float64)
    if block is Basic:
        y = unit_of(x, unit.conv1, unit.bn1, stride).relu()
        y = unit_of(y, unit.conv2, unit.bn2, 1)
    else:
        first, second = (stride, 1) if kind is SQUEEZED else (1, stride)
        y = unit_of(x, unit.conv1, unit.bn1, first).relu()
        y = unit_of(y, unit.conv2, unit.bn2, second).relu()
        y = unit_of(y, unit.conv3, unit.bn3, 1)
    if kind is SQUEEZED:
        fc1, fc2 = unit.se_module.fc1, unit.se_module.fc2
        hidden = (y.mean((2, 3)) @ fc1.weight[:, :, 0, 0].T + fc1.bias).relu()
        y = y * (hidden @ fc2.weight[:, :, 0, 0].T + fc2.bias).sigmoid()[:, :, None, None]
    assert (unit.downsample is None) == (stride == block.expansion == 1)
    shortcut = x if unit.downsample is None else unit_of(x, *unit.downsample, stride)
    torch.testing.assert_close(unit(x), (y + shortcut).relu())


@pytest.mark.parametrize(("encoder", "stride"), [(Resnet, (2, 2)), (Resnet3d, (1, 2, 2))])
@pytest.mark.parametrize(("depth", "kernel"), [(8, 5), (50, 7)])
def test_residual_stem_is_convolution_normalisation_relu_and_pooling(encoder, stride, depth, kernel):
    torch.manual_seed(6)
    network, seen = encoder(depth).eval(), {}
    network.bn1.bias.data.fill_(-0.5)
    network.conv1.register_forward_pre_hook(lambda module, args: seen.update(x=args[0]))
    network.layer1.register_forward_pre_hook(lambda module, args: seen.update(y=args[0]))
    network(torch.rand(1, 3, 3, 32, 16))
    convolve, pool = (F.conv2d, F.max_pool2d) if encoder is Resnet else (F.conv3d, F.max_pool3d)
    wanted = convolve(seen["x"], network.conv1.weight, stride=stride, padding=kernel // 2) / (1 + 1e-5) ** 0.5 - 0.5
    wanted = pool(wanted, 3, 2, 1) if depth == 50 else wanted
    torch.testing.assert_close(seen["y"], wanted.relu(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("options", [{"depth": 18}, {"last_stride": 3}])
def test_resnet_refuses_options_it_does_not_know(options):
    with pytest.raises(InputError, match=f"encoder resnet: {next(iter(options))} must be"):
        Resnet(**options)


C3D = ["conv1", "conv2", "conv3a", "conv3b", "conv4a", "conv4b", "conv5a", "conv5b"]


def test_c3d_has_the_published_names_and_no_normalisation():
    assert list(C3d().state_dict()) == [f"{name}.{kind}" for name in C3D for kind in ("weight", "bias")]


@pytest.mark.parametrize(
    ("widths", "count"),
    [((64, 128, 256, 512, 512), 27_655_936), ((64, 128, 256, 256, 256), 9_960_192)],
    ids=["C3D", "PersonVLAD's print"],
)
def test_c3d_parameters(widths, count):
    channels = [3, widths[0], widths[1], widths[2], widths[2], widths[3], widths[3], widths[4], widths[4]]
    by_hand = sum(27 * a * b + b for a, b in itertools.pairwise(channels))
    assert parameters(C3d(widths)) == by_hand == count


@pytest.mark.parametrize(
    ("size", "maps"),
    [((112, 112), (4, 4)), ((180, 90), (6, 3))],
    ids=["C3D's own size gives fc6 its 512 x 4 x 4", "PersonVLAD's size"],
)
def test_c3d_maps(size, maps):
    encoder = C3d((2, 2, 2, 2, 2)).eval()
    assert encoder(torch.zeros(1, 16, 3, *size)).shape == (1, 1, 2, *maps)


@pytest.mark.parametrize("frames", [1, 2, 3, 5, 8, 15, 16, 17, 32])
def test_c3d_takes_clips_of_any_length(frames):
    encoder = C3d((2, 2, 2, 2, 2)).eval()
    assert encoder(torch.zeros(1, frames, 3, 64, 64)).shape[1] == -(-frames // 16)


def test_small_c3d_keeps_stride_four():
    encoder = C3d(**SMALL_C3D).eval()
    assert encoder(torch.zeros(2, 8, 3, 64, 32)).shape == (2, 2, 32, 16, 8)
    assert encoder(torch.zeros(2, 1, 3, 64, 32)).shape == (2, 1, 32, 16, 8)
    assert parameters(encoder) == 156_600
    assert [name for name in encoder.state_dict() if name.endswith("running_mean")][2] == "bn3a.running_mean"


def test_c3d_pooling_keeps_the_last_of_an_odd_number_of_frames():
    """Against max pooling of time rounded up, of features that are not negative."""
    torch.manual_seed(3)
    encoder = C3d((4, 4, 4, 4, 4), pools=((2, 1, 1), *[(1, 1, 1)] * 4))
    seen = {}
    encoder.conv1.register_forward_hook(lambda module, args, out: seen.update(before=out.relu()))
    encoder.conv2.register_forward_pre_hook(lambda module, args: seen.update(after=args[0]))
    encoder(torch.rand(2, 5, 3, 6, 4))
    wanted = F.max_pool3d(seen["before"], (2, 1, 1), ceil_mode=True)
    assert wanted.shape[2] == 3
    torch.testing.assert_close(seen["after"], wanted)


def test_c3d_normalises_before_the_relu():
    encoder, seen = C3d((2, 2, 2, 2, 2), pools=[(1, 1, 1)] * 5, norm=True).eval(), []
    torch.nn.init.constant_(encoder.get_submodule("bn1").bias, -100.0)
    encoder.get_submodule("conv2").register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    encoder(torch.rand(1, 2, 3, 6, 4))
    assert (seen[0] == 0).all()


def test_c3d_looks_across_frames():
    torch.manual_seed(4)
    encoder, clips = C3d(**SMALL_C3D).eval(), torch.rand(1, 8, 3, 64, 32)
    assert not torch.allclose(encoder(clips), encoder(clips.flip(1)), atol=1e-3)


@pytest.mark.parametrize("options", [{"widths": (8, 8)}, {"pools": ((1, 2, 2),)}, {"pools": ((2, 2),) * 5}])
def test_c3d_refuses_other_than_five_groups(options):
    with pytest.raises(InputError, match="encoder c3d: expected 5 widths and 5 pools"):
        C3d(**options)


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
    wanted = F.conv2d(frame, conv.weight.sum(2), stride=conv.stride[1:], padding=conv.padding[1:])
    torch.testing.assert_close(conv(still)[:, :, 1], wanted, rtol=1e-4, atol=1e-5)


def test_resnet3d_refuses_depths_it_does_not_know():
    with pytest.raises(InputError, match="encoder resnet3d: depth must be 8 or 50, got 18"):
        Resnet3d(depth=18)
