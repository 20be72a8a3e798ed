"""Folders of frames: what a tree holds, found by name and in an order that no disk decides."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from vreid_plugins.datasets.faults import Report, is_leftover

IMAGES = (".jpg", ".jpeg", ".png")


def check_layout(root: Path, folders: Iterable[str], files: Iterable[str], origin: str, report: Report) -> bool:
    """Are these folders and files there below `root`, each as what it should be?

    `origin`: where the dataset is to be had, for the middle of a sentence.
    """
    wanted = [(name, True) for name in folders] + [(name, False) for name in files]
    first = wanted[0][0]
    if not root.is_dir():
        state = "is a file, wanted the folder" if root.exists() else "does not exist; name the folder"
        report(f"{root} {state} that holds {' and '.join(name for name, _ in wanted)}.")
        return False
    good = True
    for name, is_folder in wanted:
        path, kind = root / name, "folder" if is_folder else "file"
        if not path.exists():
            good = False
            inner = next((p for p in sorted(root.iterdir()) if (p / first).exists()), None)
            report(f"{path} is missing, wanted a {kind}; " + (f"did you mean {inner}?" if inner else f"{origin}."))
        elif path.is_dir() != is_folder:
            good = False
            report(f"{path} is a {'file' if is_folder else 'folder'}, wanted a {kind}; {origin}.")
    return good


class Listing:
    """Lists each folder below `root` once. Names are sorted; what a file manager left behind is passed over."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._entries = cache(self._scan)

    def files(self, folder: str) -> tuple[str, ...] | None:
        """Names of the files in a folder, None if it cannot be listed."""
        found = self._entries(folder)
        return None if found is None else found[0]

    def folders(self, folder: str) -> tuple[str, ...] | None:
        """Names of the folders in a folder, those with numbers in the order of the numbers; None as above."""
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
        inner = [entry.name for entry in entries if entry.is_dir()]
        files = [entry.name for entry in entries if not entry.is_dir()]
        return tuple(sorted(files)), tuple(sorted(inner, key=by_number))


def by_number(name: str) -> tuple[tuple[int, ...], str]:
    """A sort key: the numbers in a name, as numbers; the name itself decides between 1 and 01."""
    return tuple(map(int, re.findall(r"\d+", name))), name
