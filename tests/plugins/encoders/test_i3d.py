"""I3D: the published names and sizes, TensorFlow's padding, and clips of any length."""

import pytest
import torch
from method_checks import parameters
from torch.nn import functional as F

from vreid_bench import InputError
from vreid_plugins.encoders.i3d import I3d, Mixed, Pool, Unit, pad_same

SMALL = {"shrink": 8, "depths": (1, 1, 1), "pools": ("3a", "4a")}


@pytest.fixture(scope="module")
def i3d():
    torch.manual_seed(0)
    return I3d().eval()


def test_i3d_has_the_published_parameters_less_the_classifier(i3d):
    # 12,697,264 of the 400 classes of Kinetics; logits: 1024 x 400 + 400
    assert parameters(i3d) == 12_697_264 - 410_000


def test_i3d_state_dict_has_the_published_names_and_shapes(i3d):
    shapes = {name: tuple(value.shape) for name, value in i3d.state_dict().items()}
    assert len(shapes) == 57 * 6  # 3 units and 9 x 6; a weight, and 5 of the batch normalisation
    assert next(iter(shapes)) == "Conv3d_1a_7x7.conv3d.weight"
    for name, shape in {
        "Conv3d_1a_7x7.conv3d.weight": (64, 3, 7, 7, 7),
        "Conv3d_1a_7x7.bn.running_mean": (64,),
        "Conv3d_2b_1x1.conv3d.weight": (64, 64, 1, 1, 1),
        "Conv3d_2c_3x3.conv3d.weight": (192, 64, 3, 3, 3),
        "Mixed_3b.b0.conv3d.weight": (64, 192, 1, 1, 1),
        "Mixed_3c.b1b.conv3d.weight": (192, 128, 3, 3, 3),
        "Mixed_4e.b2b.conv3d.weight": (64, 32, 3, 3, 3),
        "Mixed_4f.b3b.bn.weight": (128,),
        "Mixed_5b.b1a.conv3d.weight": (160, 832, 1, 1, 1),
        "Mixed_5c.b2a.conv3d.weight": (48, 832, 1, 1, 1),
    }.items():
        assert shapes[name] == shape, name
    bn = i3d.get_submodule("Mixed_5c.b0.bn")
    assert (bn.eps, bn.momentum) == (0.001, 0.01)


def test_i3d_has_the_published_layers_in_their_order(i3d):
    """Carreira and Zisserman 2017, Fig. 3, by the published names: kernel and stride of what is no block."""
    plain = {
        "Conv3d_1a_7x7": ((7, 7, 7), (2, 2, 2)),
        "MaxPool3d_2a_3x3": ((1, 3, 3), (1, 2, 2)),
        "Conv3d_2b_1x1": ((1, 1, 1), (1, 1, 1)),
        "Conv3d_2c_3x3": ((3, 3, 3), (1, 1, 1)),
        "MaxPool3d_3a_3x3": ((1, 3, 3), (1, 2, 2)),
        "MaxPool3d_4a_3x3": ((3, 3, 3), (2, 2, 2)),
        "MaxPool3d_5a_2x2": ((2, 2, 2), (2, 2, 2)),
    }
    modules = dict(i3d.named_children())
    assert {n: (m.kernel, m.stride) for n, m in modules.items() if not isinstance(m, Mixed)} == plain
    blocks = [name.rpartition("_")[2] if "Mixed" in name else name.split("_")[1] for name in i3d.order]
    assert " ".join(blocks) == "1a 2a 2b 2c 3a 3b 3c 4a 4b 4c 4d 4e 4f 5a 5b 5c"
    assert list(modules) == i3d.order


@pytest.mark.parametrize(
    ("size", "kernel", "stride"), [(7, 3, 2), (8, 3, 2), (5, 7, 2), (6, 7, 2), (4, 2, 2), (9, 3, 1)]
)
def test_padding_is_tensorflows(size, kernel, stride):
    """SAME: ceil(n / stride) places, the odd zero behind."""
    x = torch.ones(1, 1, size, 1, 1)
    padded = pad_same(x, (kernel, 1, 1), (stride, 1, 1))
    places = -(-size // stride)
    total = max((places - 1) * stride + kernel - size, 0)
    assert padded[0, 0, :, 0, 0].tolist() == [0.0] * (total // 2) + [1.0] * size + [0.0] * (total - total // 2)
    assert F.max_pool3d(padded, (kernel, 1, 1), (stride, 1, 1)).shape[2] == places


def test_maps_at_the_papers_size(i3d):
    """256 x 128 and four frames: three halvings of time leave one, five of space 8 x 4."""
    assert i3d(torch.zeros(1, 4, 3, 256, 128)).shape == (1, 1, 1024, 8, 4)


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 5, 8, 17])
def test_clips_of_any_length(frames):
    encoder = I3d(shrink=8).eval()
    assert encoder(torch.zeros(1, frames, 3, 32, 32)).shape == (1, -(-frames // 8), 128, 1, 1)
    small = I3d(**SMALL).eval()
    assert small(torch.zeros(1, frames, 3, 64, 32)).shape == (1, -(-frames // 4), 104, 8, 4)


def test_a_mixed_block_is_its_branches_side_by_side():
    torch.manual_seed(1)
    block, x = Mixed(5, (2, 3, 4, 2, 3, 2)).eval(), torch.rand(2, 5, 3, 4, 4)
    pooled = F.max_pool3d(x, 3, 1, 1)  # of what is not negative
    expected = [block.b0(x), block.b1b(block.b1a(x)), block.b2b(block.b2a(x)), block.b3b(pooled)]
    torch.testing.assert_close(block(x), torch.cat(expected, 1))
    assert block.width == 2 + 4 + 3 + 2


def test_a_unit_and_a_pool_by_hand():
    unit = Unit(1, 1, (3, 1, 1), (2, 1, 1)).eval()
    unit.conv3d.weight.data = torch.tensor([1.0, 10.0, 100.0]).view(1, 1, 3, 1, 1)
    x = torch.tensor([1.0, 2.0, 3.0, 4.0]).view(1, 1, 4, 1, 1)
    # even length, stride 2: no zero in front, one behind
    expected = torch.tensor([321.0, 43.0]) / (1 + 1e-3) ** 0.5
    torch.testing.assert_close(unit(x)[0, 0, :, 0, 0], expected)
    unit.bn.bias.data = torch.tensor([-100.0])  # behind the convolution, before the ReLU
    torch.testing.assert_close(unit(x)[0, 0, :, 0, 0], torch.stack([expected[0] - 100, torch.tensor(0.0)]))
    unit.bn.bias.data = torch.tensor([50.0])
    torch.testing.assert_close(unit(-x)[0, 0, :, 0, 0], torch.stack([torch.tensor(0.0), 50 - expected[1]]))
    assert Pool((3, 1, 1), (2, 1, 1))(x)[0, 0, :, 0, 0].tolist() == [3.0, 4.0]


def test_i3d_looks_across_frames_and_takes_colours_from_minus_one_to_one():
    torch.manual_seed(2)
    encoder, clips, seen = I3d(**SMALL).eval(), torch.rand(1, 8, 3, 64, 32).round(), []
    encoder.Conv3d_1a_7x7.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    assert not torch.allclose(encoder(clips), encoder(clips.flip(1)), atol=1e-3)
    assert seen[0].unique().tolist() == [-1.0, 1.0]


@pytest.mark.parametrize("options", [{"shrink": 3}, {"depths": (2, 6, 2)}, {"depths": (1, 1)}, {"pools": ("1a",)}])
def test_i3d_refuses_a_size_that_it_does_not_have(options):
    with pytest.raises(InputError, match="encoder i3d: expected shrink"):
        I3d(**options)
