"""ICA: its layers by hand, and augmentations that draw once for a clip or for a frame."""

from functools import partial

import pytest
import torch

from vreid_bench import InputError
from vreid_plugins.augmentations.crop import Crop
from vreid_plugins.augmentations.erasing import Erasing
from vreid_plugins.augmentations.flip import Flip
from vreid_plugins.ica import Asynchronous, BnNeck, Ica

EACH = {"crop": partial(Crop, p=0.5), "flip": Flip, "erasing": Erasing}


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def still(B=6, T=4, H=32, W=16):
    """Clips whose frames are all the same picture: [B, T, 3, H, W]."""
    return torch.rand(B, 1, 3, H, W, generator=generator(1)).expand(B, T, 3, H, W)


# section 2.1


@pytest.mark.parametrize("name", EACH)
def test_synchronous_frames_of_a_clip_change_alike_or_all_stay(name):
    clips = still(B=1).expand(40, -1, -1, -1, -1)
    changed = EACH[name]()(clips, generator(), ("rgb",))
    assert torch.equal(changed, changed[:, :1].expand_as(changed))  # Eq. 2
    stayed = (changed == clips).flatten(1).all(1).float().mean()
    assert 0.25 < stayed < 0.75
    assert len({clip.numpy().tobytes() for clip in changed}) > (2 if name != "flip" else 1)


@pytest.mark.parametrize("name", EACH)
def test_asynchronous_frames_of_a_clip_change_each_by_itself(name):
    clips = still(B=10)
    changed = Asynchronous(EACH[name])(clips, generator(), ("rgb",))
    assert changed.shape == clips.shape
    different = (changed != changed[:, :1]).flatten(2).any(2).any(1)  # [B]
    assert different.float().mean() > 0.6  # Eq. 1
    frames = EACH[name]()(clips.flatten(0, 1)[:, None], generator(), ("rgb",))
    assert torch.equal(changed, frames.reshape(clips.shape))


@pytest.mark.parametrize("augment", [Crop(), Erasing(1.0), Asynchronous(Erasing)], ids=lambda a: type(a).__name__)
def test_the_argument_stays_and_the_generator_decides(augment):
    clips = still().clone()
    before = clips.clone()
    one, two = (augment(clips, generator(3), ("rgb",)) for _ in range(2))
    assert torch.equal(clips, before)
    assert torch.equal(one, two)
    assert not torch.equal(one, augment(clips, generator(4), ("rgb",)))


# section 2.2


def test_ica_is_its_equations():
    torch.manual_seed(0)
    module, maps = Ica((8, 2, 3), middle=2, dim=5).double().eval(), torch.rand(6, 4, 8, 2, 3, dtype=torch.float64)
    down, first, _, up, last = module.project
    for norm in (first, last):
        norm.running_mean.uniform_()
        norm.running_var.uniform_(0.5, 2)
        norm.weight.data.uniform_()
        norm.bias.data.normal_()

    def normalise(x, norm):
        return (x - norm.running_mean) / (norm.running_var + norm.eps).sqrt() * norm.weight + norm.bias

    Z = torch.stack([clip.sum((0, 2, 3)) / (4 * 2 * 3) for clip in maps])  # Eq. 3
    middle = normalise(Z @ down.weight.T, first)
    assert (middle < 0).any()  # so that the ReLU has something to do
    expected = normalise(middle.relu() @ up.weight.T, last)
    torch.testing.assert_close(module(maps), expected)
    assert down.weight.shape == (2, 8)
    torch.testing.assert_close(module(maps[:, [2, 0, 3, 1]]), expected)  # the order of frames is nothing to a mean
    module.train()
    assert torch.autograd.gradcheck(module, maps.requires_grad_())


@pytest.mark.parametrize("width", ["middle", "dim"])
def test_ica_refuses_a_layer_without_outputs(width):
    with pytest.raises(InputError, match="aggregator ica: expected middle and dim of at least 1"):
        Ica((8, 1, 1), **{width: 0})


def test_bn_neck_gives_both_sides_of_its_normalisation():
    torch.manual_seed(0)
    module, maps = BnNeck((3, 2, 1)), torch.rand(50, 2, 3, 2, 1)
    features = module(maps)
    before = maps.mean((1, 3, 4))
    torch.testing.assert_close(features.extra["before"], before)
    expected = (before - before.mean(0)) / (before.var(0, unbiased=False) + 1e-5).sqrt()
    torch.testing.assert_close(features.embedding, expected)
