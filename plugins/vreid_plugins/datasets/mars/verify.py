"""Checking a whole MARS tree: its counts beside the published ones, every fault as a sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vreid_bench import DISTRACTOR, JUNK, DatasetCheck, DatasetDescription, Source
from vreid_plugins.datasets.count_check import (
    Sighting,
    compare_counts,
    count_unmatched,
    note_counts,
    report_differences,
)
from vreid_plugins.datasets.fault_report import Report, one_of
from vreid_plugins.datasets.frame_check import check_frames
from vreid_plugins.datasets.mars.description import DESCRIPTION
from vreid_plugins.datasets.mars.index import FILES, Half, Index, load_index
from vreid_plugins.datasets.mars.names import CAMERAS
from vreid_plugins.datasets.mars.reader import find_source
from vreid_plugins.datasets.name_lists import Integers


@dataclass(frozen=True)
class IndexCheck:
    """The last step of checking a data set in the layout of MARS: order, frames on disk, and all counts."""

    description: DatasetDescription
    find_source: Callable[[Path], Source]

    def finish(
        self, root: Path, index: Index, found: Mapping[str, int], problems: list[str], decode: bool
    ) -> DatasetCheck:
        """The check of `index`, with what was counted in it and the `problems` found so far.

        A half whose index is unusable is not counted, and its frames are not checked.
        """
        found = dict(found)
        for part, half in (("train", index.train), ("test", index.test)):
            if half is not None:
                check_order(root, half, problems.append)
                check_tracks(root, half, problems.append)
                folder = half.files.frames
                on_disk = check_frames(root, half.paths(), problems.append, decode, exclusive=(folder,))
                found[f"{part} frames on disk"] = on_disk
        source, known = self.find_source(root), self.description
        uncertain = () if source == "synthetic" else known.uncertain
        counts = compare_counts(root, found, known.counts, source, problems.append)
        report_differences(root, counts, "lists and frames", problems.append, uncertain)
        notes = () if source == "synthetic" else tuple(note_counts(counts, known.counts, uncertain))
        return DatasetCheck(source, counts, tuple(problems), notes)


CHECK = IndexCheck(DESCRIPTION, find_source)


def verify(root: Path, decode: bool) -> DatasetCheck:
    """All counts and faults under `root`."""
    problems: list[str] = []
    index = load_index(root, problems.append)
    return CHECK.finish(root, index, dict(count_index(index)), problems, decode)


def count_index(index: Index) -> Iterator[tuple[str, int]]:
    """What the index files hold, as far as they can be read."""
    halves = [(part, half) for part, half in (("train", index.train), ("test", index.test)) if half is not None]
    if len(halves) == len(FILES):
        yield "cameras", len(np.unique(np.concatenate([half.rows[:, 3] for _, half in halves])))
    for part, half in halves:
        lengths, pids = half.rows[:, 1] - half.rows[:, 0] + 1, half.rows[:, 2]
        yield f"{part} tracklets", len(half.rows)
        yield f"{part} identities", len(np.unique(pids[pids > DISTRACTOR]))
        yield f"{part} frames", len(half.names)
        yield f"shortest {part} tracklet", int(lengths.min())
        yield f"longest {part} tracklet", int(lengths.max())
    if index.train is not None and (strangers := int((index.train.rows[:, 2] == DISTRACTOR).sum())):
        yield "unlabelled train tracklets", strangers
    if index.test is not None:
        yield "junk", int((index.test.rows[:, 2] == JUNK).sum())
        yield "distractors", int((index.test.rows[:, 2] == DISTRACTOR).sum())
        if index.query is not None:
            yield from count_queries(index.test.rows, index.query)


def count_queries(rows: Integers, query: Integers) -> Iterator[tuple[str, int]]:
    """Counts that need the query list: `rows` [N, 4] of the test index, `query` 0-based rows of it."""
    pids, cameras = rows[query, 2], rows[query, 3]
    kept = rows[:, 2] != JUNK
    apart = kept.copy()
    apart[query] = False
    yield "queries", len(query)
    yield "query identities", len(np.unique(pids))
    for camera in range(1, CAMERAS + 1):
        yield f"queries of camera {camera}", int((cameras == camera).sum())
    yield "gallery with queries, without junk", int(kept.sum())
    yield "gallery without queries, without junk", int(apart.sum())
    asked = rows[query]
    yield "queries without a match, queries in the gallery", count_unmatched(sightings(asked), sightings(rows[kept]))
    yield (
        "queries without a match, queries out of the gallery",
        count_unmatched(sightings(asked), sightings(rows[apart])),
    )


def sightings(rows: Integers) -> Iterable[Sighting]:
    """Person and camera of each of the `rows` [N, 4] of an index."""
    return map(tuple, rows[:, 2:].tolist())


def check_order(root: Path, half: Half, report: Report) -> None:
    """Report rows whose frames are not listed in order; `read` sorts them."""
    if len(half.unordered):
        first, last = half.rows[half.unordered[0], :2]
        report(
            f"{root / half.files.names}, lines {first} to {last}: frames are not in order of frame number"
            f"{one_of(half.unordered, 'tracklets')}; they are sorted on reading."
        )


def check_tracks(root: Path, half: Half, report: Report) -> None:
    """Report the first row that begins within a track.

    Such a row and the one before it are of one person and camera, and one of the two mixes tracks.
    """
    rows, track = half.rows, half.order // 10**9
    starts = rows[1:, 0] - 1
    changes = np.flatnonzero(np.diff(track)) + 1  # names that begin another track
    mixed = np.searchsorted(starts, changes[~np.isin(changes, starts)], side="right")  # rows of several tracks
    same = (rows[1:, 2:] == rows[:-1, 2:]).all(1) & (track[starts] == track[starts - 1])
    within = np.flatnonzero(same) + 1
    bad = within[np.isin(within, mixed) | np.isin(within - 1, mixed)]
    if len(bad):
        row = bad[0]
        report(
            f"{root / half.files.tracks}, row {row + 1}: starts at line {rows[row, 0]}, within a track of "
            f"{half.files.names}{one_of(bad, 'rows')}, expected rows that keep a track together; restore both files."
        )
