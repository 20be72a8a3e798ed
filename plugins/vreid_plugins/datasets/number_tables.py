"""Text files of whole numbers, a row a line: reading them, with every fault as a sentence."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from vreid_plugins.datasets.fault_report import Report
from vreid_plugins.datasets.name_lists import Integers
from vreid_plugins.datasets.text_lines import read_lines


def read_numbers(path: Path, example: str, origin: str, report: Report) -> Integers | None:
    """A table [N, columns of `example`] of whole numbers, which may be written as floats; None if it cannot be used."""
    lines, columns, rows = read_lines(path, f"rows such as {example!r}; {origin}", report), len(example.split()), []
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
