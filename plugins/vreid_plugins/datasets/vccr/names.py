"""The file names of VCCR's frames, such as p12-c3-l2-t1-f10.jpg: the labels and the number that they hold."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import NamedTuple

EXAMPLE = "p12-c3-l2-f10.jpg (person, camera, clothes, ..., frame)"
LEAST_FIELDS = 4
LABEL = re.compile(r"[^\W\d_](\d+)", re.ASCII)  # a letter and a number


class Frame(NamedTuple):
    """What the name of a frame says. Only the letter of the camera is kept, for its name."""

    camera: int
    outfit: int
    number: int
    camera_name: str


def parse_name(name: str) -> Frame | None:
    """Camera, clothes and number of a frame: the second, the third and the last field between hyphens; else None.

    What stands between the third field and the last is not read, and the first one is not needed.
    """
    fields = PurePosixPath(name).stem.split("-")
    if len(fields) < LEAST_FIELDS:
        return None
    found = [LABEL.fullmatch(field) for field in (fields[1], fields[2], fields[-1])]
    numbers = [int(match[1]) for match in found if match is not None]
    if len(numbers) < len(found):
        return None
    camera, outfit, number = numbers
    return Frame(camera, outfit, number, fields[1])


def text_key(frame: str) -> str:
    """What the public code sorts frames by: the last field without its letter, as a text."""
    return PurePosixPath(frame).stem.rpartition("-")[2][1:]


def only_number(text: str) -> int | None:
    """The only number in a text, such as 12 in `p0012`; None if there is none, or several."""
    numbers = re.findall(r"\d+", text, re.ASCII)
    return int(numbers[0]) if len(numbers) == 1 else None
