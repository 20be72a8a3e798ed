"""The index files of MEVID: reading them, and every check that opens no frame."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vreid_bench import JUNK, Tracklet
from vreid_plugins.datasets.count_check import check_disjoint
from vreid_plugins.datasets.fault_report import Report, one_of
from vreid_plugins.datasets.folders import check_layout
from vreid_plugins.datasets.mevid.names import EXAMPLE, STEM, TRACK, list_names, name_keys
from vreid_plugins.datasets.mevid.tables import ORIGIN, read_scales
from vreid_plugins.datasets.name_lists import Integers, check_names, check_repeats
from vreid_plugins.datasets.number_tables import read_numbers
from vreid_plugins.datasets.row_ranges import Lists, check_people, check_ranges

FRAMES = {part: f"bbox_{part}" for part in ("train", "test")}
NAMES = {part: f"{part}_name.txt" for part in FRAMES}
TRACKS = {part: f"track_{part}_info.txt" for part in FRAMES}
QUERY_FILE, SCALE_FILE = "query_IDX.txt", "test_track_scale.txt"
ROW = "0.0 9.0 103.0 20.0 424.0"  # first and last line, counted from 0 and inclusive, pid, outfit, camera
COLUMNS = ((2, 0, "person"), (3, 1, "outfit"), (4, 2, "camera"))  # of a row and of a name, which must be the same
PLACES = dict.fromkeys((329, 330, 507, 508, 509), "indoor") | dict.fromkeys((301, 336, 340, 436, 505, 639), "outdoor")
UNLISTED = "unlisted"  # where nobody says it and no score depends on it


@dataclass(frozen=True)
class Index:
    """All tracklets that the index files list; a part that cannot be used is empty."""

    train: tuple[Tracklet, ...]
    query: tuple[Tracklet, ...]
    gallery: tuple[Tracklet, ...]
    notes: tuple[str, ...] = ()

    @property
    def parts(self) -> Mapping[str, tuple[Tracklet, ...]]:
        """The two parts that have folders of their own."""
        return {"train": self.train, "test": (*self.query, *self.gallery)}


def load(root: Path, report: Report) -> Index:
    """Read and check all index files under `root`; no frame is opened, no folder of frames listed."""
    lists = [*NAMES.values(), *TRACKS.values(), QUERY_FILE]
    if not check_layout(root, FRAMES.values(), lists, ORIGIN, report):
        return Index((), (), ())
    notes: list[str] = []
    rows = {part: load_rows(root, part, report, notes) for part in FRAMES}
    query = load_query(root / QUERY_FILE, rows["test"], report)
    train = [tracklet for tracklet in rows["train"] if tracklet is not None]
    test = add_attributes(root, rows["test"], report, notes)
    check_disjoint(train, [tracklet for tracklet in test if tracklet is not None], root, report)
    asked = set(query)
    gallery = [tracklet for row, tracklet in enumerate(test) if row not in asked and tracklet is not None]
    queries = [tracklet for row in query if (tracklet := test[row]) is not None]
    return Index(tuple(train), tuple(queries), tuple(gallery), tuple(notes))


def load_rows(root: Path, part: str, report: Report, notes: list[str]) -> list[Tracklet | None]:
    """The tracklet of each row of one part; None for one of nobody (pid -1) or without frames, which `notes` tell."""
    lists = Lists(root / NAMES[part], root / TRACKS[part], first=0, sparse=True)
    rows = read_numbers(lists.tracks, ROW, ORIGIN, report)
    try:
        names, fields, good = list_names(lists.names)
    except OSError as error:
        report(f"{lists.names} cannot be read ({error.strerror}); make it readable.")
        return []
    named = check_names(lists.names, names, good, EXAMPLE, ORIGIN, report)
    if rows is None or not check_ranges(lists, rows, len(names), report) or not named:
        return []
    people = rows.copy()  # rows of nobody, which are left out, have no line: all keep their number in a message
    people[rows[:, 2] == JUNK, 1] = rows[rows[:, 2] == JUNK, 0] - 1
    check_people(lists, NAMES[part], people, fields, COLUMNS, report)
    check_pids(lists.tracks, rows, report)
    keys = name_keys(fields)
    check_repeats(lists.names, names, keys, report)
    check_tracks(lists, people, fields, report)
    left = len(names) - int((rows[:, 1] + 1 - rows[:, 0]).sum())
    skipped = {
        "of nobody (pid -1)": int((rows[:, 2] == JUNK).sum()),
        "without a frame": int((rows[:, 0] > rows[:, 1]).sum()),
    }
    notes += [f"{many:,} rows {what} of {TRACKS[part]} are left out." for what, many in skipped.items() if many]
    notes += [f"{left:,} names of {NAMES[part]} are in no row of {TRACKS[part]}."] if left else []
    return [make_tracklet(FRAMES[part], names, keys, row) for row in rows]


def make_tracklet(folder: str, names: Sequence[str], keys: Integers, row: Integers) -> Tracklet | None:
    """The tracklet of a row [5], its frames in order of number; None if it is to be left out."""
    first, last, pid, outfit, camera = row.tolist()
    if pid == JUNK or first > last:
        return None
    order = first + np.argsort(keys[first : last + 1], kind="stable")
    frames = tuple(f"{folder}/{names[line][:4]}/{names[line]}" for line in order.tolist())
    return Tracklet(frames, pid, camera, (("outfit", f"{outfit:03d}"),), person=f"{pid:04d}", camera=f"C{camera:03d}")


def check_pids(path: Path, rows: Integers, report: Report) -> None:
    """Check that every row shows a person or nobody."""
    bad = np.flatnonzero((rows[:, 2] <= 0) & (rows[:, 2] != JUNK))
    if len(bad):
        report(
            f"{path}, row {bad[0] + 1}: person {rows[bad[0], 2]}{one_of(bad, 'rows')}, expected 1 or more, or -1 for "
            "nobody; restore the published file."
        )


def check_tracks(lists: Lists, rows: Integers, fields: Integers, report: Report) -> None:
    """Check that a row holds the frames of one tracklet."""
    ranges = enumerate(rows[:, :2].tolist())
    mixed = [row for row, (a, b) in ranges if a <= b and np.ptp(fields[a : b + 1, TRACK])]
    if mixed:
        first, last = rows[mixed[0], :2]
        named = np.unique(fields[first : last + 1, TRACK])
        report(
            f"{lists.tracks}, row {mixed[0] + 1}: lines {first} to {last} of {lists.names.name} mix tracklets "
            f"{' and '.join(map(str, named))}{one_of(mixed, 'rows')}, expected one; restore both files."
        )


def load_query(path: Path, rows: Sequence[Tracklet | None], report: Report) -> list[int]:
    """The rows of the test part that are queries, counted from 0; empty if they cannot be used."""
    read = read_numbers(path, "12.0", ORIGIN, report)
    if read is None or not rows:
        return []
    query: list[int] = read[:, 0].tolist()
    outside = [row for row in query if not 0 <= row < len(rows)]
    if outside:
        hint = " (the file seems to count from 1)" if max(query) == len(rows) else ""
        report(
            f"{path}: a query is row {outside[0]}{one_of(outside, 'queries')}, expected 0 to {len(rows) - 1}{hint}; "
            "restore the published file."
        )
        return []
    twice = [row for row, many in Counter(query).items() if many > 1]
    if twice:
        report(f"{path}: row {twice[0]} is a query twice{one_of(twice, 'rows')}, expected once; delete one line.")
        return []
    nobody = [row for row in query if rows[row] is None]
    if nobody:
        report(
            f"{path}: row {nobody[0]} is nobody or has no frame{one_of(nobody, 'queries')}, expected persons only; "
            "restore the published file."
        )
    return query


def add_attributes(
    root: Path, rows: Sequence[Tracklet | None], report: Report, notes: list[str]
) -> list[Tracklet | None]:
    """The test tracklets with the place of their camera and the scale that the list of scales gives their name.

    Where one of the two is not known, and the person has no other tracklet, it is `unlisted`: no score depends on it.
    Without a list of scales no tracklet has one.
    """
    scales = read_scales(root / SCALE_FILE, report)
    if not (root / SCALE_FILE).exists():
        notes.append(
            f"{SCALE_FILE} is not there, so that the modes of scale cannot be scored; it lies in the repository "
            "Kitware/MEVID."
        )
    many = Counter(tracklet.pid for tracklet in rows if tracklet is not None)
    found: list[Tracklet | None] = []
    unknown: dict[str, list[Tracklet]] = {"place": [], "scale": []}
    for tracklet in rows:
        if tracklet is None:
            found.append(None)
            continue
        known = {"place": PLACES.get(tracklet.camid, ""), "scale": scales.get(stem_of(tracklet), "")}
        for name in ("place", "scale") if scales else ("place",):
            if not known[name]:
                unknown[name].append(tracklet)
                known[name] = UNLISTED if many[tracklet.pid] == 1 else ""
        more = tuple((name, value) for name, value in known.items() if value)
        found.append(tracklet._replace(attributes=tracklet.attributes + more))
    for name, advice in (("place", "camera is known"), ("scale", f"name is in {SCALE_FILE}")):
        lost = unknown[name]
        scored = [tracklet for tracklet in lost if many[tracklet.pid] > 1]
        if scored:
            report(
                f"{root / scored[0].name}: the {name} of its tracklet is not known{one_of(scored, 'tracklets')}, "
                f"expected one whose {advice}, as its person has other tracklets; {ORIGIN}."
            )
        elif lost:
            notes.append(
                f"The {name} of {len(lost):,} test tracklets is not known; no score depends on it, as their persons "
                "have no other tracklet."
            )
    return found


def stem_of(tracklet: Tracklet) -> str:
    """What the names of all its frames begin with."""
    return tracklet.name.rpartition("/")[2][:STEM]


def frame_numbers(tracklet: Tracklet) -> list[int]:
    """The numbers of the frames, ascending."""
    return [int(frame[-9:-4]) for frame in tracklet.frames]
