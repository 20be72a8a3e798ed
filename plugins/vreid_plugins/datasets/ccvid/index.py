"""The lists of CCVID and the folders they name: reading them, and every check that opens no frame."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path, PurePosixPath

from vreid_bench import DISTRACTOR, Tracklet
from vreid_plugins.datasets.count_check import check_disjoint
from vreid_plugins.datasets.fault_report import Report, one_of
from vreid_plugins.datasets.folders import ORIGIN, Listing, check_layout
from vreid_plugins.datasets.text_lists import Entry, check_repeats, read_list

LISTS = {part: f"{part}.txt" for part in ("train", "query", "gallery")}
SESSIONS = ("session1", "session2", "session3")
WALKS = 12  # of a person in a session
LINE = "session1/001_01 001 u0_l0_s0_c0_a0"
FOLDER = re.compile(r"session([123])/(\d+)_(\d{1,4})")  # session, person, walk
EXAMPLE = "00001.jpg"

Parts = Mapping[str, tuple[Tracklet, ...]]


def load(root: Path, report: Report) -> Parts:
    """The tracklets of each list, in file order; every fault goes to `report`."""
    if not check_layout(root, SESSIONS, LISTS.values(), ORIGIN, report):
        return dict.fromkeys(LISTS, ())
    listing = Listing(root)
    entries = {part: read_list(root / file, LINE, report) for part, file in LISTS.items()}
    check_repeats([entry for listed in entries.values() for entry in listed], report)
    parts = {}
    for part, listed in entries.items():
        read = [read_tracklet(listing, entry, report) for entry in listed]
        parts[part] = tuple(tracklet for tracklet in read if tracklet is not None)
    check_disjoint(parts["train"], (*parts["query"], *parts["gallery"]), root, report)
    return parts


def read_tracklet(listing: Listing, entry: Entry, report: Report) -> Tracklet | None:
    """The tracklet of a listed line, its frames in order of number; None if it cannot be used."""
    match = FOLDER.fullmatch(entry.path)
    if match is None or not 1 <= int(match[3]) <= WALKS:
        report(
            f"{entry.where}: {entry.path!r} is not the folder of a walk, expected one such as {LINE.split()[0]} with "
            f"session 1 to 3 and walk 01 to {WALKS}; restore the list."
        )
        return None
    if entry.pid <= DISTRACTOR:
        report(f"{entry.where}: person {entry.pid}, expected 001 or more; restore the list.")
        return None
    folder = entry.path
    names = listing.images(folder)
    if not names:
        state = "cannot be listed" if names is None else "holds no frame"
        report(f"{entry.where}: {listing.root / folder} {state}; {ORIGIN}.")
        return None
    foreign = [name for name in names if not PurePosixPath(name).stem.isdecimal()]
    if foreign:
        report(
            f"{listing.root / folder} holds {foreign[0]}{one_of(foreign, 'files')}, expected frame names such as "
            f"{EXAMPLE}; {ORIGIN}."
        )
        return None
    ordered = sorted(names, key=frame_number)
    again = [b for a, b in pairwise(ordered) if frame_number(a) == frame_number(b)]
    if again:
        report(
            f"{listing.root / folder} holds {again[0]}, which has the number of another file"
            f"{one_of(again, 'files')}; {ORIGIN}."
        )
    frames = tuple(f"{folder}/{name}" for name in ordered)
    camera = camera_of(int(match[1]), int(match[3]))
    return Tracklet(frames, entry.pid, camera, (("outfit", entry.outfit),), person=f"{entry.pid:03d}")


def camera_of(session: int, walk: int) -> int:
    """The camera of a walk: 1 to 12 in the first two sessions, 13 to 24 in the third, as published."""
    return walk + WALKS * (session == len(SESSIONS))


def frame_number(name: str) -> int:
    """The number in the name of a frame."""
    return int(PurePosixPath(name).stem)


def frame_numbers(tracklet: Tracklet) -> list[int]:
    """The numbers of the frames, ascending."""
    return [frame_number(frame) for frame in tracklet.frames]
