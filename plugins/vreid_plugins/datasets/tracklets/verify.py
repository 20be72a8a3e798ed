"""Checking your own tracklets: what the list holds, and every fault as a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from vreid_bench import Count, DatasetCheck
from vreid_plugins.datasets.count_check import find_unmatched
from vreid_plugins.datasets.frame_check import check_frames
from vreid_plugins.datasets.tracklets.index import SPECIAL, SPLITS, Row, load

UNMATCHED = "queries without a match among the gallery rows"
NAMED = 3  # of them in a note


def verify(root: Path, decode: bool) -> DatasetCheck:
    """All counts and faults under `root`; nothing is published to compare the counts with."""
    problems: list[str] = []
    rows = load(root, problems.append)
    if not rows:
        return DatasetCheck("unverified", (), tuple(problems))  # zeros would hide the fault
    listed = (frame for row in rows for frame in row.frames)
    on_disk = check_frames(root, listed, problems.append, decode)
    counts = [Count(what, found, None) for what, found in count_rows(rows)]
    unmatched = list_unmatched(rows)
    counts.append(Count(UNMATCHED, len(unmatched), None))
    counts.append(Count("frames on disk", on_disk, None))
    notes = (name_unmatched(unmatched),) if unmatched else ()
    return DatasetCheck("unverified", tuple(counts), tuple(problems), notes)


def count_rows(rows: list[Row]) -> Iterator[tuple[str, int]]:
    """What the list holds."""
    for name in SPLITS:
        chosen = [row for row in rows if row.split == name]
        yield f"{name} tracklets", len(chosen)
        yield f"{name} identities", len({row.pid for row in chosen} - set(SPECIAL))
        yield f"{name} frames", sum(len(row.frames) for row in chosen)
    yield "gallery with the query rows", sum(row.split != "train" for row in rows)  # as `make_split` lists it
    yield "junk", sum(row.pid == "-1" for row in rows)
    yield "distractors", sum(row.pid == "0" and row.split != "train" for row in rows)
    if strangers := sum(row.pid == "0" and row.split == "train" for row in rows):
        yield "unlabelled train tracklets", strangers
    yield "cameras", len({row.camid for row in rows})
    lengths = [len(row.frames) for row in rows]
    yield "shortest tracklet", min(lengths, default=0)
    yield "longest tracklet", max(lengths, default=0)


def list_unmatched(rows: list[Row]) -> list[Row]:
    """The queries whose person no other camera saw in a gallery row."""
    queries, gallery = ([row for row in rows if row.split == name] for name in ("query", "gallery"))
    sides = [[(row.pid, row.camid) for row in side] for side in (queries, gallery)]
    return [queries[place] for place in find_unmatched(*sides)]


def name_unmatched(unmatched: list[Row]) -> str:
    """Who they are, as a sentence; of many the first few."""
    named = [f"{row.pid} in {row.camid} (line {row.line})" for row in unmatched[:NAMED]]
    more = [f"{len(unmatched) - NAMED:,} more"] if len(unmatched) > NAMED else []
    return f"{UNMATCHED}, as none shows the person in another camera: {', '.join([*named, *more])}"
