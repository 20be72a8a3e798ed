"""How the frames of spoiled clips are changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from vreid_bench.system.errors import InputError

Clips = npt.NDArray[np.uint8]  # [C, T, H, W, 3] RGB
Draws = npt.NDArray[np.float64]
Kind = Literal["low-resolution", "occlusion", "motion-blur", "shuffled-frames"]

GREY = (124, 116, 104)  # the ImageNet mean colour, which random erasing uses as well


@dataclass(frozen=True)
class Distortion:
    """What spoils a clip. Raises InputError for settings that are not valid.

    low-resolution: frames are scaled down by `strength`, stored as JPEG of `quality`, and scaled up again
    (Matiyali & Sharma 2020, section 4.4, which does not state the quality). occlusion: a block hides the share
    `strength` of height and width. motion-blur: the camera moves by the share `strength` of the width.
    shuffled-frames: the share `strength` of the frames is shuffled.
    """

    kind: Kind
    strength: float
    quality: int = 20  # of the JPEG, 1 to 95

    def __post_init__(self) -> None:
        if self.kind not in CHANGES:
            raise InputError(f"corruption {self.kind!r}: expected one of {', '.join(CHANGES)}")
        lowest, highest = (1, np.inf) if self.kind == "low-resolution" else (0, 1)
        if not lowest < self.strength <= highest:
            raise InputError(
                f"corruption {self.kind}: strength must be above {lowest} and at most {highest}, got {self.strength}"
            )
        if not 1 <= self.quality <= 95:
            raise InputError(f"corruption {self.kind}: JPEG quality must be 1 to 95, got {self.quality}")


def distort(distortion: Distortion, clips: Clips, draws: Draws) -> Clips:
    """Spoil every clip [C, T, H, W, 3], all frames of a clip in the same way.

    draws: [C, 2] in [0, 1), which decide where a block stands, or how frames are shuffled.
    """
    change = CHANGES[distortion.kind]
    return np.stack([change(distortion, clip, draw) for clip, draw in zip(clips, draws, strict=True)])


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
