"""Checking a whole DetReIDX tree: its counts beside the published ones, every fault as a sentence."""

from __future__ import annotations

from pathlib import Path

from vreid_bench import DatasetCheck, person_ids
from vreid_plugins.datasets.case_folders import group_cases, place_frames
from vreid_plugins.datasets.count_check import CountCheck, count_unmatched, sightings
from vreid_plugins.datasets.detreidx.description import DESCRIPTION
from vreid_plugins.datasets.detreidx.index import LAYOUT, load
from vreid_plugins.datasets.detreidx.names import POINTS

CHECK = CountCheck(DESCRIPTION.counts, tuple(LAYOUT.folders.values()), place_frames, DESCRIPTION.uncertain)
PERHAPS = (
    "The copy of the challenge is anonymized; whether the test identities of this copy are the true ones cannot be "
    "told."
)


def verify(root: Path, decode: bool) -> DatasetCheck:
    """All counts and faults under `root`; folders that cannot be used are not counted, and their frames not checked."""
    problems: list[str] = []
    index = load(root, problems.append)
    tracklets = [tracklet for part in index.parts.values() for tracklet in part]
    own = {"identities": len(person_ids(tracklets)), "tracklets": len(tracklets)}
    for case, (query, gallery) in group_cases(index.parts, LAYOUT).items():
        own[f"queries without a match, {case}"] = count_unmatched(sightings(query), sightings(gallery))
    for point in (*map(str, range(1, 1 + len(POINTS))), "other", "ground"):
        own[f"tracklets of flight point {point}"] = sum(t.attribute("flight-point") == point for t in tracklets)
    check = CHECK.finish(root, index.parts, own, problems, decode)
    doubt = () if index.masking or check.source == "synthetic" or problems else (PERHAPS,)
    return check._replace(notes=(*index.notes, *doubt, *check.notes))
