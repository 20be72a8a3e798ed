"""The folders of DetReIDX: reading them, and every check that opens no frame."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vreid_bench import Tracklet
from vreid_plugins.datasets.case_folders import (
    CASES,
    TRAIN,
    CaseIndex,
    CaseLayout,
    check_platforms,
    explain_strangers,
    read_parts,
)
from vreid_plugins.datasets.detreidx.names import EXAMPLE, named_person, parse_name
from vreid_plugins.datasets.fault_report import Report, ignore, one_of

LAYOUT = CaseLayout(
    tuple(CASES),
    parse_name,
    EXAMPLE,
    "copy it again from where DetReIDX is published (repository kailashhambarde/DetReIDX)",
)
SHARE = 0.25  # of tracklets whose names tell another person than their folder: more than are misplaced


def load(root: Path, report: Report) -> CaseIndex:
    """Read and check all folders under `root`; no frame is opened."""
    notes: list[str] = []
    parts = read_parts(root, LAYOUT, report, notes)
    check_platforms(root, parts, LAYOUT, sees_from, report)
    tested = [tracklet for part, tracklets in parts.items() if part != TRAIN for tracklet in tracklets]
    masking = explain_strangers(parts, LAYOUT)
    renamed = find_renamed(root, tested, ignore if masking else report)
    if found := find_renamed(root, parts[TRAIN], report):
        notes.append(f"The names of {found:,} training tracklets tell another person than their folder, which is read.")
    if renamed and not masking:
        masking = (
            f"Its test identities are masked: the names of {renamed:,} of {len(tested):,} test tracklets tell another "
            "person than their folder."
        )
    return CaseIndex(parts, masking, tuple(notes))


def sees_from(tracklet: Tracklet) -> str:
    """`aerial` or `ground`."""
    return "ground" if tracklet.camid == 0 else "aerial"


def find_renamed(root: Path, tracklets: Sequence[Tracklet], report: Report) -> int:
    """How many tracklets have names that tell another person than their folder, if it is a share of them all.

    A few of them are in a wrong folder, which goes to `report`; then there are 0.
    """
    wrong = [t for t in tracklets if named_person(t.name) != int(t.person)]
    if len(wrong) >= SHARE * len(tracklets):
        return len(wrong)
    if wrong:
        report(
            f"{root / wrong[0].name}: its name tells another person than its folder{one_of(wrong, 'tracklets')}, "
            f"expected person {int(wrong[0].person)}; {LAYOUT.origin}."
        )
    return 0
