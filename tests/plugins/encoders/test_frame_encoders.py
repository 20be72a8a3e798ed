"""AlexNet and Inception-v3: torchvision's names and sizes, and maps at the papers' frame sizes."""

import pytest
import torch
from method_checks import parameters
from torch.nn import functional as F

from vreid_bench import InputError
from vreid_plugins.encoders.alexnet import Alexnet
from vreid_plugins.encoders.inception_v3 import (
    BLOCK_B,
    BLOCK_D,
    BLOCK_E,
    ConvUnit,
    InceptionV3,
    Mixed,
    block_a,
    block_c,
)

NARROW = {"shrink": 8, "depths": (1, 1, 1), "pools": False}


def shapes_of(module):
    return {name: tuple(value.shape) for name, value in module.state_dict().items()}


def test_alexnet_has_torchvisions_names_and_parameters_less_the_classifier():
    shapes = shapes_of(Alexnet())
    assert list(shapes) == [f"features.{i}.{kind}" for i in (0, 3, 6, 8, 10) for kind in ("weight", "bias")]
    assert shapes["features.0.weight"] == (64, 3, 11, 11)
    assert shapes["features.3.weight"] == (192, 64, 5, 5)
    assert shapes["features.8.weight"] == (256, 384, 3, 3)
    assert parameters(Alexnet()) == 61_100_840 - (9216 * 4096 + 4096) - (4096 * 4096 + 4096) - (4096 * 1000 + 1000)


def test_alexnet_maps():
    assert Alexnet().eval()(torch.zeros(1, 2, 3, 224, 224)).shape == (1, 2, 256, 6, 6)  # what its fc6 takes
    assert Alexnet().eval()(torch.zeros(1, 2, 3, 256, 128)).shape == (1, 2, 256, 7, 3)
    small = Alexnet(narrow=True).eval()
    assert small(torch.zeros(2, 3, 3, 64, 32)).shape == (2, 3, 64, 7, 3)
    convolutions = 75 * 16 + 400 * 48 + 432 * 96 + 864 * 64 + 576 * 64
    assert parameters(small) == convolutions + 2 * (16 + 48 + 96 + 64 + 64)


def test_alexnet_is_its_layers():
    """torchvision's: kernels, strides and paddings, ReLU behind each, pooling behind the first, second and last."""
    torch.manual_seed(0)
    encoder, clips = Alexnet().eval(), torch.rand(2, 1, 3, 95, 71)
    for place in (0, 3, 6, 8, 10):
        encoder.features[place].bias.data.normal_(std=0.1)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])  # of ImageNet
    x = ((clips[:, 0].movedim(1, -1) - mean) / std).movedim(-1, 1)
    for place, stride, padding, pooled in (
        (0, 4, 2, True),
        (3, 1, 2, True),
        (6, 1, 1, False),
        (8, 1, 1, False),
        (10, 1, 1, True),
    ):
        layer = encoder.features[place]
        x = F.conv2d(x, layer.weight, layer.bias, stride, padding).clamp_min(0)
        x = F.max_pool2d(x, 3, 2) if pooled else x
    torch.testing.assert_close(encoder(clips)[:, 0], x, rtol=1e-4, atol=1e-4)


@pytest.fixture(scope="module")
def inception():
    torch.manual_seed(0)
    return InceptionV3().eval()


def test_inception_v3_has_torchvisions_parameters_less_the_classifiers(inception):
    assert parameters(inception) == 27_161_264 - 3_326_696 - 2_049_000  # without AuxLogits and fc


def test_inception_v3_has_torchvisions_names_and_shapes(inception):
    shapes = shapes_of(inception)
    assert len(shapes) == 94 * 6  # 94 convolutions; a weight, and 5 of the batch normalisation
    assert next(iter(shapes)) == "Conv2d_1a_3x3.conv.weight"
    for name, shape in {
        "Conv2d_4a_3x3.bn.running_var": (192,),
        "Mixed_5b.branch5x5_2.conv.weight": (64, 48, 5, 5),
        "Mixed_5b.branch_pool.conv.weight": (32, 192, 1, 1),
        "Mixed_5d.branch3x3dbl_3.conv.weight": (96, 96, 3, 3),
        "Mixed_6a.branch3x3.conv.weight": (384, 288, 3, 3),
        "Mixed_6b.branch7x7_2.conv.weight": (128, 128, 1, 7),
        "Mixed_6e.branch7x7dbl_5.conv.weight": (192, 192, 1, 7),
        "Mixed_6d.branch7x7dbl_2.conv.weight": (160, 160, 7, 1),
        "Mixed_7a.branch7x7x3_4.conv.weight": (192, 192, 3, 3),
        "Mixed_7b.branch3x3dbl_1.conv.weight": (448, 1280, 1, 1),
        "Mixed_7c.branch3x3_2b.conv.weight": (384, 384, 3, 1),
        "Mixed_7c.branch1x1.conv.weight": (320, 2048, 1, 1),
    }.items():
        assert shapes[name] == shape, name
    assert inception.get_submodule("Mixed_5b.branch1x1.bn").eps == 0.001


def test_inception_v3_maps(inception):
    assert inception(torch.zeros(1, 1, 3, 299, 299)).shape == (1, 1, 2048, 8, 8)  # its own size, its own maps
    assert inception(torch.zeros(1, 1, 3, 256, 128)).shape == (1, 1, 2048, 6, 2)
    small = InceptionV3(**NARROW).eval()
    assert small(torch.zeros(2, 3, 3, 64, 32)).shape == (2, 3, 256, 6, 2)


def conv(name, stride=1):
    """A unit of that name in a block; with stride 1 its maps keep their size."""
    return lambda block, x: getattr(block, name)(x) if stride == 1 else strided(getattr(block, name), x)


def strided(unit, x):
    """What a unit gives with stride 2 and without padding: from its definition, as a unit could have any stride."""
    y = F.conv2d(x, unit.conv.weight, stride=2)
    return ((y - unit.bn.running_mean[:, None, None]) / (1 + 1e-3) ** 0.5).relu()


def beside(*names):
    return lambda block, x: torch.cat([getattr(block, name)(x) for name in names], 1)


def mean_pool(block, x):
    """Means of nine; beyond the border lie zeros, which count."""
    return F.unfold(x, 3, padding=1).unflatten(1, (-1, 9)).mean(2).unflatten(2, x.shape[2:])


def max_pool(block, x):
    return F.max_pool2d(x, 3, 2)


# torchvision's Inception-v3, branch by branch in the order of their channels
BRANCHES = {
    "Fig. 5": (block_a(32), 1, [
        [conv("branch1x1")],
        [conv("branch5x5_1"), conv("branch5x5_2")],
        [conv("branch3x3dbl_1"), conv("branch3x3dbl_2"), conv("branch3x3dbl_3")],
        [mean_pool, conv("branch_pool")],
    ]),
    "Fig. 6": (block_c(128), 1, [
        [conv("branch1x1")],
        [conv("branch7x7_1"), conv("branch7x7_2"), conv("branch7x7_3")],
        [*(conv(f"branch7x7dbl_{i}") for i in (1, 2, 3, 4, 5))],
        [mean_pool, conv("branch_pool")],
    ]),
    "Fig. 7": (BLOCK_E, 1, [
        [conv("branch1x1")],
        [conv("branch3x3_1"), beside("branch3x3_2a", "branch3x3_2b")],
        [conv("branch3x3dbl_1"), conv("branch3x3dbl_2"), beside("branch3x3dbl_3a", "branch3x3dbl_3b")],
        [mean_pool, conv("branch_pool")],
    ]),
    "Fig. 10, 35 x 35": (BLOCK_B, 2, [
        [conv("branch3x3", stride=2)],
        [conv("branch3x3dbl_1"), conv("branch3x3dbl_2"), conv("branch3x3dbl_3", stride=2)],
        [max_pool],
    ]),
    "Fig. 10, 17 x 17": (BLOCK_D, 2, [
        [conv("branch3x3_1"), conv("branch3x3_2", stride=2)],
        [*(conv(f"branch7x7x3_{i}") for i in (1, 2, 3)), conv("branch7x7x3_4", stride=2)],
        [max_pool],
    ]),
}  # fmt: skip


@pytest.mark.parametrize("name", BRANCHES)
def test_an_inception_block_is_its_branches_side_by_side(name):
    chains, stride, branches = BRANCHES[name]
    torch.manual_seed(1)
    block, x = Mixed(6, chains, 8, stride).eval(), torch.randn(2, 6, 9, 7)
    for module in block.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(std=0.1)
    parts = []
    for chain in branches:
        y = x
        for step in chain:
            y = step(block, y)
        parts.append(y)
    expected = torch.cat(parts, 1)
    assert expected.shape[2:] == ((9, 7) if stride == 1 else (4, 3))
    torch.testing.assert_close(block(x), expected, rtol=1e-4, atol=1e-5)


def test_inception_v3_stem_pools_behind_the_second_and_the_fourth_size():
    """Its Table 1: convolutions of 3, 3 and 3, pooling, then torchvision's 1 and 3, pooling."""
    torch.manual_seed(2)
    encoder, seen = InceptionV3(shrink=16, depths=(1, 1, 1)).eval(), []
    encoder.Mixed_5b.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    clips = torch.rand(1, 1, 3, 79, 75)
    encoder(clips)
    x = clips[:, 0] * 2 - 1
    for name, stride, padding in (
        ("1a_3x3", 2, 0),
        ("2a_3x3", 1, 0),
        ("2b_3x3", 1, 1),
        ("3b_1x1", 1, 0),
        ("4a_3x3", 1, 0),
    ):
        unit = encoder.get_submodule(f"Conv2d_{name}")
        x = (F.conv2d(x, unit.conv.weight, stride=stride, padding=padding) / (1 + 1e-3) ** 0.5).relu()
        if name in ("2b_3x3", "4a_3x3"):
            x = F.max_pool2d(x, 3, 2)
    torch.testing.assert_close(seen[0], x, rtol=1e-4, atol=1e-5)


def test_a_unit_is_convolution_normalisation_and_relu():
    unit = ConvUnit(2, 3, (1, 3), 1, padded=True).eval()
    unit.bn.running_mean.fill_(0.1)
    x = torch.rand(1, 2, 4, 5)
    expected = (F.conv2d(x, unit.conv.weight, padding=(0, 1)) - 0.1) / (1 + 1e-3) ** 0.5
    torch.testing.assert_close(unit(x), expected.relu())


def test_inception_v3_takes_colours_from_minus_one_to_one():
    encoder, seen = InceptionV3(**NARROW).eval(), []
    encoder.Conv2d_1a_3x3.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    encoder(torch.rand(1, 1, 3, 64, 32).round())
    assert seen[0].unique().tolist() == [-1.0, 1.0]


@pytest.mark.parametrize("encoder", [Alexnet(narrow=True), InceptionV3(**NARROW)], ids=["alexnet", "inception-v3"])
def test_each_frame_is_by_itself(encoder):
    clips = torch.rand(2, 3, 3, 64, 32, generator=torch.Generator().manual_seed(1))
    maps = encoder.eval()(clips)
    torch.testing.assert_close(maps[1:, 2:], encoder(clips[1:, 2:]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("options", [{"shrink": 3}, {"depths": (0, 4, 2)}, {"depths": (3, 5, 2)}, {"depths": (1, 1)}])
def test_inception_v3_refuses_a_size_that_it_does_not_have(options):
    with pytest.raises(InputError, match="encoder inception-v3: expected shrink"):
        InceptionV3(**options)
