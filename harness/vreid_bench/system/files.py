"""Writes files so that a reader sees either the old content or the new content, never a part of one."""

from __future__ import annotations

import os
from pathlib import Path

UNFINISHED = ".unfinished"


def write_atomic(path: Path, content: bytes) -> None:
    """Write `content` to `path`; if that fails, the old file stays. Raises OSError if it cannot be written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}{UNFINISHED}")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def sweep(folder: Path) -> None:
    """Remove the temporary files of killed writers from a folder and its subfolders, where no other process writes."""
    for path in folder.rglob(f".*{UNFINISHED}"):
        path.unlink(missing_ok=True)
