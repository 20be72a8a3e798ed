"""The tables of attributes of AG-VPReID: reading them, and whether they show that identities are masked."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from vreid_bench import Tracklet
from vreid_plugins.datasets.case_folders import CASES, Parts
from vreid_plugins.datasets.fault_report import Report

ID = "id"
LONGEST = 9  # digits of the number of a person
COLUMNS = (
    "gender",
    "age",
    "height",
    "body_volume",
    "ethnicity",
    "hair_color",
    "hairstyle",
    "beard",
    "moustache",
    "glasses",
    "head_accessories",
    "upper_body_clothing",
    "lower_body_clothing",
    "footwear",
    "accessories",
)
LASTING = ("gender", "age", "ethnicity", "hair_color")  # which nobody changes between two cameras
SHARE = 0.25  # of the people of both sides who differ in one of LASTING: more than two annotators would disagree about
FEWEST = 3  # people who must differ, so that a slip in a small copy tells nothing

Row = Mapping[str, str]
Table = Mapping[int, Row]  # by the number of the person


class Difference(NamedTuple):
    """The people of both sides of a case whose row differs in a column."""

    column: str
    people: int
    of: int

    def __str__(self) -> str:
        return f"another {self.column.replace('_', ' ')} ({self.people} of {self.of})"


def read_tables(root: Path, folders: Mapping[str, str], report: Report) -> dict[str, Table]:
    """Part -> its table, of the parts that have one; every fault goes to `report`. `folders`: part -> its folder."""
    found: dict[str, Table] = {}
    for part, folder in folders.items():
        path = root / "attributes" / f"{folder}.csv"
        if path.exists():
            found[part] = dict(_read_table(path, report))
    return found


def _read_table(path: Path, report: Report) -> Iterator[tuple[int, Row]]:
    expected = ",".join((ID, *COLUMNS))
    try:
        reader = csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig")), strict=True)
        lines = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        report(f"{path} cannot be read as CSV in UTF-8 ({error}); copy it again.")
        return
    header = lines[0][1] if lines else []
    missing = [name for name in (ID, *COLUMNS) if name not in header]
    if missing:
        report(f"{path}, line 1: no column {missing[0]!r}, expected {expected}; copy it again.")
        return
    seen: dict[int, int] = {}
    for line, cells in lines[1:]:
        if not any(cells):
            continue
        if len(cells) != len(header):
            report(f"{path}, line {line}: {len(cells)} cells, expected {len(header)} as in the header; copy it again.")
            return
        row = dict(zip(header, cells, strict=True))
        if not (row[ID].isascii() and row[ID].isdecimal() and len(row[ID]) <= LONGEST):
            report(f"{path}, line {line}: the id is {row[ID]!r}, expected the number of a person; copy it again.")
            return
        if (before := seen.setdefault(int(row[ID]), line)) != line:
            report(f"{path}, line {line}: person {row[ID]} is already in line {before}; delete one of the two lines.")
            return
        yield int(row[ID]), {name: row[name] for name in COLUMNS if row[name]}


def add_attributes(parts: Parts, tables: Mapping[str, Table], notes: list[str]) -> Parts:
    """The same parts, with the attributes of each person; a person without a row is noted, and has none."""
    found = {}
    for part, tracklets in parts.items():
        table = tables.get(part)
        if table is None:
            found[part] = tracklets
            continue
        lost = {t.person for t in tracklets if int(t.person) not in table}
        if lost:
            notes.append(f"{len(lost):,} people of {part} have no row in its table of attributes.")
        found[part] = tuple(_add_row(t, table.get(int(t.person), {})) for t in tracklets)
    return found


def _add_row(tracklet: Tracklet, row: Row) -> Tracklet:
    return tracklet._replace(attributes=(*tracklet.attributes, *row.items()))


def find_differences(query: Table, gallery: Table) -> list[Difference]:
    """In which of LASTING too many people of both tables differ."""
    both = query.keys() & gallery.keys()
    each = [
        Difference(column, sum(query[pid].get(column) != gallery[pid].get(column) for pid in both), len(both))
        for column in LASTING
    ]
    return [found for found in each if found.people >= max(FEWEST, SHARE * found.of)]


def explain_masking(tables: Mapping[str, Table], sides: Mapping[str, tuple[str, str]]) -> str:
    """Why the identities of this copy are not the true ones, as a sentence; empty if nothing shows it.

    sides: case -> the names of its query part and its gallery part. Two columns must differ: of one, a copy may have
    been annotated anew.
    """
    for case, (query, gallery) in sides.items():
        if query in tables and gallery in tables:
            found = find_differences(tables[query], tables[gallery])
            if len(found) > 1:
                return (
                    f"Its test identities are masked, as in the copy of the challenge: by the tables of "
                    f"{CASES[case]}, people of the queries have in the gallery {', '.join(map(str, found))}."
                )
    return ""
