"""The folders of DukeMTMC-VideoReID: reading them, and every check that opens no frame."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from vreid_bench import Tracklet
from vreid_plugins.datasets.count_check import check_disjoint
from vreid_plugins.datasets.fault_report import Report, one_of
from vreid_plugins.datasets.folders import ORIGIN, Listing, check_layout

PARTS = ("train", "query", "gallery")
CAMERAS = 8
EXAMPLE = "0001_C6_F0099_X30823.jpg"
# person, camera, frame within the tracklet, frame of the camera; without underscores in the oldest copies
FRAME = re.compile(r"(\d+)_?C(\d+)_?F(\d+)_?X(\d+)\.jpg")

Parts = Mapping[str, tuple[Tracklet, ...]]


def load(root: Path, report: Report) -> Parts:
    """The tracklets of each part, in order of person and tracklet number; every fault goes to `report`."""
    if not check_layout(root, PARTS, (), ORIGIN, report):
        return dict.fromkeys(PARTS, ())
    listing = Listing(root)
    parts = {part: tuple(read_part(listing, part, report)) for part in PARTS}
    check_disjoint(parts["train"], (*parts["query"], *parts["gallery"]), root, report)
    check_queries(root, parts["query"], parts["gallery"], report)
    return parts


def read_part(listing: Listing, part: str, report: Report) -> Iterator[Tracklet]:
    """The tracklets of one part. Files that are not images are left out; no tracklet has any."""
    found: dict[int, str] = {}
    for person in listing.folders(part) or ():
        where = listing.root / part / person
        if not person.isdigit() or int(person) == 0:
            report(f"{where} is not named after a person, expected numbers from 0001; {ORIGIN}.")
            continue
        if int(person) in found:
            report(f"{where} and {found[int(person)]} are both person {int(person)}, expected one folder; {ORIGIN}.")
        found[int(person)] = person
        for folder in list_tracklets(listing, f"{part}/{person}", report):
            tracklet = read_tracklet(listing, f"{part}/{person}/{folder}", int(person), report)
            if tracklet is not None:
                yield tracklet
    if not found:
        report(f"{listing.root / part} holds no folder of a person, expected folders such as 0001; {ORIGIN}.")


def list_tracklets(listing: Listing, person: str, report: Report) -> tuple[str, ...]:
    """The folders of tracklets in the folder of one person."""
    where, folders = listing.root / person, listing.folders(person) or ()
    if not folders:
        report(f"{where} holds no folder of a tracklet, expected folders such as 0001; {ORIGIN}.")
    foreign = [folder for folder in folders if not folder.isdecimal()]  # such as `0001 (1)`, a copy
    if foreign:
        report(
            f"{where / foreign[0]} is not named after a tracklet{one_of(foreign, 'folders')}, expected numbers such as "
            f"0001; {ORIGIN}."
        )
    return folders


def read_tracklet(listing: Listing, folder: str, pid: int, report: Report) -> Tracklet | None:
    """The tracklet in one folder of a person, its frames in order of number; None if no name can be used."""
    where, names = listing.root / folder, listing.images(folder) or ()
    matches = {name: FRAME.fullmatch(name) for name in names}
    foreign = [name for name, match in matches.items() if match is None]
    if foreign:
        report(
            f"{where} holds {foreign[0]}{one_of(foreign, 'files')}, expected frame names such as {EXAMPLE}; {ORIGIN}."
        )
    fields = {name: tuple(map(int, match.groups())) for name, match in matches.items() if match is not None}
    if not fields:
        report(f"{where} holds no frame, expected files such as {EXAMPLE}; {ORIGIN}.")
        return None
    others = [name for name, (person, *_) in fields.items() if person != pid]
    if others:
        report(
            f"{where} holds {others[0]}{one_of(others, 'files')}, expected frames of person {pid:04d} only; {ORIGIN}."
        )
    seen = sorted({camera for _, camera, *_ in fields.values()})
    if len(seen) > 1 or not 1 <= seen[0] <= CAMERAS:
        report(
            f"{where} holds frames of camera {' and '.join(map(str, seen))}, expected one camera of 1 to {CAMERAS}; "
            f"{ORIGIN}."
        )
    ordered = sorted(fields, key=lambda name: fields[name][2:])
    again = [b for a, b in pairwise(ordered) if fields[a][2] == fields[b][2]]
    if again:
        report(
            f"{where} holds {again[0]}, which has the frame number of another file{one_of(again, 'files')}; {ORIGIN}."
        )
    frames = tuple(f"{folder}/{name}" for name in ordered)
    return Tracklet(frames, pid, seen[0], person=f"{pid:04d}", camera=f"C{seen[0]}")


def check_queries(root: Path, query: Sequence[Tracklet], gallery: Sequence[Tracklet], report: Report) -> None:
    """Check that every query lies within one gallery tracklet, and that a person has one query in each camera."""
    holder = {name_of(frame): row for row, t in enumerate(gallery) for frame in t.frames}
    alone = []
    for tracklet in query:
        rows = {holder.get(name_of(frame)) for frame in tracklet.frames}
        if len(rows) > 1 or None in rows:
            alone.append(tracklet)
    if alone:
        report(
            f"{(root / alone[0].frames[0]).parent}: no tracklet of gallery holds the frames of this query"
            f"{one_of(alone, 'queries')}, expected every query tracklet in the gallery, as published; {ORIGIN}."
        )
    first: dict[tuple[int, int], Tracklet] = {}
    again = [t for t in query if first.setdefault((t.pid, t.camid), t) is not t]
    if again:
        report(
            f"{(root / again[0].frames[0]).parent} is a second query of person {again[0].person} in camera "
            f"{again[0].camera}"
            f"{one_of(again, 'queries')}, expected one; {ORIGIN}."
        )


def name_of(frame: str) -> str:
    """The file name, which holds person, camera and frame."""
    return frame.rpartition("/")[2]


def frame_numbers(tracklet: Tracklet) -> list[int]:
    """The frame numbers within the tracklet, ascending."""
    return read_field(tracklet, 3)


def camera_frames(tracklet: Tracklet) -> list[int]:
    """The frame numbers of the camera, which grow with those within the tracklet."""
    return read_field(tracklet, 4)


def read_field(tracklet: Tracklet, group: int) -> list[int]:
    """One number in the names of the frames, by its group in `FRAME`."""
    return [int(match[group]) for frame in tracklet.frames if (match := FRAME.fullmatch(name_of(frame)))]
