"""Checking a whole HITSZ-VCM tree: its counts beside the published ones, every fault as a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vreid_bench import DatasetCheck, Tracklet, person_ids
from vreid_plugins.datasets.count_check import CountCheck, count_unmatched, sightings
from vreid_plugins.datasets.fault_report import Report, one_of
from vreid_plugins.datasets.hitsz_vcm.description import DESCRIPTION
from vreid_plugins.datasets.hitsz_vcm.index import INFRARED, VISIBLE, Index, find_foreign, load
from vreid_plugins.datasets.hitsz_vcm.layout import QUERY_FILE
from vreid_plugins.datasets.hitsz_vcm.reader import LEAST


def verify(root: Path, decode: bool) -> DatasetCheck:
    """All counts and faults under `root`; rows that cannot be used are not counted, and their frames not checked."""
    problems: list[str] = []
    index = load(root, problems.append)
    check_modalities(root, index, problems.append)
    check_strangers(root, index, problems.append)
    check = CountCheck(DESCRIPTION.counts, index.tops, number_frames, DESCRIPTION.uncertain)
    found = check.finish(root, index.parts, count_own(index), problems, decode)
    return found._replace(notes=(*index.notes, *found.notes))


def number_frames(tracklet: Tracklet) -> Sequence[int]:
    """Numbers without a gap: the published frames are some of a video's, so that gaps in their names tell nothing."""
    return range(1, len(tracklet.frames) + 1)


def count_own(index: Index) -> dict[str, int]:
    """The roles, the modalities, and what is left of tracklets of LEAST frames or more."""
    sides = {"queries": index.query, "gallery": index.gallery if index.query else ()}
    query, gallery = ([index.test[place] for place in places] for places in sides.values())
    parts = {"train tracklets": index.train, "queries": query, "gallery": gallery}
    long = {name: [t for t in tracklets if len(t.frames) >= LEAST] for name, tracklets in parts.items()}
    own = {"queries": len(query), "query identities": len(person_ids(query)), "gallery": len(gallery)}
    for part, tracklets in index.parts.items():
        for value in (INFRARED, VISIBLE):
            own[f"{part} tracklets of modality {value}"] = sum(t.attribute("modality") == value for t in tracklets)
    own |= {f"{name} of {LEAST} frames or more": len(tracklets) for name, tracklets in long.items()}
    own["queries without a match"] = count_unmatched(sightings(query), sightings(gallery))
    left = count_unmatched(sightings(long["queries"]), sightings(long["gallery"]))
    return own | {f"queries without a match, of {LEAST} frames or more": left}


def check_modalities(root: Path, index: Index, report: Report) -> None:
    """Check that the queries are the infrared tracklets of the test part and no others."""
    visible, infrared = find_foreign(index)
    wrong = (
        (visible, "is visible and listed as a query"),
        (infrared, "is infrared and not listed as a query"),
    )
    for places, what in wrong:
        if places:
            report(
                f"{root / index.test[places[0]].name}: its tracklet {what}{one_of(places, 'tracklets')}, expected the "
                f"infrared ones in {QUERY_FILE}; restore the published file."
            )


def check_strangers(root: Path, index: Index, report: Report) -> None:
    """Check that no folder of a person lies at the root that no list names."""
    if not index.tops:
        return
    folders = sorted(path.name for path in root.iterdir() if path.is_dir() and path.name.isdecimal())
    for name in folders:
        if name not in index.tops:
            report(f"{root / name} is a folder that no list names; delete it or restore the lists.")
