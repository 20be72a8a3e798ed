"""Drawing a walking person: body parts from far to near."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from .body import Placement, joints
from .identity import Identity
from .raster import Array, Canvas, Paint

# half width of the trunk from neck to seat, relative to the shoulders
_DOWN = (0, 0.05, 0.11, 0.18, 0.3, 0.5, 0.7, 0.9, 1)
_BREADTH = (0.32, 0.58, 0.86, 0.98, 1.0, 0.93, 0.88, 0.92, 0.86)
TRUNK = np.interp(np.linspace(0, 1, 64), _DOWN, _BREADTH).astype(np.float32)
SKIRT = np.linspace(0.88, 1.2, 32, dtype=np.float32)
COAT = np.linspace(0.92, 1.08, 32, dtype=np.float32)


@dataclass
class _Drawing:
    """One person on one canvas, with joints already on the screen."""

    canvas: Canvas
    person: Identity
    placement: Placement
    at: dict[str, Array]  # screen position [2, T] px of each joint
    near: dict[str, float]  # nearness of each joint, mean over the frames
    body: dict[str, Array]  # joints [3, T] in body heights

    def screen(self, joint: str, right: float = 0, up: float = 0, forward: float = 0) -> Array:
        """Screen position [2, T] of a point that hangs on a joint, moved in body heights."""
        offset = np.array([[right], [up], [forward]], np.float32)
        return self.placement.project(self.body[joint] + offset)[0]

    def px(self, length: float) -> Array:
        """A length in body heights as [T] px."""
        return np.asarray(length * self.placement.scale, np.float32)

    def limb(self, start: Array, end: Array, radii: tuple[float, float], texture: Array, shade: float = 1.0) -> None:
        paint = Paint(texture, self.placement.yaw, shade)
        self.canvas.capsule(start, end, (self.px(radii[0]), self.px(radii[1])), paint)

    def breadth(self, wide: float, deep: float) -> Array:
        """Half width [T] px of an elliptic body that is `wide` by `deep`, seen under the yaw."""
        cos, sin = np.cos(self.placement.yaw), np.sin(self.placement.yaw)
        return self.px(1.0) * np.sqrt((wide * cos) ** 2 + (deep * sin) ** 2).astype(np.float32)


def draw_person(canvas: Canvas, person: Identity, placement: Placement, phase: Array) -> Array:
    """Paint a person on the canvas and return which share of the body lies inside the crop, [T]."""
    body = joints(person.build, person.gait, phase)
    at, near = {}, {}
    for name, point in body.items():
        at[name], nearness = placement.project(point)
        near[name] = float(nearness.mean())
    drawing = _Drawing(canvas, person, placement, at, near, body)
    for _, paint in sorted(_parts(drawing), key=lambda part: part[0]):
        paint()
    return _share_inside(drawing)


def _parts(d: _Drawing) -> list[tuple[float, Callable[[], None]]]:
    """The body parts with their nearness."""
    facing = float(np.cos(d.placement.yaw).mean())  # 1 = towards the camera, -1 = away
    outfit = d.person.outfit
    far, close = ("-", "+") if d.near["thigh-"] < d.near["thigh+"] else ("+", "-")
    parts: list[tuple[float, Callable[[], None]]] = [
        (-0.52, partial(_leg, d, far, 0.80)),
        (-0.51, partial(_leg, d, close, 1.0)),
        (0.0, partial(_trunk, d)),
        (0.35, partial(_head, d)),
    ]
    if outfit.legwear == "skirt":
        parts.append((-0.5, partial(_skirt, d)))
    if outfit.coat:
        parts.append((-0.4, partial(_coat, d)))
    for side in ("-", "+"):
        near = d.near[f"shoulder{side}"] + 0.5 * (d.near[f"wrist{side}"] - d.near[f"shoulder{side}"])
        if abs(near) < 0.02:
            near = 0.05 if facing > 0 else -0.05
        parts.append((near, partial(_arm, d, side, 0.82 if near < 0 else 0.97)))
        if outfit.bag != "backpack" and side == ("+" if outfit.bag_side > 0 else "-"):
            parts.append((near + 0.001, partial(_bag, d, side)))
    if outfit.bag == "backpack":
        parts.append((-0.2 * facing if abs(facing) > 0.25 else -0.01, partial(_backpack, d)))
    if outfit.hood:
        parts.append((0.36 if facing < 0.2 else -0.3, partial(_hood, d)))
    if outfit.hairstyle == "long":
        parts.append((0.4 if facing < 0.2 else -0.3, partial(_long_hair, d)))
    return parts


def _leg(d: _Drawing, side: str, shade: float) -> None:
    outfit, thick = d.person.outfit, 0.040 * d.person.build.limb
    thigh, knee, ankle, toe = (d.at[f"{joint}{side}"] for joint in ("thigh", "knee", "ankle", "toe"))
    d.limb(ankle, toe, (0.029, 0.022), outfit.shoe, shade)
    calf = (0.90, 0.74) if outfit.legwear == "trousers" else (0.72, 0.50)
    d.limb(knee, ankle, (thick * calf[0], thick * calf[1]), outfit.shin, shade)
    d.limb(thigh, knee, (thick * 1.25, thick * 0.95), outfit.thigh, shade)


def _skirt(d: _Drawing) -> None:
    build, gait = d.person.build, d.person.gait
    spread = 1 + 0.25 * abs(gait.stride)
    half = d.breadth(0.86 * build.shoulder * build.hip * spread, 0.75 * build.shoulder * spread)
    hem = d.screen("hip", up=-0.52 * build.leg)
    paint = Paint(d.person.outfit.thigh, d.placement.yaw)
    d.canvas.profile(d.screen("hip", up=0.02), hem, half, SKIRT, paint)


def _coat(d: _Drawing) -> None:
    build, outfit = d.person.build, d.person.outfit
    half = d.breadth(0.95 * build.shoulder * build.hip, 0.85 * build.shoulder * build.depth)
    hem = d.screen("hip", up=-outfit.coat * build.leg)
    paint = Paint(outfit.torso[20:], d.placement.yaw, 0.94)
    d.canvas.profile(d.screen("hip", up=0.03), hem, half, COAT, paint)


def _trunk(d: _Drawing) -> None:
    build = d.person.build
    down = np.linspace(0, 1, len(TRUNK), dtype=np.float32)
    shape = TRUNK * np.where(down < 0.35, 1, np.where(down < 0.72, build.waist, build.hip)).astype(np.float32)
    shape = np.convolve(np.pad(shape, 4, mode="edge"), np.full(9, 1 / 9), mode="valid").astype(np.float32)
    half = d.breadth(build.shoulder, 0.8 * build.shoulder * build.depth)
    paint = Paint(d.person.outfit.torso, d.placement.yaw)
    d.canvas.profile(d.screen("neck", up=0.012), d.screen("hip", up=-0.035), half, shape, paint)


def _arm(d: _Drawing, side: str, shade: float) -> None:
    outfit, thick = d.person.outfit, 0.030 * d.person.build.limb
    shoulder, elbow, wrist = (d.at[f"{joint}{side}"] for joint in ("shoulder", "elbow", "wrist"))
    long = outfit.sleeve_length >= 1
    hand = wrist + np.stack([np.zeros_like(wrist[0]), d.px(0.022)])
    d.limb(wrist, hand, (0.019, 0.018), outfit.skin, shade)
    d.limb(elbow, wrist, (thick * 0.95, thick * 0.8), outfit.sleeve if long else outfit.skin, shade)
    if long:
        d.limb(shoulder, elbow, (thick * 1.1, thick), outfit.sleeve, shade)
    else:
        d.limb(shoulder, elbow, (thick, thick * 0.9), outfit.skin, shade)
        d.limb(shoulder, shoulder + 0.55 * (elbow - shoulder), (thick * 1.14, thick * 1.08), outfit.sleeve, shade)


def _bag(d: _Drawing, side: str) -> None:
    outfit, sign = d.person.outfit, d.person.outfit.bag_side
    if outfit.bag == "hand":
        wrist = d.at[f"wrist{side}"]
        drop = np.stack([np.zeros_like(wrist[0]), d.px(1.0)])
        d.limb(wrist + 0.05 * drop, wrist + 0.11 * drop, (0.042, 0.052), outfit.bag_colour)
    elif outfit.bag == "shoulder":
        bag = d.screen("hip", right=sign * 0.95 * d.person.build.shoulder, up=0.03)
        d.limb(d.at[f"shoulder{side}"], bag, (0.009, 0.009), outfit.bag_colour, 0.9)
        width = np.stack([d.px(0.02), np.zeros_like(bag[0])])
        d.limb(bag - width, bag + width, (0.052, 0.052), outfit.bag_colour)


def _backpack(d: _Drawing) -> None:
    half = d.breadth(0.088, 0.055)
    top, bottom = d.screen("neck", up=-0.07, forward=-0.095), d.screen("hip", up=0.10, forward=-0.11)
    d.canvas.capsule(top, bottom, (0.9 * half, half), Paint(d.person.outfit.bag_colour, d.placement.yaw, 0.95))


def _head(d: _Drawing) -> None:
    outfit, size = d.person.outfit, d.person.build.head
    d.limb(d.screen("neck", up=-0.01), d.screen("neck", up=0.04, forward=0.01), (0.030, 0.027), outfit.skin, 0.78)
    crown, chin = (d.screen("neck", up=up, forward=0.015) for up in (0.055 + 1.05 * size, 0.035 + 0.55 * size))
    d.limb(crown, chin, (0.93 * size, 0.76 * size), outfit.head)
    if outfit.hairstyle == "bun" and outfit.headwear == "none":
        bun = d.screen("neck", up=0.07 + 1.5 * size, forward=-0.045)
        d.limb(bun, bun + np.float32(0.5), (0.028, 0.028), outfit.hair)
    if outfit.headwear == "cap":
        brim = [d.screen("neck", up=0.058 + 0.97 * size, forward=forward) for forward in (0.05, 0.10)]
        d.limb(brim[0], brim[1], (0.018, 0.013), outfit.headwear_colour, 0.82)


def _hood(d: _Drawing) -> None:
    hood = d.screen("neck", up=0.0, forward=-0.035)
    d.limb(hood, d.screen("neck", up=-0.035, forward=-0.055), (0.050, 0.046), d.person.outfit.sleeve, 0.86)


def _long_hair(d: _Drawing) -> None:
    size = d.person.build.head
    crown = d.screen("neck", up=0.055 + 0.98 * size, forward=-0.012)
    d.limb(crown, d.screen("neck", up=-0.035, forward=-0.05), (0.92 * size, 0.62 * size), d.person.outfit.hair, 0.95)


_AREA = {"neck": 5.0, "hip": 4.0} | {
    f"{joint}{side}": area for joint, area in (("knee", 1.5), ("ankle", 1.0), ("elbow", 0.7)) for side in "-+"
}


def _share_inside(d: _Drawing) -> Array:
    """Share [T] of the body inside the crop, by joints weighted with the area around them, soft over a part's size."""
    points = [(area, d.at[name]) for name, area in _AREA.items()]
    points += [(2.0, d.screen("neck", up=0.09)), (5.0, d.screen("hip", up=0.15))]  # head, waist
    soft = d.px(0.05)
    total = np.zeros(d.canvas.frames, np.float32)
    for area, (x, y) in points:
        inset = np.minimum(np.minimum(x, d.canvas.width - x), np.minimum(y, d.canvas.height - y))
        total += np.float32(area) * np.clip(0.5 + 0.5 * inset / soft, 0, 1)
    return total / np.float32(sum(area for area, _ in points))
