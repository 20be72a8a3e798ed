"""Verifying a whole tree of DukeMTMC-VideoReID: its counts beside the published ones, every fault as a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from vreid_bench import Tracklet, Verification
from vreid_plugins.datasets.census import Census, counts, persons, unmatched
from vreid_plugins.datasets.duke_folders import ORIGIN, PARTS, load, moments, name_of, numbers
from vreid_plugins.datasets.faults import Report, also
from vreid_plugins.datasets.frames import Tally

# Wu et al., CVPR 2018, and the readme of Yu-Wu/DukeMTMC-VideoReID
PUBLISHED = {
    "cameras": 8,
    "train tracklets": 2196,
    "train identities": 702,
    "train frames": 369656,
    "query tracklets": 702,
    "query identities": 702,
    "gallery tracklets": 2636,
    "gallery identities": 1110,
    "gallery frames": 445764,
    "identities of the gallery alone": 408,
    "queries without a match": 0,
}


def verify(root: Path, decode: bool) -> Verification:
    """All counts and faults under `root`; of a tracklet whose names cannot be used, neither counts nor frames."""
    problems: list[str] = []
    parts = load(root, problems.append)
    query, gallery = parts["query"], parts["gallery"]
    whole = [*parts["train"], *query, *gallery]
    found = dict(counts(parts)) | {
        "identities of the gallery alone": len(persons(gallery) - persons(query)),
        "queries without a match": unmatched(query, gallery),
        "tracklets that do not begin with frame 1": sum(min(numbers(t), default=1) != 1 for t in whole),
    }
    for tracklets in parts.values():
        check_gaps(root, tracklets, problems.append)
        check_moments(root, tracklets, problems.append)
        check_copies(root, tracklets, problems.append)
    return Census(PUBLISHED, PARTS, numbers).verification(root, whole, found, problems, decode)


def check_gaps(root: Path, tracklets: Sequence[Tracklet], report: Report) -> None:
    """Does every tracklet count its frames without a gap? No list would tell that one is missing."""
    tally = Tally(report)
    for tracklet in tracklets:
        row = numbers(tracklet)
        before = next((a for a, b in pairwise(row) if b > a + 1), None)
        if before is not None:
            tally.add(
                "tracklets with gaps",
                f"{(root / tracklet.frames[0]).parent} has {len(row):,} frames from F{row[0]:04d} to F{row[-1]:04d}, "
                f"wanted {row[-1] - row[0] + 1:,}: F{before + 1:04d} is the first that is missing; {ORIGIN}.",
            )
    tally.close()


def check_moments(root: Path, tracklets: Sequence[Tracklet], report: Report) -> None:
    """Does the frame of the camera grow with the frame of the tracklet? If not, frames were renamed."""
    tally = Tally(report)
    for tracklet in tracklets:
        row = moments(tracklet)
        back = next((place for place, (a, b) in enumerate(pairwise(row), start=1) if b <= a), None)
        if back is not None:
            tally.add(
                "tracklets whose frames are out of order",
                f"{root / tracklet.frames[back]} was taken at X{row[back]}, wanted after X{row[back - 1]} of the frame "
                f"before it; {ORIGIN}.",
            )
    tally.close()


def check_copies(root: Path, tracklets: Sequence[Tracklet], report: Report) -> None:
    """Is no frame in two tracklets of one part? Person, camera and time are in its name."""
    tally, holders = Tally(report), dict[str, Path]()
    for tracklet in tracklets:
        folder = (root / tracklet.frames[0]).parent
        again = [name for name in map(name_of, tracklet.frames) if holders.setdefault(name, folder) != folder]
        if again:
            tally.add(
                "tracklets that repeat frames",
                f"{folder} holds {again[0]}{also(again, 'frames')}, which {holders[again[0]]} holds too; keep one.",
            )
    tally.close()
