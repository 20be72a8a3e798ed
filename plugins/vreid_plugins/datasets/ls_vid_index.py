"""The lists of LS-VID and the frames they mean: reading them, and every check that opens no frame."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np

from vreid_bench import DISTRACTOR, JUNK, Tracklet
from vreid_plugins.datasets.census import check_apart
from vreid_plugins.datasets.faults import Report, also
from vreid_plugins.datasets.folders import Listing, check_layout
from vreid_plugins.datasets.lists import Entry, check_repeats, read_list

LISTS = {part: f"list_sequence/list_seq_{part}.txt" for part in ("train", "val", "test")}
FRAMES = {part: f"tracklet_{part}" for part in LISTS}
QUERY_FILE, QUERY_KEY = "test/data/info_test.mat", "query"
CAMERAS = 15
LINE = "tracklet_test/0007/0007_0002_03 7"
EXAMPLE = "0007_0002_03_0001.jpg"
FIELDS = 3  # of a frame's name before its number; the last of them is the camera
ORIGIN = "copy it again from the original data"


class Index(NamedTuple):
    """All lists with their frames; a part that cannot be used is empty."""

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
    # A listed 0 is a person; here it would be nobody, and the person would be lost.
    shift = int(any(entry.pid == 0 for entry in together))
    frames = find_frames(Listing(root), together)
    found = {}
    for part in parts:
        read = [read_tracklet(entry, frames[entry.path], shift, report) for entry in entries[part]]
        found[part] = tuple(tracklet for tracklet in read if tracklet is not None)
    for part in parts[:-1]:
        check_apart(found[part], found["test"], root, report)
    usable = len(found["test"]) == len(entries["test"])  # else rows would be counted wrong
    query = check_query(root / QUERY_FILE, load_query(root / QUERY_FILE, report), found["test"], report)
    notes = ("Persons are listed from 0, which stands for nobody here: every number is raised by one.",)
    return Index(found, query if usable else (), notes if shift else ())


def find_frames(listing: Listing, entries: Iterable[Entry]) -> Mapping[str, list[str]]:
    """The frames of each listed beginning of names, by path; a frame goes to the longest beginning that fits it.

    A beginning fits up to the end of a field of the name (`0007_0002_03` or `0007_0002_03_` fits
    `0007_0002_03_0001.jpg`, `0007_0002_0` does not). Frames are in no order yet.
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
        report(f"{entry.where}: no frame begins with {entry.path}, wanted files such as {EXAMPLE}; {ORIGIN}.")
        return None
    fields = {frame: numbers(frame) for frame in frames}
    foreign = [frame for frame in frames if len(fields[frame]) <= FIELDS]
    if foreign:
        report(f"{entry.where}: {foreign[0]}{also(foreign, 'frames')} is no name such as {EXAMPLE}; {ORIGIN}.")
        return None
    seen = sorted({fields[frame][FIELDS - 1] for frame in frames})
    if len(seen) > 1 or not 1 <= seen[0] <= CAMERAS:
        report(
            f"{entry.where}: {entry.path} begins frames of camera {' and '.join(map(str, seen))}, wanted one camera of "
            f"1 to {CAMERAS}; {ORIGIN}."
        )
    ordered = sorted(frames, key=lambda frame: fields[frame][FIELDS:])
    again = [b for a, b in pairwise(ordered) if fields[a][FIELDS:] == fields[b][FIELDS:]]
    if again:
        report(f"{entry.where}: {again[0]} has the number of another frame{also(again, 'frames')}; {ORIGIN}.")
    return Tracklet(tuple(ordered), entry.pid + shift if entry.pid >= 0 else JUNK, seen[0])


def numbers(frame: str) -> tuple[int, ...]:
    """The fields of a frame's name as numbers; empty if one is none."""
    fields = PurePosixPath(frame).stem.split("_")
    return tuple(map(int, fields)) if all(field.isdecimal() for field in fields) else ()


def check_persons(entries: Mapping[str, Sequence[Entry]], report: Report) -> None:
    """Are the listed numbers persons, and junk at most in the test part?"""
    for part, listed in entries.items():
        lowest = JUNK if part == "test" else 0
        bad = [entry for entry in listed if entry.pid < lowest]
        if bad:
            report(f"{bad[0].where}: person {bad[0].pid}{also(bad, 'lines')}, wanted {lowest} or more; {ORIGIN}.")


def load_query(path: Path, report: Report) -> list[int] | None:
    """The published rows, counted from 1; None if the file cannot be used."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            found = ", ".join(sorted(file)) or "nothing"
            values = np.asarray(file[QUERY_KEY]) if QUERY_KEY in file else None
    except Exception as error:  # beside OSError, h5py raises KeyError and RuntimeError on what is damaged inside
        report(f"{path} cannot be read as a MATLAB 7.3 (HDF5) file ({type(error).__name__}: {error}); {ORIGIN}.")
        return None
    if values is None:
        report(f"{path} holds {found}, wanted the matrix {QUERY_KEY}; {ORIGIN}.")
        return None
    if values.ndim != 2 or values.shape[0] != 1 or not values.size:
        size = " x ".join(map(str, values.shape))
        report(f"{path}: {QUERY_KEY} is {size}, wanted 1 x N; {ORIGIN}.")
        return None
    if values.dtype.kind not in "iuf" or not np.isfinite(values).all() or (values % 1).any():
        report(f"{path}: {QUERY_KEY} holds {values.dtype} values, wanted whole numbers; {ORIGIN}.")
        return None
    return [int(value) for value in values[0]]


def check_query(path: Path, rows: Sequence[int] | None, test: Sequence[Tracklet], report: Report) -> tuple[int, ...]:
    """The queries as rows counted from 0, if they are distinct rows of persons; else nothing."""
    if rows is None or not test:
        return ()
    outside = [row for row in rows if not 1 <= row <= len(test)]
    if outside:
        why = "the file seems to count from 0, LS-VID counts from 1" if 0 in outside else f"wanted 1 to {len(test)}"
        report(f"{path}: a query is row {outside[0]}{also(outside, 'queries')}, {why}; {ORIGIN}.")
        return ()
    twice = list(repeated(rows))
    if twice:
        report(f"{path}: row {twice[0]} is a query twice{also(twice, 'rows')}; {ORIGIN}.")
        return ()
    nobody = [row for row in rows if test[row - 1].pid <= DISTRACTOR]
    if nobody:
        report(f"{path}: row {nobody[0]} is junk{also(nobody, 'queries')}, wanted persons only; {ORIGIN}.")
        return ()
    return tuple(row - 1 for row in rows)


def repeated(rows: Iterable[int]) -> Iterator[int]:
    """What comes again."""
    seen: set[int] = set()
    for row in rows:
        if row in seen:
            yield row
        seen.add(row)
