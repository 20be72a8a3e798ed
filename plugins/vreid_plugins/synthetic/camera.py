"""Cameras: where they look from, what street they see, and what they do to light and sharpness."""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from .raster import Array
from .street import street
from .world import World

# Base views, in units of the yaw spread from the side view: half front, half back, side, and between.
VIEWS = (-1.0, 1.0, 0.0, 0.5, -0.5, 0.8)


@dataclass(frozen=True, eq=False)
class Camera:
    """One camera of a world."""

    yaw: float  # rad of its usual walker; 0 = towards the camera, pi/2 = across the view
    elevation: float  # rad
    light: float  # -1 .. 1, from the left .. from the right
    shadow: float  # darkest ground shadow
    view: Array  # the street, see `street`
    mix: Array  # [3, 3] colour response
    gain: float
    gamma: float
    rows: Array  # [H, H] blur and loss of resolution along the columns of a crop
    columns: Array  # [W, W] the same along its rows
    noise: float
    infrared: bool = False  # a night view by its own lamp: its three channels are equal

    def develop(self, frames: Array, light: Array) -> Array:
        """What the sensor makes of a scene: frames [T, H, W, 3] under a light [3], without noise."""
        count, height, width, _ = frames.shape
        response = (self.mix * light[None, :]).T * np.float32(self.gain)  # [3 in, 3 out]
        seen = np.clip(frames.reshape(-1, 3) @ response, 0, 1) ** np.float32(self.gamma)
        seen = np.matmul(self.rows, seen.reshape(count, height, width * 3))
        return np.asarray(np.matmul(self.columns, seen.reshape(count, height, width, 3)), np.float32)


@lru_cache(maxsize=64)
def camera(world: World, number: int, infrared: bool = False) -> Camera:
    """The camera with this number, counted from 0; infrared: the same camera at the same place by night."""
    rng = world.stream("camera", number)
    steep = float(rng.uniform(0, 1))
    turn = VIEWS[number] if number < len(VIEWS) else rng.uniform(-1, 1)
    down, blur = rng.uniform(1, world.lowres), rng.uniform(0, world.blur) * world.height / 64
    by_day = Camera(
        yaw=float(np.deg2rad(90 + turn * world.yaw_spread)),
        elevation=0.30 * steep,
        light=float(rng.uniform(-1, 1)),
        shadow=float(world.shadow * rng.uniform(0.5, 1)),
        view=street(world.stream("street", number), world, steep, infrared),
        mix=_colour_response(rng, world.cast),
        gain=float(1 + rng.uniform(-1, 1) * world.gain),
        gamma=float(np.exp(rng.uniform(-1, 0.7) * world.gain)),
        rows=_softening(world.height, down, blur),
        columns=_softening(world.width, down, blur),
        noise=float(world.noise * rng.uniform(0.3, 1)),
    )
    if not infrared:
        return by_day
    # the lamp sits beside the lens: no side of a body is darker, and shadows fall behind what throws them
    one_channel = np.full((3, 3), 1 / 3, np.float32)
    return replace(by_day, infrared=True, light=0.0, shadow=0.3 * by_day.shadow, mix=one_channel)


def _colour_response(rng: np.random.Generator, cast: float) -> Array:
    """White balance between warm and cold, a trace of green or magenta, and how saturated the camera is."""
    warm, green = rng.uniform(-1, 1) * cast, rng.uniform(-0.4, 0.4) * cast
    balance = np.diag(np.exp([warm, green, -warm]))
    saturation = 1 + rng.uniform(-4.0, 0.5) * cast
    grey = np.full((3, 3), 1 / 3)
    return np.asarray(balance @ (grey + (np.eye(3) - grey) * saturation), np.float32)


def _softening(size: int, down: float, blur: float) -> Array:
    """One matrix [size, size] that blurs by `blur` px, shrinks by `down` and enlarges again."""
    position = np.arange(size)
    kernel = np.exp(-0.5 * ((position[:, None] - position[None, :]) / max(blur, 1e-3)) ** 2)
    kernel /= kernel.sum(axis=1, keepdims=True)
    small = max(2, round(size / down))
    step = size / small
    edge = np.arange(small + 1) * step
    overlap = np.minimum(edge[1:, None], position + 1) - np.maximum(edge[:-1, None], position)
    shrink = np.clip(overlap, 0, None) / step  # [small, size]
    centre = (position + 0.5) / step - 0.5
    lower = np.clip(np.floor(centre).astype(int), 0, small - 1)
    upper, share = np.minimum(lower + 1, small - 1), np.clip(centre - lower, 0, 1)
    enlarge = np.zeros((size, small))
    np.add.at(enlarge, (position, lower), 1 - share)
    np.add.at(enlarge, (position, upper), share)
    return np.asarray(enlarge @ shrink @ kernel, np.float32)
