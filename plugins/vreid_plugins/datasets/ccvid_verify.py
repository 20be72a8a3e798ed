"""Verifying a whole CCVID tree: its counts beside the published ones, every fault as a sentence."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from vreid_bench import Tracklet, Verification
from vreid_plugins.datasets.ccvid_lists import FOLDER, SESSIONS, load, number
from vreid_plugins.datasets.census import Census, counts, unmatched
from vreid_plugins.datasets.faults import Report, also

# Gu et al., CVPR 2022, section 4; frames, outfits and sessions were counted on the published data by others
PUBLISHED = {
    "cameras": 24,
    "train tracklets": 948,
    "train identities": 75,
    "train frames": 118613,
    "train outfits": 159,
    "query tracklets": 834,
    "query identities": 151,
    "query frames": 116799,
    "gallery tracklets": 1074,
    "gallery identities": 151,
    "gallery frames": 112421,
    "test outfits": 321,
    "tracklets of session1": 1764,
    "tracklets of session2": 948,
    "tracklets of session3": 144,
    "frames on disk": 347833,
}


def verify(root: Path, decode: bool) -> Verification:
    """All counts and faults under `root`; of a line that cannot be used, neither counts nor frames."""
    problems: list[str] = []
    parts = load(root, problems.append)
    query, gallery = parts["query"], parts["gallery"]
    whole = [*parts["train"], *query, *gallery]
    found = dict(counts(parts)) | {
        "train outfits": outfits(parts["train"]),
        "test outfits": outfits([*query, *gallery]),
        "queries without a match": unmatched(query, gallery),
        "queries without a match in the same clothes": undressed(query, gallery, same=True),
        "queries without a match in other clothes": undressed(query, gallery, same=False),
    }
    for session in SESSIONS:
        found[f"tracklets of {session}"] = sum(t.frames[0].startswith(f"{session}/") for t in whole)
    check_folders(root, whole, problems.append)
    check_clothes(root, whole, problems.append)
    return Census(PUBLISHED, SESSIONS, numbers).verification(root, whole, found, problems, decode)


def numbers(tracklet: Tracklet) -> list[int]:
    """The numbers of the frames, ascending."""
    return [number(frame) for frame in tracklet.frames]


def outfits(tracklets: Sequence[Tracklet]) -> int:
    """How many clothes were worn; the same label is another outfit on another person."""
    return len({(t.pid, t.clothes) for t in tracklets})


def undressed(query: Sequence[Tracklet], gallery: Sequence[Tracklet], *, same: bool) -> int:
    """How many queries no tracklet of the gallery matches, from another camera and in the same or other clothes."""
    seen: dict[int, list[Tracklet]] = {}
    for tracklet in gallery:
        seen.setdefault(tracklet.pid, []).append(tracklet)
    return sum(
        not any(t.camid != q.camid and (t.clothes == q.clothes) == same for t in seen.get(q.pid, ())) for q in query
    )


def check_folders(root: Path, tracklets: Sequence[Tracklet], report: Report) -> None:
    """Is every folder named after the person whom the list gives? The list decides, but one of the two is wrong."""
    folders = [(t.pid, t.frames[0].rpartition("/")[0]) for t in tracklets]
    others = [(pid, path) for pid, path in folders if (m := FOLDER.fullmatch(path)) and int(m[2]) != pid]
    if others:
        pid, path = others[0]
        report(
            f"{root / path} is listed as person {pid}{also(others, 'folders')}, wanted the person in its name; restore "
            "the lists."
        )


def check_clothes(root: Path, tracklets: Sequence[Tracklet], report: Report) -> None:
    """Are all labels of clothes built alike? What is cut off would pass for clothes of its own."""
    forms = {t.frames[0].rpartition("/")[0]: (re.sub(r"\d+", "0", t.clothes), t.clothes) for t in tracklets}
    if not forms:
        return
    usual, many = Counter(form for form, _ in forms.values()).most_common(1)[0]
    others = [folder for folder, (form, _) in forms.items() if form != usual]
    if others and 2 * many > len(forms):
        report(
            f"{root / others[0]} is listed in clothes {forms[others[0]][1]!r}{also(others, 'folders')}, wanted a label "
            f"built as {usual!r}; restore the lists."
        )
