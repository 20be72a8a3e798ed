"""Checking a whole MEVID tree: its counts beside the published ones, every fault as a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vreid_bench import DatasetCheck, Tracklet, person_ids
from vreid_plugins.datasets.count_check import CountCheck, count_unmatched, sightings
from vreid_plugins.datasets.mevid.description import DESCRIPTION
from vreid_plugins.datasets.mevid.index import FRAMES, frame_numbers, load

CHECK = CountCheck(DESCRIPTION.counts, tuple(FRAMES.values()), frame_numbers, DESCRIPTION.uncertain)


def verify(root: Path, decode: bool) -> DatasetCheck:
    """All counts and faults under `root`; rows that cannot be used are not counted, and their frames not checked."""
    problems: list[str] = []
    index = load(root, problems.append)
    parts = index.parts
    own = {
        "train outfits": count_outfits(parts["train"]),
        "test outfits": count_outfits(parts["test"]),
        "queries": len(index.query),
        "query identities": len(person_ids(index.query)),
        "gallery": len(index.gallery),
        "queries without a match": count_unmatched(sightings(index.query), sightings(index.gallery)),
    }
    for name, value in (("place", "indoor"), ("place", "outdoor"), ("scale", "large"), ("scale", "medium")):
        own[f"test tracklets of {name} {value}"] = sum(t.attribute(name) == value for t in parts["test"])
    check = CHECK.finish(root, parts, own, problems, decode)
    return check._replace(notes=(*index.notes, *check.notes))


def count_outfits(tracklets: Sequence[Tracklet]) -> int:
    """How many outfits were worn; the same number is another outfit on another person."""
    return len({(t.pid, t.attribute("outfit")) for t in tracklets})
