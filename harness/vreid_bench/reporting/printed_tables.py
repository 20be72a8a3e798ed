"""The result tables of papers as data: `papers/*.toml`, one file for each paper, with every number as it is printed.

The files come with the package. A table has columns and rows; a row says which method stands for it here, or that its
numbers are quoted from other people, or why it has no method. In their short form columns are `{ mars = "mAP R1" }`,
protocol -> metrics, and the numbers of a row are one text with a space between two numbers.

A method of ours repeats the numbers of its rows as `reported`, and one method of each paper what it quotes, because
records carry them; a test holds both to be the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import Field, JsonValue, StringConstraints, model_validator

from vreid_bench.records.fields import Entry, MethodName, Name, Text
from vreid_bench.reporting.claims import Side, Words
from vreid_bench.reporting.text import sanitize
from vreid_bench.reporting.toml_file import list_files, read_toml
from vreid_bench.system.errors import InputError

FOLDER = Path(__file__).parent / "papers"
WHAT = "printed tables"
NUMERALS = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")
ROMAN = {numeral: number for number, numeral in enumerate(NUMERALS, 1)}
COSTS = ("training", "inference")  # columns of time, which no ranking has

Metric = Literal["mAP", "R1", "R5", "R10", "R20", "mINP", "training", "inference"]
# a number as it is printed, `-` for a dash, nothing where the paper leaves the place empty
Printed = Annotated[str, StringConstraints(pattern=r"^(-|[0-9]+(\.[0-9]+)?( ?[a-z]{1,8})?)?$")]
Number = Annotated[str, StringConstraints(pattern=r"^([0-9]{1,2}|[IVX]{1,5})$")]


class Column(Entry):
    """A column of numbers."""

    label: Words
    group: Text = ""  # what stands above it: the data set, or what several columns share
    protocol: Name | None = None  # None: the rows say it, or nothing is measured
    metric: Metric | None = None  # None: nothing here measures it
    condition: Text = ""  # of the protocol; empty: what the protocol ranks by
    settings: dict[str, JsonValue] = Field(default_factory=dict)  # of every method in the column, as `--set` names them


class Line(Entry):
    """A row as the paper prints it."""

    label: Words
    printed: tuple[Printed, ...]  # by column
    method: MethodName | None = None  # what stands for it here
    settings: dict[str, JsonValue] = Field(default_factory=dict)
    protocol: Name | None = None  # in place of the columns'
    conditions: tuple[Text, ...] = ()  # by column, in place of the columns'
    reranked: bool = False
    quoted: bool = False  # of other people, whose system may have a method here all the same
    unbuilt: Text = ""  # why no method stands for it
    note: Text = ""

    @model_validator(mode="after")
    def _check_method(self) -> Self:
        if bool(self.unbuilt) == (self.method is not None or self.quoted):
            raise ValueError(
                f"row {self.label!a}: expected a method, `quoted`, or why there is no method (`unbuilt`), one of them"
            )
        return self


class Table(Entry):
    """A table of results."""

    number: Number  # as printed, `7` or `VII`
    caption: Words
    columns: Annotated[tuple[Column, ...], Field(min_length=1)]
    rows: Annotated[tuple[Line, ...], Field(min_length=1)]
    # protocol -> another that asks nearly the same, whose rows are shown as well
    also: dict[Name, Name] = Field(default_factory=dict)
    note: Text = ""

    @model_validator(mode="after")
    def _check_rows(self) -> Self:
        for row in self.rows:
            for name, cells in (("printed", row.printed), ("conditions", row.conditions)):
                if len(cells) != len(self.columns) and (cells or name == "printed"):
                    raise ValueError(
                        f"table {self.number}, row {row.label!a}: {name} has {len(cells)} entries, expected one for "
                        f"each of the {len(self.columns)} columns"
                    )
            unsaid = row.method and any(c.metric and not (row.protocol or c.protocol) for c in self.columns)
            if unsaid:
                raise ValueError(f"table {self.number}, row {row.label!a}: neither row nor column names a protocol")
        return self


class Paper(Entry):
    """The tables of a paper."""

    paper: Words
    table: Annotated[tuple[Table, ...], Field(min_length=1)]


class Cell(NamedTuple):
    """A number of a table, and what stands for it here."""

    row: Line
    column: Column
    printed: str
    side: Side | None  # with its protocol; None: nothing here measures it


def read_papers(folder: Path = FOLDER) -> dict[str, Paper]:
    """The papers in a folder: name of the file without its ending -> its tables.

    Raises InputError for the first faulty file, which names the field, what was found and what was expected, and for a
    folder without any.
    """
    papers = {path.stem: read_toml(path, Paper, _spell_out, WHAT) for path in list_files(folder)}
    if not papers:
        raise InputError(f"{folder}: has no {WHAT}; expected a folder of .toml files, one for each paper")
    return papers


def choose_tables(paper: Paper, numbers: tuple[str, ...]) -> tuple[Table, ...]:
    """The tables of these numbers, `7` or `VII`; all of them for no number."""
    by_number = {read_number(table.number): table for table in paper.table}
    known = ", ".join(table.number for table in paper.table)
    for number in numbers:
        if read_number(number) not in by_number:
            raise InputError(
                f"--table {number}: {sanitize(paper.paper)} has no such table of results; expected one of {known}"
            )
    return tuple(by_number[number] for number in dict.fromkeys(map(read_number, numbers))) if numbers else paper.table


def read_number(number: str) -> int | None:
    """7 for `7` and `VII`; None for any other text."""
    return int(number) if re.fullmatch("[0-9]{1,2}", number) else ROMAN.get(number.upper())


def find_table_numbers(where: str) -> set[int | None]:
    """The numbers of the tables that a place names: 1 and 2 for `Tables 1 and 2`, 5 and 8 for `V (again in VIII)`."""
    numeral = r"(?:[0-9]+|[IVX]+)"
    several = re.findall(rf"\bTables ({numeral}(?:(?:, | and ){numeral}\b)*)", where)
    found = [number for each in several for number in re.findall(numeral, each)]
    found += re.findall(rf"\bTable ({numeral})\b", where) + re.findall(rf"\bagain in ({numeral})\b", where)
    return set(map(read_number, found))


def list_cells(table: Table) -> Iterator[list[Cell]]:
    """The cells of each row."""
    for row in table.rows:
        conditions = row.conditions or [column.condition for column in table.columns]
        yield [
            Cell(row, column, printed, _find_side(row, column, condition))
            for column, printed, condition in zip(table.columns, row.printed, conditions, strict=True)
        ]


def _find_side(row: Line, column: Column, condition: str) -> Side | None:
    if row.method is None or column.metric is None:
        return None
    return Side(
        method=row.method,
        protocol=row.protocol or column.protocol,
        condition=condition,
        settings=column.settings | row.settings,
        reranked=row.reranked,
    )


def _spell_out(fields: dict[str, Any]) -> dict[str, Any]:
    """The file with every table in its long form; what is no table is left as it is, for the parser to refuse."""
    tables = fields.get("table")
    if not isinstance(tables, list):
        return fields
    return fields | {"table": [_spell_out_table(table) if isinstance(table, dict) else table for table in tables]}


def _spell_out_table(table: dict[str, Any]) -> dict[str, Any]:
    long = dict(table)
    columns, rows = table.get("columns"), table.get("rows")
    if isinstance(columns, dict) and all(isinstance(metrics, str) for metrics in columns.values()):
        long["columns"] = [
            {"group": protocol if len(columns) > 1 else "", "label": metric, "protocol": protocol, "metric": metric}
            for protocol, metrics in columns.items()
            for metric in metrics.split()
        ]
    if isinstance(rows, list):
        long["rows"] = [_split_numbers(row) if isinstance(row, dict) else row for row in rows]
    return long


def _split_numbers(row: dict[str, Any]) -> dict[str, Any]:
    printed = row.get("printed")
    return row | {"printed": printed.split()} if isinstance(printed, str) else row
