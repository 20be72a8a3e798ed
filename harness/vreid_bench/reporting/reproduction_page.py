"""Printed and measured tables side by side, as Markdown, CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from vreid_bench.reporting.claims_page import list_paper_lines
from vreid_bench.reporting.leaderboard_tables import markdown
from vreid_bench.reporting.printed_tables import Paper
from vreid_bench.reporting.reproduction import (
    Count,
    Reproduced,
    Reproduction,
    describe_cells,
    describe_reproduction,
)
from vreid_bench.reporting.reproduction_text import (
    explain,
    list_measured,
    list_notes,
    name_kind,
    name_missing,
    write_interval,
    write_system,
    write_value,
)
from vreid_bench.reporting.text import defuse, escape, sanitize

CELL = ("row", "column", "printed", "method", "settings", "protocol", "condition", "metric", "reranked", "quoted")
FIELDS = ("paper", "table", *CELL, "unbuilt")
MEASURED = ("measured_under", "preset", "source", "splits", "value", "low", "high", "seeds")


def render_markdown(reproduction: Reproduction, commands: Sequence[str]) -> str:
    """The tables of a paper and its claims; at the end the commands that make the rows that are missing."""
    lines = [f"# {escape(reproduction.paper)}\n", explain(reproduction.tables)]
    for each in reproduction.tables:
        lines += [f"## Table {each.table.number}: {escape(each.table.caption)}\n", _render_table(each) + "\n"]
        lines += [*(f"* {escape(note)}" for note in list_notes(each)), ""]
    judged = reproduction.judged
    if judged and (judged.judgements or judged.unjudged):
        lines += ["## Claims\n", *list_paper_lines(judged)]
    if commands:
        lines += [
            "## Missing rows\n",
            name_missing(commands) + "\n",
            *(f"    {sanitize(command)}" for command in commands),
        ]
    return "\n".join(lines).rstrip("\n") + "\n"


def render_csv(reproduction: Reproduction) -> str:
    """A line for each row that measured a printed number, or one without any; fractions. Claims are left out."""
    lines = [
        [*_describe_cell(reproduction.name, each.table.number, cell), *found]
        for each in reproduction.tables
        for cell in describe_cells(each)
        for found in [_list_fields(measured) for measured in cell["measured"]] or [[""] * len(MEASURED)]
    ]
    return _write_csv([*FIELDS, *MEASURED], lines)


def render_json(reproduction: Reproduction, commands: Sequence[str]) -> str:
    """Everything, with full numbers."""
    return json.dumps({**describe_reproduction(reproduction), "missing": list(commands)}) + "\n"


def render_list(papers: Mapping[str, Paper], counts: Mapping[str, Sequence[Count]], form: str) -> str:
    """Every table of every paper, and how many of its numbers have a method and a row here."""
    each = [
        (name, table.number, table.caption, count)
        for name, paper in papers.items()
        for table, count in zip(paper.table, counts[name], strict=True)
    ]
    head = ["paper", "table", "shows", "numbers", "with a method", "measured"]
    if form == "json":
        keys = [word.replace(" ", "_") for word in head]
        tables = [dict(zip(keys, (name, number, shows, *count), strict=True)) for name, number, shows, count in each]
        return json.dumps({"papers": {name: paper.paper for name, paper in papers.items()}, "tables": tables}) + "\n"
    if form == "csv":
        words = [
            [*(defuse(sanitize(word)) for word in (name, number, shows)), *count] for name, number, shows, count in each
        ]
        return _write_csv(head, words)
    rows = [[escape(name), number, escape(shows), *map(str, count)] for name, number, shows, count in each]
    return markdown(head, rows, "lllrrr") + "\n"


def _write_csv(head: Sequence[str], lines: Iterable[Sequence[Any]]) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(lines)
    return file.getvalue()


def _describe_cell(name: str, number: str, cell: Mapping[str, Any]) -> list[str]:
    """The fields of a printed number; text in them is no formula of a spreadsheet."""
    settings = json.dumps(cell["settings"]) if cell["settings"] else ""
    fields = {**cell, "paper": name, "table": number, "settings": settings}
    return [
        fields[field] if field == "printed" else "" if fields[field] is None else defuse(sanitize(str(fields[field])))
        for field in FIELDS
    ]


def _list_fields(measured: Mapping[str, Any]) -> list[Any]:
    about = [measured[field] for field in ("protocol", "preset", "source", "splits", "value")]
    return [*about, *(measured["interval"] or ("", "")), measured["seeds"]]


def _render_table(reproduced: Reproduced) -> str:
    columns = reproduced.table.columns
    head = [escape(" ".join(filter(None, [column.group, column.label]))) for column in columns]
    rows = [list(map(escape, cells)) for cells in _list_rows(reproduced)]
    return markdown(["row", "measured here", *head], rows, "ll" + "r" * len(head))


def _list_rows(reproduced: Reproduced) -> Iterator[list[str]]:
    """Label, what stands for it, and each cell: `61.4 / 38.1 (36.2–40.1)`, printed / measured."""
    for i, row in enumerate(reproduced.cells):
        label = row[0].row.label
        lines = list(list_measured(reproduced, i))
        if not lines:
            yield [label, "quoted" if row[0].row.quoted else "not built", *(cell.printed for cell in row)]
        for kind, measured in lines:
            letter = name_kind(reproduced, kind).removeprefix("measured") if kind else ""
            cells = [
                f"{cell.printed} / {write_value(cell, each)}" + (f" ({ends})" if (ends := write_interval(each)) else "")
                for cell, each in zip(row, measured, strict=True)
            ]
            yield [label, write_system(row[0].row, measured) + (f",{letter}" if letter else ""), *cells]
