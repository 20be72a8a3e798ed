"""Verifying a whole MARS tree: its counts beside the published ones, and every fault as a sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from vreid_bench import DISTRACTOR, JUNK, Verification
from vreid_bench.contracts.dataset import Source
from vreid_plugins.datasets.census import beside, differences
from vreid_plugins.datasets.faults import Report, also
from vreid_plugins.datasets.frames import check_frames
from vreid_plugins.datasets.mars_index import FILES, Half, Index, load_index
from vreid_plugins.datasets.mars_names import CAMERAS, Integers

# counted on the published index files; Zheng et al., ECCV 2016, report the same tracklets and identities
PUBLISHED = {
    "cameras": 6,
    "train tracklets": 8298,
    "train identities": 625,
    "train frames": 509914,
    "train frames on disk": 509914,
    "shortest train tracklet": 5,
    "longest train tracklet": 900,
    "test tracklets": 12180,
    "test identities": 634,
    "test frames": 681089,
    "test frames on disk": 681089,
    "shortest test tracklet": 2,
    "longest test tracklet": 920,
    "junk": 870,
    "distractors": 3248,
    "queries": 1980,
    "query identities": 626,
    "queries of camera 1": 524,
    "queries of camera 2": 456,
    "queries of camera 3": 319,
    "queries of camera 4": 191,
    "queries of camera 5": 384,
    "queries of camera 6": 106,
    "gallery with queries, without junk": 11310,
    "gallery without queries, without junk": 9330,
    "queries without a match, queries in the gallery": 0,
    "queries without a match, queries out of the gallery": 140,
}


def verify(root: Path, source: Source, decode: bool) -> Verification:
    """All counts and faults under `root`; of a half whose index cannot be used, neither counts nor frames."""
    problems: list[str] = []
    index = load_index(root, problems.append)
    found = dict(counts(index))
    for part, half in (("train", index.train), ("test", index.test)):
        if half is not None:
            problems += unordered(root, half)
            problems += straddling(root, half)
            found[f"{part} frames on disk"] = frames(root, half, decode, problems.append)
    lines = beside(root, found, PUBLISHED, source, problems.append)
    return Verification(source, lines, (*problems, *differences(root, lines, "lists and frames")))


def frames(root: Path, half: Half, decode: bool, report: Report) -> int:
    """Check the frames of one half; how many are there with content."""
    folder = half.files.frames
    paths = (f"{folder}/{name[:4]}/{name}" for name in half.names)
    return check_frames(root, paths, report, decode, exclusive=(folder,))


def counts(index: Index) -> Iterator[tuple[str, int]]:
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
    if index.test is not None:
        yield "junk", int((index.test.rows[:, 2] == JUNK).sum())
        yield "distractors", int((index.test.rows[:, 2] == DISTRACTOR).sum())
        if index.query is not None:
            yield from query_counts(index.test.rows, index.query)


def query_counts(rows: Integers, query: Integers) -> Iterator[tuple[str, int]]:
    """Numbers that need the query list: `rows` [N, 4] of the test index, `query` 0-based rows of it."""
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
    yield "queries without a match, queries in the gallery", unmatched(rows[kept], pids, cameras)
    yield "queries without a match, queries out of the gallery", unmatched(rows[apart], pids, cameras)


def unmatched(gallery: Integers, pids: Integers, cameras: Integers) -> int:
    """Queries (`pids`, `cameras` [Q]) whose person no other camera saw in `gallery` [G, 4]."""
    people = Counter(gallery[:, 2].tolist())
    sightings = Counter(map(tuple, gallery[:, 2:].tolist()))
    return sum(people[p] == sightings[p, c] for p, c in zip(pids.tolist(), cameras.tolist(), strict=True))


def unordered(root: Path, half: Half) -> Iterator[str]:
    """The rows whose frames `read` puts in order."""
    if len(half.unordered):
        first, last = half.rows[half.unordered[0], :2]
        yield (
            f"{root / half.files.names}, lines {first} to {last}: frames are not in order of frame number"
            f"{also(half.unordered, 'tracklets')}; they are sorted on reading."
        )


def straddling(root: Path, half: Half) -> Iterator[str]:
    """The first row that begins within a track: rows beside it are of one person and camera, and one mixes tracks."""
    rows, track = half.rows, half.order // 10**9
    starts = rows[1:, 0] - 1
    changes = np.flatnonzero(np.diff(track)) + 1  # names that begin another track
    mixed = np.searchsorted(starts, changes[~np.isin(changes, starts)], side="right")  # rows of several tracks
    same = (rows[1:, 2:] == rows[:-1, 2:]).all(1) & (track[starts] == track[starts - 1])
    within = np.flatnonzero(same) + 1
    bad = within[np.isin(within, mixed) | np.isin(within - 1, mixed)]
    if len(bad):
        row = bad[0]
        yield (
            f"{root / half.files.tracks}, row {row + 1}: starts at line {rows[row, 0]}, within a track of "
            f"{half.files.names}{also(bad, 'rows')}, wanted rows that keep a track together; restore both files."
        )
