"""The lists of LS-VID and the frames they mean: reading them, and every check that opens no frame."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from vreid_bench import DISTRACTOR, JUNK, Tracklet
from vreid_plugins.datasets.count_check import check_disjoint
from vreid_plugins.datasets.fault_report import Report, one_of
from vreid_plugins.datasets.folders import ORIGIN, Listing, check_layout
from vreid_plugins.datasets.ls_vid.query_file import QUERY_FILE, read_query_file
from vreid_plugins.datasets.text_lists import Entry, check_repeats, read_list

LISTS = {part: f"list_sequence/list_seq_{part}.txt" for part in ("train", "val", "test")}
FRAMES = {part: f"tracklet_{part}" for part in LISTS}
CAMERAS = 15
LINE = "tracklet_test/0007/0007_0002_03 7"
EXAMPLE = "0007_0002_03_0001.jpg"
FIELDS = 3  # of a frame's name before its number; the last of them is the camera


class Index(NamedTuple):
    """All tracklets in the lists; a part that cannot be used is empty."""

    parts: Mapping[str, tuple[Tracklet, ...]]
    query: tuple[int, ...]  # rows of the test part
    notes: tuple[str, ...]


def load(root: Path, report: Report, parts: Sequence[str]) -> Index:
    """Read and check the lists of `parts` and the query list; every fault goes to `report`."""
    empty: Mapping[str, tuple[Tracklet, ...]] = dict.fromkeys(parts, ())
    lists, folders = [LISTS[part] for part in parts], [FRAMES[part] for part in parts]
    if not check_layout(root, folders, [*lists, QUERY_FILE], ORIGIN, report):
        return Index(empty, (), ())
    entries = {part: read_list(root / LISTS[part], LINE, report) for part in parts}
    together = [entry for part in parts for entry in entries[part]]
    check_repeats(together, report)
    check_persons(entries, report)
    # in the lists 0 may be a person; here it is a distractor, and the person would be lost
    shift = int(any(entry.pid == 0 for entry in together))
    frames = find_frames(Listing(root), together)
    found = {}
    for part in parts:
        read = [read_tracklet(entry, frames[entry.path], shift, report) for entry in entries[part]]
        found[part] = tuple(tracklet for tracklet in read if tracklet is not None)
    for part in parts[:-1]:
        check_disjoint(found[part], found["test"], root, report)
    usable = len(found["test"]) == len(entries["test"])  # if a line is left out, the rows after it are wrong
    query = check_query(root / QUERY_FILE, read_query_file(root, report), found["test"], report)
    notes = ("Persons are listed from 0, which stands for nobody here: every number is raised by one.",)
    return Index(found, query if usable else (), notes if shift else ())


def find_frames(listing: Listing, entries: Iterable[Entry]) -> Mapping[str, list[str]]:
    """The frames of each listed beginning, by its path; a frame goes to the longest beginning that fits its name.

    A beginning fits if it ends with a field of the name: `0007_0002_03` or `0007_0002_03_` fits
    `0007_0002_03_0001.jpg`, `0007_0002_0` does not. The frames are not in order yet.
    """
    stems: dict[str, set[str]] = defaultdict(set)
    frames: dict[str, list[str]] = {}
    for entry in entries:
        frames[entry.path] = []
        folder, _, stem = entry.path.rpartition("/")
        stems[folder].add(stem)
    for folder in sorted(stems):
        for name in listing.images(folder) or ():
            ends = [match.start() for match in re.finditer("_", name)]
            fitting = [name[:end] for at in ends for end in (at, at + 1) if name[:end] in stems[folder]]
            fitting += [""] if "" in stems[folder] else []
            if fitting:
                stem = max(fitting, key=len)
                frames[f"{folder}/{stem}" if folder else stem].append(f"{folder}/{name}" if folder else name)
    return frames


def read_tracklet(entry: Entry, frames: Sequence[str], shift: int, report: Report) -> Tracklet | None:
    """The tracklet of a listed line, its frames in order of number; None if it has none that can be used."""
    if not frames:
        report(f"{entry.where}: no frame begins with {entry.path}, expected files such as {EXAMPLE}; {ORIGIN}.")
        return None
    fields = {frame: name_fields(frame) for frame in frames}
    foreign = [frame for frame in frames if len(fields[frame]) <= FIELDS]
    if foreign:
        report(
            f"{entry.where}: found {foreign[0]}{one_of(foreign, 'frames')}, expected names such as {EXAMPLE}; {ORIGIN}."
        )
        return None
    seen = sorted({fields[frame][FIELDS - 1] for frame in frames})
    if len(seen) > 1 or not 1 <= seen[0] <= CAMERAS:
        report(
            f"{entry.where}: frames that begin with {entry.path} are of camera {' and '.join(map(str, seen))}, "
            f"expected one camera of 1 to {CAMERAS}; {ORIGIN}."
        )
    ordered = sorted(frames, key=lambda frame: fields[frame][FIELDS:])
    again = [b for a, b in pairwise(ordered) if fields[a][FIELDS:] == fields[b][FIELDS:]]
    if again:
        report(f"{entry.where}: {again[0]} has the number of another frame{one_of(again, 'frames')}; {ORIGIN}.")
    return Tracklet(tuple(ordered), entry.pid + shift if entry.pid >= 0 else JUNK, seen[0], person=str(entry.pid))


def name_fields(frame: str) -> tuple[int, ...]:
    """The fields of a frame's name as numbers; empty if one of them is not a number."""
    fields = PurePosixPath(frame).stem.split("_")
    return tuple(map(int, fields)) if all(field.isdecimal() for field in fields) else ()


def check_persons(entries: Mapping[str, Sequence[Entry]], report: Report) -> None:
    """Check that the listed numbers are persons; only the test part may hold junk."""
    for part, listed in entries.items():
        lowest = JUNK if part == "test" else 0
        bad = [entry for entry in listed if entry.pid < lowest]
        if bad:
            report(f"{bad[0].where}: person {bad[0].pid}{one_of(bad, 'lines')}, expected {lowest} or more; {ORIGIN}.")


def check_query(path: Path, rows: Sequence[int] | None, test: Sequence[Tracklet], report: Report) -> tuple[int, ...]:
    """The queries as rows counted from 0; empty if they are not distinct rows of persons."""
    if rows is None or not test:
        return ()
    outside = [row for row in rows if not 1 <= row <= len(test)]
    if outside:
        hint = " (the file seems to count from 0)" if 0 in outside else ""
        report(
            f"{path}: a query is row {outside[0]}{one_of(outside, 'queries')}, expected 1 to {len(test)}{hint}; "
            f"{ORIGIN}."
        )
        return ()
    twice = find_repeated(rows)
    if twice:
        report(f"{path}: row {twice[0]} is a query twice{one_of(twice, 'rows')}, expected once; {ORIGIN}.")
        return ()
    nobody = [row for row in rows if test[row - 1].pid <= DISTRACTOR]
    if nobody:
        report(f"{path}: row {nobody[0]} is junk{one_of(nobody, 'queries')}, expected persons only; {ORIGIN}.")
        return ()
    return tuple(row - 1 for row in rows)


def find_repeated(rows: Iterable[int]) -> list[int]:
    """The rows that were seen before."""
    seen: set[int] = set()
    repeated = []
    for row in rows:
        if row in seen:
            repeated.append(row)
        seen.add(row)
    return repeated


def frame_numbers(tracklet: Tracklet) -> list[int]:
    """The numbers of the frames, ascending."""
    return [name_fields(frame)[-1] for frame in tracklet.frames]
