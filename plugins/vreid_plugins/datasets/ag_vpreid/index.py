"""The folders of AG-VPReID and its tables: reading them, and every check that opens no frame."""

from __future__ import annotations

from pathlib import Path

from vreid_bench import Tracklet
from vreid_plugins.datasets.ag_vpreid.attributes import add_attributes, explain_masking, read_tables
from vreid_plugins.datasets.ag_vpreid.names import EXAMPLE, PLATFORMS, parse_name
from vreid_plugins.datasets.case_folders import (
    SIDES,
    CaseIndex,
    CaseLayout,
    check_platforms,
    explain_strangers,
    name_part,
    read_parts,
)
from vreid_plugins.datasets.fault_report import Report

LAYOUT = CaseLayout(
    ("aerial-to-ground", "ground-to-aerial"),
    parse_name,
    EXAMPLE,
    "copy it again from where AG-VPReID is published (repository agvpreid25/AG-VPReID)",
)


def load(root: Path, report: Report) -> CaseIndex:
    """Read and check all folders and tables under `root`; no frame is opened."""
    notes: list[str] = []
    parts = read_parts(root, LAYOUT, report, notes)
    check_platforms(root, parts, LAYOUT, sees_from, report)
    tables = read_tables(root, LAYOUT.folders, report)
    sides = {case: (name_part(case, SIDES[0]), name_part(case, SIDES[1])) for case in LAYOUT.cases}
    masking = explain_masking(tables, sides) or explain_strangers(parts, LAYOUT)
    told = [names for names in sides.values() if all(name in tables for name in names)]
    if not masking and not told:
        notes.append(
            "There are no tables of attributes for both sides of a case, so that it cannot be told whether the test "
            "identities of this copy are masked, as those of the challenge's copy are; scores of such a copy mean "
            "nothing."
        )
    unknown = sum(t.camid not in PLATFORMS for tracklets in parts.values() for t in tracklets)
    if unknown:
        notes.append(f"{unknown:,} tracklets are of a camera whose platform is not known.")
    return CaseIndex(add_attributes(parts, tables, notes), masking, tuple(notes))


def sees_from(tracklet: Tracklet) -> str:
    """`aerial` or `ground`; empty for a camera whose platform is not known."""
    platform = tracklet.attribute("platform")
    return platform and ("aerial" if platform == "uav" else "ground")
