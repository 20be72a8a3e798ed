"""Things of the street that stand around or before people: cars, bushes, trees, poles, fences, walls, bins."""

from collections.abc import Callable

import numpy as np

from .palette import Surfaces, pick, pick_common
from .raster import Array, rough_noise, smooth_noise

# Each thing is drawn as [height, width, 4]: RGB and opacity in [0, 1].
Thing = Callable[[np.random.Generator, Surfaces, int, int], Array]


def _opaque(colour: Array, tone: Array) -> Array:
    """A patch [h, w, 4] of one colour under a tone [h, w]."""
    patch = np.ones((*tone.shape, 4), np.float32)
    patch[..., :3] = colour * tone[..., None]
    return patch


def _across(width: int) -> Array:
    return ((np.arange(width, dtype=np.float32) + 0.5) / width * 2 - 1)[None, :]  # [1, w] in (-1, 1)


def _down(height: int) -> Array:
    return ((np.arange(height, dtype=np.float32) + 0.5) / height)[:, None]  # [h, 1] in (0, 1)


def pole(rng: np.random.Generator, seen: Surfaces, height: int, width: int) -> Array:
    """A lamp post: a shiny cylinder."""
    across = _across(width)
    tone = 0.75 + 0.35 * np.exp(-(((across + 0.35) / 0.35) ** 2)) - 0.25 * across
    patch = _opaque(pick(rng, seen.metal, 0.02), np.repeat(tone, height, axis=0))
    return patch


def trunk(rng: np.random.Generator, seen: Surfaces, height: int, width: int) -> Array:
    """A tree trunk with furrowed bark."""
    bark = smooth_noise(rng, max(2, height // 6), width, max(1.0, width / 9))
    furrows = np.repeat(bark, 6, axis=0)[:height]
    furrows = np.pad(furrows, ((0, height - len(furrows)), (0, 0)), mode="edge")
    tone = (0.75 + 0.5 * furrows) * (1.0 - 0.35 * _across(width) ** 2 - 0.15 * _across(width))
    patch = _opaque(pick(rng, seen.bark, 0.02), tone)
    wobble = 0.08 * np.sin(_down(height) * rng.uniform(3, 9) + rng.uniform(0, 6))
    patch[..., 3] = np.clip((0.9 - np.abs(_across(width) + wobble)) * width / 2, 0, 1)
    return patch


def bush(rng: np.random.Generator, seen: Surfaces, height: int, width: int) -> Array:
    """Leaves with a ragged outline."""
    cell = max(2.0, height / 7)
    leaves = rough_noise(rng, height, width, cell)
    fine = rng.random((height, width), dtype=np.float32)
    tone = 0.35 + 1.05 * leaves + 0.3 * (fine - 0.5) - 0.35 * _down(height)
    patch = _opaque(pick(rng, seen.leaves, 0.02), np.clip(tone, 0.15, 1.6))
    outline = 1.05 - _across(width) ** 4 - np.clip(1 - _down(height) / 0.6, 0, 1) ** 2
    patch[..., 3] = np.clip((outline - 0.75 * (1 - leaves)) * 8, 0, 1)
    return patch


def car(rng: np.random.Generator, seen: Surfaces, height: int, width: int) -> Array:
    """The side of a parked car: body, windows, a wheel."""
    down, across = _down(height), _across(width)
    tone = 0.95 + 0.2 * np.exp(-(((down - 0.45) / 0.06) ** 2)) - 0.3 * np.clip(down - 0.5, 0, 1)
    patch = _opaque(pick_common(rng, seen.car, 0.02), np.repeat(tone, width, axis=1))
    roof = np.clip((down - 0.02 - 0.12 * np.abs(across) ** 3) * height, 0, 1)
    window = (down > 0.09) & (down < 0.36) & (np.abs(across) < 0.9) & (np.abs(across - rng.uniform(-0.3, 0.3)) > 0.04)
    panes = pick(rng, seen.glass) * (1.25 - 0.8 * down)[..., None] * np.ones((1, width, 1), np.float32)
    patch[window, :3] = panes[window]
    centre, radius = rng.uniform(-0.6, 0.6), 0.2 * height
    wheel = np.sqrt(((across - centre) * width / 2) ** 2 + ((down - 0.82) * height) ** 2) / radius
    patch[wheel < 1.15, :3] = 0.05
    patch[wheel < 0.62, :3] = 0.42
    patch[..., 3] = roof * np.where((down > 0.88) & (wheel > 1.0), 0, 1)
    shade = np.exp(-(((down - 0.97) / 0.05) ** 2)) * 0.55 * np.ones_like(across)  # under the car
    under = (down > 0.88) & (wheel > 1.0)
    patch[under, :3], patch[under, 3] = 0.05, shade[under]
    return patch


def fence(rng: np.random.Generator, seen: Surfaces, height: int, width: int) -> Array:
    """Wooden boards with narrow gaps."""
    board = max(3, width // int(rng.integers(4, 9)))
    column = np.arange(width)
    tones = rng.uniform(0.85, 1.12, width // board + 1).astype(np.float32)
    grain = smooth_noise(rng, height, width, max(1.5, width / 12))
    patch = _opaque(pick(rng, seen.wood, 0.02), tones[column // board][None, :] * (0.9 + 0.2 * grain))
    patch[:, column % board == 0, :3] *= 0.45
    rail = np.abs(_down(height) - 0.2) < 0.03
    patch[..., :3] *= np.where(rail, 0.8, 1.0)[..., None]
    return patch


def wall(rng: np.random.Generator, seen: Surfaces, height: int, width: int) -> Array:
    """A corner of masonry or a pillar, lit from one side."""
    side = 1.0 + rng.uniform(-0.16, 0.16) * _across(width)
    stain = 0.94 + 0.12 * smooth_noise(rng, height, width, max(3.0, height / 4))
    colour = pick(rng, seen.plaster if rng.random() < 0.6 else seen.brick, 0.03) * np.float32(rng.uniform(0.6, 1.0))
    patch = _opaque(colour, side * stain)
    if rng.random() < 0.5:  # joints between the stones
        course = max(3, height // int(rng.integers(8, 16)))
        patch[::course, :, :3] *= 0.92
    return patch


def litter_bin(rng: np.random.Generator, seen: Surfaces, height: int, width: int) -> Array:
    """A litter bin or a sign: a plain box with a rim."""
    across, down = _across(width), _down(height)
    tone = (0.95 - 0.25 * across**2) * (1 - 0.2 * down)
    patch = _opaque(pick(rng, seen.metal, 0.04), tone)
    patch[: max(1, height // 12), :, :3] *= 1.35
    return patch


def bicycle(rng: np.random.Generator, seen: Surfaces, height: int, width: int) -> Array:
    """Two wheels and a frame, mostly air."""
    across, down = _across(width) * np.float32(width / 2), _down(height) * height
    patch = np.zeros((height, width, 4), np.float32)
    thick, radius = max(0.7, height / 30), min(0.42 * height, 0.24 * width)
    colour = pick(rng, seen.car, 0.03)
    hubs = (-0.26 * width, 0.26 * width)
    axle = height - radius - 1
    ink = np.zeros((height, width), np.float32)
    for hub in hubs:
        ring = np.abs(np.sqrt((across - hub) ** 2 + (down - axle) ** 2) - radius)
        ink = np.maximum(ink, np.clip(thick - ring + 0.5, 0, 1))
    saddle, steer = (-0.08 * width, 0.2 * height), (0.2 * width, 0.1 * height)
    pedals = (-0.02 * width, axle)
    frame = np.zeros_like(ink)
    bars = ((saddle, pedals), (saddle, steer), (pedals, steer), (pedals, (hubs[0], axle)), (steer, (hubs[1], axle)))
    for (x0, y0), (x1, y1) in bars:
        along = ((across - x0) * (x1 - x0) + (down - y0) * (y1 - y0)) / ((x1 - x0) ** 2 + (y1 - y0) ** 2)
        along = np.clip(along, 0, 1)
        off = np.sqrt((across - x0 - along * (x1 - x0)) ** 2 + (down - y0 - along * (y1 - y0)) ** 2)
        frame = np.maximum(frame, np.clip(1.2 * thick - off + 0.5, 0, 1))
    patch[..., :3] = np.where((frame > 0.3)[..., None], colour, np.float32(0.08))
    patch[..., 3] = np.maximum(ink, frame)
    return patch


def paste(scene: Array, patch: Array, left: int, top: int) -> None:
    """Lay a thing [h, w, 4] over a picture [H, W, 3], cut off at the picture's edges."""
    y0, x0 = max(0, top), max(0, left)
    y1, x1 = min(scene.shape[0], top + patch.shape[0]), min(scene.shape[1], left + patch.shape[1])
    if y0 >= y1 or x0 >= x1:
        return
    part = patch[y0 - top : y1 - top, x0 - left : x1 - left]
    under = scene[y0:y1, x0:x1]
    under += (part[..., :3] - under) * part[..., 3:]
