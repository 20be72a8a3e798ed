"""The index files of HITSZ-VCM: reading them, and every check that opens no frame."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vreid_bench import Tracklet
from vreid_plugins.datasets.count_check import check_disjoint
from vreid_plugins.datasets.fault_report import Report, one_of
from vreid_plugins.datasets.hitsz_vcm.layout import NAMES, ORIGIN, PARTS, QUERY_FILE, TRACKS, find_layout
from vreid_plugins.datasets.hitsz_vcm.names import (
    CAMERA,
    EXAMPLE,
    MODALITIES,
    MODALITY,
    PERSON,
    TRACK,
    list_names,
    name_keys,
    picture_path,
)
from vreid_plugins.datasets.name_lists import Integers, check_names, check_repeats
from vreid_plugins.datasets.number_tables import read_numbers, whole_number
from vreid_plugins.datasets.row_ranges import Lists, check_people, check_ranges
from vreid_plugins.datasets.text_lines import read_lines

ROW = "2 1 24 0001 3"  # modality, first and last line, counted from 1 and inclusive, person, camera
ORDER = (1, 2, 0, 3, 4)  # of its columns here: first, last, modality, person, camera
COLUMNS = ((2, MODALITY, "modality"), (3, PERSON, "person"), (4, CAMERA, "camera"))  # of a row, and of a name
INFRARED, VISIBLE = MODALITIES.values()


@dataclass(frozen=True)
class Index:
    """All tracklets that the index files list, in order of the rows; a part that cannot be used is empty."""

    train: tuple[Tracklet, ...] = ()
    test: tuple[Tracklet, ...] = ()
    query: tuple[int, ...] = ()  # places in `test`, in order of the list
    notes: tuple[str, ...] = ()
    tops: tuple[str, ...] = ()  # the folders that hold the frames and nothing else

    @property
    def parts(self) -> Mapping[str, tuple[Tracklet, ...]]:
        """What is trained on, and what is tested."""
        return {"train": self.train, "test": self.test}

    @property
    def gallery(self) -> tuple[int, ...]:
        """The other places in `test`."""
        asked = set(self.query)
        return tuple(place for place in range(len(self.test)) if place not in asked)


def load(root: Path, report: Report) -> Index:
    """Read and check all index files under `root`; no frame is opened, no folder of frames listed."""
    layout = find_layout(root, report)
    if layout is None:
        return Index()
    notes: list[str] = []
    rows = {part: load_rows(layout.lists, part, layout.frames[part], report, notes) for part in PARTS}
    asked = load_query(layout.lists / QUERY_FILE, rows["test"], report)
    train, test = ([tracklet for tracklet in rows[part] if tracklet is not None] for part in PARTS)
    check_disjoint(train, test, root, report)
    there = np.cumsum([tracklet is not None for tracklet in rows["test"]]) - 1
    query = tuple(int(there[row]) for row in asked)
    tops = {frame.partition("/")[0] for tracklet in (*train, *test) for frame in tracklet.frames[:1]}
    index = Index(tuple(train), tuple(test), query, tops=tuple(sorted(tops)))
    notes += note_foreign(index)
    return Index(index.train, index.test, query, tuple(notes), index.tops)


def load_rows(folder: Path, part: str, below: str, report: Report, notes: list[str]) -> list[Tracklet | None]:
    """The tracklet of each row of one part; None for one without frames, which `notes` tell. `below`: see `Layout`."""
    lists = Lists(folder / NAMES[part], folder / TRACKS[part], sparse=True)
    rows = read_numbers(lists.tracks, ROW, ORIGIN, report)
    try:
        names, fields, good = list_names(lists.names)
    except OSError as error:
        report(f"{lists.names} cannot be read ({error.strerror}); make it readable.")
        return []
    named = check_names(lists.names, names, good, EXAMPLE, ORIGIN, report)
    if rows is None or not named or not check_values(lists.tracks, rows, report):
        return []
    rows = rows[:, ORDER]
    if not check_ranges(lists, rows, len(names), report):
        return []
    check_people(lists, NAMES[part], rows, fields, COLUMNS, report)
    keys = name_keys(fields)
    check_repeats(lists.names, names, keys, report)
    notes += describe_rows(lists, [(first - 1, last) for first, last in rows[:, :2].tolist()], fields, keys)
    return [make_tracklet(below, names, keys, row) for row in rows]


def describe_rows(lists: Lists, ranges: Sequence[tuple[int, int]], fields: Integers, keys: Integers) -> list[str]:
    """What the reader of a result must know of the rows, as ranges [a, b) of the names with `fields` and `keys`."""
    names, tracks = lists.names.name, lists.tracks.name
    counts = {
        f"rows without a frame of {tracks} are left out.": sum(a == b for a, b in ranges),
        f"names of {names} are in no row of {tracks}.": len(keys) - sum(b - a for a, b in ranges),
        f"rows of {tracks} hold names of several tracklets.": sum(
            bool(np.diff(fields[a:b, TRACK]).any()) for a, b in ranges
        ),
        f"tracklets of {names} are not listed in order of frame number; they were sorted by it.": sum(
            bool((np.diff(keys[a:b]) < 0).any()) for a, b in ranges
        ),
    }
    return [f"{many:,} {what}" for what, many in counts.items() if many]


def make_tracklet(below: str, names: Sequence[str], keys: Integers, row: Integers) -> Tracklet | None:
    """The tracklet of a row [5], its frames in order of number; None if it has none."""
    first, last, modality, pid, camera = row.tolist()
    if first > last:
        return None
    order = first - 1 + np.argsort(keys[first - 1 : last], kind="stable")
    frames = tuple(below + picture_path(names[line]) for line in order.tolist())
    told = (("modality", MODALITIES[modality]),)
    return Tracklet(frames, pid, camera, told, person=f"{pid:04d}", camera=frames[0].split("/")[-2])


def check_values(path: Path, rows: Integers, report: Report) -> bool:
    """Check that every row [5] of a table shows a person in one of the two modalities."""
    good = True
    for column, allowed, expected in (
        (0, rows[:, 0][:, None] == tuple(MODALITIES), "modality {}, expected 1 (infrared) or 2 (visible)"),
        (3, rows[:, 3][:, None] > 0, "person {}, expected 1 or more"),
    ):
        bad = np.flatnonzero(~allowed.any(1))
        if len(bad):
            found = expected.format(rows[bad[0], column])
            report(f"{path}, row {bad[0] + 1}: {found}{one_of(bad, 'rows')}; restore the published file.")
            good = False
    return good


def load_query(path: Path, rows: Sequence[Tracklet | None], report: Report) -> list[int]:
    """The rows of the test part that are listed as queries, counted from 0; empty if they cannot be used."""
    lines = read_lines(path, f"one line of row numbers; {ORIGIN}", report)
    if not lines:
        return []
    if len(lines) > 1:
        # of several lines the published loader keeps the last, others keep all
        report(f"{path} has {len(lines):,} lines, expected all queries on one line; restore the published file.")
        return []
    found = [(cell, whole_number(cell)) for cell in lines[0].split()]
    foreign = [cell for cell, number in found if number is None]
    if foreign:
        report(
            f"{path}: found {foreign[0]!r}{one_of(foreign, 'cells')}, expected whole numbers as in '15 16 17'; restore "
            "the published file."
        )
        return []
    query = [number for _, number in found if number is not None]
    return [number - 1 for number in query] if rows and check_query(path, query, rows, report) else []


def check_query(path: Path, query: Sequence[int], rows: Sequence[Tracklet | None], report: Report) -> bool:
    """Check that the queries are rows counted from 1, each once, that have frames, and that others are left."""
    outside = [number for number in query if not 1 <= number <= len(rows)]
    if outside:
        hint = " (the file seems to count from 0)" if 0 in outside else ""
        report(
            f"{path}: a query is row {outside[0]}{one_of(outside, 'queries')}, expected 1 to {len(rows)}{hint}; "
            "restore the published file."
        )
        return False
    twice = [number for number, many in Counter(query).items() if many > 1]
    if twice:
        report(f"{path}: row {twice[0]} is a query twice{one_of(twice, 'rows')}, expected once; delete one of them.")
        return False
    lost = [number for number in query if rows[number - 1] is None]
    if lost:
        report(
            f"{path}: row {lost[0]} has no frame{one_of(lost, 'queries')}, expected rows with frames; restore the "
            "published file."
        )
        return False
    if len(query) == len(rows):
        report(f"{path} lists every row, expected the infrared ones; restore the published file.")
        return False
    return True


def find_foreign(index: Index) -> tuple[list[int], list[int]]:
    """Places of test tracklets on the wrong side: visible queries, and infrared ones in the gallery."""
    visible = [place for place in index.query if index.test[place].attribute("modality") == VISIBLE]
    infrared = [place for place in index.gallery if index.test[place].attribute("modality") == INFRARED]
    return (visible, infrared) if index.query else ([], [])


def note_foreign(index: Index) -> list[str]:
    """What the reader of a result must know of a query list that does not go by modality."""
    visible, infrared = find_foreign(index)
    if not visible and not infrared:
        return []
    return [
        f"{len(visible):,} visible tracklets are among the queries and {len(infrared):,} infrared ones among the "
        "others; the conventions of the two directions leave them out."
    ]
