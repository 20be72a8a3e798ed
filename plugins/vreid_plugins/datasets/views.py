"""Two cameras with a folder for each person and one sequence of frames in it: listing and checking such trees."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from vreid_plugins.datasets.faults import Report, also, is_leftover


@dataclass(frozen=True)
class View:
    """How one camera's tree is named."""

    folder: str  # below the root
    person: str  # pattern of a person's folder, whose one group is the person's number
    frame: str  # pattern of a frame's file, whose one group is its number; {person} stands for the folder's name
    example: str  # of a frame below `folder`


class Listed(NamedTuple):
    """The frames of one person in one camera."""

    frames: tuple[str, ...]  # paths below the root, in order of number
    numbers: tuple[int, ...]  # ascending


Sightings = Mapping[int, Listed]  # number of a person -> what one camera saw, ascending


@dataclass(frozen=True)
class Tree:
    """What both cameras saw."""

    views: tuple[Sightings, Sightings]
    persons: tuple[int, ...]  # whom both saw, ascending

    def seen(self, frames: int) -> tuple[int, ...]:
        """The persons of whom both cameras have at least so many frames, ascending."""
        first, second = self.views
        return tuple(p for p in self.persons if min(len(first[p].frames), len(second[p].frames)) >= frames)

    def gaps(self, start: int | None = None) -> Iterator[tuple[str, int, int]]:
        """Where frame numbers do not follow one another: the path of the later frame, its number, the one wanted.

        `start`: the number of every first frame; None lets a sequence begin anywhere.
        """
        for view in self.views:
            for frames, numbers in view.values():
                before = numbers[0] - 1 if start is None else start - 1
                for path, number in zip(frames, numbers, strict=True):
                    if number != before + 1:
                        yield path, number, before + 1
                    before = number


def load_tree(root: Path, views: tuple[View, View], shared: int | None, report: Report, leftovers: Report) -> Tree:
    """List both cameras; every fault goes to `report`, what a file manager left behind to `leftovers`.

    `shared`: up to this number the same number is the same person in both cameras, and beyond it another one; None
    if that holds for all. No frame is opened. An empty tree is what a missing folder gives.
    """
    if not check_layout(root, views, report):
        return Tree(({}, {}), ())
    first, second = (list_view(root, view, report, leftovers) for view in views)
    numbers = [{n for n in seen if shared is None or n <= shared} for seen in (first, second)]
    for here, there in ((0, 1), (1, 0)):
        alone = sorted(numbers[here] - numbers[there])
        if alone:
            view, other = root / views[here].folder, root / views[there].folder
            report(
                f"{view} has person {alone[0]}{also(alone, 'persons')}, whom {other} lacks; wanted the same persons in "
                "both: copy the missing folders from the original data."
            )
    return Tree((first, second), tuple(sorted(numbers[0] & numbers[1])))


def check_layout(root: Path, views: tuple[View, View], report: Report) -> bool:
    """Are both cameras' folders there?"""
    if not root.is_dir():
        state = "is a file, wanted the folder" if root.exists() else "does not exist; name the folder"
        report(f"{root} {state} that holds {views[0].folder} and {views[1].folder}.")
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
        hint = "copy it from the original data."
    report(f"{root / missing[0]} is missing{also(missing, 'folders')}, wanted a folder for each person; {hint}")
    return False


def list_view(root: Path, view: View, report: Report, leftovers: Report) -> Sightings:
    """Every person of one camera, in order of number; the order in which the disk lists them does not matter."""
    found: dict[int, Listed] = {}
    for name, path in entries(root / view.folder, leftovers):
        match = re.fullmatch(view.person, name)
        if not match or not path.is_dir():
            report(f"{path} is not a person's folder, wanted names such as {view.example}; delete or rename it.")
            continue
        frames = list_frames(root, view, name, report, leftovers)
        if frames.frames:
            found[int(match[1])] = frames
        else:
            report(f"{path} holds no frame; copy it from the original data.")
    if not found:
        report(f"{root / view.folder} holds no person, wanted frames such as {view.example}; copy it again.")
    return found  # ascending: names are as long as each other, so sorted names are sorted numbers


def list_frames(root: Path, view: View, person: str, report: Report, leftovers: Report) -> Listed:
    """The frames in one person's folder, in order of number."""
    pattern = re.compile(view.frame.format(person=person))
    names: dict[int, str] = {}
    for name, path in entries(root / view.folder / person, leftovers):
        match = pattern.fullmatch(name)
        if not match:
            report(f"{path} is not a frame of {person}, wanted names such as {view.example}; delete or rename it.")
        elif int(match[1]) in names:
            report(f"{path} has the frame number of {names[int(match[1])]}; keep one of the two.")
        else:
            names[int(match[1])] = name
    numbers = sorted(names)
    return Listed(tuple(f"{view.folder}/{person}/{names[n]}" for n in numbers), tuple(numbers))


def entries(folder: Path, leftovers: Report) -> Iterator[tuple[str, Path]]:
    """Names and paths in a folder, sorted, but what a file manager left behind."""
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if is_leftover(entry.name):
            leftovers(f"{entry.path} was left by a file manager; delete it.")
        else:
            yield entry.name, Path(entry.path)
