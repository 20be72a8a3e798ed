"""The infrared side of the renderer: what dyed cloth reflects, and the lamp that is all the light at night."""

from collections.abc import Callable

import numpy as np

from .raster import Array
from .world import World

Dye = Callable[[Array], Array]  # the colour of cloth [3] as the eye sees it -> as the camera does

# Most dyes let light around 850 nm through, and the fibre below is bright; some absorb it. How often, mean and spread
# of the reflectance: the colour of dyed cloth says nothing about it.
_DYED = ((0.62, 0.60, 0.10), (0.20, 0.36, 0.07), (0.18, 0.15, 0.05))
# Black, grey and white cloth is often coloured by carbon black or not at all, and then looks as it does to the eye.
_NEUTRAL = 0.06  # largest distance between the channels of such a colour
_UNDYED = 0.6  # how much of it
NEARER = 1.3  # how much more light falls on what passes between the camera and the person
_WALK = 1.3  # m per second
_ADAPTS = 0.7  # share of the change of light, as an exponent, that the exposure makes up for


def dyes(world: World, outfit: int) -> Dye:
    """What the cloth of an outfit reflects, asked in the order in which it is dyed."""
    rng = world.stream("dye", outfit)
    share = [often for often, _, _ in _DYED]

    def dye(colour: Array) -> Array:
        _, usual, spread = _DYED[rng.choice(len(_DYED), p=share)]
        reflected, undyed = rng.normal(usual, spread), rng.random() < _UNDYED
        if undyed and np.ptp(colour) < _NEUTRAL:
            reflected = float(colour.mean())
        return np.full(3, np.clip(reflected, 0.05, 0.85), np.float32)

    return dye


def lamp(distance: Array) -> Array:
    """What the camera's lamp makes of a picture's values at a distance, relative to 1 at a distance of 1.

    Light falls with the square of the distance; a picture stores it under the usual gamma of 2.2.
    """
    return np.asarray(np.maximum(distance, 0.5) ** (-2 / 2.2), np.float32)


def approach(world: World, key: tuple[int, ...], yaw: Array) -> Array:
    """Light on a walker in each frame [T], who comes nearer or walks away by its yaw [T]; exposure adapts in part."""
    rng = world.stream("lamp", *key)
    usual = rng.uniform(5, 12)  # m
    nearer = np.cumsum(np.cos(yaw)) * _WALK / world.fps
    distance = np.maximum(usual + nearer.mean() - nearer, 2.0)
    light = lamp(distance / usual)
    adapted = light / light.mean() ** _ADAPTS
    return np.asarray(adapted * np.exp(rng.normal(0, world.illumination)), np.float32)


def night_noise(world: World, key: tuple[int, ...], image: Array, noise: float) -> Array:
    """Noise [T, H, W] of a sensor at high gain: what it reads in the dark, and shot noise, for a picture [T, H, W]."""
    drawn = world.stream("night noise", *key).standard_normal(image.shape, dtype=np.float32)
    return np.asarray(drawn * np.float32(noise) * (1 + 2 * np.sqrt(np.maximum(image, 0))), np.float32)
