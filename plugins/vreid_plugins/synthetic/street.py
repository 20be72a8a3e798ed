"""The still view of one camera: a ground in perspective, house fronts, trees and parked things along it."""

import numpy as np

from .infrared import lamp
from .palette import INFRARED, VISIBLE, Surfaces, pick
from .raster import Array, rough_noise, smooth_noise
from .things import bicycle, bush, car, litter_bin, paste, pole, trunk
from .world import World

HEADROOM = 1.5  # rows of the view, in crop heights
LENGTH = 8  # columns of the view, in crop widths


def street(rng: np.random.Generator, world: World, steep: float, infrared: bool = False) -> Array:
    """A view [1.5 H, 8 W, 3] for the crops of a world; steep 0 looks along the ground, 1 down on it.

    infrared: the same street at night, lit by the camera's own lamp; RGB are then equal but for jitter.
    """
    seen = INFRARED if infrared else VISIBLE
    height, width = world.height, world.width
    rows, columns = int(HEADROOM * height), LENGTH * width
    # seen from above, the ground fills the crop and the wall retreats behind the heads
    base = rows - height + int(height * (0.62 - 0.5 * steep + rng.uniform(-0.06, 0.06)))
    view = np.empty((rows, columns, 3), np.float32)
    _fronts(rng, seen, view, base, height, width)
    distance = _ground(rng, seen, view, base, height)
    _along_the_wall(rng, seen, view, base, height, width)
    sun = 0.82 + 0.36 * smooth_noise(rng, rows, columns, 1.5 * height)
    sun = np.ones_like(sun) if infrared else sun
    grain = 0.975 + 0.05 * rng.random((rows, columns), dtype=np.float32)
    view = view * (sun * grain)[..., None]
    # [rows, 1, 3]: wall above and ground below stay apart, half as much as in clear air
    haze = 0.5 * view.mean(axis=1, keepdims=True) + 0.5 * view.mean(axis=(0, 1))
    view = haze + world.clutter * (view - haze)
    if infrared:  # the wall is as far away as its foot
        view = view * lamp(np.pad(distance, (base, 0), mode="edge"))[:, None, None]
    return np.asarray(np.clip(view, 0, 1), np.float32)


def _fronts(rng: np.random.Generator, seen: Surfaces, view: Array, base: int, height: int, width: int) -> None:
    """Fill the rows above `base` with one front after the other."""
    fronts, left = (_plaster, _brick, _shop, _hedge, _open), 0
    while left < view.shape[1]:
        right = min(view.shape[1], left + int(width * rng.uniform(1.0, 3.0)))
        part = view[:base, left:right]
        kind = rng.choice(len(fronts), p=[0.3, 0.2, 0.2, 0.15, 0.15])
        fronts[int(kind)](rng, seen, part, height)
        left = right
    shade = np.clip((np.arange(base) - base + 0.12 * height) / (0.12 * height), 0, 1)
    view[:base] *= (1 - 0.3 * shade)[:, None, None].astype(np.float32)  # dirt and shade at the foot of the wall


def _plaster(rng: np.random.Generator, seen: Surfaces, part: Array, height: int) -> None:
    stain = 0.93 + 0.14 * smooth_noise(rng, part.shape[0], part.shape[1], 0.4 * height)
    part[:] = pick(rng, seen.plaster, 0.03) * stain[..., None]
    _windows(rng, seen, part, height)


def _brick(rng: np.random.Generator, seen: Surfaces, part: Array, height: int) -> None:
    rows, columns = part.shape[:2]
    course = max(2, height // 24)
    y, x = np.arange(rows)[:, None] // course, np.arange(columns)[None, :]
    brick = (x + (y % 2) * course) // (2 * course)
    tone = rng.uniform(0.86, 1.12, (rows // course + 1, columns // course + 2)).astype(np.float32)[y, brick]
    part[:] = pick(rng, seen.brick, 0.02) * tone[..., None]
    if course > 2:
        part[::course] = part[::course] * 0.6 + 0.22
    _windows(rng, seen, part, height)


def _windows(rng: np.random.Generator, seen: Surfaces, part: Array, height: int) -> None:
    """A row of windows, and perhaps a door."""
    rows, columns = part.shape[:2]
    wide, tall = int(height * rng.uniform(0.16, 0.3)), int(height * rng.uniform(0.25, 0.42))
    top, frame = int(rows - height * rng.uniform(0.42, 0.75)), max(1, height // 40)
    glass, rim = pick(rng, seen.glass, 0.02), pick(rng, seen.plaster, 0.02) * np.float32(rng.uniform(0.7, 1.2))
    for left in range(int(wide * rng.uniform(0.2, 0.8)), columns - wide // 2, int(wide * rng.uniform(1.5, 2.4))):
        for up in (0, int(1.4 * tall), int(2.8 * tall)):
            y0, y1 = top - up, top - up + tall
            if y1 > 0:
                part[max(0, y0) : y1, left : left + wide] = np.clip(rim, 0, 1)
                pane = part[max(0, y0 + frame) : max(0, y1 - frame), left + frame : left + wide - frame]
                pane[:] = glass * np.linspace(1.3, 0.8, max(1, len(pane)), dtype=np.float32)[: len(pane), None, None]
    if rng.random() < 0.5 and columns > 2 * wide:
        left = int(rng.integers(0, columns - wide))
        part[max(0, rows - int(0.62 * height)) :, left : left + wide] = pick(rng, seen.metal, 0.05)


def _shop(rng: np.random.Generator, seen: Surfaces, part: Array, height: int) -> None:
    """Glass with reflections between metal bars, and a sign above."""
    rows, columns = part.shape[:2]
    inside = 0.7 + 0.9 * rough_noise(rng, rows, columns, 0.35 * height) ** 2
    fall = np.linspace(1.2, 0.85, rows, dtype=np.float32)[:, None]
    part[:] = np.clip(pick(rng, seen.glass, 0.02) * (inside * fall)[..., None], 0, 1)
    bar, frame = int(height * rng.uniform(0.22, 0.45)), max(1, height // 32)
    metal = pick(rng, seen.metal, 0.03)
    for left in range(int(rng.integers(0, bar)), columns, bar):
        part[:, left : left + frame] = metal
    part[max(0, rows - int(0.1 * height)) :] = metal * 0.8
    sign = max(0, rows - int(height * rng.uniform(0.62, 0.8)))
    part[max(0, sign - height // 8) : sign] = pick(rng, seen.plaster, 0.04) * np.float32(rng.uniform(0.4, 1.0))


def _hedge(rng: np.random.Generator, seen: Surfaces, part: Array, height: int) -> None:
    _open(rng, seen, part, height)
    tall = int(height * rng.uniform(0.3, 0.7))
    leaves = bush(rng, seen, tall, int(part.shape[1] * 1.1) + 2)
    leaves[int(0.4 * tall) :, :, 3] = 1
    paste(part, leaves, -int(0.05 * part.shape[1]) - 1, part.shape[0] - tall)


def _open(rng: np.random.Generator, seen: Surfaces, part: Array, height: int) -> None:
    """A gap: bright sky, distant houses and trees in haze."""
    rows, columns = part.shape[:2]
    part[:] = np.float32(rng.uniform(0.62, 0.76)) * seen.sky
    skyline = rows - height * (0.25 + 0.3 * smooth_noise(rng, 1, columns, 0.4 * height))
    leaves = pick(rng, seen.leaves, 0.02) * seen.far[0] + seen.far[1]
    far = leaves * (0.75 + 0.5 * rough_noise(rng, rows, columns, 0.15 * height))[..., None]
    part[:] = np.where((np.arange(rows)[:, None] > skyline)[..., None], far, part)


def _lines(position: Array, width: float) -> Array:
    """How much of a pixel a joint at each whole `position` covers; fades where joints come closer than pixels."""
    footprint = np.abs(np.gradient(position, axis=1)) + np.abs(np.gradient(position, axis=0))
    off = np.abs(position - np.round(position))
    line = np.clip((width - off) / np.maximum(footprint, 1e-4) + 0.5, 0, 1)
    return np.asarray(line * np.clip(1.3 - 2.2 * footprint, 0, 1), np.float32)


def _ground(rng: np.random.Generator, seen: Surfaces, view: Array, base: int, height: int) -> Array:
    """Fill the rows below `base`: paving or asphalt in perspective, strips of grass or road behind, a kerb between.

    Returns the distance of each row [rows - base] from the camera; the walkers are at 1.
    """
    rows, columns = view.shape[:2]
    ground = view[base:]
    vanishing = base - height * rng.uniform(0.2, 0.6)
    y = np.arange(base, rows, dtype=np.float32)[:, None] + 0.5
    depth = (rows - 0.05 * height - vanishing) / (y - vanishing)  # [h, 1], 1 at the feet, grows with distance
    x = np.arange(columns, dtype=np.float32)[None, :] - columns * rng.uniform(0.3, 0.7)
    sideways = x * depth / height + 0 * y  # [h, w], in body heights
    away = depth * rng.uniform(2.0, 4.0) + 0 * x
    turn = rng.normal(0, 0.25)
    sideways, away = sideways + turn * away, away - turn * sideways
    worn = 0.9 + 0.2 * rough_noise(rng, rows - base, columns, 0.3 * height)
    paved = rng.random() < 0.7
    ground[:] = pick(rng, seen.paving if paved else seen.asphalt, 0.02) * worn[..., None]
    if paved:
        slab = rng.uniform(0.22, 0.5)
        tint = rng.uniform(0.94, 1.05, 4096).astype(np.float32)
        cell = (np.floor(sideways / slab).astype(np.int64) * 31 + np.floor(away / slab).astype(np.int64) * 57) % 4096
        joint = np.maximum(_lines(sideways / slab - 0.5, 0.02), _lines(away / slab - 0.5, 0.02))
        ground *= (tint[cell] * (1 - 0.28 * joint))[..., None]
    _strip(rng, seen, ground, depth, height)
    light = 1.05 - 0.15 * (rows - y) / max(1, rows - base)
    ground *= light[..., None]
    return np.asarray(depth[:, 0], np.float32)


def _strip(rng: np.random.Generator, seen: Surfaces, ground: Array, depth: Array, height: int) -> None:
    """What lies between the pavement and the wall: grass, a road with a kerb, or nothing."""
    rows, columns = ground.shape[:2]
    kind = rng.random()
    start = rng.uniform(1.3, 2.0)
    beyond = np.broadcast_to(depth > start, ground.shape[:2])
    if kind < 0.35:
        blades = 0.75 + 0.5 * rough_noise(rng, rows, columns, 0.06 * height)
        np.copyto(ground, pick(rng, seen.grass, 0.02) * blades[..., None], where=beyond[..., None])
    elif kind < 0.6:
        worn = 0.95 + 0.1 * smooth_noise(rng, rows, columns, 0.3 * height)
        np.copyto(ground, pick(rng, seen.asphalt, 0.02) * worn[..., None], where=beyond[..., None])
    if kind < 0.6:
        kerb = np.abs(depth - start) < 0.035 * start
        ground[:] = np.where(kerb[..., None], ground * 0.4 + 0.36, ground)


# what stands along the wall: how wide and how tall (in crop heights), how often
_ROADSIDE = {
    trunk: (0.10, 1.6, 0.26),
    pole: (0.035, 1.6, 0.20),
    bush: (0.6, 0.35, 0.22),
    litter_bin: (0.13, 0.3, 0.11),
    car: (1.1, 0.42, 0.11),
    bicycle: (0.6, 0.34, 0.10),
}


def _along_the_wall(rng: np.random.Generator, seen: Surfaces, view: Array, base: int, height: int, width: int) -> None:
    """Trees, posts, bushes, bins and parked vehicles between the wall and the walkers."""
    things, chance = list(_ROADSIDE), [share for _, _, share in _ROADSIDE.values()]
    for _ in range(int(rng.integers(7, 13))):
        thing = things[rng.choice(len(things), p=chance)]
        wide, tall = (max(2, int(size * height * rng.uniform(0.8, 1.25))) for size in _ROADSIDE[thing][:2])
        foot = base + int(height * rng.uniform(0.0, 0.12))
        left = int(rng.integers(-wide // 2, view.shape[1] - wide // 2))
        paste(view, thing(rng, seen, tall, wide), left, foot - tall)
        _shade_under(view, left + wide // 2, foot, wide)


def _shade_under(view: Array, centre: int, foot: int, wide: int) -> None:
    """A soft dark ellipse where a thing touches the ground."""
    rows = slice(max(0, foot - wide // 8), min(view.shape[0], foot + wide // 3 + 2))
    columns = slice(max(0, centre - wide), min(view.shape[1], centre + wide))
    y, x = np.ogrid[rows, columns]
    dark = np.exp(-(((x - centre) / (0.5 * wide)) ** 2) - ((y - foot) / (0.12 * wide + 1)) ** 2)
    view[rows, columns] *= (1 - 0.35 * dark * (y >= foot - 1)).astype(np.float32)[..., None]
