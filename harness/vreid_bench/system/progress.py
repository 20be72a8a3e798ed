"""Progress bars of long work, and lines between them, on stderr."""

from __future__ import annotations

import sys
from typing import Any

from tqdm import tqdm


def bar(total: int, title: str, unit: str, *, done: int = 0, quiet: bool = False) -> Any:
    """A tqdm bar with the time left. In a file or a pipe it writes one line every ten seconds, not ten per second."""
    interval = 0.1 if sys.stderr.isatty() else 10.0
    return tqdm(total=total, initial=done, desc=title, unit=unit, disable=quiet, mininterval=interval)


def write_line(line: str, *, quiet: bool = False) -> None:
    """Print a line above the bars that are shown."""
    if not quiet:
        tqdm.write(line, file=sys.stderr)
