"""Residual networks frame by frame, and their blocks: published names and sizes, and each block by hand."""

from functools import partial

import pytest
import torch
from method_checks import parameters
from torch.nn import functional as F

from vreid_bench import InputError
from vreid_plugins.encoders.residual import CLIPS, IMAGES, Basic, Bottleneck
from vreid_plugins.encoders.resnet import Resnet
from vreid_plugins.encoders.resnet3d import Resnet3d
from vreid_plugins.encoders.senet import SqueezeExcite


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
    expected = convolve(seen["x"], network.conv1.weight, stride=stride, padding=kernel // 2) / (1 + 1e-5) ** 0.5 - 0.5
    expected = pool(expected, 3, 2, 1) if depth == 50 else expected
    torch.testing.assert_close(seen["y"], expected.relu(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("options", [{"depth": 18}, {"last_stride": 3}])
def test_resnet_refuses_options_it_does_not_know(options):
    with pytest.raises(InputError, match=f"encoder resnet: {next(iter(options))} must be"):
        Resnet(**options)
