"""Printed and measured tables side by side, as text for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence

from tabulate import tabulate

from vreid_bench.reporting.claims_page import render_claims_text
from vreid_bench.reporting.printed_tables import COSTS, Cell, Line, Paper
from vreid_bench.reporting.reproduction import Count, Kind, Measured, Reproduced, Reproduction
from vreid_bench.reporting.terminal_tables import wrap_table
from vreid_bench.reporting.text import sanitize
from vreid_bench.system.counting import plural

LABEL = 30  # the most characters on a line of the first column
NO_ROW = "no row"
LEGEND = """\
printed: the numbers of the paper, on its data with its full recipe, in percent. measured: the means over the seeds of
the rows here, under the headline convention of the protocol. 95 %: the interval over people of mAP and R1, its ends
averaged over the seeds; it says nothing of other seeds.
"""
ORDERS = """\
The rows here are of preset small or of synthetic twins: another recipe on other data. Compare the order of rows, never
their values.
"""
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def render_reproduction(reproduction: Reproduction, commands: Sequence[str], width: int | None) -> str:
    """The tables of a paper, its claims, and the commands that make the rows that are missing."""
    parts = [_wrap(reproduction.paper, width), _wrap(explain(reproduction.tables), width)]
    parts += [render_table(each, width) for each in reproduction.tables]
    if reproduction.judged and reproduction.judged.judgements:
        _, counts, *claims = render_claims_text([reproduction.judged], width).split("\n")
        parts.append("\n".join([_wrap(f"Of {counts}", width), *claims]))
    if commands:
        parts.append("\n".join([name_missing(commands), "", *map(sanitize, commands)]))
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def explain(tables: Sequence[Reproduced]) -> str:
    """What the numbers of tables are, and how they may be compared."""
    kinds = [kind for each in tables for kind in each.measured]
    scaled = any(kind.preset == "small" or kind.source == "synthetic" for kind in kinds)
    return LEGEND + (ORDERS if scaled or not kinds else "")


def name_missing(commands: Sequence[str]) -> str:
    """The line above commands."""
    one = len(commands) == 1
    return f"{len(commands)} row{' is' if one else 's are'} missing. To make {'it' if one else 'them'}:"


def render_table(reproduced: Reproduced, width: int | None) -> str:
    """A table, in several parts one below the other where it is wider than that."""
    table = reproduced.table
    head = [f"{sanitize(c.group)}\n{sanitize(c.label)}" if c.group else sanitize(c.label) for c in table.columns]
    whole = list(_list_lines(reproduced, range(len(head))))
    padded = ["", "", *("\n".join(f"{line}  " for line in title.split("\n")) for title in head)]  # as tabulate has them
    wide = [
        max(len(line) for cell in column for line in cell.split("\n")) for column in zip(padded, *whole, strict=True)
    ]
    parts = [
        tabulate(
            list(_list_lines(reproduced, chosen)),
            ["", "", *(head[at] for at in chosen)],
            disable_numparse=True,
            maxcolwidths=[LABEL, *([None] * (1 + len(chosen)))],
        )
        for chosen in _split_columns(min(wide[0], LABEL) + wide[1] + 4, wide[2:], width)
    ]
    title = f"Table {table.number}: {sanitize(table.caption)}"
    notes = [_wrap(line, width, "  ") for line in list_notes(reproduced)]
    return "\n\n".join([_wrap(title, width), *parts]) + "".join(f"\n{note}" for note in ["", *notes] if notes)


def list_notes(reproduced: Reproduced) -> list[str]:
    """What stands below a table: which rows were measured, and what is odd about the printed ones."""
    table = reproduced.table
    notes = [f"{name_kind(reproduced, kind)}: {describe_kind(reproduced, kind)}" for kind in reproduced.measured]
    if table.note:
        notes.append(f"note: {table.note}")
    unbuilt: dict[str, list[str]] = {}
    for row in table.rows:
        if row.note:
            notes.append(f"{row.label}: {row.note}")
        if row.unbuilt:
            unbuilt.setdefault(row.unbuilt, []).append(row.label)
    return notes + [f"not built: {', '.join(labels)}: {why}" for why, labels in unbuilt.items()]


def name_kind(reproduced: Reproduced, kind: Kind) -> str:
    """`measured`, with a letter where a table has several kinds of rows."""
    every = list(reproduced.measured)
    return "measured" + (f" {LETTERS[every.index(kind) % len(LETTERS)]}" if len(every) > 1 else "")


def describe_kind(reproduced: Reproduced, kind: Kind) -> str:
    """`mars, preset small, synthetic data`, with the protocols that have rows."""
    each = [cell for row in reproduced.measured[kind] for cell in row if cell]
    protocols = dict.fromkeys(f"{cell.protocol} ({cell.splits})" if cell.splits else cell.protocol for cell in each)
    words = f"{', '.join(protocols)}, preset {kind.preset}, {kind.source} data"
    return words + (", in place of the protocol of the paper" if kind.substitute else "")


def write_system(row: Line, measured: Sequence[Measured | None]) -> str:
    """What stands for a row: `clip-top (matcher.top=0.1), 3 seeds`."""
    settings = ", ".join(f"{path}={value}" for path, value in sorted(row.settings.items()))
    words = [f"{row.method} ({settings})" if settings else str(row.method)]
    words += ["re-ranked"] if row.reranked else []
    seeds = sorted({cell.seeds for cell in measured if cell})
    if seeds:
        words.append(f"{'-'.join(map(str, dict.fromkeys((seeds[0], seeds[-1]))))} {plural(seeds[-1], 'seed')}")
    return ", ".join(words)


def write_value(cell: Cell, measured: Measured | None) -> str:
    """A number as it is shown: in percent with one digit, a cost with its unit."""
    if measured is None:
        return NO_ROW if cell.side else ""
    if cell.column.metric in COSTS:
        return (
            f"{measured.value / 60:.1f} min" if cell.column.metric == "training" else f"{measured.value:.0f} frames/s"
        )
    return f"{100 * measured.value:.1f}"


def write_interval(measured: Measured | None) -> str:
    """`21.3–24.6`, or nothing."""
    if measured is None or measured.interval is None:
        return ""
    low, high = (100 * end for end in measured.interval)
    return f"{low:.1f}–{high:.1f}"


def list_measured(
    reproduced: Reproduced, at: int, columns: Sequence[int] | None = None
) -> Iterator[tuple[Kind | None, list[Measured | None]]]:
    """What was measured for a row, by kind, in some columns or in all.

    One line without any number where the row has a method and nothing was measured; none where it has no method.
    """
    row = reproduced.cells[at]
    columns = range(len(row)) if columns is None else columns
    if not any(cell.side for cell in row):
        return
    every = [(kind, [cells[at][column] for column in columns]) for kind, cells in reproduced.measured.items()]
    shown = [(kind, measured) for kind, measured in every if any(measured)]
    if not shown:
        yield None, [None] * len(columns)
    yield from shown


def render_papers(papers: Mapping[str, Paper], counts: Mapping[str, Sequence[Count]], width: int | None) -> str:
    """Every paper with its tables, and how many of their numbers have a method and a row here."""
    blocks = []
    head = ["table", "numbers", "with a method", "measured", "shows"]
    for name, paper in papers.items():
        rows = [
            [table.number, *map(str, count), table.caption]
            for table, count in zip(paper.table, counts[name], strict=True)
        ]
        blocks.append(f"{sanitize(name)}\n{_wrap(paper.paper, width)}\n\n{wrap_table(rows, head, width)}")
    return "\n\n".join(blocks) + "\n"


def _list_lines(reproduced: Reproduced, columns: Sequence[int]) -> Iterator[list[str]]:
    """The lines of a table with some of its columns: a label, what stands in the line, and the cells."""
    for i, row in enumerate(reproduced.cells):
        shown = [row[at] for at in columns]
        yield [sanitize(row[0].row.label), "printed", *(sanitize(cell.printed) for cell in shown)]
        for kind, measured in list_measured(reproduced, i, columns):
            what = name_kind(reproduced, kind) if kind else "measured"
            values = (write_value(cell, each) for cell, each in zip(shown, measured, strict=True))
            yield [sanitize(write_system(row[0].row, measured)), what, *values]
            intervals = [write_interval(each) for each in measured]
            if any(intervals):
                yield ["", "95 %", *intervals]


def _split_columns(before: int, wide: Sequence[int], width: int | None) -> list[list[int]]:
    """The columns of each part of a table: as many as fit beside what stands before them, one at least."""
    room = None if width is None else width - before
    parts: list[list[int]] = []
    used = 0
    for at, characters in enumerate(wide):
        if not parts or (room is not None and used + characters > room):
            parts.append([])
            used = 0
        parts[-1].append(at)
        used += characters + 2
    return parts


def _wrap(text: str, width: int | None, indent: str = "") -> str:
    """The text in lines of that width at most; paragraphs stay apart."""
    lines = [sanitize(text)] if width is None else textwrap.wrap(sanitize(text), width, subsequent_indent=indent)
    return "\n".join(lines)
