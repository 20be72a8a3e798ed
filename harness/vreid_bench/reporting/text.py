"""Words for a page and for a terminal. Only here a stranger's text is made harmless."""

from __future__ import annotations

import re
from collections.abc import Mapping

# Everything else is written as a character reference, which no Markdown or HTML reader takes for markup.
SAFE = re.compile(r"""[A-Za-z0-9 .,;=+/()%?'"-]""")


def escaped(text: str) -> str:
    """A stranger's text for a Markdown page: one line of ASCII that is text and nothing else."""
    safe = "".join(c if SAFE.match(c) else f"&#{ord(c)};" for c in printable(text))
    return re.sub(r"(?i)(www)\.", r"\1&#46;", safe)  # else GitHub makes a link of it


def printable(text: str) -> str:
    """The text on one line, without what could move a cursor, hide a letter or turn the direction of writing."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def refusals(not_computable: Mapping[str, str]) -> list[str]:
    """A line for each convention that could not be applied, with the reason."""
    return [f"{name}: not computable, {why}" for name, why in sorted(not_computable.items())]
