"""The names of P-DESTRE: what those of a sequence, a person and a frame say."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import NamedTuple

from vreid_plugins.datasets.fault_report import Report, one_of
from vreid_plugins.datasets.folders import number_key

SEQUENCE = re.compile(r"\d{2}-\d{2}-\d{4}-[0-9A-Za-z]+-[0-9A-Za-z]+", re.ASCII)  # day, flight, clip
EXAMPLE = "12-11-2019-3-1"
FRAME_EXAMPLE = "105_610_13112019_36.jpg"
ENDING = ".jpg"  # no other file is a frame, not even .JPG
FRAME = re.compile(r"(-?\d+)_(\d+)_(\d+)_(\d+)", re.ASCII)  # number of the person, frame, day, sequence
LONE_NUMBER = re.compile(r"\D*(\d+)\D*", re.ASCII)


class SequenceName(NamedTuple):
    """What the name of a sequence says, by the rule of the published loader: it cuts the last two characters."""

    text: str

    @property
    def day(self) -> str:
        """The day of the recording, as written: day, month, year."""
        return self.text[:10]

    @property
    def session(self) -> str:
        """The name without its last two characters: within a session, a number is one person.

        The loader joins session and number without hyphens, so that one more hyphen at the end makes no other session.
        """
        return self.text[:-2].rstrip("-")

    @property
    def camera(self) -> str:
        """The last character."""
        return self.text[-1]

    @property
    def is_cut_short(self) -> bool:
        """Does the rule cut a number of two or more digits? Its clip then shares its camera with another."""
        return self.text[-2] != "-"

    @property
    def order(self) -> tuple[str, tuple[tuple[tuple[int, str], ...], str]]:
        """A sort key: year, month and day, then the numbers in the rest of the name."""
        return self.text[6:10] + self.text[3:5] + self.text[:2], number_key(self.text[10:])


def number_camera(camera: str) -> int:
    """The number of a camera: that of a digit is its value, and those of the letters follow."""
    return int(camera, 36)


def name_person(session: str, number: int) -> str:
    """What a person is called: people are known by their numbers within a session."""
    return f"{session}:{number}"


def order_frames(folder: str, names: list[str], report: Report) -> list[str]:
    """The frames of one folder in order of their numbers; those without a number go to `report`.

    The number is the second of four, or the only one. The last of four is the same in all frames of a sequence.
    """
    keys = {name: frame_key(name) for name in names}
    bad = [name for name, key in keys.items() if key is None]
    if bad:
        report(
            f"{folder} holds {bad[0]}{one_of(bad, 'files')}, which tells no frame number, expected names such as "
            f"{FRAME_EXAMPLE}; rename the file as published."
        )
    return [name for _, name in sorted((key, name) for name, key in keys.items() if key is not None)]


def frame_key(name: str) -> tuple[int, int] | None:
    """The number of a frame, and the last number of its name; None if the name tells no number."""
    stem = PurePosixPath(name).stem
    if four := FRAME.fullmatch(stem):
        return int(four[2]), int(four[4])
    lone = LONE_NUMBER.fullmatch(stem)
    return (int(lone[1]), 0) if lone else None


def is_misplaced(name: str, number: int, day: str) -> bool:
    """Does the name of a frame tell another person or another day than its folders?"""
    four = FRAME.fullmatch(PurePosixPath(name).stem)
    return four is not None and (int(four[1]) != number or four[3] != day.replace("-", ""))
