"""Checking a whole AG-VPReID tree: its counts beside the published ones, every fault as a sentence."""

from __future__ import annotations

from pathlib import Path

from vreid_bench import DatasetCheck
from vreid_plugins.datasets.ag_vpreid.description import DESCRIPTION
from vreid_plugins.datasets.ag_vpreid.index import LAYOUT, load
from vreid_plugins.datasets.case_folders import group_cases, place_frames
from vreid_plugins.datasets.count_check import CountCheck, count_unmatched, sightings

CHECK = CountCheck(DESCRIPTION.counts, tuple(LAYOUT.folders.values()), place_frames, DESCRIPTION.uncertain)


def verify(root: Path, decode: bool) -> DatasetCheck:
    """All counts and faults under `root`; folders that cannot be used are not counted, and their frames not checked."""
    problems: list[str] = []
    index = load(root, problems.append)
    own = {
        f"queries without a match, {case}": count_unmatched(sightings(query), sightings(gallery))
        for case, (query, gallery) in group_cases(index.parts, LAYOUT).items()
    }
    for platform in ("cctv", "wearable", "uav"):
        tracklets = [t for part in index.parts.values() for t in part]
        own[f"tracklets of platform {platform}"] = sum(t.attribute("platform") == platform for t in tracklets)
    check = CHECK.finish(root, index.parts, own, problems, decode)
    return check._replace(notes=(*index.notes, *check.notes))
