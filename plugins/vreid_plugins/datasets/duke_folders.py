"""The folders of DukeMTMC-VideoReID: reading them, and every check that opens no frame."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from vreid_bench import Tracklet
from vreid_plugins.datasets.census import check_apart
from vreid_plugins.datasets.faults import Report, also
from vreid_plugins.datasets.folders import Listing, check_layout

PARTS = ("train", "query", "gallery")
CAMERAS = 8
EXAMPLE = "0001_C6_F0099_X30823.jpg"
# person, camera, frame within the tracklet, frame of the camera; without underscores in the oldest copies
FRAME = re.compile(r"(\d+)_?C(\d+)_?F(\d+)_?X(\d+)\.jpg")
ORIGIN = "copy it again from the original data"

Parts = Mapping[str, tuple[Tracklet, ...]]


def load(root: Path, report: Report) -> Parts:
    """The tracklets of each part, in order of person and tracklet number; every fault goes to `report`."""
    if not check_layout(root, PARTS, (), ORIGIN, report):
        return dict.fromkeys(PARTS, ())
    listing = Listing(root)
    parts = {part: tuple(tracklets(listing, part, report)) for part in PARTS}
    check_apart(parts["train"], (*parts["query"], *parts["gallery"]), root, report)
    check_queries(root, parts["query"], parts["gallery"], report)
    return parts


def tracklets(listing: Listing, part: str, report: Report) -> Iterator[Tracklet]:
    """The tracklets of one part. What is no image is passed over: it is a tracklet's in no case."""
    found: dict[int, str] = {}
    for person in listing.folders(part) or ():
        where = listing.root / part / person
        if not person.isdigit() or int(person) == 0:
            report(f"{where} is named after no person, wanted numbers from 0001; {ORIGIN}.")
            continue
        if int(person) in found:
            report(f"{where} is person {int(person)} once more, after {found[int(person)]}; {ORIGIN}.")
        found[int(person)] = person
        folders = listing.folders(f"{part}/{person}") or ()
        if not folders:
            report(f"{where} holds no tracklet's folder; {ORIGIN}.")
        foreign = [folder for folder in folders if not folder.isdecimal()]  # such as `0001 (1)`, a copy
        if foreign:
            report(
                f"{where / foreign[0]} is named after no tracklet{also(foreign, 'folders')}, wanted numbers such as "
                f"0001; {ORIGIN}."
            )
        for folder in folders:
            tracklet = read_tracklet(listing, f"{part}/{person}/{folder}", int(person), report)
            if tracklet is not None:
                yield tracklet
    if not found:
        report(f"{listing.root / part} holds no person's folder; {ORIGIN}.")


def read_tracklet(listing: Listing, folder: str, pid: int, report: Report) -> Tracklet | None:
    """The tracklet in one folder of a person, its frames in order of number; None if no name can be used."""
    where, names = listing.root / folder, listing.images(folder) or ()
    matches = {name: FRAME.fullmatch(name) for name in names}
    foreign = [name for name, match in matches.items() if match is None]
    if foreign:
        report(f"{where} holds {foreign[0]}{also(foreign, 'files')}, wanted frame names such as {EXAMPLE}; {ORIGIN}.")
    fields = {name: tuple(map(int, match.groups())) for name, match in matches.items() if match is not None}
    if not fields:
        report(f"{where} holds no frame, wanted files such as {EXAMPLE}; {ORIGIN}.")
        return None
    others = [name for name, (person, *_) in fields.items() if person != pid]
    if others:
        report(f"{where} holds {others[0]}{also(others, 'files')}, wanted frames of person {pid} only; {ORIGIN}.")
    seen = sorted({camera for _, camera, *_ in fields.values()})
    if len(seen) > 1 or not 1 <= seen[0] <= CAMERAS:
        report(
            f"{where} holds frames of camera {' and '.join(map(str, seen))}, wanted one camera of 1 to {CAMERAS}; "
            f"{ORIGIN}."
        )
    ordered = sorted(fields, key=lambda name: fields[name][2:])
    again = [b for a, b in pairwise(ordered) if fields[a][2] == fields[b][2]]
    if again:
        report(f"{where} holds {again[0]}, whose frame number another file has{also(again, 'files')}; {ORIGIN}.")
    return Tracklet(tuple(f"{folder}/{name}" for name in ordered), pid, seen[0])


def check_queries(root: Path, query: Sequence[Tracklet], gallery: Sequence[Tracklet], report: Report) -> None:
    """Is every query within one gallery tracklet, as published, and is it the person's only one in its camera?"""
    holder = {name_of(frame): row for row, t in enumerate(gallery) for frame in t.frames}
    alone = []
    for tracklet in query:
        rows = {holder.get(name_of(frame)) for frame in tracklet.frames}
        if len(rows) > 1 or None in rows:
            alone.append(tracklet)
    if alone:
        report(
            f"{(root / alone[0].frames[0]).parent}: no tracklet of gallery holds its frames{also(alone, 'queries')}, "
            f"wanted the query tracklets in the gallery, as published; {ORIGIN}."
        )
    first: dict[tuple[int, int], Tracklet] = {}
    again = [t for t in query if first.setdefault((t.pid, t.camid), t) is not t]
    if again:
        pid, camera = again[0].pid, again[0].camid
        report(
            f"{(root / again[0].frames[0]).parent} is a second query of person {pid} in camera {camera}"
            f"{also(again, 'queries')}, wanted one; {ORIGIN}."
        )


def name_of(frame: str) -> str:
    """The file name, in which person, camera and frame are told."""
    return frame.rpartition("/")[2]


def numbers(tracklet: Tracklet) -> list[int]:
    """The frame numbers within the tracklet, ascending."""
    return field(tracklet, 3)


def moments(tracklet: Tracklet) -> list[int]:
    """The frame numbers of the camera, which grow with those within the tracklet."""
    return field(tracklet, 4)


def field(tracklet: Tracklet, group: int) -> list[int]:
    """One number in the names of the frames, by its group in `FRAME`."""
    return [int(match[group]) for frame in tracklet.frames if (match := FRAME.fullmatch(name_of(frame)))]
