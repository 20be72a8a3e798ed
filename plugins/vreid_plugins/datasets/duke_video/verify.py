"""Checking a whole tree of DukeMTMC-VideoReID: its counts beside the published ones, every fault as a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from vreid_bench import DatasetCheck, Tracklet, person_ids
from vreid_plugins.datasets.count_check import CountCheck, count_unmatched, sightings
from vreid_plugins.datasets.duke_video.description import PUBLISHED
from vreid_plugins.datasets.duke_video.index import PARTS, camera_frames, frame_numbers, load, name_of
from vreid_plugins.datasets.fault_report import Report, one_of
from vreid_plugins.datasets.folders import ORIGIN

CHECK = CountCheck(PUBLISHED, PARTS, frame_numbers)


def verify(root: Path, decode: bool) -> DatasetCheck:
    """All counts and faults under `root`; a tracklet whose names cannot be used is neither counted nor checked."""
    problems: list[str] = []
    parts = load(root, problems.append)
    query, gallery = parts["query"], parts["gallery"]
    whole = [*parts["train"], *query, *gallery]
    own = {
        "identities of the gallery alone": len(set(person_ids(gallery)) - set(person_ids(query))),
        "queries without a match": count_unmatched(sightings(query), sightings(gallery)),
        "tracklets that do not begin with frame 1": sum(min(frame_numbers(t), default=1) != 1 for t in whole),
    }
    for tracklets in parts.values():
        check_gaps(root, tracklets, problems.append)
        check_order(root, tracklets, problems.append)
        check_copies(root, tracklets, problems.append)
    return CHECK.finish(root, parts, own, problems, decode)


def check_gaps(root: Path, tracklets: Sequence[Tracklet], report: Report) -> None:
    """Check that every tracklet numbers its frames without a gap; no list names the frames."""
    for tracklet in tracklets:
        row = frame_numbers(tracklet)
        before = next((a for a, b in pairwise(row) if b > a + 1), None)
        if before is not None:
            report(
                f"{(root / tracklet.frames[0]).parent} has {len(row):,} frames from F{row[0]:04d} to F{row[-1]:04d}, "
                f"expected {row[-1] - row[0] + 1:,}: F{before + 1:04d} is the first missing one; {ORIGIN}.",
            )


def check_order(root: Path, tracklets: Sequence[Tracklet], report: Report) -> None:
    """Check that the frame number of the camera grows within a tracklet; if it does not, frames were renamed."""
    for tracklet in tracklets:
        row = camera_frames(tracklet)
        back = next((place for place, (a, b) in enumerate(pairwise(row), start=1) if b <= a), None)
        if back is not None:
            report(
                f"{root / tracklet.frames[back]} was taken at X{row[back]}, expected a number above X{row[back - 1]} "
                f"of the frame before it; {ORIGIN}.",
            )


def check_copies(root: Path, tracklets: Sequence[Tracklet], report: Report) -> None:
    """Check that no frame is in two tracklets of one part: its name holds person, camera and time."""
    holders: dict[str, Path] = {}
    for tracklet in tracklets:
        folder = (root / tracklet.frames[0]).parent
        again = [name for name in map(name_of, tracklet.frames) if holders.setdefault(name, folder) != folder]
        if again:
            report(
                f"{folder} holds {again[0]}{one_of(again, 'frames')}, which {holders[again[0]]} holds too; keep one of "
                "them.",
            )
