"""What is cut out of the frames: the tracklets of every sequence, decided before any of them is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import floor
from pathlib import Path
from typing import Any, NamedTuple

from vreid_bench import InputError, decode, digest
from vreid_plugins.datasets.fault_report import Report, one_of
from vreid_plugins.datasets.mot.sequences import Sequence, find_sequences, list_images
from vreid_plugins.datasets.mot.text import Box, read_tracks
from vreid_plugins.datasets.mot.video import read_frames, read_rate

VERSION = 1  # of the crops: raised when the same tracks give other files
LEAST = 8  # frames of a tracklet
FRAMES = "frames"  # the folder of the crops
NOTE = "tracks.json"  # beside it: what was cut out, and how

Size = tuple[int, int]  # height, width in pixels


class Crop(NamedTuple):
    """A rectangle of a frame: pixels [top, bottom) x [left, right), from 0."""

    frame: int  # from 1
    top: int
    bottom: int
    left: int
    right: int


@dataclass(frozen=True)
class Cutting:
    """How tracks become tracklets. Raises InputError for values that are out of range."""

    fps: Fraction | None = None  # frames per second, instead of what the sequence or the video says
    least: int = LEAST  # shorter tracklets are left out
    every: int = 1  # take every n-th frame of the video, from the first
    seconds: float = 0.0  # > 0: cut each track into tracklets of this duration
    train: bool = False  # for training: else the rows are a test

    def __post_init__(self) -> None:
        if self.fps is not None and self.fps <= 0:
            raise InputError(f"--fps {self.fps}: expected frames per second above 0, for instance 25")
        for name, value, lowest in (("min-frames", self.least, 1), ("every", self.every, 1), ("cut", self.seconds, 0)):
            if value < lowest:
                raise InputError(f"--{name} {value:g}: expected {lowest} or more")


@dataclass(frozen=True)
class PlannedTracklet:
    """The crops of one tracklet, in order of time."""

    person: str  # a label
    folder: str  # of its crops, relative to the root
    crops: tuple[Crop, ...]


@dataclass(frozen=True)
class PlannedSequence:
    """The tracklets of one sequence."""

    source: Sequence
    size: Size  # of its frames
    fps: Fraction | None
    images: Mapping[int, Path]  # by frame number; empty if the frames are in a video
    tracklets: tuple[PlannedTracklet, ...]
    counts: Mapping[str, int]  # what was read and what was left out

    @property
    def state(self) -> list[Any]:
        """All that decides the crops, without opening a frame: frames by their sizes and times of change."""
        files = [self.images[n] for n in self.wanted] if self.images else [self.source.frames]
        stats = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in files]
        tracklets = [[tracklet.person, tracklet.folder, tracklet.crops] for tracklet in self.tracklets]
        return [self.source.name, self.size, str(self.fps), stats, tracklets]

    @property
    def wanted(self) -> list[int]:
        """The numbers of the frames that are read, ascending."""
        return sorted({crop.frame for tracklet in self.tracklets for crop in tracklet.crops})


@dataclass(frozen=True)
class Plan:
    """Everything that will be cut out."""

    cutting: Cutting
    sequences: tuple[PlannedSequence, ...]
    hash: str = field(init=False)  # of all that decides the crops

    def __post_init__(self) -> None:
        state = [VERSION, repr(self.cutting), [sequence.state for sequence in self.sequences]]
        object.__setattr__(self, "hash", digest(state))

    @property
    def counts(self) -> dict[str, int]:
        """The counts of all sequences together."""
        total: Counter[str] = Counter()
        for sequence in self.sequences:
            total.update(sequence.counts)  # keeps zeros
        return {"sequences": len(self.sequences), **total}


def plan_tracklets(root: Path, cutting: Cutting, report: Report, tracks: Path | None = None) -> Plan:
    """The tracklets of all sequences below `root`; every fault goes to `report`.

    tracks: a folder with the text of each sequence, instead of those in `root`.
    """
    found = (plan_sequence(each, cutting, report) for each in find_sequences(root, tracks, report))
    plan = Plan(cutting, tuple(each for each in found if each is not None))
    if plan.sequences and not any(each.tracklets for each in plan.sequences):
        counts = ", ".join(f"{number:,} {what}" for what, number in plan.counts.items())
        report(f"{tracks or root} has no tracklet of {cutting.least} frames or more: {counts}; lower --min-frames.")
    return plan


def plan_sequence(source: Sequence, cutting: Cutting, report: Report) -> PlannedSequence | None:
    """The tracklets of a sequence; None if its frames cannot be read."""
    file = read_tracks(source.text, report)
    images = {} if source.is_video else list_images(source.frames, report)
    boxes = [box for box in file.boxes if (box.frame - 1) % cutting.every == 0]
    if images and (missing := sorted({box.frame for box in boxes} - images.keys())):
        report(
            f"{source.text}: frame {missing[0]} has boxes, but {source.frames} has no image of this number"
            f"{one_of(missing, 'frames')} (it has {min(images)} to {max(images)}); copy the frames again."
        )
        boxes = [box for box in boxes if box.frame in images]
    try:
        size = read_size(source, images)
        fps = cutting.fps or source.fps or (read_rate(source.frames) if source.is_video else None)
        if cutting.seconds and fps is None:
            raise InputError(f"{source.text}: its frame rate is not known, which --cut needs; give it with --fps")
    except InputError as fault:
        report(str(fault))
        return None
    tracks: dict[int, list[Crop]] = {}
    counts = {
        "boxes": len(file.boxes) + file.ignored,
        "boxes ignored by the annotation": file.ignored,
        "boxes clipped": 0,
        "boxes outside of the frame or empty": 0,
    }
    for box in boxes:
        crop, clipped = clip_box(box, size)
        if crop is None:
            counts["boxes outside of the frame or empty"] += 1
        else:
            counts["boxes clipped"] += clipped
            tracks.setdefault(box.track, []).append(crop)
    pieces = [piece for track in sorted(tracks) for piece in cut_track(source.name, track, tracks[track], fps, cutting)]
    kept = tuple(piece for piece in pieces if len(piece.crops) >= cutting.least)
    counts |= {
        "tracks": len(tracks),
        f"tracklets shorter than {cutting.least} frames": len(pieces) - len(kept),
        "tracklets": len(kept),
        "crops": sum(len(piece.crops) for piece in kept),
    }
    return PlannedSequence(source, size, fps, images, kept, counts)


def read_size(source: Sequence, images: Mapping[int, Path]) -> Size:
    """Height and width of the first frame. Raises InputError if it cannot be read."""
    if source.is_video:
        first = next(read_frames(source.frames), None)
        if first is None:
            raise InputError(f"{source.frames} cannot be read as a video (it has no frame); copy it again")
    else:
        first = read_image(images[min(images)])
    return first.shape[0], first.shape[1]


def read_image(path: Path) -> Any:
    """A frame [H, W, 3] from a folder. Raises InputError if it cannot be read."""
    try:
        return decode(path.read_bytes())
    except Exception as error:  # whatever a codec or the disk raises is a fault of the frame
        reason = str(error) or type(error).__name__
        raise InputError(f"{path} cannot be decoded ({reason}); copy it again") from None


def clip_box(box: Box, size: Size) -> tuple[Crop | None, bool]:
    """The whole pixels of a box that are in the frame, and whether some were not; None if nothing is left.

    x and y count from 1, so the corner at the top left of the frame is (1, 1). Edges are rounded to the nearest pixel.
    """
    height, width = size
    left, right = floor(box.x - 0.5), floor(box.x + box.width - 0.5)
    top, bottom = floor(box.y - 0.5), floor(box.y + box.height - 0.5)
    inside = Crop(box.frame, max(top, 0), min(bottom, height), max(left, 0), min(right, width))
    if inside.top >= inside.bottom or inside.left >= inside.right:
        return None, False
    return inside, inside[1:] != (top, bottom, left, right)


def cut_track(
    sequence: str, track: int, crops: list[Crop], fps: Fraction | None, cutting: Cutting
) -> Iterator[PlannedTracklet]:
    """The tracklets of a track: all of it, or pieces of `cutting.seconds`."""
    person, folder = f"{sequence}-{track}", f"{FRAMES}/{sequence}/{track:06d}"
    if not cutting.seconds or fps is None:
        yield PlannedTracklet(person, folder, tuple(crops))
        return
    length = Fraction(str(cutting.seconds)) * fps  # in frames; as it is written: 0.1 is a tenth
    pieces: dict[int, list[Crop]] = {}
    for crop in crops:
        pieces.setdefault(floor((crop.frame - crops[0].frame) / length), []).append(crop)
    for number, piece in pieces.items():
        yield PlannedTracklet(person, f"{folder}-{number}", tuple(piece))
