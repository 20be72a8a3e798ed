"""The lines of a text file."""

from __future__ import annotations

from pathlib import Path

from vreid_plugins.datasets.fault_report import Report


def read_lines(path: Path, expected: str, report: Report) -> list[str]:
    """The lines of a text file, without blank lines at the end; empty, with a fault, if it cannot be used.

    Windows line endings and a byte order mark do not matter. `expected`: what should stand in the file, and what to do
    if it is empty.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").rstrip().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        report(f"{path} cannot be read as UTF-8 text ({error}); copy it again.")
        return []
    for number, line in enumerate(lines, start=1):
        if "\0" in line:  # no path has one, and the system refuses to look for it
            report(f"{path}, line {number}: holds a NUL character, expected text; copy it again.")
            return []
    if not lines:
        report(f"{path} is empty, expected {expected}.")
    return lines
