"""Checking a whole BUPTCampus tree: its counts beside the published ones, every fault as a sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from vreid_bench import DatasetCheck, Tracklet, person_ids
from vreid_plugins.datasets.buptcampus.description import DESCRIPTION
from vreid_plugins.datasets.buptcampus.index import Index, frame_numbers, load
from vreid_plugins.datasets.buptcampus.paths import FRAMES, fake_path
from vreid_plugins.datasets.buptcampus.rows import LISTS, MODALITIES, RGB
from vreid_plugins.datasets.count_check import (
    compare_counts,
    count_parts,
    count_unmatched,
    note_counts,
    report_differences,
    sightings,
)
from vreid_plugins.datasets.fault_report import Report, one_of
from vreid_plugins.datasets.folders import Listing
from vreid_plugins.datasets.frame_check import check_frames
from vreid_plugins.datasets.synthetic_note import source_of


def verify(root: Path, decode: bool) -> DatasetCheck:
    """All counts and faults under `root`; a row that cannot be used is not counted, and its frames are not checked."""
    problems: list[str] = []
    index = load(root, problems.append, whole=True)
    source = source_of(root)
    tracklets = [tracklet for part in (*index.parts.values(), index.others) for tracklet in part]
    fakes = index.fakes or tuple(find_unlisted_fakes(root, tracklets))
    frames = [frame for tracklet in tracklets for frame in tracklet.frames]
    on_disk = 0
    if (root / FRAMES).is_dir():
        everything = (*frames, *fakes)
        on_disk = check_frames(root, everything, problems.append, decode, exclusive=(FRAMES,), same_size=False)
    check_cameras(root, index.parts["auxiliary"], problems.append)
    found = {**dict(count_parts(index.parts)), **dict(count_roles(index)), "fake infrared frames": len(set(fakes))}
    counts = compare_counts(root, found | {"frames on disk": on_disk}, DESCRIPTION.counts, source, problems.append)
    if any(c.what.endswith(" frames") and c.published is not None and c.found < c.published for c in counts):
        report_gaps(root, tracklets, problems.append)
    uncertain = () if source == "synthetic" else DESCRIPTION.uncertain
    report_differences(root, counts, "lists and frames", problems.append, uncertain)
    notes = () if source == "synthetic" else tuple(note_counts(counts, DESCRIPTION.counts, uncertain))
    return DatasetCheck(source, counts, tuple(problems), (*index.notes, *notes))


def count_roles(index: Index) -> Iterator[tuple[str, int]]:
    """What is counted over all parts, and for each pair of modalities."""
    yield "identities", len(person_ids([tracklet for part in index.parts.values() for tracklet in part]))
    query, gallery = (by_modality(index.parts[part]) for part in ("query", "gallery"))
    for modality in MODALITIES:
        yield f"{modality} queries", len(query[modality])
        yield f"{modality} gallery tracklets", len(gallery[modality])
    for asked in MODALITIES:
        for ranked in MODALITIES:
            people = {tracklet.pid for tracklet in gallery[ranked]}
            unmatched = sum(tracklet.pid not in people for tracklet in query[asked])
            yield f"queries without a match, {asked} to {ranked}", unmatched
    asked_all, ranked_all = index.parts["query"], index.parts["gallery"]
    yield "queries without a match by another camera", count_unmatched(sightings(asked_all), sightings(ranked_all))
    seen = set(sightings(ranked_all))
    yield "queries whose camera saw their person in the gallery", sum(each in seen for each in sightings(asked_all))
    yield "queries in the gallery", index.own
    yield "queries whose aligned tracklet is in the gallery", index.aligned
    yield "tracklets in no list", len(index.others)


def by_modality(tracklets: Sequence[Tracklet]) -> Mapping[str, list[Tracklet]]:
    """The tracklets of each modality."""
    return {each: [t for t in tracklets if t.attribute("modality") == each] for each in MODALITIES}


def find_unlisted_fakes(root: Path, tracklets: Sequence[Tracklet]) -> Iterator[str]:
    """The fake infrared frames on disk that belong to a visible one, for lists that do not name them."""
    listing = Listing(root)
    for tracklet in tracklets:
        if tracklet.attribute("modality") == RGB:
            folder = fake_path(tracklet.name).rpartition("/")[0]
            there = set(listing.files(folder) or ())
            yield from (fake for frame in tracklet.frames if (fake := fake_path(frame)).rpartition("/")[2] in there)


def check_cameras(root: Path, tracklets: Sequence[Tracklet], report: Report) -> None:
    """Check that one camera saw everybody in the auxiliary part, as published."""
    cameras = Counter(pid for pid, _ in {(t.pid, t.camid) for t in tracklets})
    several = [pid for pid, many in cameras.items() if many > 1]
    if several:
        report(
            f"{root / LISTS['auxiliary']}: person {several[0]} is seen by {cameras[several[0]]} cameras"
            f"{one_of(several, 'persons')}, expected one; restore the list."
        )


def report_gaps(root: Path, tracklets: Sequence[Tracklet], report: Report) -> None:
    """Report each tracklet whose frame numbers, ascending, have a gap; they may begin anywhere."""
    for tracklet in tracklets:
        numbers = frame_numbers(tracklet)
        gap = next((place for place, (a, b) in enumerate(pairwise(numbers), start=1) if b != a + 1), None)
        if gap is not None:
            report(
                f"{root / tracklet.frames[gap]} is frame {numbers[gap]}, and frame {numbers[gap - 1] + 1} may be one "
                "of the missing frames; compare its folder with the original."
            )
