"""Colours as surveillance cameras see them: dark and muted clothes, few bright ones; and all that in infrared."""

from dataclasses import dataclass

import numpy as np

from .raster import Array


def _colours(*rows: tuple[float, float, float]) -> Array:
    return np.array(rows, np.float32)  # [colours, 3], RGB in [0, 1]


# The common colours come first: a world that wears n colours wears the first n.
UPPER = _colours(
    (0.11, 0.11, 0.12), (0.14, 0.17, 0.26), (0.74, 0.74, 0.71), (0.42, 0.43, 0.44), (0.23, 0.24, 0.25),
    (0.46, 0.42, 0.33), (0.30, 0.36, 0.45), (0.40, 0.17, 0.17), (0.60, 0.60, 0.59), (0.29, 0.31, 0.23),
    (0.63, 0.57, 0.48), (0.31, 0.24, 0.20), (0.52, 0.58, 0.65), (0.52, 0.22, 0.20), (0.18, 0.29, 0.23),
    (0.22, 0.34, 0.37), (0.66, 0.52, 0.53), (0.32, 0.25, 0.35), (0.58, 0.48, 0.24), (0.23, 0.31, 0.50),
)  # fmt: skip
LOWER = _colours(
    (0.11, 0.11, 0.12), (0.18, 0.21, 0.29), (0.31, 0.36, 0.45), (0.36, 0.36, 0.37), (0.48, 0.43, 0.34),
    (0.23, 0.23, 0.24), (0.29, 0.24, 0.20), (0.62, 0.60, 0.55), (0.27, 0.29, 0.23), (0.46, 0.51, 0.57),
)  # fmt: skip
# Prints, bags, hats, shoes: mostly what clothes are, with a few vivid ones at the end.
ACCENT = _colours(
    (0.12, 0.12, 0.13), (0.76, 0.76, 0.74), (0.44, 0.44, 0.45), (0.17, 0.20, 0.32), (0.47, 0.19, 0.18),
    (0.34, 0.26, 0.20), (0.56, 0.50, 0.40), (0.67, 0.65, 0.59), (0.34, 0.43, 0.54), (0.23, 0.34, 0.26),
    (0.60, 0.21, 0.18), (0.24, 0.33, 0.55), (0.68, 0.57, 0.26), (0.68, 0.41, 0.24), (0.47, 0.29, 0.43),
)  # fmt: skip
SKIN = _colours((0.83, 0.67, 0.57), (0.76, 0.58, 0.47), (0.64, 0.46, 0.35), (0.46, 0.32, 0.24), (0.32, 0.22, 0.17))
HAIR = _colours((0.08, 0.07, 0.07), (0.15, 0.11, 0.09), (0.26, 0.18, 0.12), (0.45, 0.34, 0.21), (0.52, 0.51, 0.50))
SHOE = _colours((0.10, 0.10, 0.10), (0.25, 0.19, 0.15), (0.74, 0.74, 0.73), (0.40, 0.40, 0.42), (0.45, 0.18, 0.17))

PLASTER = _colours((0.66, 0.63, 0.57), (0.58, 0.58, 0.58), (0.70, 0.66, 0.62), (0.52, 0.50, 0.46), (0.60, 0.54, 0.46))
BRICK = _colours((0.43, 0.27, 0.22), (0.50, 0.36, 0.29), (0.37, 0.30, 0.27))
PAVING = _colours((0.53, 0.52, 0.50), (0.47, 0.45, 0.43), (0.58, 0.55, 0.50), (0.42, 0.42, 0.43), (0.52, 0.47, 0.43))
ASPHALT = _colours((0.30, 0.30, 0.31), (0.36, 0.36, 0.36))
GRASS = _colours((0.27, 0.34, 0.18), (0.33, 0.36, 0.21))
LEAVES = _colours((0.17, 0.25, 0.13), (0.22, 0.29, 0.15), (0.27, 0.31, 0.17))
BARK = _colours((0.26, 0.22, 0.18), (0.34, 0.30, 0.26))
WOOD = _colours((0.42, 0.32, 0.22), (0.34, 0.27, 0.21), (0.50, 0.44, 0.36))
METAL = _colours((0.24, 0.25, 0.26), (0.45, 0.46, 0.47), (0.18, 0.23, 0.20))
GLASS = _colours((0.14, 0.17, 0.20), (0.21, 0.25, 0.28), (0.30, 0.35, 0.38))
CAR = _colours(
    (0.12, 0.12, 0.13), (0.66, 0.66, 0.66), (0.40, 0.41, 0.43), (0.76, 0.76, 0.75), (0.17, 0.21, 0.32),
    (0.40, 0.15, 0.14),
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Surfaces:
    """What a camera sees of each material: rows of RGB [n, 3] in [0, 1], the same materials in the same order."""

    skin: Array
    hair: Array
    plaster: Array
    brick: Array
    paving: Array
    asphalt: Array
    grass: Array
    leaves: Array
    bark: Array
    wood: Array
    metal: Array
    glass: Array
    car: Array
    sky: Array  # [3], times a brightness
    far: tuple[float, float]  # how much of distant things arrives, and how much air is seen before them


VISIBLE = Surfaces(
    SKIN, HAIR, PLASTER, BRICK, PAVING, ASPHALT, GRASS, LEAVES, BARK, WOOD, METAL, GLASS, CAR,
    sky=np.array([0.97, 1.0, 1.03], np.float32), far=(0.6, 0.22),
)  # fmt: skip


def _greys(*reflectances: float) -> Array:
    return np.repeat(np.array(reflectances, np.float32)[:, None], 3, axis=1)  # [materials, 3]


# Reflectance around 850 nm, where surveillance lamps shine: melanin absorbs little, so that skin of every tone is
# bright; leaves and grass reflect half of the light; minerals look as they do to the eye; glass lets the light through.
# Nothing lights the sky, and the lamp does not reach distant things. What clothes reflect is in `infrared`.
INFRARED = Surfaces(
    skin=_greys(0.64, 0.63, 0.61, 0.56, 0.50),
    hair=_greys(0.15, 0.19, 0.28, 0.42, 0.54),
    plaster=_greys(0.68, 0.60, 0.72, 0.53, 0.63),
    brick=_greys(0.43, 0.50, 0.40),
    paving=_greys(0.52, 0.45, 0.56, 0.42, 0.48),
    asphalt=_greys(0.24, 0.28),
    grass=_greys(0.56, 0.52),
    leaves=_greys(0.50, 0.56, 0.53),
    bark=_greys(0.40, 0.46),
    wood=_greys(0.60, 0.52, 0.62),
    metal=_greys(0.26, 0.45, 0.22),
    glass=_greys(0.07, 0.09, 0.12),
    car=_greys(0.10, 0.64, 0.40, 0.72, 0.33, 0.48),
    sky=np.full(3, 0.05, np.float32),
    far=(0.15, 0.01),
)


def pick(rng: np.random.Generator, colours: Array, jitter: float = 0.0) -> Array:
    """One of the colours [3], moved by `jitter`."""
    return shifted(rng, colours[rng.integers(len(colours))], jitter)


def pick_common(rng: np.random.Generator, colours: Array, jitter: float = 0.0) -> Array:
    """One of the colours [3], the first ones more often (weights fall to a fifth)."""
    weight = np.linspace(1, 0.2, len(colours))
    return shifted(rng, colours[rng.choice(len(colours), p=weight / weight.sum())], jitter)


def shifted(rng: np.random.Generator, colour: Array, jitter: float) -> Array:
    """The colour [3] a little brighter or darker, and its hue moved by a third of that."""
    moved = colour + jitter * (rng.normal() + rng.normal(0, 0.35, 3))
    return np.asarray(np.clip(moved, 0.04, 0.94), np.float32)
