"""Flips: each clip as a whole, by the generator, and with flow."""

import pytest
import torch

from vreid_bench import InputError
from vreid_plugins.augmentations.flip import Flip


def test_flip_mirrors_a_whole_clip_or_leaves_it():
    clips = torch.rand(64, 3, 3, 4, 5, generator=torch.Generator().manual_seed(3))
    before = clips.clone()
    flipped = Flip(p=0.5)(clips, torch.Generator().manual_seed(4), ("rgb",))
    mirrored = [torch.equal(new, old.flip(-1)) for new, old in zip(flipped, clips, strict=True)]
    left = [torch.equal(new, old) for new, old in zip(flipped, clips, strict=True)]
    assert all(a != b for a, b in zip(mirrored, left, strict=True))
    assert 20 < sum(mirrored) < 44
    assert torch.equal(clips, before)


def test_flip_follows_its_generator_alone():
    clips = torch.rand(32, 1, 3, 2, 2)
    draws = [Flip()(clips, torch.Generator().manual_seed(seed), ("rgb",)) for seed in (5, 5, 6)]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])


@pytest.mark.parametrize(("planes", "horizontal"), [(("rgb", "flow"), 3), (("flow", "rgb"), 0), (("flow",), 0)])
def test_flip_turns_horizontal_flow_round(planes, horizontal):
    channels = 5 if "rgb" in planes else 2
    clips = torch.rand(2, 2, channels, 3, 4, generator=torch.Generator().manual_seed(7))
    flipped = Flip(p=1.0)(clips, torch.Generator(), planes)
    for channel in range(channels):
        sign = -1 if channel == horizontal else 1
        assert torch.equal(flipped[:, :, channel], sign * clips[:, :, channel].flip(-1))


def test_flip_refuses_what_is_no_probability():
    with pytest.raises(InputError, match="augmentation flip: p must be between 0 and 1"):
        Flip(p=1.5)
