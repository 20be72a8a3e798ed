"""Checking a whole VCCR tree: its counts beside the published ones, every fault as a sentence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path, PurePosixPath

from vreid_bench import DatasetCheck, Tracklet, person_ids
from vreid_plugins.datasets.ccvid.verify import count_outfits, count_unmatched_by_clothes
from vreid_plugins.datasets.count_check import CountCheck, count_unmatched, sightings
from vreid_plugins.datasets.fault_report import Report, one_of
from vreid_plugins.datasets.folders import ORIGIN
from vreid_plugins.datasets.vccr.description import DESCRIPTION
from vreid_plugins.datasets.vccr.index import LEAST, TEST, frame_numbers, load
from vreid_plugins.datasets.vccr.names import only_number

CHECK = CountCheck(DESCRIPTION.counts, ("train", TEST), frame_numbers, DESCRIPTION.uncertain)


def verify(root: Path, decode: bool) -> DatasetCheck:
    """All counts and faults under `root`; a tracklet whose names cannot be used is neither counted nor checked.

    Queries without a match are counted among the test tracklets that are long enough.
    """
    problems: list[str] = []
    index = load(root, problems.append)
    parts = index.parts
    query, gallery = parts["query"], parts["gallery"]
    whole = [*parts["train"], *query, *gallery]
    long = {part: [t for t in parts[part] if len(t.frames) >= LEAST] for part in ("query", "gallery")}
    worn = count_worn(whole)
    own = {
        "identities": len(person_ids(whole)),
        "tracklets": len(whole),
        "train outfits": count_outfits(parts["train"]),
        "test outfits": count_outfits([*query, *gallery]),
        "fewest outfits of a person": min(worn.values(), default=0),
        "most outfits of a person": max(worn.values(), default=0),
        **{f"{part} tracklets of {LEAST} frames or more": len(tracklets) for part, tracklets in long.items()},
        "queries without a match": count_unmatched(sightings(long["query"]), sightings(long["gallery"])),
        "queries without a match in the same clothes": count_unmatched_by_clothes(**long, same=True),
        "queries without a match in other clothes": count_unmatched_by_clothes(**long, same=False),
        "tracklets with a gap in their numbers": sum(map(has_gap, whole)),
    }
    check_camera_folders(root, [*query, *gallery], problems.append)
    check = CHECK.finish(root, parts, own, problems, decode)
    return check._replace(notes=(*index.notes, *note_names(root, whole), *check.notes))


def count_worn(tracklets: Sequence[Tracklet]) -> dict[int, int]:
    """How many outfits each person wears."""
    worn: dict[int, set[str]] = defaultdict(set)
    for tracklet in tracklets:
        worn[tracklet.pid].add(tracklet.attribute("outfit"))
    return {pid: len(outfits) for pid, outfits in worn.items()}


def has_gap(tracklet: Tracklet) -> bool:
    """Whether a number between its first and its last frame is missing."""
    return any(b > a + 1 for a, b in pairwise(frame_numbers(tracklet)))


def check_camera_folders(root: Path, tracklets: Sequence[Tracklet], report: Report) -> None:
    """Check that the tracklets in a folder of a camera are of one camera, as their names say; `read` follows these."""
    seen: dict[PurePosixPath, set[int]] = defaultdict(set)
    for tracklet in tracklets:
        seen[camera_folder(tracklet)].add(tracklet.camid)
    mixed = [folder for folder, cameras in seen.items() if len(cameras) > 1]
    if mixed:
        cameras = " and ".join(map(str, sorted(seen[mixed[0]])))
        report(
            f"{root / mixed[0]} holds tracklets of camera {cameras}{one_of(mixed, 'folders')}, expected those of one "
            f"camera in a folder; {ORIGIN}."
        )


def note_names(root: Path, tracklets: Sequence[Tracklet]) -> Iterator[str]:
    """Where folders and names say something else: no fault, as the public code reads one of the two alone."""
    others = [t for t in tracklets if only_number(first_field(t)) not in (None, t.pid)]
    if others:
        yield (
            f"{root / others[0].name}: the name begins with another number than its person's, {others[0].person}"
            f"{one_of(others, 'tracklets')}; the folder is followed, as in the public code."
        )
    folders = {camera_folder(t): t for t in tracklets if t.name.startswith(f"{TEST}/")}
    strange = [folder for folder, t in folders.items() if only_number(folder.name) not in (None, t.camid)]
    if strange:
        yield (
            f"{root / strange[0]}: the names in it say camera {folders[strange[0]].camid}{one_of(strange, 'folders')}; "
            "the names are followed, as in the public code."
        )


def first_field(tracklet: Tracklet) -> str:
    """What the name of its first frame begins with."""
    return tracklet.name.rpartition("/")[2].partition("-")[0]


def camera_folder(tracklet: Tracklet) -> PurePosixPath:
    """The folder above that of a test tracklet."""
    return PurePosixPath(tracklet.name).parents[1]
