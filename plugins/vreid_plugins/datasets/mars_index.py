"""The index files of MARS (`info/`): reading them, and every check that needs no frame.

Checks hand their sentence to a `Report`: `read` gives one that raises at the first, `verify` one that collects.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vreid_bench import DISTRACTOR, JUNK
from vreid_plugins.datasets.faults import Report, also
from vreid_plugins.datasets.mars_names import ORIGIN, Integers, check_names, check_repeats, read_names
from vreid_plugins.datasets.matlab import load_matrix

QUERY_FILE, QUERY_KEY = "info/query_IDX.mat", "query_IDX"


@dataclass(frozen=True)
class Files:
    """Where one half of MARS is described."""

    frames: str  # the folder of its frames
    names: str  # one frame file name per line
    tracks: str  # int [N, 4]: first and last line of a tracklet (1-based, inclusive), pid, camera
    key: str


FILES = {
    "train": Files("bbox_train", "info/train_name.txt", "info/tracks_train_info.mat", "track_train_info"),
    "test": Files("bbox_test", "info/test_name.txt", "info/tracks_test_info.mat", "track_test_info"),
}


@dataclass(frozen=True)
class Half:
    """One half of MARS as listed: `names[rows[i, 0] - 1 : rows[i, 1]]` are the frames of tracklet i."""

    files: Files
    names: list[str]
    rows: Integers  # [N, 4], columns of `Files.tracks`
    order: Integers  # [frames] track and frame number of each name, in one integer that grows with time
    unordered: Integers  # rows whose names are not in order of time


@dataclass(frozen=True)
class Index:
    """All index files; a part is None where a fault leaves nothing to go on."""

    train: Half | None
    test: Half | None
    query: Integers | None  # [queries] 0-based rows of test


def load_index(root: Path, report: Report) -> Index:
    """Read and check all index files under `root`; no frame is touched, no folder of frames listed."""
    if not check_layout(root, report):
        return Index(None, None, None)
    train, test = (load_half(root, files, report) for files in FILES.values())
    query = load_matrix(root / QUERY_FILE, QUERY_KEY, (1, None), ORIGIN, report)
    rows = None if query is None else query[0] - 1
    if rows is not None and test is not None and not check_query(root / QUERY_FILE, rows, test.rows, report):
        rows = None
    if train is not None and test is not None:
        check_identities(root, train.rows, test.rows, report)
    return Index(train, test, rows)


def load_roles(info: Path, report: Report) -> tuple[Integers, Integers]:
    """Rows of the test index [N, 4] and 0-based query rows, from the two files in `info` that have them."""
    tracks, queries = (info / Path(name).name for name in (FILES["test"].tracks, QUERY_FILE))
    for path in (tracks, queries):
        if not path.is_file():
            report(f"{path} is missing; wanted the folder that holds {tracks.name} and {queries.name}; {ORIGIN}.")
    rows = load_matrix(tracks, FILES["test"].key, (None, 4), ORIGIN, report)
    query = load_matrix(queries, QUERY_KEY, (1, None), ORIGIN, report)
    if rows is None or query is None:
        raise AssertionError("a fault of the index files was not reported")
    check_query(queries, query[0] - 1, rows, report)
    return rows, query[0] - 1


def check_layout(root: Path, report: Report) -> bool:
    """Are all files and folders there, each as what it should be?"""
    if not root.is_dir():
        state = "is a file, wanted the folder" if root.exists() else "does not exist; name the folder"
        report(f"{root} {state} that holds bbox_train, bbox_test and info of MARS.")
        return False
    good = True
    folders = [files.frames for files in FILES.values()] + ["info"]
    wanted = [(name, True) for name in folders] + [(QUERY_FILE, False)]
    wanted += [(name, False) for files in FILES.values() for name in (files.names, files.tracks)]
    for name, is_folder in wanted:
        path, kind = root / name, "folder" if is_folder else "file"
        if not path.exists():
            good = False
            inner = next((p.parent for p in sorted(root.glob("*/info"))), None)
            hint = f"did you mean {inner}?" if inner else f"{ORIGIN}."
            report(f"{path} is missing, wanted a {kind}; {hint}")
        elif path.is_dir() != is_folder:
            good = False
            report(f"{path} is a {'file' if is_folder else 'folder'}, wanted a {kind}; {ORIGIN}.")
    return good


def load_half(root: Path, files: Files, report: Report) -> Half | None:
    """One half, or None if its ranges or names leave no tracklets to speak of."""
    rows = load_matrix(root / files.tracks, files.key, (None, 4), ORIGIN, report)
    try:
        names, fields, good = read_names(root / files.names)
    except OSError as error:
        report(f"{root / files.names} cannot be read ({error.strerror}); make it readable.")
        return None
    named = check_names(root / files.names, names, good, report)
    if rows is None or not check_ranges(root, files, rows, len(names), report) or not named:
        return None
    check_people(root, files, rows, fields, report)
    order = fields[:, 2] * 10**9 + fields[:, 3]
    check_repeats(root / files.names, names, fields, report)
    back = np.flatnonzero(np.diff(order) < 0) + 1  # frames earlier than the one listed before
    inside = back[~np.isin(back, rows[:, 0] - 1)]
    unordered = np.unique(np.searchsorted(rows[:, 0] - 1, inside, side="right") - 1)
    return Half(files, names, rows, order, unordered)


def check_ranges(root: Path, files: Files, rows: Integers, count: int, report: Report) -> bool:
    """Do the ranges cover the `count` names one after the other, each exactly once?"""
    path, first, last = root / files.tracks, rows[:, 0], rows[:, 1]
    restore = "; restore the published file."
    if first[0] != 1:
        why = "the index seems to count from 0, MARS counts from 1" if first[0] == 0 else "wanted line 1"
        report(f"{path}, row 1: starts at line {first[0]}, {why}{restore}")
        return False
    bad = np.flatnonzero(first > last)
    if len(bad):
        row = bad[0]
        report(
            f"{path}, row {row + 1}: starts at line {first[row]} and ends at line {last[row]}{also(bad, 'rows')}, "
            f"wanted start <= end{restore}"
        )
        return False
    bad = np.flatnonzero(first[1:] != last[:-1] + 1) + 1
    if len(bad):
        row = bad[0]
        what = "overlaps" if first[row] <= last[row - 1] else "leaves a gap after"
        report(
            f"{path}, row {row + 1}: starts at line {first[row]} and so {what} row {row}, which ends at line "
            f"{last[row - 1]}{also(bad, 'rows')}, wanted ranges that follow one another{restore}"
        )
        return False
    if last[-1] != count:
        report(
            f"{root / files.names} has {count:,} names, wanted {last[-1]:,} as {path} says; "
            "one of the two was cut or edited: restore both."
        )
        return False
    return True


def check_people(root: Path, files: Files, rows: Integers, fields: Integers, report: Report) -> None:
    """Does every name show the person and the camera that its tracklet's row says?"""
    lengths = rows[:, 1] - rows[:, 0] + 1
    for column, what in ((0, "person"), (1, "camera")):
        differs = np.flatnonzero(np.repeat(rows[:, 2 + column], lengths) != fields[:, column])
        if not len(differs):
            continue
        wrong = np.unique(np.searchsorted(rows[:, 0] - 1, differs, side="right") - 1)
        start, end = rows[wrong[0], :2]
        named = np.unique(fields[start - 1 : end, column])
        verb = "mix" if len(named) > 1 else "show"
        report(
            f"{root / files.tracks}, row {wrong[0] + 1}: says {what} {rows[wrong[0], 2 + column]}, but lines {start} "
            f"to {end} of {files.names} {verb} {what} {' and '.join(map(str, named))}{also(wrong, 'rows')}; "
            "the two files do not belong together: restore both."
        )


def check_query(path: Path, query: Integers, rows: Integers, report: Report) -> bool:
    """Are the queries (0-based `rows`) sorted, distinct rows of persons, at most one per person and camera?"""
    restore = "restore the published file."
    outside = np.flatnonzero((query < 0) | (query >= len(rows)))
    if len(outside):
        value = query[outside[0]] + 1
        why = "the file seems to count from 0, MARS counts from 1" if value == 0 else f"wanted 1 to {len(rows)}"
        report(f"{path}: query {outside[0] + 1} is row {value}{also(outside, 'queries')}, {why}; {restore}")
        return False
    steps = np.diff(query)
    if (steps <= 0).any():
        place = int(np.flatnonzero(steps <= 0)[0])
        what = "repeats" if steps[place] == 0 else "comes before"
        report(f"{path}: query {place + 2} (row {query[place + 1] + 1}) {what} the query listed before it; {restore}")
    nobody = np.flatnonzero(rows[query, 2] <= DISTRACTOR)
    if len(nobody):
        row = query[nobody[0]]
        what = "junk" if rows[row, 2] == JUNK else "a distractor"
        report(f"{path}: row {row + 1} is {what}{also(nobody, 'queries')}, wanted persons only; {restore}")
    groups = (rows[query, 2] * 10 + rows[query, 3])[rows[query, 2] > DISTRACTOR]
    values, counts = np.unique(groups, return_counts=True)
    if (counts > 1).any():
        pid, camera = divmod(int(values[counts > 1][0]), 10)
        report(
            f"{path}: person {pid} has {counts.max()} queries in camera {camera}, wanted at most one per person "
            f"and camera; {restore}"
        )
    return True


def check_identities(root: Path, train: Integers, test: Integers, report: Report) -> None:
    """Are training identities persons, and nobody of the test half?"""
    path, restore = root / FILES["train"].tracks, "restore the published files."
    nobody = np.flatnonzero(train[:, 2] <= DISTRACTOR)
    if len(nobody):
        pid = train[nobody[0], 2]
        report(
            f"{path}, row {nobody[0] + 1}: pid is {pid}{also(nobody, 'rows')}, wanted persons for training; {restore}"
        )
    both = np.intersect1d(train[:, 2], test[:, 2])
    both = both[both > DISTRACTOR]
    if len(both):
        report(
            f"{path}: person {both[0]} is in {FILES['test'].tracks} too{also(both, 'persons')}, wanted nobody "
            f"in both training and test; {restore}"
        )
