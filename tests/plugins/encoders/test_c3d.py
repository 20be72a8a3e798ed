"""C3D: published names and sizes, clips of any length, and its pooling."""

import itertools

import pytest
import torch
from method_checks import parameters
from torch.nn import functional as F

from vreid_bench import InputError
from vreid_plugins.encoders.c3d import C3d

SMALL_C3D = {
    "widths": (8, 16, 32, 32, 32),
    "pools": ((1, 2, 2), (2, 2, 2), (2, 1, 1), (1, 1, 1), (1, 1, 1)),
    "norm": True,
}


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
    expected = F.max_pool3d(seen["before"], (2, 1, 1), ceil_mode=True)
    assert expected.shape[2] == 3
    torch.testing.assert_close(seen["after"], expected)


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
