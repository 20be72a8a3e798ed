"""Clips that something has spoiled: which of a tracklet's clips, and what becomes of their frames."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

from vreid_bench.contracts.dataset import Tracklet
from vreid_bench.contracts.protocol import Corruption
from vreid_bench.system.errors import InputError

Clips = npt.NDArray[np.uint8]  # [C, T, H, W, 3] RGB
Draws = npt.NDArray[np.float64]

GREY = (124, 116, 104)  # the ImageNet mean colour, which is what random erasing covers with, too


def spoiled(corruption: Corruption, tracklet: Tracklet, most: int, clips: int) -> npt.NDArray[np.bool_]:
    """Which of a tracklet's C `clips` are spoiled where at most `most` of `corruption.clips` may be: [C].

    Of each tracklet the clips spoiled at a lower `most` stay so at a higher one.
    """
    draws = _draws(corruption, tracklet, "which", 2 + clips)
    number = int(draws[0] * (most + 1)) if corruption.drawn else most  # M_c, evenly drawn from 0 to `most`
    # exact where there are M clips; else the share, rounded so that its mean is right
    number = min(int(number * clips / corruption.clips + draws[1]), clips)
    mask = np.zeros(clips, bool)
    mask[np.argsort(draws[2:], kind="stable")[:number]] = True
    return mask


def spoil(corruption: Corruption, tracklet: Tracklet, clips: Clips) -> Clips:
    """Every clip [C, T, H, W, 3] of the tracklet, spoiled; all frames of a clip alike, each of the same size."""
    return distort(corruption, clips, _draws(corruption, tracklet, "how", 2 * len(clips)).reshape(-1, 2))


def distort(corruption: Corruption, clips: Clips, draws: Draws) -> Clips:
    """Every clip [C, T, H, W, 3], spoiled; `draws` [C, 2] in [0, 1) say where a block stands, or how to shuffle."""
    change = CHANGES[corruption.kind]
    return np.stack([change(corruption, clip, draw) for clip, draw in zip(clips, draws, strict=True)])


def check_corruption(corruption: Corruption) -> None:
    """Raises InputError for settings that no frame can be spoiled by."""
    if corruption.kind not in CHANGES:
        raise InputError(f"corruption {corruption.kind!r}: there are {', '.join(CHANGES)}")
    lowest, highest = (1, np.inf) if corruption.kind == "low-resolution" else (0, 1)
    if not lowest < corruption.strength <= highest:
        raise InputError(
            f"corruption {corruption.kind}: strength must be over {lowest} and at most {highest}, "
            f"got {corruption.strength}"
        )
    if not 1 <= corruption.quality <= 95:
        raise InputError(f"corruption {corruption.kind}: JPEG quality must be 1 to 95, got {corruption.quality}")
    if not corruption.most or not all(0 <= most <= corruption.clips for most in corruption.most):
        raise InputError(
            f"corruption {corruption.kind}: each of `most` must be 0 to {corruption.clips}, got {corruption.most}"
        )


def _low_resolution(corruption: Corruption, clip: Clips, draw: Draws) -> Clips:
    """Scaled down, through JPEG, and up again (section 4.4)."""
    import simplejpeg
    from PIL import Image

    height, width = clip.shape[1:3]
    small = max(1, round(width / corruption.strength)), max(1, round(height / corruption.strength))
    frames = []
    for frame in clip:
        reduced = np.asarray(Image.fromarray(frame).resize(small, Image.Resampling.BILINEAR))
        stored = simplejpeg.encode_jpeg(np.ascontiguousarray(reduced), corruption.quality)
        again = Image.fromarray(simplejpeg.decode_jpeg(stored, "RGB"))
        frames.append(np.asarray(again.resize((width, height), Image.Resampling.BILINEAR)))
    return np.stack(frames)


def _occlusion(corruption: Corruption, clip: Clips, draw: Draws) -> Clips:
    """A block of one colour that stands still while the clip runs."""
    sides = [max(1, round(side * corruption.strength)) for side in clip.shape[1:3]]
    top, left = (int(at * (whole - side + 1)) for at, whole, side in zip(draw, clip.shape[1:3], sides, strict=True))
    result = clip.copy()
    result[:, top : top + sides[0], left : left + sides[1]] = GREY
    return result


def _motion_blur(corruption: Corruption, clip: Clips, draw: Draws) -> Clips:
    """The mean of the frame along a path of the camera to one side, the border repeated."""
    steps = max(2, round(clip.shape[2] * corruption.strength))
    path = np.arange(steps) - steps // 2
    columns = np.clip(np.arange(clip.shape[2]) + path[:, None], 0, clip.shape[2] - 1)  # [steps, W]
    total = np.zeros(clip.shape, np.uint32)
    for column in columns:
        total += clip[:, :, column]
    blurred: Clips = ((total + steps // 2) // steps).astype(np.uint8)
    return blurred


def _shuffled_frames(corruption: Corruption, clip: Clips, draw: Draws) -> Clips:
    """Frames in the places of each other, every order equally likely, that of before among them."""
    raw = np.random.Philox(key=int(draw[0] * 2**53)).random_raw(len(clip))
    chosen = np.argsort(raw, kind="stable")[: round(corruption.strength * len(clip))]
    result = clip.copy()
    result[np.sort(chosen)] = clip[chosen]
    return result


CHANGES = {
    "low-resolution": _low_resolution,
    "occlusion": _occlusion,
    "motion-blur": _motion_blur,
    "shuffled-frames": _shuffled_frames,
}


def _draws(corruption: Corruption, tracklet: Tracklet, purpose: str, count: int) -> Draws:
    """Numbers in [0, 1) [count] that depend on the corruption's seed, the tracklet and the purpose alone."""
    name = f"{corruption.seed} {purpose} {tracklet.frames[0]}"
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:16])
    # numpy keeps a bit generator's raw stream the same in every version and on every machine
    return np.asarray(np.random.Philox(key=key).random_raw(count) >> np.uint64(11)) * 2.0**-53
