"""Verifying a whole LS-VID tree: its counts beside the published ones, every fault as a sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from vreid_bench import JUNK, Tracklet, Verification
from vreid_plugins.datasets.census import Census, counts, persons, unmatched
from vreid_plugins.datasets.faults import Report, also
from vreid_plugins.datasets.ls_vid_index import FRAMES, LISTS, load, numbers

# Li et al., ICCV 2019, table 1 and section 5.1; the validation part is what its tables leave over
PUBLISHED = {
    "cameras": 15,
    "train tracklets": 2831,
    "train identities": 842,
    "train frames": 550419,
    "val tracklets": 779,
    "val identities": 200,
    "val frames": 155191,
    "test tracklets": 11333,
    "test identities": 2730,
    "test frames": 2277075,
    "queries": 3504,
    "frames on disk": 2982685,
}


def verify(root: Path, decode: bool) -> Verification:
    """All counts and faults under `root`; of a line that cannot be used, neither counts nor frames."""
    problems: list[str] = []
    index = load(root, problems.append, parts=tuple(LISTS))
    whole = [tracklet for part in LISTS for tracklet in index.parts[part]]
    test = index.parts["test"]
    kept = [tracklet for tracklet in test if tracklet.pid != JUNK]
    asked = set(index.query)
    queries, apart = [test[row] for row in index.query], [t for row, t in enumerate(test) if row not in asked]
    found = dict(counts(index.parts)) | {
        "train tracklets under 48 frames": sum(len(t.frames) < 48 for t in index.parts["train"]),
        "junk": len(test) - len(kept),
        "queries": len(queries),
        "query identities": len(persons(queries)),
        "queries without a match, queries in the gallery": unmatched(queries, kept),
        "queries without a match, queries out of the gallery": unmatched(queries, apart),
    }
    check_names(root, whole, problems.append)
    census = Census(PUBLISHED, tuple(FRAMES.values()), frame_numbers)
    return census.verification(root, whole, found, problems, decode)


def frame_numbers(tracklet: Tracklet) -> list[int]:
    """The numbers of the frames, ascending."""
    return [numbers(frame)[-1] for frame in tracklet.frames]


def check_names(root: Path, tracklets: Sequence[Tracklet], report: Report) -> None:
    """Is every tracklet listed as the person whom the names of its frames begin with? The list decides.

    Lists may number persons anew: a difference that most tracklets share is no fault.
    """
    apart = {t.frames[0]: t.pid - numbers(t.frames[0])[0] for t in tracklets if t.pid != JUNK}
    if not apart:
        return
    usual, many = Counter(apart.values()).most_common(1)[0]
    others = [frame for frame, difference in apart.items() if difference != usual]
    if others and 2 * many > len(apart):
        named = numbers(others[0])[0]
        report(
            f"{root / others[0]} is listed as person {named + apart[others[0]]}{also(others, 'tracklets')}, wanted "
            f"{named + usual} as its name says; restore the lists."
        )
