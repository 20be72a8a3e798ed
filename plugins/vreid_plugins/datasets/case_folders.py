"""Data sets in cases: folders of tracklets by person, in `train` and on both sides of each case."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from vreid_bench import Split, Tracklet
from vreid_plugins.datasets.count_check import check_disjoint
from vreid_plugins.datasets.fault_report import Report, one_of
from vreid_plugins.datasets.folders import Listing, check_layout

CASES = {  # what is searched where, and the folder of the case
    "aerial-to-ground": "case1_aerial_to_ground",
    "ground-to-aerial": "case2_ground_to_aerial",
    "aerial-to-aerial": "case3_aerial_to_aerial",
}
WHOLE = "all-cases"  # the variant of a reader that has the test of every case, told apart by the attribute CASE
CASE = "case"
SIDES = ("query", "gallery")
TRAIN = "train"

Parts = Mapping[str, tuple[Tracklet, ...]]  # of `train`, and of each side of each case as `name_part` has it
Numbers = tuple[int, ...]


class FrameName(NamedTuple):
    """What the name of a frame says."""

    order: Numbers  # grows with time within a tracklet
    camid: int
    camera: str  # the camera, as the names have it
    attributes: tuple[tuple[str, str], ...]


class CaseLayout(NamedTuple):
    """What differs between data sets in such folders."""

    cases: tuple[str, ...]  # of CASES
    parse: Callable[[str], FrameName | None]  # the name of a frame without its ending
    example: str
    origin: str  # where to get the data set, for the middle of a sentence

    @property
    def folders(self) -> dict[str, str]:
        """Name of a part -> its folder."""
        sides = {name_part(case, side): f"{CASES[case]}/{side}" for case in self.cases for side in SIDES}
        return {TRAIN: TRAIN, **sides}


@dataclass(frozen=True)
class CaseIndex:
    """All tracklets below the folders; a part that cannot be used is empty."""

    parts: Parts
    masking: str = ""  # why the test identities are not the true ones; empty if nothing shows it
    notes: tuple[str, ...] = ()


def name_part(case: str, side: str) -> str:
    """What one side of a case is called in counts: `case1 query`."""
    return f"{CASES[case].partition('_')[0]} {side}"


def read_parts(root: Path, layout: CaseLayout, report: Report, notes: list[str]) -> Parts:
    """The tracklets of each part; every fault goes to `report`, what is no fault to `notes`. No frame is opened."""
    if not check_layout(root, layout.folders.values(), (), layout.origin, report):
        return dict.fromkeys(layout.folders, ())
    listing, empty = Listing(root), list[str]()
    parts = {part: tuple(_read_part(listing, folder, layout, report, empty)) for part, folder in layout.folders.items()}
    if empty:
        notes.append(f"{len(empty):,} folders of tracklets without a frame are left out, such as {empty[0]}.")
    tested = [tracklet for part, tracklets in parts.items() if part != TRAIN for tracklet in tracklets]
    check_disjoint(parts[TRAIN], tested, root, report)
    return parts


def _read_part(
    listing: Listing, folder: str, layout: CaseLayout, report: Report, empty: list[str]
) -> Iterator[Tracklet]:
    """The tracklets below a folder, in order of the numbers of people and of tracklets."""
    people = listing.folders(folder)
    if not people:
        state = "cannot be listed" if people is None else "holds no person"
        report(f"{listing.root / folder} {state}, expected folders such as 0012/tracklet_345; {layout.origin}.")
        return
    strange = [person for person in people if not (person.isascii() and person.isdecimal())]
    if strange:
        report(
            f"{listing.root / folder} holds the folder {strange[0]!r}{one_of(strange, 'folders')}, expected the number "
            f"of a person; {layout.origin}."
        )
        return
    for one, other in pairwise(people):  # sorted by their numbers
        if int(one) == int(other):
            report(f"{listing.root / folder} holds the folders {one} and {other}, expected one for each person; merge.")
            return
    found = 0
    for person in people:
        for name in listing.folders(f"{folder}/{person}") or ():
            tracklet = _read_tracklet(listing, f"{folder}/{person}/{name}", person, layout, report, empty)
            if tracklet is not None:
                found += 1
                yield tracklet
    if not found:
        report(f"{listing.root / folder} holds no tracklet; {layout.origin}.")


def _read_tracklet(
    listing: Listing, folder: str, person: str, layout: CaseLayout, report: Report, empty: list[str]
) -> Tracklet | None:
    """The tracklet in a folder, its frames in order of time; None if it has none or cannot be used."""
    names = listing.images(folder)
    if not names:
        if names is None:
            report(f"{listing.root / folder} cannot be listed; make it readable.")
        empty.append(folder)
        return None
    read = {name: layout.parse(name.rpartition(".")[0]) for name in names}
    foreign = [name for name, known in read.items() if known is None]
    if foreign:
        report(
            f"{listing.root / folder} holds {foreign[0]}{one_of(foreign, 'files')}, expected frame names such as "
            f"{layout.example}; {layout.origin}."
        )
        return None
    known = sorted((parsed, name) for name, parsed in read.items() if parsed is not None)
    again = [name for (one, _), (other, name) in pairwise(known) if one.order == other.order]
    if again:
        report(
            f"{listing.root / folder} holds {again[0]}, which has the number of another file{one_of(again, 'files')}; "
            f"{layout.origin}."
        )
        return None
    first = known[0][0]
    others = [name for parsed, name in known if parsed.camid != first.camid]
    if others:
        report(
            f"{listing.root / folder} holds {others[0]}{one_of(others, 'files')} besides frames of camera "
            f"{first.camera}, expected the frames of one camera; {layout.origin}."
        )
        return None
    shared = set(first.attributes).intersection(*(parsed.attributes for parsed, _ in known))
    return Tracklet(
        tuple(f"{folder}/{name}" for _, name in known),
        int(person) + 1,  # people count from 0, which here is nobody
        first.camid,
        tuple(pair for pair in first.attributes if pair in shared),
        person=person,
        camera=first.camera,
    )


def make_split(parts: Parts, layout: CaseLayout, variant: str) -> Split:
    """The split of one case, or with the variant WHOLE that of all, where each test tracklet tells its case."""
    if variant != WHOLE:
        query, gallery = (parts[name_part(variant, side)] for side in SIDES)
        return Split.apart(parts[TRAIN], query, gallery)
    sides: dict[str, list[Tracklet]] = {side: [] for side in SIDES}
    for case in layout.cases:
        for side, tracklets in sides.items():
            tracklets += (t._replace(attributes=((CASE, case), *t.attributes)) for t in parts[name_part(case, side)])
    return Split.apart(parts[TRAIN], tuple(sides["query"]), tuple(sides["gallery"]))


def variants_of(cases: Sequence[str]) -> tuple[str, ...]:
    """The variants of a reader with these cases."""
    return (WHOLE, *cases)


def place_frames(tracklet: Tracklet) -> range:
    """The places of the frames: their numbers are those of a whole video, so that a gap tells nothing."""
    return range(1, len(tracklet.frames) + 1)


def check_platforms(
    root: Path, parts: Parts, layout: CaseLayout, sees_from: Callable[[Tracklet], str], report: Report
) -> None:
    """Check that each side of a case is seen from where its name says.

    sees_from: `aerial` or `ground`, or empty where that is not known of a tracklet.
    """
    words = {"aerial": "in the air", "ground": "on the ground"}
    for case in layout.cases:
        for side, expected in zip(SIDES, case.split("-to-"), strict=True):
            wrong = [t for t in parts[name_part(case, side)] if sees_from(t) not in ("", expected)]
            if wrong:
                report(
                    f"{root / wrong[0].name}: camera {wrong[0].camera_name} is not {words[expected]}"
                    f"{one_of(wrong, 'tracklets')}, expected such cameras alone there; {layout.origin}."
                )


def group_cases(parts: Parts, layout: CaseLayout) -> dict[str, tuple[tuple[Tracklet, ...], tuple[Tracklet, ...]]]:
    """Case -> its queries and its gallery."""
    return {case: (parts[name_part(case, "query")], parts[name_part(case, "gallery")]) for case in layout.cases}


def explain_strangers(parts: Parts, layout: CaseLayout) -> str:
    """Why the ids of a test cannot be those of its people, as a sentence; empty if nothing shows it."""
    for case, (query, gallery) in group_cases(parts, layout).items():
        asked, ranked = {t.pid for t in query}, {t.pid for t in gallery}
        if asked and ranked and not asked & ranked:
            return f"Its test identities are masked: in {CASES[case]}, nobody of the queries is in the gallery."
        if len(query) > 1 and len(gallery) > 1 and len(asked | ranked) == 1:
            return f"Its test identities are masked: in {CASES[case]}, everybody has one id."
    return ""
