"""The place in a README where a board is to stand: between two comments, of which the first names it.

    <!-- begin board mars/synthetic -->
    <!-- end board -->

in the README.md of the folder that a leaderboard lies in. Without these lines, nothing is made.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from vreid_bench.system.errors import InputError

README = "README.md"
FIGURES = "figures"  # the folder of a leaderboard that holds the figures of the README
BEGIN, END = "<!-- begin board ", "<!-- end board -->"
BLOCK = re.compile(r"<!-- begin board (\S+) -->\n(.*?)<!-- end board -->", re.DOTALL)


class Place(NamedTuple):
    """A README with a place for a board."""

    path: Path
    text: str
    board: str  # protocol and data source, as `Record.folder`

    def fill(self, block: str) -> bytes:
        """The README with these lines between the comments."""
        filled = f"{BEGIN}{self.board} -->\n{block}{END}"
        return BLOCK.sub(lambda _: filled, self.text).encode()


def find_place(leaderboard: Path) -> Place | None:
    """The place in the README beside a leaderboard; None if there is none.

    Raises InputError for a place without an end, and for other text than UTF-8.
    """
    beside = leaderboard.parent if leaderboard.name not in ("", "..") else leaderboard.resolve().parent
    path = beside / README
    try:
        text = path.read_bytes().decode() if path.is_file() else ""
    except UnicodeDecodeError as fault:
        raise InputError(f"{path}: cannot be read as UTF-8 text ({fault}); save it as UTF-8") from fault
    if BEGIN not in text:
        return None
    found = BLOCK.findall(text)
    if len(found) != 1 or text.count(BEGIN) != 1:
        raise InputError(f"{path}: expected one line `{BEGIN}FOLDER -->` and one `{END}` below it")
    [(board, _)] = found
    return Place(path, text, board)
