"""MOTChallenge text: `frame,id,x,y,w,h,conf,...`, one box a line; frames, and pixels of x and y, count from 1."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import NamedTuple

from vreid_plugins.datasets.fault_report import Report, one_of

COLUMNS = range(6, 11)  # how many there may be: the last four are not in every file
ANNOTATED = 9  # columns of an annotation of 2016 or later: the 8th is the class
PERSON = 1.0  # the class of a pedestrian
FORM = "frame,id,x,y,width,height with up to four more numbers"


class Box(NamedTuple):
    """Where a track is in one frame, in pixels as they are written: x and y of the corner at the top left, from 1."""

    frame: int
    track: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class TrackFile:
    """The boxes of one file."""

    boxes: tuple[Box, ...]  # sorted by frame, then by track
    ignored: int  # rows that an annotation marks as not to be used, or as no pedestrian


def read_tracks(path: Path, report: Report) -> TrackFile:
    """The boxes of a file; every fault goes to `report`, and its line is left out."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        report(f"{path} cannot be read as text ({error}); save it as UTF-8.")
        return TrackFile((), 0)
    numbered = [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    if not numbered:
        report(f"{path} is empty, expected a line {FORM} for each box; export the tracks again.")
        return TrackFile((), 0)
    columns = numbered[0][1].count(",") + 1
    annotation = path.parent.name == "gt"
    found: dict[tuple[int, int], tuple[int, Box]] = {}
    twice: list[tuple[int, Box]] = []
    ignored = 0
    for number, line in numbered:
        values = parse_line(f"{path}, line {number}", line, columns, report)
        if values is None:
            continue
        box = Box(int(values[0]), int(values[1]), *values[2:6])
        if (box.frame, box.track) in found:
            twice.append((number, box))
        elif annotation and is_ignored(values):
            ignored += 1
        else:
            found[box.frame, box.track] = (number, box)
    if twice:
        number, box = twice[0]
        report(
            f"{path}, line {number}: track {box.track} has a second box in frame {box.frame}, the first is in line "
            f"{found[box.frame, box.track][0]}{one_of(twice, 'boxes')}; keep one box of each track in a frame."
        )
    return TrackFile(tuple(sorted(box for _, box in found.values())), ignored)


def parse_line(where: str, line: str, columns: int, report: Report) -> list[float] | None:
    """The numbers of a line; None after a fault. `columns`: how many the first line of the file has."""
    cells = line.split(",")
    if len(cells) not in COLUMNS:
        hint = ", separated by commas" if len(cells) == 1 else ""
        report(f"{where}: has {len(cells)} columns, expected 6 to 10{hint}: {FORM}; write the tracks in this form.")
        return None
    if len(cells) != columns:
        report(f"{where}: has {len(cells)} columns, expected {columns} as in the first line; write it again.")
        return None
    try:
        values = [float(cell) for cell in cells]
    except ValueError:
        report(f"{where}: {line.strip()[:80]!r} holds what is not a number, expected {FORM}; remove it.")
        return None
    if not all(map(isfinite, values[:6])):
        report(f"{where}: {line.strip()[:80]!r} holds a number that is not finite; remove the box.")
    elif values[0] != int(values[0]) or values[0] < 1:
        report(f"{where}: the frame is {cells[0].strip()}, expected a whole number from 1; number frames from 1.")
    elif values[1] != int(values[1]):
        report(f"{where}: the id is {cells[1].strip()}, expected a whole number; give each track a number.")
    elif values[1] < 0:
        report(f"{where}: the id is {int(values[1])}, so this is a detection without a track; run a tracker first.")
    else:
        return values
    return None


def is_ignored(values: list[float]) -> bool:
    """Does an annotation say that a box is not to be used, or that it shows no pedestrian?"""
    unused = len(values) > 6 and values[6] == 0
    return unused or (len(values) == ANNOTATED and values[7] > 0 and values[7] != PERSON)
