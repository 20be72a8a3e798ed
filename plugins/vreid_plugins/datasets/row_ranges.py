"""Rows of an index that give each tracklet a range of lines in a list of frame names: the checks of both."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vreid_plugins.datasets.fault_report import Report, one_of
from vreid_plugins.datasets.name_lists import Integers


class Lists(NamedTuple):
    """The two files of one part."""

    names: Path
    tracks: Path  # its first two columns are the first and the last line of a tracklet, inclusive
    first: int = 1  # the number of the first line
    sparse: bool = False  # may a row have no line, and a line no row?


def check_ranges(lists: Lists, rows: Integers, count: int, report: Report) -> bool:
    """Check that the ranges of `rows` [N, 2 or more] are those of `count` names, one after the other.

    Every name is in exactly one range, or in at most one if the lists are sparse.
    """
    path, first, last = lists.tracks, rows[:, 0], rows[:, 1]
    restore = "; restore the published file."
    if first[0] != lists.first and not (lists.sparse and first[0] > lists.first):
        hint = f" (the index seems to count from {first[0]})" if first[0] == 1 - lists.first else ""
        report(f"{path}, row 1: starts at line {first[0]}, expected line {lists.first}{hint}{restore}")
        return False
    bad = np.flatnonzero(first > last + lists.sparse)
    if len(bad):
        row = bad[0]
        report(
            f"{path}, row {row + 1}: starts at line {first[row]} and ends at line {last[row]}{one_of(bad, 'rows')}, "
            f"expected start <= end{restore}"
        )
        return False
    gap = first[1:] != last[:-1] + 1
    bad = np.flatnonzero(gap & (first[1:] <= last[:-1]) if lists.sparse else gap) + 1
    if len(bad):
        row = bad[0]
        what = "overlaps" if first[row] <= last[row - 1] else "leaves a gap after"
        report(
            f"{path}, row {row + 1}: starts at line {first[row]} and so {what} row {row}, which ends at line "
            f"{last[row - 1]}{one_of(bad, 'rows')}, expected ranges that follow one another{restore}"
        )
        return False
    needed = last[-1] + 1 - lists.first
    if needed != count and not (lists.sparse and needed < count):
        report(
            f"{lists.names} has {count:,} names, expected {needed:,} as {path} says; "
            "one of the two was cut or edited: restore both."
        )
        return False
    return True


def check_people(
    lists: Lists, title: str, rows: Integers, fields: Integers, columns: Sequence[tuple[int, int, str]], report: Report
) -> None:
    """Check that every name has what the row of its tracklet says.

    columns: a column of `rows` [N, R], the column of `fields` [names, F] that must equal it, and what it tells. title:
    the list of names in a message.
    """
    starts, lengths = rows[:, 0] - lists.first, rows[:, 1] - rows[:, 0] + 1
    lines = np.repeat(starts - np.cumsum(lengths) + lengths, lengths) + np.arange(lengths.sum())
    owner = np.repeat(np.arange(len(rows)), lengths)
    for column, named, what in columns:
        wrong = np.unique(owner[rows[owner, column] != fields[lines, named]])
        if not len(wrong):
            continue
        start, end = rows[wrong[0], :2]
        found = np.unique(fields[start - lists.first : end + 1 - lists.first, named])
        verb = "mix" if len(found) > 1 else "show"
        report(
            f"{lists.tracks}, row {wrong[0] + 1}: says {what} {rows[wrong[0], column]}, but lines {start} "
            f"to {end} of {title} {verb} {what} {' and '.join(map(str, found))}{one_of(wrong, 'rows')}; "
            "the two files do not belong together: restore both."
        )
