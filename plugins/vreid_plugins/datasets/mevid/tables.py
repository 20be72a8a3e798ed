"""The list beside MEVID's index that says how large people are seen."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from vreid_plugins.datasets.fault_report import Report, one_of
from vreid_plugins.datasets.mevid.names import LENGTH, STEM
from vreid_plugins.datasets.text_lines import read_lines

ORIGIN = "copy it again from where MEVID is published (repository Kitware/MEVID)"
SCALES = {"l": "large", "m": "medium"}


def read_scales(path: Path, report: Report) -> Mapping[str, str]:
    """Beginning of a tracklet's names -> how large the person is seen: `large` or `medium`; empty without the file.

    Each row names the last frame of a tracklet. The published list has one row fewer than there are tracklets, so that
    a row is found by its name and never by its number.
    """
    if not path.exists():
        return {}
    scales: dict[str, str] = {}
    twice = []
    for place, line in enumerate(read_lines(path, f"a row for each tracklet; {ORIGIN}", report), start=1):
        cells = line.split()
        if len(cells) != 2 or len(cells[0]) != LENGTH or cells[1] not in SCALES:
            report(
                f"{path}, line {place}: found {line!r}, expected a frame and l or m as in '0201O003C330T004F00855.jpg "
                "l'; restore the published file."
            )
            continue
        if cells[0][:STEM] in scales:
            twice.append(cells[0])
        scales[cells[0][:STEM]] = SCALES[cells[1]]
    if twice:
        report(f"{path}: the tracklet of {twice[0]} is listed twice{one_of(twice, 'rows')}; delete one of the rows.")
    return scales
