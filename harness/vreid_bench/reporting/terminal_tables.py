"""Lines of text that fit the terminal."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from itertools import pairwise

from tabulate import tabulate

from vreid_bench.reporting.text import sanitize


def terminal_width() -> int | None:
    """Columns of the terminal, or of the variable COLUMNS; None if the output goes to a file or another program."""
    if os.environ.get("COLUMNS", "").isdigit() or sys.stdout.isatty():
        return shutil.get_terminal_size().columns
    return None


def first_sentence(text: str) -> str:
    """The text up to the end of its first sentence, which is a full stop before a space and a capital letter."""
    words = sanitize(text).split(" ")
    for at, (word, following) in enumerate(pairwise(words), 1):
        if word.endswith(".") and following[:1].isupper() and len(word.strip("().")) > 2:  # not `et al.`, `T.`
            return " ".join(words[:at])
    return " ".join(words)


def cut(line: str, width: int | None) -> str:
    """The line, at most `width` characters long; `…` stands for what was cut off."""
    return line if width is None or len(line) <= width else line[: max(width - 1, 0)].rstrip() + "…"


def fit_table(rows: Sequence[Sequence[str]], headers: Sequence[str] = (), width: int | None = None) -> str:
    """A plain table; each line is cut to the width."""
    clean = [[sanitize(cell) for cell in row] for row in rows]
    table = tabulate(clean, headers, tablefmt="simple" if headers else "plain", disable_numparse=True)
    return "\n".join(cut(line.rstrip(), width) for line in table.splitlines())


def wrap_table(rows: Sequence[Sequence[str]], headers: Sequence[str], width: int | None) -> str:
    """A table whose cells go on in the next line where they would not fit.

    The first column is never broken; a column in the middle has at most 36 characters, the last one what is left of
    the width, 30 at least.
    """
    clean = [[sanitize(cell) for cell in row] for row in rows]
    titles = [title and f"{title}  " for title in headers]  # tabulate leaves two spaces behind a header
    columns = [max(len(cell) for cell in column) + 2 for column in zip(titles, *clean, strict=True)]
    middle = [min(column, 38) for column in columns[1:-1]]
    room = None if width is None else max(width - columns[0] - sum(middle), 30)
    return tabulate(
        clean, headers, disable_numparse=True, maxcolwidths=[None, *(column - 2 for column in middle), room]
    )
