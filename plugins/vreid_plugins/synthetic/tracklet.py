"""Rendering one tracklet: who walks where, what goes wrong, and the truth about what can be seen."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from .body import Placement
from .camera import Camera, camera
from .figure import draw_person
from .identity import CHANGE, identity
from .infrared import NEARER
from .nuisance import Mishaps, draw_mishaps, obstacle
from .palette import INFRARED, VISIBLE
from .picture import FOOT, background, cast_shadow, photograph, photograph_at_night
from .raster import Array, Canvas
from .world import World


@dataclass(frozen=True)
class TrackletSpec:
    """Which tracklet to render; with its world it decides every pixel."""

    identity: int
    camera: int  # from 0
    take: int  # tells the tracklets of one identity and camera apart
    frames: int
    crowd: tuple[int, int] = (0, 1_000_000)  # identities [first, last) who walk by or are tracked by mistake
    junk: bool = False  # a false or badly cut detection
    # not in repr, by which plans are hashed; `Plan.hash` adds it where it is True, so that older plans keep their hash
    infrared: bool = field(default=False, repr=False)

    @property
    def key(self) -> tuple[int, ...]:
        """The key of the tracklet's random streams."""
        return (self.identity, self.camera, self.take)


@dataclass(frozen=True)
class RenderedTracklet:
    """The frames of a tracklet and what is true about them."""

    frames: NDArray[np.uint8]  # [T, H, W, 3]
    visibility: Array  # [T], share of the tracked person's body that can be seen
    flags: NDArray[np.bool_]  # [T, 6], see FLAGS


def render(world: World, spec: TrackletSpec) -> RenderedTracklet:
    """Render one tracklet, independently of all others."""
    seen_by = camera(world, spec.camera, spec.infrared)
    mishaps = draw_mishaps(world, spec.key, spec.frames)
    walk = _walk(world, spec, seen_by, mishaps)
    person, visibility = _person(world, spec, seen_by, walk, mishaps)
    image = background(world, world.stream("place", *spec.key), seen_by.view, walk)
    cast_shadow(image, seen_by, walk, person.cover.max(axis=(1, 2)) > 0)
    image *= 1 - person.cover[..., None]
    image += person.colour
    for name in ("ped", "obj"):
        window = mishaps.windows[name]
        if window is not None:
            colour, cover = _in_front(world, spec, seen_by, name, window)
            colour = colour * np.float32(NEARER) if spec.infrared else colour
            visibility[window] *= 1 - _hidden(person.cover[window], cover)
            image[window] = colour + image[window] * (1 - cover[..., None])
    if spec.infrared:
        frames = photograph_at_night(world, seen_by, image, walk.yaw, mishaps.windows["mblur"], spec.key)
    else:
        frames = photograph(world, seen_by, image, mishaps.windows["mblur"], spec.key)
    return RenderedTracklet(frames, visibility.astype(np.float32), mishaps.flags(spec.frames))


def _wander(rng: np.random.Generator, frames: int, jitter: float) -> Array:
    """Three slowly wandering offsets [3, T] that start at 0: right, down, larger."""
    steps = rng.normal(0, jitter, (3, frames))
    offset = np.zeros((3, frames))
    for frame in range(1, frames):
        offset[:, frame] = 0.85 * offset[:, frame - 1] + steps[:, frame]
    return offset.astype(np.float32)


def _box(world: World, rng: np.random.Generator, frames: int) -> tuple[Array, Array, Array]:
    """Foot point x, y [T] px and body height [T] px of a person in a followed box."""
    right, down, larger = _wander(rng, frames, world.crop_jitter)
    scale = np.float32(world.height * rng.uniform(0.86, 0.93))
    x = world.width * (np.float32(0.5) + right)
    return x, world.height * (np.float32(FOOT) + 0.5 * down), scale * (1 + 0.5 * larger)


def _walk(world: World, spec: TrackletSpec, seen_by: Camera, mishaps: Mishaps) -> Placement:
    """Where the tracked person stands in each crop."""
    rng, frames = world.stream("walk", *spec.key), spec.frames
    yaw = seen_by.yaw + rng.normal(0, np.deg2rad(world.yaw_jitter)) + np.cumsum(rng.normal(0, 0.02, frames))
    yaw = (yaw + rng.normal(0, 0.15) * np.linspace(0, 1, frames)) * rng.choice([-1, 1])
    x, y, scale = _box(world, rng, frames)
    window = mishaps.windows["drift"]
    if window is not None:
        slide = world.stream("drift", *spec.key)
        ramp = np.sin(np.linspace(0, np.pi, window.stop - window.start + 2))[1:-1].astype(np.float32)
        x[window] += ramp * np.float32(world.width * slide.uniform(0.2, 0.5) * slide.choice([-1, 1]))
        y[window] += ramp * np.float32(world.height * slide.uniform(-0.15, 0.3))
        scale[window] *= 1 + ramp * np.float32(slide.uniform(-0.15, 0.35))
    walk = Placement(yaw.astype(np.float32), x, y, scale, seen_by.elevation)
    return _cut_badly(world, world.stream("junk", *spec.key), walk) if spec.junk else walk


def _cut_badly(world: World, rng: np.random.Generator, walk: Placement) -> Placement:
    """The box of a poor detection: nobody, half a person, legs alone, a head alone, somebody far away."""
    side, height, width = np.float32(rng.choice([-1, 1])), world.height, world.width
    kind = rng.choice(["nobody", "half", "legs", "head", "far"], p=[0.4, 0.2, 0.15, 0.15, 0.1])
    if kind == "nobody":
        return replace(walk, x=walk.x + np.float32(9 * width))
    if kind == "half":
        return replace(walk, x=walk.x + side * np.float32(width * rng.uniform(0.4, 0.6)))
    if kind == "legs":
        return replace(walk, scale=walk.scale * np.float32(rng.uniform(2.0, 2.6)))
    if kind == "head":
        larger = np.float32(rng.uniform(1.6, 2.2))
        return replace(walk, y=walk.y + np.float32(height * rng.uniform(0.8, 1.2)), scale=walk.scale * larger)
    return replace(walk, x=walk.x + side * np.float32(0.2 * width), y=0.7 * walk.y, scale=0.4 * walk.scale)


def _person(
    world: World, spec: TrackletSpec, seen_by: Camera, walk: Placement, mishaps: Mishaps
) -> tuple[Canvas, Array]:
    """The layer of the person the tracker follows, and how much of the right person it shows, [T]."""
    canvas = Canvas(spec.frames, world.height, world.width, seen_by.light)
    visibility = _draw(world, world.stream("person", *spec.key), canvas, (spec.identity, spec.infrared), walk)
    window = mishaps.windows["switch"]
    if window is not None:
        rng = world.stream("switch", *spec.key)
        other = Canvas(window.stop - window.start, world.height, world.width, seen_by.light)
        x, y, scale = _box(world, rng, other.frames)
        who = (_somebody(rng, spec), spec.infrared)
        _draw(world, rng, other, who, Placement(walk.yaw[window], x, y, scale, walk.elevation))
        canvas.colour[window], canvas.cover[window], visibility[window] = other.colour, other.cover, 0
    window = mishaps.windows["miss"]
    if window is not None:
        canvas.colour[window], canvas.cover[window], visibility[window] = 0, 0, 0
    return canvas, visibility


def _draw(world: World, rng: np.random.Generator, canvas: Canvas, who: tuple[int, bool], placement: Placement) -> Array:
    """Draw an identity walking, with the gait of the day; returns the share of the body inside the crop, [T].

    who: the identity's number, and whether an infrared camera sees it.
    """
    usual = identity(world, *who)
    today = replace(usual, gait=usual.gait.varied(rng, world.gait_within))
    time = np.arange(canvas.frames) / world.fps
    phase = (2 * np.pi * today.gait.frequency * time + rng.uniform(0, 2 * np.pi)).astype(np.float32)
    return draw_person(canvas, today, placement, phase)


def _somebody(rng: np.random.Generator, spec: TrackletSpec) -> int:
    """An identity of the crowd who is not the tracked one."""
    first, last = spec.crowd
    number, tracked = int(rng.integers(first, max(first + 1, last - 1))), spec.identity % CHANGE
    return number + 1 if number >= tracked >= first else number


def _in_front(world: World, spec: TrackletSpec, seen_by: Camera, name: str, window: slice) -> tuple[Array, Array]:
    """What passes between camera and person: premultiplied colour [n, H, W, 3] and cover [n, H, W]."""
    frames = window.stop - window.start
    if name == "obj":
        return obstacle(world, spec.key, frames, INFRARED if spec.infrared else VISIBLE)
    rng = world.stream("passer", *spec.key)
    canvas = Canvas(frames, world.height, world.width, seen_by.light)
    x, y, scale = _box(world, rng, frames)
    side = rng.choice([-1, 1])
    path = np.linspace(rng.uniform(-1.0, -0.5), rng.uniform(-0.1, 1.0), frames) * side * world.width
    yaw = np.full(frames, side * np.pi / 2 * (0.5 + 0.5 * rng.random()), np.float32)
    x, y = x + path.astype(np.float32), y + np.float32(world.height * rng.uniform(0, 0.12))
    place = Placement(yaw, x, y, scale * np.float32(rng.uniform(0.95, 1.15)), seen_by.elevation)
    _draw(world, rng, canvas, (_somebody(rng, spec), spec.infrared), place)
    return canvas.colour, canvas.cover


def _hidden(person: Array, before: Array) -> Array:
    """Share [n] of the person's silhouette [n, H, W] behind what is before it [n, H, W]."""
    area = person.sum(axis=(1, 2))
    return np.where(area > 1, (person * before).sum(axis=(1, 2)) / np.maximum(area, 1e-3), 0).astype(np.float32)
