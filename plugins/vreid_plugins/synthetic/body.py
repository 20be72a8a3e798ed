"""How people are built and how they walk: joints in space, and their projection into a crop."""

from dataclasses import dataclass, fields, replace

import numpy as np

from .raster import Array

# mean and spread over a crowd; angles in rad, lengths in body heights, frequency in full cycles per second
GAIT = {
    "frequency": (1.0, 0.28),
    "stride": (0.42, 0.13),
    "arm_swing": (0.45, 0.25),
    "elbow": (0.45, 0.35),
    "knee": (0.75, 0.25),
    "bounce": (0.012, 0.006),
    "sway": (0.012, 0.010),
    "lean": (0.05, 0.07),
    "stance": (0.045, 0.012),
    "asymmetry": (0.0, 0.12),
    "roll": (0.0, 0.05),
}


@dataclass(frozen=True)
class Build:
    """Proportions of a body, in body heights or relative to the usual."""

    leg: float  # hip to ankle
    shoulder: float  # half the breadth of the shoulders
    depth: float  # of the chest, relative to its breadth
    waist: float
    hip: float
    limb: float  # thickness of arms and legs
    head: float  # radius


@dataclass(frozen=True)
class Gait:
    """How somebody walks; see `GAIT` for the units."""

    frequency: float
    stride: float
    arm_swing: float
    elbow: float
    knee: float
    bounce: float
    sway: float
    lean: float
    stance: float
    asymmetry: float
    roll: float

    def varied(self, rng: np.random.Generator, share: float) -> "Gait":
        """The same walk on another day: each part moved by `share` of the crowd's spread."""
        moved = {name: getattr(self, name) + GAIT[name][1] * share * rng.normal() for name in GAIT}
        return replace(self, **moved)


def draw_build(rng: np.random.Generator) -> Build:
    """A body from the crowd."""
    low = Build(leg=0.445, shoulder=0.092, depth=0.62, waist=0.78, hip=0.80, limb=0.85, head=0.059)
    high = Build(leg=0.495, shoulder=0.122, depth=0.90, waist=1.05, hip=1.08, limb=1.25, head=0.070)
    return Build(*(float(rng.uniform(getattr(low, f.name), getattr(high, f.name))) for f in fields(Build)))


def draw_gait(rng: np.random.Generator, spread: float) -> Gait:
    """A walk from a crowd whose habits are spread `spread` times as wide as usual."""
    drawn = {name: mean + width * spread * rng.uniform(-1.7, 1.7) for name, (mean, width) in GAIT.items()}
    drawn["frequency"] = float(np.clip(drawn["frequency"], 0.5, 1.6))
    return Gait(**drawn)


@dataclass(frozen=True)
class Placement:
    """Where and how large a walker stands in each frame of a crop."""

    yaw: Array  # [T] rad, 0 = towards the camera
    x: Array  # [T] px of the point between the feet
    y: Array  # [T] px
    scale: Array  # [T] px per body height
    elevation: float  # rad, how far the camera looks down

    def __getitem__(self, window: slice) -> "Placement":
        return Placement(self.yaw[window], self.x[window], self.y[window], self.scale[window], self.elevation)

    def project(self, point: Array) -> tuple[Array, Array]:
        """Screen position [2, T] px and nearness [T] of a body point [3, T] (right, up, forward; body heights)."""
        right, up, forward = point
        cos, sin = np.cos(self.yaw), np.sin(self.yaw)
        near = forward * cos + right * sin
        across = forward * sin - right * cos
        height = up * np.float32(np.cos(self.elevation)) - near * np.float32(np.sin(self.elevation))
        return np.stack([self.x + self.scale * across, self.y - self.scale * height]).astype(np.float32), near


def _point(right: Array | float, up: Array | float, forward: Array | float, frames: int) -> Array:
    return np.stack([np.broadcast_to(np.asarray(v, np.float32), frames) for v in (right, up, forward)])  # [3, T]


def joints(build: Build, gait: Gait, phase: Array) -> dict[str, Array]:
    """The body's joints [3, T] (right, up, forward; body heights) at walking phases [T] rad; `+` = right side."""
    frames = len(phase)
    sway = gait.sway * np.sin(phase)
    hip_up = build.leg + 0.03 + gait.bounce * np.cos(2 * phase)
    trunk_up, trunk_forward = 0.30 * np.cos(gait.lean), 0.30 * np.sin(gait.lean)
    neck_right = 1.5 * sway + 0.3 * gait.roll * np.sin(phase)
    body = {
        "hip": _point(sway, hip_up, 0.0, frames),
        "neck": _point(neck_right, hip_up + trunk_up, trunk_forward, frames),
    }
    for side, name in ((-1, "-"), (1, "+")):
        swing = phase if side < 0 else phase + np.float32(np.pi)
        body |= {f"{k}{name}": v for k, v in _leg(build, gait, swing, side, body["hip"]).items()}
        body |= {f"{k}{name}": v for k, v in _arm(build, gait, swing, side, body["neck"]).items()}
    # long strides would hang in the air: let the lower foot touch the ground, on average, so that the bounce stays
    drop = np.minimum(body["ankle-"][1], body["ankle+"][1]).mean() - np.float32(0.03)
    for point in body.values():
        point[1] -= drop
    return body


def _leg(build: Build, gait: Gait, swing: Array, side: int, hip: Array) -> dict[str, Array]:
    stride = gait.stride * (1 + side * gait.asymmetry)
    thigh = stride * np.sin(swing) + 0.03  # rad from hanging, forward is +
    bend = 1.6 * gait.knee * stride * np.maximum(np.sin(swing + 1.9), 0) + 0.08
    shin = thigh - bend
    right = hip[0] + side * gait.stance
    knee_up, knee_forward = hip[1] - 0.52 * build.leg * np.cos(thigh), 0.52 * build.leg * np.sin(thigh)
    ankle_up = knee_up - 0.48 * build.leg * np.cos(shin)
    ankle_forward = knee_forward + 0.48 * build.leg * np.sin(shin)
    pitch = 0.8 * shin  # the foot follows the shin: heel up behind, toes up in front
    toe_up = ankle_up - 0.018 + 0.08 * np.sin(pitch)
    frames = len(swing)
    return {
        "thigh": _point(right, hip[1], 0.0, frames),
        "knee": _point(right, knee_up, knee_forward, frames),
        "ankle": _point(0.92 * right, ankle_up, ankle_forward, frames),
        "toe": _point(0.92 * right + side * 0.012, toe_up, ankle_forward + 0.08 * np.cos(pitch), frames),
    }


def _arm(build: Build, gait: Gait, swing: Array, side: int, neck: Array) -> dict[str, Array]:
    upper = -gait.arm_swing * np.sin(swing)  # against the leg of the same side
    lower = upper + gait.elbow * (0.7 - 0.3 * np.sin(swing))
    right, up = neck[0] + side * 0.89 * build.shoulder, neck[1] - 0.048
    elbow_up, elbow_forward = up - 0.16 * np.cos(upper), neck[2] + 0.16 * np.sin(upper)
    wrist_up, wrist_forward = elbow_up - 0.145 * np.cos(lower), elbow_forward + 0.145 * np.sin(lower)
    frames = len(swing)
    return {
        "shoulder": _point(right, up, neck[2], frames),
        "elbow": _point(right + side * 0.015, elbow_up, elbow_forward, frames),
        "wrist": _point(right + side * 0.008, wrist_up, wrist_forward, frames),
    }
