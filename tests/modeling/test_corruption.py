"""Which clips are spoiled, and what becomes of their frames."""

import hashlib
from collections import Counter
from dataclasses import replace
from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vreid_bench import ClipCorruption, Corruption, InputError, Tracklet
from vreid_bench.modeling.corruption import GREY, choose_spoiled, spoil

LOW = Corruption("low-resolution", "both", 5.0)
BLOCK = Corruption("occlusion", "both", 0.6)
BLUR = Corruption("motion-blur", "both", 0.4)
SHUFFLE = Corruption("shuffled-frames", "both", 1.0, most=(8,), drawn=False)
RANDOM = np.random.default_rng(0)
CLIPS = RANDOM.integers(0, 256, (3, 2, 20, 10, 3), dtype=np.uint8)  # [C, T, H, W, 3]


def tracklet(name):
    return Tracklet((f"{name}.jpg",), 1, 1)


@pytest.mark.slow
def test_the_number_of_spoiled_clips_is_drawn_evenly_from_0_to_most():
    for most in range(8):
        counts = Counter(int(LOW.choose_spoiled(tracklet(n), most, 8).sum()) for n in range(4000))
        assert set(counts) == set(range(most + 1))
        expected = 4000 / (most + 1)
        squares = sum((count - expected) ** 2 / expected for count in counts.values())
        assert squares < most + 4 * (2 * most) ** 0.5 + 1  # chi-square with `most` degrees: mean and four deviations


def test_every_clip_is_spoiled_as_often_as_any_other():
    share = np.mean([LOW.choose_spoiled(tracklet(n), 7, 8) for n in range(4000)], axis=0)
    assert share == pytest.approx(np.full(8, 3.5 / 8), abs=0.035)


@given(st.text("abc", min_size=1), st.integers(1, 30))
def test_more_spoiled_clips_are_those_of_before_and_others(name, clips):
    masks = [LOW.choose_spoiled(tracklet(name), most, clips) for most in LOW.most]
    assert not masks[0].any()
    for less, more in pairwise(masks):
        assert (more | ~less).all()


@pytest.mark.slow
def test_of_other_numbers_of_clips_the_same_share_is_spoiled():
    for clips in (1, 3, 20):
        mean = np.mean([LOW.choose_spoiled(tracklet(n), 4, clips).mean() for n in range(4000)])
        assert mean == pytest.approx(2 / 8, abs=0.02)


def test_where_nothing_is_drawn_every_tracklet_has_as_many_spoiled_clips():
    exact = replace(LOW, drawn=False)
    assert exact.conditions == tuple(f"{most} of 8 clips" for most in range(8))
    for most in range(8):
        assert all(exact.choose_spoiled(tracklet(n), most, 8).sum() == most for n in range(50))
    for clips in (1, 5, 30):
        assert SHUFFLE.choose_spoiled(tracklet("a"), 8, clips).all()


def test_the_draws_are_those_of_a_philox_stream_keyed_by_seed_and_name():
    """By hand from the definition, so that no version of this package or of NumPy may draw others."""
    for seed in (0, 3):
        key = int.from_bytes(hashlib.sha256(f"{seed} which a.jpg".encode()).digest()[:16])
        draws = (np.random.Philox(key=key).random_raw(10) >> np.uint64(11)) / 2.0**53
        number = int(draws[0] * 8)
        expected = np.argsort(draws[2:])[:number]
        mask = replace(LOW, seed=seed).choose_spoiled(tracklet("a"), 7, 8)
        assert set(np.flatnonzero(mask)) == set(expected)
    assert LOW.choose_spoiled(tracklet("a"), 7, 8).tolist() != LOW.choose_spoiled(tracklet("b"), 7, 8).tolist()


@pytest.mark.parametrize("corruption", [LOW, BLOCK, BLUR])
def test_spoiling_keeps_shape_and_type_repeats_itself_and_leaves_its_input(corruption):
    before = CLIPS.copy()
    once, again = corruption.spoil(tracklet("a"), CLIPS), corruption.spoil(tracklet("a"), CLIPS)
    assert (once.shape, once.dtype) == (CLIPS.shape, CLIPS.dtype)
    assert np.array_equal(once, again)
    assert np.array_equal(CLIPS, before)
    assert (once != CLIPS).any((2, 3, 4)).all()  # every frame


def test_low_resolution_keeps_plain_colours_and_loses_fine_stripes():
    plain = np.full((1, 1, 60, 30, 3), (200, 40, 90), np.uint8)
    assert np.abs(LOW.spoil(tracklet("a"), plain).astype(int) - plain).max() <= 4  # what JPEG changes
    stripes = np.zeros((1, 1, 60, 30, 3), np.uint8)
    stripes[:, :, ::2] = 255
    assert LOW.spoil(tracklet("a"), stripes).std() < 10 < stripes.std()
    halves = np.zeros((1, 1, 60, 30, 3), np.uint8)
    halves[:, :, 30:] = 255
    kept = LOW.spoil(tracklet("a"), halves)
    assert kept[:, :, :15].max() < 30
    assert kept[:, :, 45:].min() > 225


def test_a_larger_factor_and_a_lower_quality_lose_more():
    smooth = np.kron(RANDOM.integers(0, 256, (12, 6, 3)), np.ones((10, 10, 1))).astype(np.uint8)[None, None]

    def loss(corruption):
        return np.abs(corruption.spoil(tracklet("a"), smooth).astype(int) - smooth).mean()

    assert loss(replace(LOW, strength=2.5)) < loss(LOW) < loss(replace(LOW, strength=10.0))
    assert loss(replace(LOW, quality=95)) < loss(LOW) < loss(replace(LOW, quality=5))


def test_occlusion_is_one_block_that_stands_still():
    found = BLOCK.spoil(tracklet("a"), np.zeros_like(CLIPS))
    corners = set()
    for clip in found:
        hidden = (clip == GREY).all(-1)  # [T, H, W]
        assert np.array_equal(hidden[0], hidden[1])
        rows, columns = np.flatnonzero(hidden[0].any(1)), np.flatnonzero(hidden[0].any(0))
        assert (len(rows), len(columns)) == (12, 6)
        assert hidden[0].sum() == 72
        assert (clip[~hidden] == 0).all()
        corners.add((rows[0], columns[0]))
    assert len(corners) > 1  # another place in another clip
    everywhere = BLOCK.spoil(tracklet("a"), np.zeros((400, 1, 20, 10, 3), np.uint8))
    places = [np.argwhere((clip[0] == GREY).all(-1))[0] for clip in everywhere]
    assert set(map(tuple, places)) == {(top, left) for top in range(9) for left in range(5)}


def test_motion_blur_is_the_mean_along_the_width():
    found = BLUR.spoil(tracklet("a"), CLIPS)
    for clip, time, row, column in np.ndindex(3, 2, 20, 10):
        path = [min(max(column + step, 0), 9) for step in (-2, -1, 0, 1)]  # 0.4 of 10 pixels
        mean = CLIPS[clip, time, row, path].mean(0)
        assert np.abs(found[clip, time, row, column] - mean).max() <= 0.5


def numbered(clips, frames):
    """Clips [C, T, 2, 1, 3] whose frames show their number."""
    return np.broadcast_to(np.arange(frames, dtype=np.uint8)[:, None, None, None], (clips, frames, 2, 1, 3))


def test_shuffling_gives_every_order_of_the_same_frames_alike():
    found = SHUFFLE.spoil(tracklet("a"), numbered(2400, 4))
    orders = Counter(tuple(clip[:, 0, 0, 0].tolist()) for clip in found)
    assert all((clip == clip[:, :1, :1, :1]).all() for clip in found)  # frames stay whole
    assert set(orders) == set(permutations(range(4)))
    assert sum((count - 100) ** 2 / 100 for count in orders.values()) < 23 + 4 * 46**0.5  # chi-square, 23 degrees


def test_a_share_of_the_frames_is_shuffled_and_the_others_stay():
    found = replace(SHUFFLE, strength=0.5).spoil(tracklet("a"), numbered(500, 8))[:, :, 0, 0, 0]
    assert (np.sort(found, 1) == np.arange(8)).all()
    moved = (found != np.arange(8)).sum(1)
    assert moved.max() == 4
    assert moved.mean() == pytest.approx(3, abs=0.2)  # of n shuffled frames one stays on average


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "fog"}, "'fog': expected one of low-resolution, occlusion, motion-blur, shuffled-frames"),
        ({"strength": 1.0}, "strength must be above 1"),
        ({"kind": "occlusion", "strength": 1.5}, "strength must be above 0 and at most 1"),
        ({"kind": "motion-blur", "strength": 0.0}, "strength must be above 0"),
        ({"quality": 0}, "JPEG quality must be 1 to 95, got 0"),
        ({"most": (0, 9)}, "must be 0 to 8"),
        ({"most": ()}, "must be 0 to 8"),
    ],
)
def test_settings_that_spoil_nothing_are_refused(change, words):
    with pytest.raises(InputError, match=words):
        replace(LOW, **change)


def test_training_draws_how_many_clips_evenly_and_then_which():
    """The law of the paper (section 4.4), for every M_c^max; with fewer clips than that, up to all of them."""
    for most, clips in ((0, 8), (1, 8), (3, 8), (7, 8), (7, 2)):
        generator = np.random.default_rng(most)
        masks = np.array([choose_spoiled(ClipCorruption(most), clips, generator) for _ in range(4000)])
        shares = np.bincount(masks.sum(1), minlength=clips + 1) / 4000
        highest = min(most, clips)
        assert shares == pytest.approx([1 / (highest + 1)] * (highest + 1) + [0] * (clips - highest), abs=0.03)
        assert masks.mean(0) == pytest.approx(np.full(clips, highest / 2 / clips), abs=0.035)


def test_a_spoiled_clip_of_training_is_that_of_the_test():
    mask, before = np.array([True, False, True]), CLIPS.copy()
    for corruption, test in ((ClipCorruption(7), LOW), (ClipCorruption(7, "motion-blur", 0.4), BLUR)):  # nothing random
        changed = spoil(corruption, CLIPS, mask, np.random.default_rng(0))
        assert (changed[mask] == test.spoil(tracklet("a"), CLIPS)[mask]).all()
        assert (changed[1] == CLIPS[1]).all()
    assert (before == CLIPS).all()


def test_corruption_of_training_refuses_what_it_cannot_do():
    with pytest.raises(InputError, match="most is -1, expected a whole number of at least 0"):
        ClipCorruption(-1)
    with pytest.raises(InputError, match="strength must be above 1"):
        ClipCorruption(3, strength=1.0)
