"""Text for pages and terminals. Untrusted text is made harmless here and nowhere else."""

from __future__ import annotations

import re

# Every other character becomes a character reference, which Markdown and HTML never treat as markup.
SAFE = re.compile(r"""[A-Za-z0-9 .,;=+/()%?'"-]""")


def escape(text: str) -> str:
    """Untrusted text for a Markdown page: one line of ASCII without any markup."""
    safe = "".join(c if SAFE.match(c) else f"&#{ord(c)};" for c in sanitize(text))
    return re.sub(r"(?i)(www)\.", r"\1&#46;", safe)  # GitHub would turn it into a link


LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "±": r"$\pm$",
    "–": "--",
} | {character: f"\\{character}" for character in "&%$#_{}"}


def escape_latex(text: str) -> str:
    """Untrusted text for LaTeX: one line in which no character is a command."""
    return "".join(LATEX.get(c, c) for c in sanitize(text))


def sanitize(text: str) -> str:
    """The text on one line, without characters that move a cursor, hide a letter or reverse the text direction."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def defuse(text: str) -> str:
    """Untrusted text for a cell of a CSV file.

    A spreadsheet takes a cell that begins with one of these for a formula; an apostrophe makes it text.
    """
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
