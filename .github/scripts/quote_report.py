"""Print a report of unknown origin as the body of a comment: inside a code block, which it cannot leave."""

from __future__ import annotations

import re
import sys
from pathlib import Path

LONGEST = 50_000  # characters; GitHub takes 65,536
TITLE = "The submitted records were checked by the code of the base branch:"


def quote(text: str) -> str:
    """The text in a block of code. Its fence is longer than any in the text, and no character moves a cursor."""
    shown = "".join(c if c.isprintable() or c == "\n" else " " for c in text[:LONGEST])
    if len(text) > LONGEST:
        shown += "\n... (cut here: the whole report is an artifact of the run)"
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", shown)), default=0))
    return f"{TITLE}\n\n{fence}text\n{shown.rstrip()}\n{fence}\n"


if __name__ == "__main__":
    with Path(sys.argv[1]).open("rb") as file:
        print(quote(file.read(4 * LONGEST).decode("utf-8", "replace")), end="")
