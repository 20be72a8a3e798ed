"""Where the lists and the frames of a copy of HITSZ-VCM lie: its readme and its loaders put them in several places."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from vreid_plugins.datasets.fault_report import Report
from vreid_plugins.datasets.folders import check_layout, check_root

PARTS = ("train", "test")
NAMES = {part: f"{part}_name.txt" for part in PARTS}
TRACKS = {part: f"track_{part}_info.txt" for part in PARTS}
QUERY_FILE = "query_IDX.txt"
LISTS = (*NAMES.values(), *TRACKS.values(), QUERY_FILE)
INFO = "info"  # the folder of the lists, where they are not at the root
FRAMES = {"train": "Train", "test": "Test"}  # the folders of the parts, where the people are not at the root
ORIGIN = "copy it again from where HITSZ-VCM is published (repository VCM-project233/HITSZ-VCM-data)"


class Layout(NamedTuple):
    """Where things lie, below the root."""

    lists: Path
    frames: Mapping[str, str]  # what the paths of a part's frames begin with: `Train/`, or nothing


def find_layout(root: Path, report: Report) -> Layout | None:
    """The layout of a copy: lists at the root or in `info`, people at the root or in `Train` and `Test`.

    None if a list or a folder is missing, or if it is not clear which lists hold.
    """
    if not check_root(root, LISTS, report):
        return None
    inside = [name for name in LISTS if (root / INFO / name).exists()]
    beside = [name for name in LISTS if (root / name).exists()]
    twice = next((name for name in beside if name in inside and differ(root / name, root / INFO / name)), None)
    if twice is not None:
        report(
            f"{root / twice} differs from {root / INFO / twice}, expected the list in one place; delete the one that "
            "is not the published list."
        )
        return None
    lists = f"{INFO}/" if len(inside) > len(beside) else ""
    good = check_layout(root, (), (f"{lists}{name}" for name in LISTS), ORIGIN, report)
    parts = [part for part in PARTS if (root / FRAMES[part]).is_dir()]
    if len(parts) == 1:
        (lost,) = set(PARTS) - set(parts)
        report(f"{root / FRAMES[lost]} is missing, expected a folder beside {FRAMES[parts[0]]}; {ORIGIN}.")
        good = False
    frames = {part: f"{FRAMES[part]}/" if parts else "" for part in PARTS}
    return Layout(root / lists, frames) if good else None


def differ(one: Path, other: Path) -> bool:
    """Whether two paths are not files of the same bytes."""
    return not (one.is_file() and other.is_file() and one.read_bytes() == other.read_bytes())
