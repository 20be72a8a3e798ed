"""The file names of DetReIDX's frames, from the air and from the ground: parsing one."""

from __future__ import annotations

import math
import re

from vreid_plugins.datasets.case_folders import FrameName

EXAMPLE = (
    "0004_23_10_2024_09_18_5.8_10_30_3_0_1_1_0_-1_-1_6_0_0_6_152_178_1_25.jpg from the air (person, day, time, height, "
    "distance, angle, ..., session, frame) or 0001_0_1_1_1_25_F.jpg from the ground (person, ..., view)"
)
GROUND = re.compile(r"(\d+(?:_-?\d+){0,6})_([FLR])(?:_?(\d+))?", re.ASCII)
WHOLE = re.compile(r"-?\d+", re.ASCII)
DIGITS = re.compile(r"\d+", re.ASCII)
FRAME = re.compile(r"[A-Za-z]*(\d+)", re.ASCII)
SESSION = re.compile(r"S?([12])", re.ASCII)
NUMBER = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
LEAST = 11  # fields of a name from the air: to the angle, then the session and the frame
NEAR = 0.1  # metres or degrees to a flight point

# Height and distance in metres and angle in degrees of the points that the drone stops at, in the order of its numbers.
POINTS = (
    *((5.8, 10, 30), (11.5, 20, 30), (17.3, 30, 30), (23.1, 40, 30), (40, 80, 30), (60, 120, 30)),
    *((15, 10, 60), (30, 20, 60), (45, 30, 60), (60, 40, 60), (75, 80, 60), (90, 120, 60)),
    *((10, 0, 90), (20, 0, 90), (30, 0, 90), (40, 0, 90), (80, 0, 90), (120, 0, 90)),
)


def parse_name(stem: str) -> FrameName | None:
    """What a name says; None if it is no name of a frame.

    Cameras are those of the challenge: 0 on the ground, 1 and 2 in the air, by the session. Attributes: `platform`;
    `height`, `distance` and `angle`, all 0 on the ground; `flight-point`, 1 to 18, `other` or `ground`; `session` from
    the air, `view` (F, L or R) from the ground.
    """
    ground = GROUND.fullmatch(stem)
    return _parse_aerial(stem.split("_")) if ground is None else _make_ground(*ground.groups())


def _make_ground(numbers: str, view: str, frame: str | None) -> FrameName:
    known = {"platform": "ground", "height": "0", "distance": "0", "angle": "0", "flight-point": "ground"}
    order = (*map(int, numbers.split("_")), int(frame or 0))
    return FrameName(order, 0, "ground", (*known.items(), ("view", view)))


def _parse_aerial(fields: list[str]) -> FrameName | None:
    if len(fields) < LEAST:
        return None
    session, frame = SESSION.fullmatch(fields[-2]), FRAME.fullmatch(fields[-1])
    whole, where = fields[:6], fields[6:9]  # person, day, month, year, hour, minute; height, distance, angle
    if session is None or frame is None:
        return None
    if not all(map(DIGITS.fullmatch, whole)) or not all(map(NUMBER.fullmatch, where)):
        return None
    _, day, month, year, hour, minute = map(int, whole)
    height, distance, angle = map(float, where)
    known = {
        "platform": "uav",
        "height": f"{height:g}",
        "distance": f"{distance:g}",
        "angle": f"{angle:g}",
        "flight-point": find_point(height, distance, angle),
        "session": session[1],
    }
    rest = fields[9:-2]  # place, what is worn, action, scene
    more = tuple(map(int, rest)) if all(map(WHOLE.fullmatch, rest)) else ()
    order = (year, month, day, hour, minute, int(frame[1]), *more)
    return FrameName(order, int(session[1]), f"session {session[1]}", tuple(known.items()))


def find_point(height: float, distance: float, angle: float) -> str:
    """The number of the flight point there; `other` if there is none."""
    found = (
        str(number)
        for number, point in enumerate(POINTS, start=1)
        if all(math.fabs(one - other) < NEAR for one, other in zip((height, distance, angle), point, strict=True))
    )
    return next(found, "other")


def named_person(path: str) -> int:
    """The person in the name of a frame that can be parsed."""
    return int(path.rpartition("/")[2].partition("_")[0])
