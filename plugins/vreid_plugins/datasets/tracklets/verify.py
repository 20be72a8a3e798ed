"""Checking your own tracklets: what the list holds, and every fault as a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from vreid_bench import Count, DatasetCheck
from vreid_plugins.datasets.count_check import count_unmatched
from vreid_plugins.datasets.frame_check import check_frames
from vreid_plugins.datasets.tracklets.index import SPECIAL, SPLITS, Row, load


def verify(root: Path, decode: bool) -> DatasetCheck:
    """All counts and faults under `root`; nothing is published to compare the counts with."""
    problems: list[str] = []
    rows = load(root, problems.append)
    if not rows:
        return DatasetCheck("unverified", (), tuple(problems))  # zeros would hide the fault
    listed = (frame for row in rows for frame in row.frames)
    on_disk = check_frames(root, listed, problems.append, decode)
    counts = [Count(what, found, None) for what, found in count_rows(rows)]
    queries, gallery = ([(r.pid, r.camid) for r in rows if r.split == name] for name in ("query", "gallery"))
    counts.append(Count("queries without a match among the gallery rows", count_unmatched(queries, gallery), None))
    counts.append(Count("frames on disk", on_disk, None))
    return DatasetCheck("unverified", tuple(counts), tuple(problems))


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
