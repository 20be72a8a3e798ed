"""SENet-50: the published file's names and sizes, and its blocks by hand."""

from functools import partial

import pytest
import torch
from method_checks import parameters
from torch.nn import functional as F

from vreid_bench import InputError
from vreid_plugins.encoders.residual import IMAGES, Basic, Bottleneck
from vreid_plugins.encoders.senet import Senet, SqueezeExcite

SQUEEZED = IMAGES._replace(weighting=partial(SqueezeExcite, reduction=4))


@pytest.fixture(scope="module")
def senet50():
    torch.manual_seed(0)
    return Senet(50).eval()


def test_senet50_has_the_published_parameters_less_the_classifier(senet50):
    """28,088,024 of se_resnet50 in pretrained-models.pytorch, 2,049,000 of them in last_linear."""
    assert parameters(senet50) == 28_088_024 - 2_049_000


def test_senet50_state_dict_has_the_published_names_and_shapes(senet50):
    shapes = {name: tuple(value.shape) for name, value in senet50.state_dict().items()}
    assert len(shapes) == 318 + 16 * 4  # ResNet-50's, and two layers with a bias in each of 16 blocks
    assert next(iter(shapes)) == "layer0.conv1.weight"
    assert shapes["layer0.bn1.running_var"] == (64,)
    assert shapes["layer1.0.conv1.weight"] == (64, 64, 1, 1)
    assert shapes["layer1.0.se_module.fc1.weight"] == (16, 256, 1, 1)
    assert shapes["layer1.0.se_module.fc2.bias"] == (256,)
    assert shapes["layer1.0.downsample.0.weight"] == (256, 64, 1, 1)
    assert shapes["layer4.2.se_module.fc1.weight"] == (128, 2048, 1, 1)
    assert "layer4.2.downsample.0.weight" not in shapes
    assert not any(name.startswith(("mean", "std", "layers")) for name in shapes)


def test_senet50_strides_where_caffe_does(senet50):
    for layer, stride in (("layer1", 1), ("layer2", 2), ("layer3", 2), ("layer4", 2)):
        block = senet50.get_submodule(f"{layer}.0")
        assert (block.conv1.stride, block.conv2.stride) == ((stride, stride), (1, 1))


def test_senet50_pools_as_caffe_does(senet50):
    """Windows from 0, 2 and 4 on, the last cut off by the border; torchvision's begin at -1."""
    rows = torch.arange(1.0, 7.0).expand(1, 1, 3, 6)
    assert senet50.layer0.pool(rows).tolist() == [[[[3.0, 5.0, 6.0]]]]


def test_senet_normalises_its_own_input_and_rectifies_its_stem():
    encoder, seen = Senet(8).eval(), {}
    encoder.layer0.register_forward_hook(lambda module, args, out: seen.update(colours=args[0], stem=out))
    clips = torch.rand(2, 1, 3, 9, 8)
    encoder(clips)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])  # of ImageNet
    expected = ((clips[:, 0].movedim(1, -1) - mean) / std).movedim(-1, 1)
    torch.testing.assert_close(seen["colours"], expected)
    stem = F.conv2d(expected, encoder.layer0.conv1.weight, stride=2, padding=2) / (1 + 1e-5) ** 0.5
    torch.testing.assert_close(seen["stem"], stem.clamp_min(0), rtol=1e-4, atol=1e-5)


def test_senet_maps(senet50):
    assert senet50(torch.zeros(1, 1, 3, 224, 112)).shape == (1, 1, 2048, 7, 4)
    small = Senet(8).eval()
    assert small(torch.zeros(2, 3, 3, 64, 32)).shape == (2, 3, 64, 8, 4)
    # resnet of depth 8, and 2 c r + r + c for c = 16, 32, 64 squeezed to r = c / 4
    assert parameters(small) == 78_160 + sum(2 * c * (c // 4) + c // 4 + c for c in (16, 32, 64))


def test_squeeze_and_excitation_by_hand():
    squeeze = SqueezeExcite(2, 1)
    for layer, weight in ((squeeze.fc1, [[1.0, -1.0], [0.0, 2.0]]), (squeeze.fc2, [[1.0, 1.0], [0.0, -1.0]])):
        layer.weight.data = torch.tensor(weight)[:, :, None, None]
        layer.bias.data.zero_()
    x = torch.tensor([[[[1.0, 3.0]], [[4.0, 6.0]]]])  # means 2 and 5: squeezed to relu(-3), 10
    weight = torch.sigmoid(torch.tensor([10.0, -10.0]))
    torch.testing.assert_close(squeeze(x), x * weight[None, :, None, None])


@pytest.mark.parametrize("block", [Basic, Bottleneck])
def test_a_block_with_its_last_normalisation_at_zero_is_its_shortcut(block):
    torch.manual_seed(2)
    unit = block(SQUEEZED, 8 * block.expansion, 8, 1).eval()
    last = unit.bn2 if block is Basic else unit.bn3
    torch.nn.init.zeros_(last.weight)
    x = torch.randn(2, 8 * block.expansion, 5, 4)
    torch.testing.assert_close(unit(x), x.relu())
    torch.nn.init.ones_(last.weight)
    before = unit(x)
    torch.nn.init.constant_(unit.se_module.fc2.bias, -100.0)  # every channel is turned off
    torch.testing.assert_close(unit(x), x.relu())
    assert not torch.allclose(before, x.relu())


def test_senet_treats_each_frame_by_itself_and_refuses_other_depths():
    torch.manual_seed(1)
    encoder, clips = Senet(8).eval(), torch.rand(2, 3, 3, 32, 16)
    torch.testing.assert_close(encoder(clips)[1:, 2:], encoder(clips[1:, 2:]), rtol=1e-4, atol=1e-5)
    with pytest.raises(InputError, match="depth must be 8 or 50, got 18"):
        Senet(18)
