"""VGG-16: torchvision's names and sizes, its layers, and the operations of a frame."""

import published_files
import pytest
import torch
from method_checks import parameters
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from vreid_bench import InputError
from vreid_plugins.encoders.vgg16 import Vgg16, VggLayers

PLACES = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)  # of the convolutions among torchvision's `features`
POOLED = (2, 7, 14, 21, 28)  # those with a pooling behind them


def shapes_of(module):
    return {name: tuple(value.shape) for name, value in module.state_dict().items()}


@pytest.mark.parametrize(
    ("layer", "head"), [("conv5", "classifier."), ("pool5", "classifier."), ("fc7", "classifier.6.")]
)
def test_its_tensors_are_torchvisions_less_the_later_layers(layer, head):
    published = published_files.torchvision_vgg16()
    assert published_files.learned(published) == 138_357_544  # as torchvision's documentation has it
    with torch.device("meta"):
        encoder = Vgg16(layer=layer)
    left = {name: shape for name, shape in published.items() if not name.startswith(head)}
    assert shapes_of(encoder) == left
    [kind] = encoder.published
    assert {name for name in published if name.startswith(kind.head)} == published.keys() - left.keys()


def test_maps():
    with torch.device("meta"):  # shapes without numbers
        for layer, size, shape in (
            ("conv5", (224, 224), (512, 14, 14)),
            ("pool5", (224, 224), (512, 7, 7)),
            ("pool5", (256, 128), (512, 8, 4)),
            ("fc7", (224, 224), (4096, 1, 1)),
            ("fc7", (256, 128), (4096, 1, 1)),
        ):
            assert Vgg16(layer=layer).eval()(torch.zeros(1, 2, 3, *size)).shape == (1, 2, *shape)
    for layer, shape in (("conv5", (64, 8, 4)), ("pool5", (64, 8, 4)), ("fc7", (128, 1, 1))):
        assert Vgg16(narrow=True, layer=layer).eval()(torch.zeros(2, 3, 3, 64, 32)).shape == (2, 3, *shape)


def test_the_narrow_one_has_an_eighth_of_the_channels():
    pairs = [(3, 8), (8, 8), (8, 16), (16, 16), (16, 32), (32, 32), (32, 32), (32, 64), *[(64, 64)] * 5]
    convolutions = sum(9 * into * out + 2 * out for into, out in pairs)
    assert parameters(Vgg16(narrow=True)) == convolutions
    assert parameters(Vgg16(narrow=True, layer="fc7")) == convolutions + 512 * 128 + 128 + 128 * 128 + 128


@pytest.mark.slow
def test_it_is_its_layers():
    """torchvision's: 3x3 kernels, ReLU behind each, pooling by two behind each block, then fc6 and fc7."""
    torch.manual_seed(0)
    encoder, clips = Vgg16(layer="fc7").eval(), torch.rand(2, 1, 3, 64, 32)
    for place in PLACES:
        encoder.features[place].bias.data.normal_(std=0.1)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])  # of ImageNet
    x = ((clips[:, 0].movedim(1, -1) - mean) / std).movedim(-1, 1)
    for place in PLACES:
        layer = encoder.features[place]
        x = F.conv2d(x, layer.weight, layer.bias, padding=1).clamp_min(0)
        x = F.max_pool2d(x, 2) if place in POOLED else x
    spread = torch.zeros(2, 512, 7, 7)  # 2 x 1 places, each averaged over what it overlaps
    for row in range(7):
        top, bottom = 2 * row // 7, -(-2 * (row + 1) // 7)
        spread[:, :, row] = x[:, :, top:bottom].mean(2)
    for place in (0, 3):
        layer = encoder.classifier[place]
        spread = F.linear(spread.flatten(1), layer.weight, layer.bias).clamp_min(0)
    torch.testing.assert_close(encoder(clips)[:, 0, :, 0, 0], spread, rtol=1e-4, atol=1e-4)


def multiply_adds(encoder, size):
    with FlopCounterMode(display=False) as count:
        encoder.eval()(torch.zeros(1, 1, 3, *size))
    return count.get_total_flops() // 2


def test_multiply_adds_by_hand():
    """Kernel x inputs x outputs x places of each convolution, block by block."""
    full = 224**2 * (27 * 64 + 576 * 64) + 112**2 * (576 * 128 + 1152 * 128) + 56**2 * (1152 + 2 * 2304) * 256
    full += 28**2 * (2304 + 2 * 4608) * 512 + 14**2 * 3 * 4608 * 512
    assert full == 15_346_630_656
    with torch.device("meta"):
        assert multiply_adds(Vgg16(), (224, 224)) == full
        assert multiply_adds(Vgg16(layer="fc7"), (224, 224)) == full + 25_088 * 4096 + 4096**2
    narrow = 2048 * (27 + 72) * 8 + 512 * (72 + 144) * 16 + 128 * (144 + 2 * 288) * 32
    narrow += 32 * (288 + 2 * 576) * 64 + 32 * 3 * 576 * 64
    assert multiply_adds(Vgg16(narrow=True), (64, 32)) == narrow
    assert multiply_adds(Vgg16(narrow=True, layer="fc7"), (64, 32)) == narrow + 512 * 128 + 128**2


def test_each_frame_is_by_itself():
    encoder = Vgg16(narrow=True, layer="fc7").eval()
    clips = torch.rand(2, 3, 3, 64, 32, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(encoder(clips)[1:, 2:], encoder(clips[1:, 2:]), rtol=1e-4, atol=1e-5)


def test_fully_connected_layers_drop_half_in_training_alone():
    encoder, clips = Vgg16(narrow=True, layer="fc7"), torch.rand(1, 1, 3, 64, 32)
    assert not torch.equal(encoder(clips), encoder(clips))
    assert torch.equal(encoder.eval()(clips), encoder(clips))


def test_the_first_convolution_takes_any_number_of_channels():
    with torch.device("meta"):
        shapes = shapes_of(VggLayers(20, layer="fc7"))
    published = published_files.torchvision_vgg16()
    assert shapes["features.0.weight"] == (64, 20, 3, 3)
    assert all(shapes[name] == published[name] for name in shapes if name != "features.0.weight")


def test_an_unknown_layer_is_refused():
    with pytest.raises(InputError, match="encoder vgg16: layer must be one of conv5, pool5, fc7, got 'fc8'"):
        Vgg16(layer="fc8")
