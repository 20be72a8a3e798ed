"""The index files of MARS (`info/`): reading them, and every check that opens no frame.

Checks hand their sentence to a `Report`: that of `read` raises, that of `verify` collects.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vreid_bench import DISTRACTOR, JUNK
from vreid_plugins.datasets.fault_report import Report, one_of
from vreid_plugins.datasets.folders import check_layout
from vreid_plugins.datasets.mars.names import EXAMPLE, ORIGIN, list_names, name_keys
from vreid_plugins.datasets.matlab import load_matrix
from vreid_plugins.datasets.name_lists import Integers, check_names, check_repeats
from vreid_plugins.datasets.row_ranges import Lists, check_people, check_ranges

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

    def paths(self) -> list[str]:
        """The paths of the frames below the root, in the order of the list."""
        return [f"{self.files.frames}/{name[:4]}/{name}" for name in self.names]


@dataclass(frozen=True)
class Index:
    """All index files; a part is None if a fault makes it unusable."""

    train: Half | None
    test: Half | None
    query: Integers | None  # [queries] 0-based rows of test


def load_index(root: Path, report: Report, *, single: bool = True) -> Index:
    """Read and check all index files under `root`; no frame is opened, no folder of frames listed.

    single: does the data set ask once for each person and camera, as MARS does?
    """
    folders = [files.frames for files in FILES.values()] + ["info"]
    lists = [name for files in FILES.values() for name in (files.names, files.tracks)]
    if not check_layout(root, folders, [QUERY_FILE, *lists], ORIGIN, report):
        return Index(None, None, None)
    train, test = (load_half(root, files, report) for files in FILES.values())
    query = load_matrix(root / QUERY_FILE, QUERY_KEY, (1, None), ORIGIN, report)
    rows = None if query is None else query[0] - 1
    if rows is not None and test is not None and not check_query(root / QUERY_FILE, rows, test.rows, report, single):
        rows = None
    if train is not None and test is not None:
        check_identities(root, train.rows, test.rows, report)
    return Index(train, test, rows)


def load_roles(info: Path, report: Report) -> tuple[Integers, Integers]:
    """Rows of the test index [N, 4] and 0-based query rows, from the two files in the folder `info`."""
    tracks, queries = (info / Path(name).name for name in (FILES["test"].tracks, QUERY_FILE))
    for path in (tracks, queries):
        if not path.is_file():
            report(f"{path} is missing, expected a folder that holds {tracks.name} and {queries.name}; {ORIGIN}.")
    rows = load_matrix(tracks, FILES["test"].key, (None, 4), ORIGIN, report)
    query = load_matrix(queries, QUERY_KEY, (1, None), ORIGIN, report)
    if rows is None or query is None:
        raise AssertionError("a fault of the index files was not reported")
    check_query(queries, query[0] - 1, rows, report)
    return rows, query[0] - 1


def load_half(root: Path, files: Files, report: Report) -> Half | None:
    """Read one half; None if its ranges or names are unusable."""
    lists = Lists(root / files.names, root / files.tracks)
    rows = load_matrix(lists.tracks, files.key, (None, 4), ORIGIN, report)
    try:
        names, fields, good = list_names(lists.names)
    except OSError as error:
        report(f"{lists.names} cannot be read ({error.strerror}); make it readable.")
        return None
    named = check_names(lists.names, names, good, EXAMPLE, ORIGIN, report)
    if rows is None or not check_ranges(lists, rows, len(names), report) or not named:
        return None
    check_people(lists, files.names, rows, fields, ((2, 0, "person"), (3, 1, "camera")), report)
    order = fields[:, 2] * 10**9 + fields[:, 3]
    check_repeats(lists.names, names, name_keys(fields), report)
    back = np.flatnonzero(np.diff(order) < 0) + 1  # frames earlier than the one listed before
    inside = back[~np.isin(back, rows[:, 0] - 1)]
    unordered = np.unique(np.searchsorted(rows[:, 0] - 1, inside, side="right") - 1)
    return Half(files, names, rows, order, unordered)


def check_query(path: Path, query: Integers, rows: Integers, report: Report, single: bool = True) -> bool:
    """Check that the queries are sorted, distinct rows of persons; if `single`, one per person and camera at most.

    `query` [queries] counts the `rows` [N, 4] of the test index from 0. False if it cannot be used at all.
    """
    restore = "restore the published file."
    outside = np.flatnonzero((query < 0) | (query >= len(rows)))
    if len(outside):
        value = query[outside[0]] + 1
        hint = " (the file seems to count from 0)" if value == 0 else ""
        report(
            f"{path}: query {outside[0] + 1} is row {value}{one_of(outside, 'queries')}, expected 1 to "
            f"{len(rows)}{hint}; {restore}"
        )
        return False
    steps = np.diff(query)
    if (steps <= 0).any():
        place = int(np.flatnonzero(steps <= 0)[0])
        what = "repeats" if steps[place] == 0 else "comes before"
        report(
            f"{path}: query {place + 2} (row {query[place + 1] + 1}) {what} the query listed before it, expected "
            f"ascending rows; {restore}"
        )
    nobody = np.flatnonzero(rows[query, 2] <= DISTRACTOR)
    if len(nobody):
        row = query[nobody[0]]
        what = "junk" if rows[row, 2] == JUNK else "a distractor"
        report(f"{path}: row {row + 1} is {what}{one_of(nobody, 'queries')}, expected persons only; {restore}")
    groups = (rows[query, 2] * 10 + rows[query, 3])[rows[query, 2] > DISTRACTOR]
    values, counts = np.unique(groups, return_counts=True)
    if single and (counts > 1).any():
        pid, camera = divmod(int(values[counts > 1][0]), 10)
        report(
            f"{path}: person {pid} has {counts.max()} queries in camera {camera}, expected at most one per person "
            f"and camera; {restore}"
        )
    return True


def check_identities(root: Path, train: Integers, test: Integers, report: Report) -> None:
    """Check that training rows show persons or unlabelled people (pid 0), and no person of the test half.

    The published training half has persons only.
    """
    path, restore = root / FILES["train"].tracks, "restore the published files."
    nobody = np.flatnonzero(train[:, 2] < DISTRACTOR)
    if len(nobody):
        pid = train[nobody[0], 2]
        report(
            f"{path}, row {nobody[0] + 1}: pid is {pid}{one_of(nobody, 'rows')}, expected persons, or 0 for somebody "
            f"without a label; {restore}"
        )
    both = np.intersect1d(train[:, 2], test[:, 2])
    both = both[both > DISTRACTOR]
    if len(both):
        report(
            f"{path}: person {both[0]} is in {FILES['test'].tracks} too{one_of(both, 'persons')}, expected nobody "
            f"in both training and test; {restore}"
        )
