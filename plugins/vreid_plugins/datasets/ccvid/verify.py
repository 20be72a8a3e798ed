"""Checking a whole CCVID tree: its counts beside the published ones, every fault as a sentence."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from vreid_bench import DatasetCheck, Tracklet
from vreid_plugins.datasets.ccvid.description import PUBLISHED
from vreid_plugins.datasets.ccvid.index import FOLDER, SESSIONS, frame_numbers, load
from vreid_plugins.datasets.count_check import CountCheck, count_unmatched, sightings
from vreid_plugins.datasets.fault_report import Report, one_of

CHECK = CountCheck(PUBLISHED, SESSIONS, frame_numbers)


def verify(root: Path, decode: bool) -> DatasetCheck:
    """All counts and faults under `root`; a line that cannot be used is not counted, and its frames are not checked."""
    problems: list[str] = []
    parts = load(root, problems.append)
    query, gallery = parts["query"], parts["gallery"]
    whole = [*parts["train"], *query, *gallery]
    own = {
        "train outfits": count_outfits(parts["train"]),
        "test outfits": count_outfits([*query, *gallery]),
        "queries without a match": count_unmatched(sightings(query), sightings(gallery)),
        "queries without a match in the same clothes": count_unmatched_by_clothes(query, gallery, same=True),
        "queries without a match in other clothes": count_unmatched_by_clothes(query, gallery, same=False),
    }
    for session in SESSIONS:
        own[f"tracklets of {session}"] = sum(t.frames[0].startswith(f"{session}/") for t in whole)
    check_folders(root, whole, problems.append)
    check_clothes(root, whole, problems.append)
    return CHECK.finish(root, parts, own, problems, decode)


def count_outfits(tracklets: Sequence[Tracklet]) -> int:
    """How many outfits were worn; the same label is another outfit on another person."""
    return len({(t.pid, outfit_of(t)) for t in tracklets})


def count_unmatched_by_clothes(query: Sequence[Tracklet], gallery: Sequence[Tracklet], *, same: bool) -> int:
    """How many queries have no tracklet of their person from another camera in the same, or in other, clothes."""
    seen: dict[int, list[Tracklet]] = {}
    for tracklet in gallery:
        seen.setdefault(tracklet.pid, []).append(tracklet)
    return sum(
        not any(t.camid != q.camid and (outfit_of(t) == outfit_of(q)) == same for t in seen.get(q.pid, ()))
        for q in query
    )


def outfit_of(tracklet: Tracklet) -> str:
    """The label of what is worn."""
    return tracklet.attribute("outfit")


def check_folders(root: Path, tracklets: Sequence[Tracklet], report: Report) -> None:
    """Check that every folder has the person in its name who is in the list; `read` follows the list."""
    folders = [(t, t.name.rpartition("/")[0]) for t in tracklets]
    others = [(t, path) for t, path in folders if (match := FOLDER.fullmatch(path)) and int(match[2]) != t.pid]
    if others:
        tracklet, path = others[0]
        report(
            f"{root / path} is listed as person {tracklet.person}{one_of(others, 'folders')}, expected the person "
            "in its name; restore the lists."
        )


def check_clothes(root: Path, tracklets: Sequence[Tracklet], report: Report) -> None:
    """Check that all labels of clothes have the same form: a label that was cut would look like other clothes."""
    forms = {t.name.rpartition("/")[0]: (re.sub(r"\d+", "0", outfit_of(t)), outfit_of(t)) for t in tracklets}
    if not forms:
        return
    usual, many = Counter(form for form, _ in forms.values()).most_common(1)[0]
    example = next(label for form, label in forms.values() if form == usual)
    others = [folder for folder, (form, _) in forms.items() if form != usual]
    if others and 2 * many > len(forms):
        report(
            f"{root / others[0]} is listed in clothes {forms[others[0]][1]!r}{one_of(others, 'folders')}, expected a "
            f"label such as {example!r}; restore the lists."
        )
