"""Trees of two cameras, with one folder of frames for each person: listing and checking them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from vreid_plugins.datasets.fault_report import Report, is_leftover, one_of
from vreid_plugins.datasets.folders import ORIGIN, check_root, is_folder


@dataclass(frozen=True)
class View:
    """How the folders and files of one camera are named."""

    folder: str  # below the root
    person: str  # pattern of a person's folder; its one group is the person's number
    frame: str  # pattern of a frame's file; its one group is the number, {person} stands for the folder's name
    example: str  # of a frame below `folder`


class Sequence(NamedTuple):
    """The frames of one person in one camera."""

    camera: str  # the folder that holds those of the persons
    person: str  # the folder of the frames
    frames: tuple[str, ...]  # paths below the root, in order of number
    numbers: tuple[int, ...]  # ascending


Sequences = Mapping[int, Sequence]  # number of a person, ascending -> frames in one camera


@dataclass(frozen=True)
class Tree:
    """The sequences of both cameras."""

    views: tuple[Sequences, Sequences]
    persons: tuple[int, ...]  # those in both cameras, ascending

    def persons_of(self, frames: int) -> tuple[int, ...]:
        """The persons with at least so many frames in both cameras, ascending."""
        first, second = self.views
        return tuple(p for p in self.persons if min(len(first[p].frames), len(second[p].frames)) >= frames)

    def gaps(self, start: int | None = None) -> Iterator[tuple[str, int, int]]:
        """The gaps in the numbers of frames: path and number of the frame after the gap, and the number expected.

        `start`: the number of every first frame; with None, a sequence may begin anywhere.
        """
        for view in self.views:
            for sequence in view.values():
                before = sequence.numbers[0] - 1 if start is None else start - 1
                for path, number in zip(sequence.frames, sequence.numbers, strict=True):
                    if number != before + 1:
                        yield path, number, before + 1
                    before = number


def load_tree(root: Path, views: tuple[View, View], shared: int | None, report: Report, leftovers: Report) -> Tree:
    """List both cameras; faults go to `report`, and files that a file manager left behind to `leftovers`.

    `shared`: up to this number, the same number is the same person in both cameras, and beyond it another one; None
    if that holds for all. No frame is opened. The tree is empty if a folder is missing.
    """
    if not check_views(root, views, report):
        return Tree(({}, {}), ())
    seen = first, second = [list_view(root, view, report, leftovers) for view in views]
    numbers = [{n for n in persons if shared is None or n <= shared} for persons in seen]
    for here, there in ((0, 1), (1, 0)):
        alone = sorted(numbers[here] - numbers[there])
        if alone:
            view, other = root / views[here].folder, root / views[there].folder
            report(
                f"{view} holds {seen[here][alone[0]].person}{one_of(alone, 'persons')}, who is not in {other}, "
                "expected the same persons in both; copy the missing folders from the original data."
            )
    return Tree((first, second), tuple(sorted(numbers[0] & numbers[1])))


def check_views(root: Path, views: tuple[View, View], report: Report) -> bool:
    """Check that the folders of both cameras are there."""
    if not check_root(root, (view.folder for view in views), report):
        return False
    missing = [view.folder for view in views if not (root / view.folder).is_dir()]
    if not missing:
        return True
    top = views[0].folder.partition("/")[0]
    deeper = sorted(path.parent for path in root.glob(f"*/{top}") if path.is_dir())
    inside = views[0].folder.removeprefix(f"{top}/")
    if deeper:
        hint = f"did you mean {deeper[0]}?"
    elif (root / inside).is_dir():
        hint = f"{root} seems to be {top} itself: name the folder above it."
    else:
        hint = f"{ORIGIN}."
    report(f"{root / missing[0]} is missing{one_of(missing, 'folders')}, expected a folder for each person; {hint}")
    return False


def list_view(root: Path, view: View, report: Report, leftovers: Report) -> Sequences:
    """List every person of one camera, in order of number."""
    found: dict[int, Sequence] = {}
    for entry in entries(root / view.folder, leftovers):
        match = re.fullmatch(view.person, entry.name)
        if not match or not is_folder(entry):
            report(
                f"{entry.path} is not a folder of a person, expected names such as {view.example}; delete or rename it."
            )
            continue
        frames = list_frames(root, view, entry.name, report, leftovers)
        if frames.frames:
            found[int(match[1])] = frames
        else:
            report(f"{entry.path} holds no frame; {ORIGIN}.")
    if not found:
        report(f"{root / view.folder} holds no person, expected frames such as {view.example}; {ORIGIN}.")
    return found  # ascending: names are as long as each other, so sorted names are sorted numbers


def list_frames(root: Path, view: View, person: str, report: Report, leftovers: Report) -> Sequence:
    """List the frames in a person's folder, in order of number."""
    pattern = re.compile(view.frame.format(person=person))
    names: dict[int, str] = {}
    for entry in entries(root / view.folder / person, leftovers):
        match = pattern.fullmatch(entry.name)
        if not match:
            report(
                f"{entry.path} is not a frame of {person}, expected names such as {view.example}; delete or rename it."
            )
        elif int(match[1]) in names:
            report(f"{entry.path} has the same frame number as {names[int(match[1])]}; keep one of the two.")
        else:
            names[int(match[1])] = entry.name
    numbers = sorted(names)
    frames = tuple(f"{view.folder}/{person}/{names[n]}" for n in numbers)
    return Sequence(view.folder.rpartition("/")[2], person, frames, tuple(numbers))


def entries(folder: Path, leftovers: Report) -> Iterator[os.DirEntry[str]]:
    """What lies in a folder, sorted by name; what a file manager left behind goes to `leftovers`."""
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if is_leftover(entry.name):
            leftovers(f"{entry.path} was left by a file manager; delete it.")
        else:
            yield entry
