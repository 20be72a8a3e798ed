"""Lines of text that fit the terminal."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence

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
    for at, (word, following) in enumerate(zip(words, words[1:], strict=False), 1):
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
