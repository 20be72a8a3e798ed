"""What people wear and carry, as textures that wrap around the body."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .infrared import dyes
from .palette import ACCENT, INFRARED, LOWER, SHOE, UPPER, VISIBLE, pick, pick_common, shifted
from .raster import Array, smooth_noise
from .world import World

ROWS, COLUMNS = 32, 48  # of a texture
DOWN = ((np.arange(ROWS) + 0.5) / ROWS).astype(np.float32)  # 0 = top of the part, 1 = its end
ANGLE = ((np.arange(COLUMNS) + 0.5) / COLUMNS * 2 * np.pi - np.pi).astype(np.float32)  # 0 = front
BACK = np.pi - np.abs(ANGLE)  # rad away from the spine


@dataclass(frozen=True)
class Outfit:
    """Clothes, hair and bags of one identity; textures are [ROWS, COLUMNS, 3]."""

    torso: Array
    sleeve: Array  # [3]
    sleeve_length: float  # 0.5 short, 2 long
    coat: float  # how far a coat hangs below the hip, in leg lengths; 0 = none
    legwear: str  # trousers, shorts, skirt
    thigh: Array
    shin: Array
    shoe: Array  # [3]
    skin: Array  # [3]
    head: Array
    hair: Array  # [3]
    hairstyle: str  # bald, short, long, bun
    headwear: str  # none, beanie, cap
    headwear_colour: Array  # [3]
    hood: bool
    bag: str  # none, backpack, shoulder, hand
    bag_colour: Array  # [3]
    bag_side: int  # -1 left, 1 right


def draw_outfit(
    world: World, group: int, number: int, wearer: Outfit | None = None, *, infrared: bool = False
) -> Outfit:
    """The outfit with this number; base colours are those of its look-alike group.

    Skin and hair are those of the `wearer`, whose other clothes these are.
    infrared: the same clothes as an infrared camera sees them.
    """
    seen, dye = (INFRARED, dyes(world, number)) if infrared else (VISIBLE, np.asarray)
    shared, rng = world.stream("group", group), world.stream("outfit", number)
    upper = pick_common(shared, UPPER[: world.upper_colours])
    lower = pick_common(shared, LOWER[: world.lower_colours])
    upper, lower = (dye(shifted(rng, colour, world.colour_jitter)) for colour in (upper, lower))

    def accent(base: Array) -> Array:
        """A colour for a detail, faded towards what it lies on where the world wants little detail."""
        return np.asarray(base + (dye(pick_common(rng, ACCENT, 0.02)) - base) * min(1.0, world.detail), np.float32)

    skin, hair = pick(rng, seen.skin, 0.015), pick_common(rng, seen.hair)
    skin, hair = (wearer.skin, wearer.hair) if wearer else (skin, hair)
    bag = str(rng.choice(["none", "backpack", "shoulder", "hand"], p=[0.45, 0.25, 0.17, 0.13]))
    bag_colour = accent(upper)
    legwear = str(rng.choice(["trousers", "shorts", "skirt"], p=[0.74, 0.14, 0.12]))
    thigh, shin = _legs(rng, lower, skin, legwear, accent)
    hairstyle = str(rng.choice(["bald", "short", "long", "bun"], p=[0.08, 0.49, 0.28, 0.15]))
    hairstyle = wearer.hairstyle if wearer else hairstyle
    headwear = str(rng.choice(["none", "beanie", "cap"], p=[0.74, 0.13, 0.13]))
    headwear_colour = accent(upper)
    return Outfit(
        torso=_torso(rng, upper, bag_colour if bag == "backpack" else None, accent),
        sleeve=(upper if rng.random() < 0.75 else accent(upper)).astype(np.float32),
        sleeve_length=float(rng.choice([0.5, 2.0], p=[0.35, 0.65])),
        coat=float(rng.uniform(0.25, 0.6)) if rng.random() < 0.15 else 0.0,
        legwear=legwear,
        thigh=thigh,
        shin=shin,
        shoe=dye(pick(rng, SHOE, 0.02)),
        skin=skin,
        head=_head(rng, skin, None if hairstyle == "bald" else hair, (_HAT[headwear], headwear_colour)),
        hair=hair,
        hairstyle=hairstyle,
        headwear=headwear,
        headwear_colour=headwear_colour,
        hood=bool(rng.random() < 0.2),
        bag=bag,
        bag_colour=bag_colour,
        bag_side=int(rng.choice([-1, 1])),
    )


_PATTERNS = {"plain": 0.46, "hoops": 0.15, "stripes": 0.08, "block": 0.13, "check": 0.08, "yoke": 0.10}
_HAT = {"none": 0.0, "cap": 0.36, "beanie": 0.42}  # share of the head under it

Accent = Callable[[Array], Array]
Mask = NDArray[np.bool_]


def _plain(colour: Array) -> Array:
    """A texture of one colour."""
    return np.asarray(np.broadcast_to(colour, (ROWS, COLUMNS, 3)), np.float32).copy()


def _dye(texture: Array, where: Mask, colour: Array) -> None:
    """Give the places in the mask, which broadcasts to [ROWS, COLUMNS], another colour."""
    texture[np.broadcast_to(where, (ROWS, COLUMNS))] = colour


def _folds(rng: np.random.Generator, fall: float) -> Array:
    """Brightness [ROWS, COLUMNS, 1] of folded cloth that gets darker downwards by `fall`."""
    folds = 0.90 + 0.20 * smooth_noise(rng, ROWS, COLUMNS, 5)
    return np.asarray((folds * (1.03 - fall * DOWN[:, None]))[:, :, None], np.float32)


def _torso(rng: np.random.Generator, upper: Array, straps: Array | None, accent: Accent) -> Array:
    texture = _plain(upper)
    down, angle = DOWN[:, None], ANGLE[None, :]
    second = accent(upper)
    pattern = str(rng.choice(list(_PATTERNS), p=list(_PATTERNS.values())))
    count, edge = int(rng.integers(2, 6)), rng.uniform(0.25, 0.7)
    hoops = np.floor(down * count * 2) % 2 == 1
    stripes = np.floor((angle + np.pi) / np.pi * (count + 3)) % 2 == 1
    masks = {"hoops": hoops, "stripes": stripes, "block": down > edge}
    masks |= {"check": hoops ^ stripes, "yoke": down < 0.5 * edge + 0.05}
    if pattern != "plain":
        _dye(texture, masks[pattern], second)
    front = rng.random()
    if front < 0.32:  # an open jacket shows what is under it
        _dye(texture, np.abs(angle) < rng.uniform(0.25, 0.5), accent(upper))
    elif front < 0.62:  # a print on the chest
        tall, wide, shift = rng.uniform(0.12, 0.3), rng.uniform(0.25, 0.65), rng.uniform(-0.3, 0.3)
        _dye(texture, (np.abs(down - 0.2 - tall) < tall) & (np.abs(angle - shift) < wide), accent(upper))
    elif front < 0.8:  # a zip
        texture[:, np.abs(ANGLE) < 0.1] *= 0.6
    if rng.random() < 0.35:  # a print on the back
        tall, wide = rng.uniform(0.1, 0.25), rng.uniform(0.4, 1.0)
        _dye(texture, (np.abs(down - 0.2 - tall) < tall) & (BACK[None, :] < wide), accent(upper))
    if rng.random() < 0.3:  # a belt, or the hem of a shirt
        _dye(texture, down > 0.93, accent(upper))
    if straps is not None:
        _dye(texture, (down < 0.6) & (np.abs(np.abs(angle) - 0.75) < 0.16), straps)
    return np.clip(texture * _folds(rng, 0.12), 0, 1)


def _legs(rng: np.random.Generator, lower: Array, skin: Array, legwear: str, accent: Accent) -> tuple[Array, Array]:
    """Textures of thigh and shin."""
    thigh = _plain(lower)
    if rng.random() < 0.2:  # a stripe down the seam
        _dye(thigh, np.abs(np.abs(ANGLE) - np.pi / 2)[None, :] < 0.4, accent(lower))
    shin = thigh.copy() if legwear == "trousers" else _plain(skin)
    if legwear == "shorts":
        thigh[rng.uniform(0.7, 0.95) < DOWN] = skin
    if rng.random() < (0.15 if legwear == "trousers" else 0.5):  # socks, boots, rolled hems
        shin[rng.uniform(0.55, 0.85) < DOWN] = accent(lower)
    return thigh * _folds(rng, 0.10), 0.94 * shin * _folds(rng, 0.08)


def _head(rng: np.random.Generator, skin: Array, hair: Array | None, hat: tuple[float, Array]) -> Array:
    """The head's texture; `hat` = how far down it reaches, and its colour."""
    texture = _plain(skin)
    down, angle = DOWN[:, None], np.abs(ANGLE)[None, :]
    texture[(np.abs(down - 0.50) < 0.05) & (np.abs(angle - 0.38) < 0.2)] *= 0.62  # eyes in the shade of the brow
    texture[(np.abs(down - 0.74) < 0.025) & (angle < 0.28)] *= 0.78  # mouth
    texture[DOWN > 0.86] *= 0.85  # under the chin
    if hair is not None:
        fringe, side, nape = rng.uniform(0.24, 0.36), rng.uniform(0.95, 1.4), rng.uniform(0.62, 0.85)
        texture[(down < fringe) | ((angle > side) & (down < nape))] = hair
        texture[(angle > 2.1) & (down < nape + 0.12)] = hair
    if hair is not None and rng.random() < 0.12:
        texture[(down > 0.7) & (angle < 1.2)] = hair  # beard
    texture[hat[0] > DOWN] = hat[1]
    return texture * (1.06 - 0.12 * down)[:, :, None]
