"""The mishaps of a tracklet: a window of frames for each that happens."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .palette import VISIBLE, Surfaces
from .raster import Array
from .things import Thing, bicycle, bush, car, fence, litter_bin, pole, trunk, wall
from .world import World

FLAGS = ("obj", "ped", "switch", "miss", "drift", "mblur")
# shortest and longest, in frames of a tracklet of 36; shorter tracklets have shorter mishaps
_LASTS = {"obj": (6, 24), "ped": (8, 20), "switch": (4, 12), "miss": (3, 8), "drift": (6, 16), "mblur": (4, 14)}
_USUAL = 36

# things before people: how wide (in crop widths), how tall (in crop heights), how often
_OBSTACLES: dict[Thing, tuple[tuple[float, float], tuple[float, float], float]] = {
    wall: ((0.35, 0.95), (1.0, 1.0), 0.24),
    bush: ((0.7, 1.5), (0.35, 0.75), 0.20),
    car: ((1.6, 2.6), (0.38, 0.6), 0.16),
    fence: ((0.8, 1.6), (0.35, 0.6), 0.12),
    trunk: ((0.25, 0.5), (1.0, 1.0), 0.12),
    pole: ((0.10, 0.22), (1.0, 1.0), 0.06),
    litter_bin: ((0.3, 0.6), (0.3, 0.5), 0.06),
    bicycle: ((1.2, 1.8), (0.35, 0.5), 0.04),
}


@dataclass(frozen=True)
class Mishaps:
    """The windows of a tracklet; None = it does not happen."""

    windows: dict[str, slice | None]  # by flag

    def flags(self, frames: int) -> NDArray[np.bool_]:
        """Which mishap happens in which frame, bool [T, 6] in the order of FLAGS."""
        flags = np.zeros((frames, len(FLAGS)), bool)
        for column, name in enumerate(FLAGS):
            window = self.windows[name]
            if window is not None:
                flags[window, column] = True
        return flags


def draw_mishaps(world: World, key: tuple[int, ...], frames: int) -> Mishaps:
    """The mishaps of a tracklet of T frames; each has its own random stream, so one can be switched off alone."""
    chance = {
        "obj": world.p_object,
        "ped": world.p_pedestrian,
        "switch": world.p_switch if frames >= 8 else 0.0,
        "miss": world.p_miss if frames >= 8 else 0.0,
        "drift": world.p_drift,
        "mblur": world.p_blur,
    }
    windows: dict[str, slice | None] = {}
    for name in FLAGS:
        rng = world.stream(f"when {name}", *key)
        happens = rng.random() < chance[name]
        windows[name] = _window(rng, frames, *_LASTS[name]) if happens else None
    return Mishaps(windows)


def _window(rng: np.random.Generator, frames: int, shortest: int, longest: int) -> slice:
    part = min(1.0, frames / _USUAL)
    length = min(frames, max(1, round(rng.integers(shortest, longest + 1) * part)))
    start = int(rng.integers(0, frames - length + 1))
    return slice(start, start + length)


def obstacle(world: World, key: tuple[int, ...], frames: int, seen: Surfaces = VISIBLE) -> tuple[Array, Array]:
    """A thing passing through the crop of a walker over T frames: premultiplied colour and cover."""
    rng = world.stream("obstacle", *key)
    kinds = list(_OBSTACLES)
    kind = kinds[rng.choice(len(kinds), p=[_OBSTACLES[k][2] for k in kinds])]
    (narrow, broad), (low, high), _ = _OBSTACLES[kind]
    wide = max(2, int(world.width * rng.uniform(narrow, broad)))
    tall = max(2, int(world.height * rng.uniform(low, high)))
    patch = kind(rng, seen, tall, wide)  # [tall, wide, 4]
    side = rng.choice([-1, 1])
    start, end = rng.uniform(-0.9, -0.2), rng.uniform(-0.2, 0.9)
    centre = np.linspace(0.5 + start * side, 0.5 + end * side, frames)
    if rng.random() < 0.3:  # the walker stands still, or walks along with the thing
        centre = np.full(frames, rng.uniform(0.1, 0.9))
    left = np.round(centre * world.width - wide / 2).astype(int)
    column = np.arange(world.width)[None, :] - left[:, None]  # [T, W] columns of the patch
    inside = (column >= 0) & (column < wide)
    part = patch[:, np.clip(column, 0, wide - 1)].swapaxes(0, 1)  # [T, tall, W, 4]
    cover = np.zeros((frames, world.height, world.width), np.float32)
    colour = np.zeros((frames, world.height, world.width, 3), np.float32)
    cover[:, world.height - tall :] = part[..., 3] * inside[:, None, :]
    colour[:, world.height - tall :] = part[..., :3] * cover[:, world.height - tall :, :, None]
    return colour, cover
