"""Around the walker: the street behind, the shadow on the ground, and what the camera makes of it all."""

import numpy as np
from numpy.typing import NDArray

from .body import Placement
from .camera import Camera
from .infrared import approach, night_noise
from .raster import Array
from .world import World

FOOT = 0.965  # row of the feet in a well-cut crop, in crop heights


def background(world: World, rng: np.random.Generator, view: Array, walk: Placement) -> Array:
    """The street behind each crop [T, H, W, 3]: a window of the view [rows, columns, 3] that follows the walker."""
    height, width, frames = world.height, world.width, len(walk.x)
    rows, columns = view.shape[:2]
    speed = float(np.sin(walk.yaw.mean())) * 0.10 * width  # px per frame to the right
    room = columns - width - 1
    path = rng.uniform(0, room) + speed * np.arange(frames) - (walk.x - 0.5 * width)
    path = np.abs((path + room) % (2 * room) - room)  # turns round at the ends of the street
    drop = rows - height - rng.uniform(0, 0.2) * height - (walk.y - FOOT * height)
    top, left = np.clip(drop, 0, rows - height).astype(int), path.astype(int)
    return np.stack([view[y : y + height, x : x + width] for y, x in zip(top, left, strict=True)])


def cast_shadow(image: Array, seen_by: Camera, walk: Placement, present: NDArray[np.bool_]) -> None:
    """Darken the ground of [T, H, W, 3] around the feet and away from the light, where somebody is present [T]."""
    height, width = image.shape[1:3]
    top = int(0.72 * height)
    y = (np.arange(top, height, dtype=np.float32) + 0.5)[None, :, None]
    x = (np.arange(width, dtype=np.float32) + 0.5)[None, None, :]
    foot_x, foot_y, scale = (v[:, None, None] for v in (walk.x, walk.y, walk.scale))
    dx, dy = (x - foot_x) / scale, (y - foot_y + 0.02 * scale) / scale  # body heights from the feet
    contact = np.exp(-((dx / 0.13) ** 2) - (dy / 0.035) ** 2)
    away = np.clip(-4 * np.float32(seen_by.light) * dx, 0, 1)  # the shadow falls away from the light
    thrown = np.exp(-(((dy + 0.12 * np.abs(dx)) / 0.045) ** 2)) * away * np.clip(1 - np.abs(dx), 0, 1)
    dark = np.float32(seen_by.shadow) * np.minimum(1, contact + 0.7 * thrown) * present[:, None, None]
    image[:, top:] *= (1 - dark)[..., None]


def photograph(
    world: World, seen_by: Camera, image: Array, blurred: slice | None, key: tuple[int, ...]
) -> NDArray[np.uint8]:
    """The camera's pictures [T, H, W, 3] of a scene, with motion blur in the window `blurred`, and noise."""
    rng = world.stream("light", *key)
    light = (1 + rng.normal(0, world.illumination)) * (1 + rng.normal(0, 0.3 * world.illumination, 3))
    image = seen_by.develop(image, light.astype(np.float32))
    if blurred is not None:
        length = max(2, round(world.stream("smear", *key).integers(2, 5) * world.height / 64))
        image[blurred] = _smear(image[blurred], length)
    noise = world.stream("noise", *key).standard_normal(image.shape, dtype=np.float32)
    image += noise * np.float32(seen_by.noise)
    return (np.clip(image, 0, 1) * 255 + np.float32(0.5)).astype(np.uint8)


def photograph_at_night(
    world: World, seen_by: Camera, image: Array, yaw: Array, blurred: slice | None, key: tuple[int, ...]
) -> NDArray[np.uint8]:
    """An infrared camera's pictures [T, H, W, 3] of a scene, their channels equal; yaw [T] tells who comes nearer."""
    image = image * approach(world, key, yaw)[:, None, None, None]
    image = seen_by.develop(image, np.ones(3, np.float32))
    if blurred is not None:
        length = max(2, round(world.stream("smear", *key).integers(2, 5) * world.height / 64))
        image[blurred] = _smear(image[blurred], length)
    grey = image[..., 0]
    grey = grey + night_noise(world, key, grey, seen_by.noise)
    coded = (np.clip(grey, 0, 1) * 255 + np.float32(0.5)).astype(np.uint8)
    return np.repeat(coded[..., None], 3, axis=3)


def _smear(image: Array, length: int) -> Array:
    """Horizontal motion blur of [T, H, W, 3] over `length` px."""
    padded = np.pad(image, ((0, 0), (0, 0), (length // 2, length - 1 - length // 2), (0, 0)), mode="edge")
    total = np.cumsum(padded, axis=2, dtype=np.float32)
    total = np.pad(total, ((0, 0), (0, 0), (1, 0), (0, 0)))
    return np.asarray((total[:, :, length:] - total[:, :, :-length]) / np.float32(length), np.float32)
