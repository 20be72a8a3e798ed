"""Augmentations: one draw per clip, every frame of it alike, and nothing left of the argument changed."""

import math

import pytest
import torch

from vreid_bench import InputError
from vreid_plugins.augmentations.flip import Flip
from vreid_plugins.augmentations.rotation import Rotation, rotate
from vreid_plugins.augmentations.shift import Shift

ALL = [Flip(0.5), Shift(0.2), Rotation(10.0)]


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def still(B=6, T=4, H=20, W=10, planes=3):
    """Clips whose frames are all the same picture: [B, T, P, H, W]."""
    return torch.rand(B, 1, planes, H, W, generator=generator(1)).expand(B, T, planes, H, W)


@pytest.mark.parametrize("augment", ALL, ids=lambda a: type(a).__name__)
def test_all_frames_of_a_clip_change_alike_and_clips_differ(augment):
    clips = still(B=1).expand(12, -1, -1, -1, -1)
    changed = augment(clips, generator(), ("rgb",))
    assert changed.shape == clips.shape
    assert (changed == changed[:, :1]).all()
    assert len({clip.numpy().tobytes() for clip in changed}) > 1


@pytest.mark.parametrize("augment", ALL, ids=lambda a: type(a).__name__)
def test_the_argument_stays_and_the_generator_decides(augment):
    clips = still().clone()
    before = clips.clone()
    one, two = (augment(clips, generator(3), ("rgb",)) for _ in range(2))
    assert torch.equal(clips, before)
    assert torch.equal(one, two)


def test_a_flipped_clip_is_its_mirror_and_horizontal_flow_changes_sign():
    clips = torch.rand(1, 2, 5, 4, 6, generator=generator())
    flipped = Flip(1.0)(clips, generator(), ("rgb", "flow"))
    expected = torch.stack([clips[..., 5 - x] for x in range(6)], dim=-1)
    expected[:, :, 3] *= -1
    assert torch.equal(flipped, expected)


def test_a_shifted_clip_holds_the_picture_moved_by_whole_pixels():
    picture = torch.arange(200.0).view(1, 1, 1, 20, 10) / 200
    moves = set()
    for seed in range(60):
        moved = Shift(0.2)(picture, generator(seed), ("rgb",))[0, 0, 0]
        inner = moved[5:15, 3:7] * 200  # beyond the reach of the repeated border
        down, right = divmod(round(float(inner[0, 0])) - 53, 10)
        if right > 5:
            down, right = down + 1, right - 10
        assert torch.allclose(inner, picture[0, 0, 0, 5 + down : 15 + down, 3 + right : 7 + right] * 200)
        moves.add((down, right))
    assert {d for d, _ in moves} == set(range(-4, 5))
    assert {r for _, r in moves} == set(range(-2, 3))


def test_probability_is_a_share_of_the_clips():
    clips = torch.rand(400, 1, 3, 4, 4, generator=generator())
    mirrored = (Flip(0.25)(clips, generator(1), ("rgb",)) != clips).flatten(1).any(1)
    assert mirrored.float().mean() == pytest.approx(0.25, abs=0.07)


@pytest.mark.parametrize("make", [lambda: Flip(1.5), lambda: Flip(-0.1), lambda: Shift(0.5), lambda: Shift(-0.1)])
def test_a_value_out_of_range_is_refused(make):
    with pytest.raises(InputError, match="augmentation"):
        make()


def test_a_quarter_turn_of_square_frames_is_that_of_the_pixels():
    frames = torch.rand(2, 3, 9, 9, generator=generator())
    torch.testing.assert_close(rotate(frames, math.pi / 2), frames.rot90(1, (2, 3)))
    torch.testing.assert_close(rotate(frames, 0.0), frames)


def test_a_rotation_keeps_distances_in_frames_that_are_not_square():
    """A spot at a known place of a tall frame, found again where plain trigonometry puts it."""
    H, W, angle = 61, 31, 0.3
    frames = torch.zeros(1, 3, H, W)
    frames[:, :, 10:13, 14:17] = 1.0  # around row 11, column 15, which is 19 rows above the middle
    turned = rotate(frames, angle)[0, 0]
    rows, columns = torch.meshgrid(torch.arange(H), torch.arange(W), indexing="ij")
    found = [float((turned * place).sum() / turned.sum()) for place in (rows, columns)]
    assert found == pytest.approx([30 - 19 * math.cos(angle), 15 - 19 * math.sin(angle)], abs=0.1)


def test_angles_are_drawn_evenly_up_to_the_largest():
    """The slope of a ramp that is turned by a is its sine and cosine."""
    ramp = torch.arange(21.0).expand(400, 1, 3, 21, 21)  # grows to the right by 1
    turned = Rotation(10.0)(ramp, generator(), ("rgb",))[:, 0, 0, 8:13, 8:13]
    down, right = turned.diff(dim=1).mean((1, 2)), turned.diff(dim=2).mean((1, 2))
    degrees = torch.rad2deg(torch.atan2(down, right))
    assert degrees.abs().max() == pytest.approx(10, abs=0.2)
    assert degrees.mean() == pytest.approx(0, abs=0.6)
    assert degrees.std() == pytest.approx(20 / 12**0.5, abs=0.4)


@pytest.mark.parametrize("degrees", [-1.0, 181.0])
def test_rotation_refuses_angles_beyond_half_a_turn(degrees):
    with pytest.raises(InputError, match="augmentation rotation: degrees must be 0 to 180"):
        Rotation(degrees)


def test_rotation_refuses_flow_whose_vectors_it_does_not_turn():
    with pytest.raises(InputError, match="takes colour frames"):
        Rotation()(torch.rand(1, 1, 5, 4, 4), generator(), ("rgb", "flow"))
