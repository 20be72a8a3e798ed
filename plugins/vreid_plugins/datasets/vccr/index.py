"""The folders of VCCR: reading them, and every check that opens no frame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from vreid_bench import Tracklet
from vreid_plugins.datasets.count_check import check_disjoint
from vreid_plugins.datasets.fault_report import Report, one_of
from vreid_plugins.datasets.folders import ORIGIN, Listing, check_layout
from vreid_plugins.datasets.vccr.names import EXAMPLE, Frame, parse_name, text_key

TEST = "test_qg"
FOLDERS = {"train": "train", "query": f"{TEST}/query", "gallery": f"{TEST}/gallery"}
LEAST = 8  # frames of a test tracklet, in the public code

Parts = Mapping[str, tuple[Tracklet, ...]]


@dataclass(frozen=True)
class Index:
    """The tracklets of each part."""

    parts: Parts
    notes: tuple[str, ...] = ()


def load(root: Path, report: Report) -> Index:
    """The tracklets of each part, in order of person, camera folder and tracklet; every fault goes to `report`."""
    if not check_layout(root, FOLDERS.values(), (), ORIGIN, report):
        return Index(dict.fromkeys(FOLDERS, ()))
    listing = Listing(root)
    parts = {part: tuple(read_part(listing, part, report)) for part in FOLDERS}
    check_disjoint(parts["train"], (*parts["query"], *parts["gallery"]), root, report)
    return Index(parts, tuple(note_order(parts)))


def read_part(listing: Listing, part: str, report: Report) -> Iterator[Tracklet]:
    """The tracklets of one part: in `train` folders of a person's tracklets, in the test of those of each camera."""
    found: dict[int, str] = {}
    top = FOLDERS[part]
    for person in listing.folders(top) or ():
        where = listing.root / top / person
        if not (person.isascii() and person.isdecimal()) or int(person) == 0:
            report(f"{where} is not named after a person, expected numbers from 1; {ORIGIN}.")
            continue
        if int(person) in found:
            report(f"{where} and {found[int(person)]} are both person {int(person)}, expected one folder; {ORIGIN}.")
        found[int(person)] = person
        inner = [f"{top}/{person}"]
        if part != "train":
            inner = list_folders(listing, inner[0], "camera", report)
        for folder in (path for each in inner for path in list_folders(listing, each, "tracklet", report)):
            tracklet = read_tracklet(listing, folder, person, report)
            if tracklet is not None:
                yield tracklet
    if not found:
        report(f"{listing.root / top} holds no folder of a person, expected folders such as 12; {ORIGIN}.")


def list_folders(listing: Listing, folder: str, what: str, report: Report) -> list[str]:
    """The paths of the folders in a folder, one for each camera or tracklet; reports if there are none."""
    inner = listing.folders(folder)
    if not inner:
        state = "cannot be listed" if inner is None else f"holds no folder of a {what}"
        report(f"{listing.root / folder} {state}; {ORIGIN}.")
    return [f"{folder}/{name}" for name in inner or ()]


def read_tracklet(listing: Listing, folder: str, person: str, report: Report) -> Tracklet | None:
    """The tracklet in one folder, its frames in order of number; None if its names cannot be used.

    Camera and clothes are those in the names of all frames: the public code takes them from a random one.
    """
    where, names = listing.root / folder, listing.images(folder)
    if not names:
        inner = listing.folders(folder)
        state = f"holds the folder {inner[0]} and no frame" if inner else "holds no frame"
        report(f"{where} {state if names is not None else 'cannot be listed'}; {ORIGIN}.")
        return None
    parsed = {name: parse_name(name) for name in names}
    foreign = [name for name, fields in parsed.items() if fields is None]
    if foreign:
        report(
            f"{where} holds {foreign[0]}{one_of(foreign, 'files')}, expected frame names such as {EXAMPLE}; {ORIGIN}."
        )
    fields = {name: frame for name, frame in parsed.items() if frame is not None}
    if not fields or not check_labels(where, fields, report):
        return None
    ordered = sorted(fields, key=lambda name: fields[name].number)
    again = [b for a, b in pairwise(ordered) if fields[a].number == fields[b].number]
    if again:
        report(f"{where} holds {again[0]}, which has the number of another file{one_of(again, 'files')}; {ORIGIN}.")
    frames = tuple(f"{folder}/{name}" for name in ordered)
    first = fields[ordered[0]]
    outfit = (("outfit", str(first.outfit)),)
    return Tracklet(frames, int(person), first.camera, outfit, person=person, camera=first.camera_name)


def check_labels(where: Path, fields: Mapping[str, Frame], report: Report) -> bool:
    """Check that all names in a folder say the same camera and the same clothes."""
    good = True
    for what, values in (
        ("camera", {frame.camera for frame in fields.values()}),
        ("clothes", {frame.outfit for frame in fields.values()}),
    ):
        if len(values) > 1:
            good = False
            report(
                f"{where} holds frames of {what} {' and '.join(map(str, sorted(values)))}, expected the same in all "
                f"names of a tracklet; {ORIGIN}."
            )
    return good


def note_order(parts: Parts) -> Iterator[str]:
    """A note if frames are in another order than in the public code."""
    moved = sum(is_moved(tracklet) for tracklets in parts.values() for tracklet in tracklets)
    if moved:
        yield (
            f"The frames of {moved:,} tracklets are in order of their number; the public code sorts them as texts, f10 "
            "before f2, which is another order of time."
        )


def is_moved(tracklet: Tracklet) -> bool:
    """Whether its frames would be in another order if their numbers were texts."""
    keys = [text_key(frame) for frame in tracklet.frames]
    return any(b < a for a, b in pairwise(keys))


def frame_numbers(tracklet: Tracklet) -> list[int]:
    """The numbers of the frames, ascending."""
    parsed = (parse_name(frame.rpartition("/")[2]) for frame in tracklet.frames)
    return [frame.number for frame in parsed if frame is not None]
