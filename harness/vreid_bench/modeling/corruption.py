"""How the frames of spoiled clips are changed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from vreid_bench.contracts.corruption import ClipCorruption, Distortion

Clips = npt.NDArray[np.uint8]  # [C, T, H, W, 3] RGB
Draws = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

GREY = (124, 116, 104)  # the ImageNet mean colour, which random erasing uses as well


def distort(distortion: Distortion, clips: Clips, draws: Draws) -> Clips:
    """Spoil every clip [C, T, H, W, 3], all frames of a clip in the same way.

    draws: [C, 2] in [0, 1), which decide where a block stands, or how frames are shuffled.
    """
    change = CHANGES[distortion.kind]
    return np.stack([change(distortion, clip, draw) for clip, draw in zip(clips, draws, strict=True)])


def choose_spoiled(corruption: ClipCorruption, clips: int, generator: np.random.Generator) -> Mask:
    """A mask [C] of the clips of a training tracklet that are spoiled, as `ClipCorruption` says."""
    mask = np.zeros(clips, bool)
    number = generator.integers(min(corruption.most, clips) + 1)  # M_c
    mask[generator.permutation(clips)[:number]] = True
    return mask


def spoil(
    corruption: ClipCorruption, clips: Clips, mask: npt.NDArray[np.bool_], generator: np.random.Generator
) -> Clips:
    """The clips [C, T, H, W, 3] of a training tracklet with those in the mask [C] spoiled; the argument stays."""
    result = clips.copy()
    if mask.any():
        result[mask] = distort(corruption.distortion, clips[mask], generator.random((int(mask.sum()), 2)))
    return result


def _low_resolution(distortion: Distortion, clip: Clips, draw: Draws) -> Clips:
    """Scale the frames down, store them as JPEG, and scale them up again (section 4.4)."""
    import simplejpeg
    from PIL import Image

    height, width = clip.shape[1:3]
    small = max(1, round(width / distortion.strength)), max(1, round(height / distortion.strength))
    frames = []
    for frame in clip:
        reduced = np.asarray(Image.fromarray(frame).resize(small, Image.Resampling.BILINEAR))
        stored = simplejpeg.encode_jpeg(np.ascontiguousarray(reduced), distortion.quality)
        again = Image.fromarray(simplejpeg.decode_jpeg(stored, "RGB"))
        frames.append(np.asarray(again.resize((width, height), Image.Resampling.BILINEAR)))
    return np.stack(frames)


def _occlusion(distortion: Distortion, clip: Clips, draw: Draws) -> Clips:
    """Cover each frame with a block of one colour, at the same place in the whole clip."""
    sides = [max(1, round(side * distortion.strength)) for side in clip.shape[1:3]]
    top, left = (int(at * (whole - side + 1)) for at, whole, side in zip(draw, clip.shape[1:3], sides, strict=True))
    result = clip.copy()
    result[:, top : top + sides[0], left : left + sides[1]] = GREY
    return result


def _motion_blur(distortion: Distortion, clip: Clips, draw: Draws) -> Clips:
    """Average each frame over a sideways movement of the camera; the border is repeated."""
    steps = max(2, round(clip.shape[2] * distortion.strength))
    path = np.arange(steps) - steps // 2
    columns = np.clip(np.arange(clip.shape[2]) + path[:, None], 0, clip.shape[2] - 1)  # [steps, W]
    total = np.zeros(clip.shape, np.uint32)
    for column in columns:
        total += clip[:, :, column]
    blurred: Clips = ((total + steps // 2) // steps).astype(np.uint8)
    return blurred


def _shuffled_frames(distortion: Distortion, clip: Clips, draw: Draws) -> Clips:
    """Shuffle the frames; every order is equally likely, the original one included."""
    raw = np.random.Philox(key=int(draw[0] * 2**53)).random_raw(len(clip))
    chosen = np.argsort(raw, kind="stable")[: round(distortion.strength * len(clip))]
    result = clip.copy()
    result[np.sort(chosen)] = clip[chosen]
    return result


CHANGES = {
    "low-resolution": _low_resolution,
    "occlusion": _occlusion,
    "motion-blur": _motion_blur,
    "shuffled-frames": _shuffled_frames,
}
