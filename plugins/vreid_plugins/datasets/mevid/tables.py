"""The text files of MEVID beside its lists of names: rows of tracklets, queries, and how large people are seen."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from vreid_plugins.datasets.fault_report import Report, one_of
from vreid_plugins.datasets.mevid.names import LENGTH, STEM
from vreid_plugins.datasets.name_lists import Integers

ORIGIN = "copy it again from where MEVID is published (repository Kitware/MEVID)"
SCALES = {"l": "large", "m": "medium"}


def read_lines(path: Path, report: Report) -> list[str]:
    """The lines of a text file; empty if it cannot be used."""
    try:
        lines = path.read_text(encoding="utf-8-sig").rstrip().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        report(f"{path} cannot be read as UTF-8 text ({error}); copy it again.")
        return []
    if not lines:
        report(f"{path} is empty; {ORIGIN}.")
    return lines


def read_numbers(path: Path, columns: int, example: str, report: Report) -> Integers | None:
    """A table [N, columns] of whole numbers, which the published files write as floats; None if it cannot be used."""
    lines, rows = read_lines(path, report), []
    for place, line in enumerate(lines, start=1):
        row = [whole_number(cell) for cell in line.split()]
        values = [value for value in row if value is not None]
        if len(row) != columns or len(values) != columns:
            report(
                f"{path}, line {place}: found {line!r}, expected {columns} whole numbers as in {example!r}; restore "
                "the published file."
            )
            return None
        rows.append(values)
    return np.array(rows, np.int64) if rows else None


def whole_number(cell: str) -> int | None:
    """The whole number that a cell such as 103 or 1.03e+02 holds; None for anything else."""
    try:
        value = float(cell)
    except ValueError:
        return None
    return int(value) if math.isfinite(value) and abs(value) < 2**53 and value == int(value) else None


def read_scales(path: Path, report: Report) -> Mapping[str, str]:
    """Beginning of a tracklet's names -> how large the person is seen: `large` or `medium`; empty without the file.

    Each row names the last frame of a tracklet. The published list has one row fewer than there are tracklets, so that
    a row is found by its name and never by its number.
    """
    if not path.exists():
        return {}
    scales: dict[str, str] = {}
    twice = []
    for place, line in enumerate(read_lines(path, report), start=1):
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
