"""Everything that a command prints goes through here: no name of a file or of a person may steer a terminal."""

from __future__ import annotations

import os
import signal
import sys
import unicodedata

import click

UNREAD = 128 + signal.SIGPIPE  # the exit code of a command whose output nobody reads

# control characters, marks of direction and other invisible ones, halves of characters, separators of lines
STEERING = ("Cc", "Cf", "Cs", "Zl", "Zp")
KEPT = "\n\t\u200b"  # lines, columns of a table, and where a browser may break a word


def make_printable(text: str) -> str:
    r"""The text, with `\x1b` for a character that would move a cursor, hide a letter or turn the text, and so on."""
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return "".join(_escape(c) if unicodedata.category(c) in STEERING and c not in KEPT else c for c in text)


def echo(text: object = "", *, err: bool = False, nl: bool = True) -> None:
    """Print a text, to stderr if `err`; with an end of line, if `nl`.

    Where nobody reads on, as behind `| head -1`, the command ends as one that the signal SIGPIPE ends: without a word.
    """
    try:
        click.echo(make_printable(str(text)), err=err, nl=nl)
    except BrokenPipeError:
        stream = sys.stderr if err else sys.stdout
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # or Python's own end complains of what is unwritten
        raise click.exceptions.Exit(UNREAD) from None


def _escape(character: str) -> str:
    return ascii(character)[1:-1]
