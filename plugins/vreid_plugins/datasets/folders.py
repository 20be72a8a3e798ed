"""Folders of frames: checking that they are there, and listing them in an order that does not depend on the disk."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from vreid_plugins.datasets.fault_report import Report, is_leftover

IMAGES = (".jpg", ".jpeg", ".png")
ORIGIN = "copy it again from the original data"


def check_root(root: Path, names: Iterable[str], report: Report) -> bool:
    """Check that `root` is a folder; `names` are what it should hold."""
    if root.is_dir():
        return True
    state = "is a file, expected the folder" if root.exists() else "does not exist; name the folder"
    report(f"{root} {state} that holds {' and '.join(names)}.")
    return False


def check_layout(root: Path, folders: Iterable[str], files: Iterable[str], origin: str, report: Report) -> bool:
    """Check that these folders and files are there below `root`.

    `origin`: where to get the data set, for the middle of a sentence.
    """
    expected = [(name, True) for name in folders] + [(name, False) for name in files]
    first = expected[0][0]
    if not check_root(root, (name for name, _ in expected), report):
        return False
    good = True
    for name, is_folder in expected:
        path, kind = root / name, "folder" if is_folder else "file"
        if not path.exists():
            good = False
            inner = next((p for p in sorted(root.iterdir()) if (p / first).exists()), None)
            report(f"{path} is missing, expected a {kind}; " + (f"did you mean {inner}?" if inner else f"{origin}."))
        elif path.is_dir() != is_folder:
            good = False
            report(f"{path} is a {'file' if is_folder else 'folder'}, expected a {kind}; {origin}.")
    return good


class Listing:
    """Lists each folder below `root` once. Names are sorted; what a file manager left behind is left out."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._entries = cache(self._scan)

    def files(self, folder: str) -> tuple[str, ...] | None:
        """Names of the files in a folder; None if it cannot be listed."""
        found = self._entries(folder)
        return None if found is None else found[0]

    def folders(self, folder: str) -> tuple[str, ...] | None:
        """Names of the folders in a folder, in order of the numbers in their names; None as above."""
        found = self._entries(folder)
        return None if found is None else found[1]

    def images(self, folder: str) -> tuple[str, ...] | None:
        """Names of the images in a folder; None as above."""
        files = self.files(folder)
        return None if files is None else tuple(name for name in files if name.lower().endswith(IMAGES))

    def _scan(self, folder: str) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
        try:
            entries = [entry for entry in os.scandir(self.root / folder) if not is_leftover(entry.name)]
        except OSError:
            return None
        inner = [entry.name for entry in entries if is_folder(entry)]
        files = [entry.name for entry in entries if not is_folder(entry)]
        return tuple(sorted(files)), tuple(sorted(inner, key=number_key))


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Is it a folder, or a link to one? A link to itself leads nowhere, and the system refuses to follow it."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def size_of(digits: str) -> tuple[int, str]:
    """A sort key in the order of numbers, however many digits they have."""
    known = "".join(str(int(each)) for each in digits).lstrip("0")  # also digits of other scripts
    return len(known), known


def number_key(name: str) -> tuple[tuple[tuple[int, str], ...], str]:
    """A sort key: the numbers in a name, as numbers; then the name itself, which decides between 1 and 01."""
    return tuple(map(size_of, re.findall(r"\d+", name))), name
