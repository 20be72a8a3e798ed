"""Checking a whole P-DESTRE tree: its counts beside the published ones, every fault as a sentence."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from vreid_bench import DatasetCheck, person_ids
from vreid_plugins.datasets.count_check import (
    compare_counts,
    count_unmatched,
    note_counts,
    report_differences,
    sightings,
)
from vreid_plugins.datasets.fault_report import Report, is_leftover, one_of
from vreid_plugins.datasets.frame_check import check_frames
from vreid_plugins.datasets.p_destre.description import DESCRIPTION
from vreid_plugins.datasets.p_destre.index import Index, load, misplaced_frames
from vreid_plugins.datasets.p_destre.lists import find_crops
from vreid_plugins.datasets.p_destre.names import ENDING, SequenceName
from vreid_plugins.datasets.synthetic_note import source_of

SEVERAL_DAYS = "numbers of people on several days"
SAME_DAY = "numbers of people in several sessions of a day"


def verify(root: Path, decode: bool) -> DatasetCheck:
    """All counts and faults under `root`; a list or a folder that cannot be used is not counted."""
    problems: list[str] = []
    index = load(root, problems.append)
    if not index.divisions:
        return DatasetCheck(source_of(root), (), tuple(problems))  # zeros would hide the fault
    check_names(root, index, problems.append)
    check_leftovers(root, index, problems.append)
    listed = (frame for tracklet in index.tracklets for frame in tracklet.frames)
    found = dict(count_index(index))
    found["frames on disk"] = check_frames(root, listed, problems.append, decode, same_size=False)
    source = source_of(root)
    counts = compare_counts(root, found, DESCRIPTION.counts, source, problems.append)
    uncertain = () if source == "synthetic" else DESCRIPTION.uncertain
    report_differences(root, counts, "lists and frames", problems.append, uncertain)
    notes = () if source == "synthetic" else tuple(note_counts(counts, DESCRIPTION.counts, uncertain))
    more = tuple(note_people(index))
    return DatasetCheck(source, counts, tuple(dict.fromkeys(problems)), (*index.notes, *notes, *more))


def count_index(index: Index) -> Iterator[tuple[str, int]]:
    """What is there, and the sizes of each split."""
    lengths = [len(tracklet.frames) for tracklet in index.tracklets]
    yield "splits", len(index.splits)
    yield "sequences", len({name for division in index.divisions for name in division.sequences})
    yield "sessions", len({folder.sequence.session for folder in index.folders})
    yield "days", len({folder.sequence.day for folder in index.folders})
    yield "cameras", len({tracklet.camid for tracklet in index.tracklets})
    yield "identities", len(person_ids(index.tracklets))
    yield from count_numbers(index).items()
    yield "tracklets", len(lengths)
    yield "frames", sum(lengths)
    yield "shortest tracklet", min(lengths, default=0)
    yield "longest tracklet", max(lengths, default=0)
    yield "folders of nobody", len(index.nobody)
    yield "frames of 0 bytes", sum(len(folder.empty) for folder in index.folders)
    for division, split in zip(index.divisions, index.splits, strict=True):
        query, gallery = ([split.test[row] for row in rows] for rows in (split.query, split.gallery))
        yield f"train identities of split {division.number}", len(person_ids(split.train))
        yield f"train tracklets of split {division.number}", len(split.train)
        yield f"queries of split {division.number}", len(query)
        yield f"query identities of split {division.number}", len(person_ids(query))
        yield f"gallery of split {division.number}", len(gallery)
        unmatched = count_unmatched(sightings(query), sightings(gallery))
        yield f"queries without a match of split {division.number}", unmatched


def count_numbers(index: Index) -> dict[str, int]:
    """How many numbers of people there are, and how many are people of several sessions."""
    seen: dict[int, set[SequenceName]] = defaultdict(set)
    for folder in index.folders:
        if folder.frames:
            seen[folder.number].add(folder.sequence)
    days = {number: {name.day for name in names} for number, names in seen.items()}
    return {
        "numbers of people": len(seen),
        SEVERAL_DAYS: sum(len(each) > 1 for each in days.values()),
        SAME_DAY: sum(len({name.session for name in names}) > len(days[number]) for number, names in seen.items()),
    }


def note_people(index: Index) -> Iterator[str]:
    """What numbers of people mean for the score."""
    counts = count_numbers(index)
    for what, clothes in ((SEVERAL_DAYS, "in other clothes"), (SAME_DAY, "in the same clothes")):
        if counts[what]:
            yield (
                f"{what.capitalize()}: {counts[what]:,}. As published, they are other people in each session, also "
                f"where a number is the same human being {clothes}."
            )
    joined: dict[str, set[tuple[str, int]]] = defaultdict(set)
    for folder in index.folders:
        joined[f"{folder.sequence.session}{folder.number}".replace("-", "")].add(folder.person)
    alike = sum(len(people) - 1 for people in joined.values())
    if alike:
        yield (
            f"People who are another one in the published loader: {alike:,}. It joins session and number with nothing "
            "between them; here they are different people."
        )


def check_names(root: Path, index: Index, report: Report) -> None:
    """Check what a name says against its folders, which decide; and that nothing else lies among the frames."""
    misplaced = list(misplaced_frames(index))
    if misplaced:
        report(
            f"{root / misplaced[0]}{one_of(misplaced, 'frames')} has the name of another person or day, expected those "
            "of its folders; compare the folder with the original."
        )
    foreign = [f"{folder.path}/{name}" for folder in index.folders for name in folder.foreign]
    if foreign:
        report(
            f"{root / foreign[0]}{one_of(foreign, 'files')} is not read, expected frames *{ENDING} alone; rename or "
            "delete it."
        )


def check_leftovers(root: Path, index: Index, report: Report) -> None:
    """Report what a file manager left behind in the sequences; reading leaves it out."""
    crops = root / find_crops(root)
    sequences = {name for division in index.divisions for name in division.sequences}
    for name in sorted(sequences):
        for folder, inner, files in os.walk(crops / name):
            for left in sorted(filter(is_leftover, (*inner, *files))):
                report(f"{Path(folder) / left} was left by a file manager; delete it.")
