"""Painting limbs on all frames of a tracklet at once: tapered capsules and profiles with wrapped textures."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]  # float32 wherever it is large


@dataclass(frozen=True)
class Paint:
    """A texture wrapped around a limb: rows run along its axis, columns around the body from -pi to pi."""

    texture: Array  # [rows, columns, 3], column in the middle = front of the body; [3] = one colour
    yaw: Array  # [T] rad, where the body faces; 0 = the camera
    shade: float = 1.0


@dataclass(frozen=True)
class Region:
    """The window of the canvas that can contain a limb in some frame, px."""

    top: int
    bottom: int
    left: int
    right: int


@dataclass
class Canvas:
    """A layer of T frames: premultiplied colour and how much of each pixel is covered."""

    frames: int
    height: int
    width: int
    light: float = 0.0  # -1 .. 1, from the left .. from the right
    colour: Array = field(init=False)  # [T, H, W, 3]
    cover: Array = field(init=False)  # [T, H, W]

    def __post_init__(self) -> None:
        self.colour = np.zeros((self.frames, self.height, self.width, 3), np.float32)
        self.cover = np.zeros((self.frames, self.height, self.width), np.float32)

    def capsule(self, start: Array, end: Array, radii: tuple[Array, Array], paint: Paint) -> None:
        """A limb from `start` to `end` [2, T] px with round ends of the given radii [T] px."""
        region = self._region((start, end), float(max(radii[0].max(), radii[1].max())))
        if region is None:
            return
        first, last = (radius[:, None, None] for radius in radii)
        along, across, length = _limb_axes(start, end, region)
        inside = np.clip(along, 0, 1)
        radius = first + (last - first) * inside
        beyond = (along - inside) * length
        cover = np.clip(np.float32(0.5) + radius - np.sqrt(across * across + beyond * beyond), 0, 1)
        row = (along * length + first) / (length + first + last)
        self._paint(region, cover, (row, across / np.maximum(radius, 0.3)), paint)

    def profile(self, start: Array, end: Array, half_width: Array, shape: Array, paint: Paint) -> None:
        """A body part from `start` to `end` [2, T] px whose half width [T] px is scaled along it by `shape` [n]."""
        region = self._region((start, end), float(half_width.max() * shape.max()))
        if region is None:
            return
        along, across, length = _limb_axes(start, end, region)
        step = np.clip(along * np.float32(len(shape)), 0, len(shape) - 1).astype(np.int32)
        radius = half_width[:, None, None] * shape[step]
        half = np.float32(0.5)
        cover = np.clip(half + radius - np.abs(across), 0, 1)
        cover *= np.clip(along * length + half, 0, 1) * np.clip((1 - along) * length + half, 0, 1)
        self._paint(region, cover, (along, across / np.maximum(radius, 0.3)), paint)

    def _region(self, points: Sequence[Array], radius: float) -> Region | None:
        """Where the points [2, T], widened by `radius` px, meet the canvas."""
        x = np.stack([point[0] for point in points])
        y = np.stack([point[1] for point in points])
        left, right = int(max(0, x.min() - radius - 1)), int(min(self.width, x.max() + radius + 2))
        top, bottom = int(max(0, y.min() - radius - 1)), int(min(self.height, y.max() + radius + 2))
        return Region(top, bottom, left, right) if left < right and top < bottom else None

    def _paint(self, region: Region, cover: Array, surface: tuple[Array, Array], paint: Paint) -> None:
        """Lay the limb over what is there; `surface` = position along [0, 1] and across [-1, 1] it, both [T, h, w]."""
        frame, y, x = np.nonzero(cover)
        alpha = cover[frame, y, x][:, None]  # [n, 1], n painted pixels
        along, across = surface[0][frame, y, x], np.clip(surface[1][frame, y, x], -1, 1)
        tone = paint.shade * (1 - np.float32(0.26) * across * across + np.float32(0.16 * self.light) * across)
        colour = _lookup(paint, frame, along, across) * tone[:, None]  # [n, 3]
        pixel = (frame * self.height + y + region.top) * self.width + x + region.left
        flat_colour, flat_cover = self.colour.reshape(-1, 3), self.cover.reshape(-1)
        under = flat_colour[pixel]
        flat_colour[pixel] = under + (colour - under) * alpha
        below = flat_cover[pixel]
        flat_cover[pixel] = below + (1 - below) * alpha[:, 0]


def _limb_axes(start: Array, end: Array, region: Region) -> tuple[Array, Array, Array]:
    """Pixel positions along (0 = start, 1 = end) and across (px, right of a hanging limb is +) it, and its length."""
    x = np.arange(region.left, region.right, dtype=np.float32)[None, None, :] + np.float32(0.5)
    y = np.arange(region.top, region.bottom, dtype=np.float32)[None, :, None] + np.float32(0.5)
    start_x, start_y = start[:, :, None, None]
    axis_x, axis_y = (end - start)[:, :, None, None]  # each [T, 1, 1]
    length = np.sqrt(axis_x * axis_x + axis_y * axis_y + np.float32(1e-3))
    axis_x, axis_y = axis_x / length, axis_y / length
    dx, dy = x - start_x, y - start_y  # [T, 1, w], [T, h, 1]
    along = (dx * axis_x + dy * axis_y) / length  # [T, h, w]
    across = dx * axis_y - dy * axis_x
    return along, across, length


def _lookup(paint: Paint, frame: NDArray[np.intp], along: Array, across: Array) -> Array:
    """The texture's colours [n, 3] at n surface points."""
    if paint.texture.ndim == 1:
        return paint.texture[None, :]
    rows, columns = paint.texture.shape[:2]
    row = np.clip(along * rows, 0, rows - 1).astype(np.int32)
    # asin by a cubic that is exact at 0 and 1: the eye cannot tell, and it is three times faster
    angle = paint.yaw[frame] - across * (1 + np.float32(0.5708) * across * across)
    turn = angle * np.float32(0.5 / np.pi) + np.float32(0.5)
    column = ((turn - np.floor(turn)) * columns).astype(np.int32)
    column = np.minimum(column, columns - 1)
    return np.asarray(paint.texture.reshape(-1, 3)[row * columns + column])


def smooth_noise(rng: np.random.Generator, height: int, width: int, cell: float) -> Array:
    """Bilinear value noise [height, width] in [0, 1] with knots every `cell` px."""
    rows, columns = max(2, int(height / cell) + 2), max(2, int(width / cell) + 2)
    knots = rng.random((rows, columns), dtype=np.float32)
    y = np.linspace(0, rows - 1.001, height, dtype=np.float32)
    x = np.linspace(0, columns - 1.001, width, dtype=np.float32)
    row, column = y.astype(np.int32), x.astype(np.int32)
    down, right = (y - row)[:, None], (x - column)[None, :]
    upper: Array = knots[row][:, column] * (1 - right) + knots[row][:, column + 1] * right
    lower: Array = knots[row + 1][:, column] * (1 - right) + knots[row + 1][:, column + 1] * right
    return np.asarray(upper * (1 - down) + lower * down, np.float32)


def rough_noise(rng: np.random.Generator, height: int, width: int, cell: float) -> Array:
    """Three octaves of noise [height, width] in [0, 1], for leaves, bark and worn ground."""
    octaves = ((cell, 0.5), (cell / 2, 0.3), (cell / 4, 0.2))
    total = sum(weight * smooth_noise(rng, height, width, max(size, 1.0)) for size, weight in octaves)
    return np.asarray(total, np.float32)
