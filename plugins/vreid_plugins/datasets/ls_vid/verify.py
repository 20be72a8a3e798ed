"""Checking a whole LS-VID tree: its counts beside the published ones, every fault as a sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from vreid_bench import JUNK, DatasetCheck, Tracklet, person_ids
from vreid_plugins.datasets.count_check import CountCheck, count_unmatched, sightings
from vreid_plugins.datasets.fault_report import Report, one_of
from vreid_plugins.datasets.ls_vid.description import PUBLISHED
from vreid_plugins.datasets.ls_vid.index import FRAMES, LISTS, frame_numbers, load, name_fields

CHECK = CountCheck(PUBLISHED, tuple(FRAMES.values()), frame_numbers)


def verify(root: Path, decode: bool) -> DatasetCheck:
    """All counts and faults under `root`; a line that cannot be used is not counted, and its frames are not checked."""
    problems: list[str] = []
    index = load(root, problems.append, parts=tuple(LISTS))
    test = index.parts["test"]
    kept = [tracklet for tracklet in test if tracklet.pid != JUNK]
    asked = set(index.query)
    queries, apart = [test[row] for row in index.query], [t for row, t in enumerate(test) if row not in asked]
    seen = list(sightings(queries))
    own = {
        "train tracklets under 48 frames": sum(len(t.frames) < 48 for t in index.parts["train"]),
        "junk": len(test) - len(kept),
        "queries": len(queries),
        "query identities": len(person_ids(queries)),
        "queries without a match, queries in the gallery": count_unmatched(seen, sightings(kept)),
        "queries without a match, queries out of the gallery": count_unmatched(seen, sightings(apart)),
    }
    check_names(root, [tracklet for part in LISTS for tracklet in index.parts[part]], problems.append)
    return CHECK.finish(root, index.parts, own, problems, decode)


def check_names(root: Path, tracklets: Sequence[Tracklet], report: Report) -> None:
    """Check that every tracklet is listed as the person in the names of its frames; `read` follows the list.

    Lists may number persons anew: a difference that most tracklets share is not a fault.
    """
    apart = {t.name: int(t.person) - name_fields(t.name)[0] for t in tracklets if t.pid != JUNK}  # as listed
    if not apart:
        return
    usual, many = Counter(apart.values()).most_common(1)[0]
    others = [frame for frame, difference in apart.items() if difference != usual]
    if others and 2 * many > len(apart):
        named = name_fields(others[0])[0]
        report(
            f"{root / others[0]} is listed as person {named + apart[others[0]]}{one_of(others, 'tracklets')}, expected "
            f"{named + usual} as its name says; restore the lists."
        )
