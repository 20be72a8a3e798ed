"""Random crops and random erasing: where they lie, how often they act, and what they refuse."""

import pytest
import torch

from vreid_bench import InputError
from vreid_plugins.augmentations.crop import Crop
from vreid_plugins.augmentations.erasing import Erasing


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_a_crop_is_a_window_of_the_enlarged_clip():
    """Every place from border to border comes up, down and right by themselves."""
    rows, columns = torch.arange(32.0)[:, None].expand(32, 16), torch.arange(16.0).expand(32, 16)
    clips = torch.stack([rows, columns, rows]).expand(400, 2, 3, 32, 16)
    inner = Crop(1.25)(clips, generator(), ("rgb",))[:, 0, :2, 8:24, 4:12]  # away from the repeated border
    torch.testing.assert_close(inner[:, 0].diff(dim=1), torch.full((400, 15, 8), 0.8))  # 32 rows spread over 40
    torch.testing.assert_close(inner[:, 1].diff(dim=2), torch.full((400, 16, 7), 0.8))  # 16 columns over 20
    # pixel 8 of the window is pixel 8 + top of the enlarged clip, whose middle lies at (8 + top + 1/2) 0.8 - 1/2
    first = (inner[:, :, 0, 0] + 0.5) / 0.8 - 0.5 - torch.tensor([8.0, 4.0])
    places = {(round(top, 3), round(left, 3)) for top, left in first.tolist()}
    assert {top for top, _ in places} == set(range(40 - 32 + 1))
    assert {left for _, left in places} == set(range(20 - 16 + 1))
    assert len(places) == 9 * 5
    assert torch.equal(Crop(1.0)(clips, generator(), ("rgb",)), clips)


def test_the_size_of_a_crop_is_drawn_if_asked():
    """The step of a ramp is 1 / factor: from 1, the whole frame, to 0.8, for 32 rows spread over up to 40."""
    ramp = torch.arange(32.0)[:, None].expand(400, 2, 3, 32, 16)
    steps = Crop(1.25, drawn=True)(ramp, generator(), ("rgb",))[:, 0, 0, 8:24].diff(dim=1).mean((1, 2))
    factors = 1 / steps
    assert factors.aminmax() == pytest.approx((1, 1.25), abs=0.02)
    assert factors.mean() == pytest.approx(1.125, abs=0.01)


def test_erasing_covers_one_rectangle_of_a_share_and_an_aspect_in_range():
    """Zhong et al., Algorithm 1: area and aspect drawn evenly, the place evenly among those where it fits."""
    H, W = 120, 128
    erased = Erasing(1.0)(torch.full((400, 2, 3, H, W), -1.0), generator(), ("rgb",))
    shares, aspects, downs, rights = [], [], [], []
    for clip in erased[:, 0, 0]:
        hit = clip != -1
        rows, columns = hit.any(1).nonzero()[:, 0], hit.any(0).nonzero()[:, 0]
        assert hit.sum() == len(rows) * len(columns) > 0
        shares.append(len(rows) * len(columns) / (H * W))
        aspects.append(len(rows) / len(columns))
        downs.append(int(rows[0]) / (H - len(rows)))
        rights.append(int(columns[0]) / (W - len(columns)))
    shares, aspects, downs, rights = (torch.tensor(each) for each in (shares, aspects, downs, rights))
    assert shares.aminmax() == pytest.approx((0.02, 0.4), abs=0.01)
    assert shares.mean() == pytest.approx(0.2, abs=0.02)  # a little less than the middle: large ones do not all fit
    assert aspects.aminmax() == pytest.approx((0.3, 1 / 0.3), rel=0.08)
    assert aspects.mean() == pytest.approx((0.3 + 1 / 0.3) / 2, abs=0.15)
    for place in (downs, rights):
        assert place.aminmax() == pytest.approx((0, 1), abs=0.02)
        assert place.mean() == pytest.approx(0.5, abs=0.05)
    assert abs(torch.corrcoef(torch.stack([shares, aspects, downs, rights])).triu(1)).max() < 0.25
    inside = erased[:, :, :, H // 2, W // 2]
    covered = inside[inside[:, 0, 0] != -1]
    fill = torch.tensor([0.4914, 0.4822, 0.4465])  # red, green, blue, of their published code
    torch.testing.assert_close(covered, fill.expand_as(covered))


def test_probability_is_a_share_of_the_clips():
    clips = torch.full((400, 1, 3, 32, 16), -1.0)
    erased = (Erasing(0.25)(clips, generator(1), ("rgb",)) != -1).flatten(1).any(1)
    assert erased.float().mean() == pytest.approx(0.25, abs=0.07)


@pytest.mark.parametrize(
    "make",
    [lambda: Crop(0.9), lambda: Crop(p=2), lambda: Erasing(2), lambda: Erasing(least=0.5), lambda: Erasing(aspect=0)],
)
def test_a_value_out_of_range_is_refused(make):
    with pytest.raises(InputError, match="augmentation"):
        make()


@pytest.mark.parametrize("augment", [Crop(), Erasing()], ids=["crop", "erasing"])
def test_flow_is_refused(augment):
    with pytest.raises(InputError, match="colour frames"):
        augment(torch.zeros(1, 1, 5, 8, 8), generator(), ("rgb", "flow"))
