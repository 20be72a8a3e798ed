"""Ten divisions of the same persons into halves, as published or drawn: half trains, half tests."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vreid_bench import InputError, Split, Tracklet
from vreid_bench.system.fingerprint import digest
from vreid_plugins.datasets.faults import Report, also
from vreid_plugins.datasets.matlab import Integers, load_matrix
from vreid_plugins.datasets.views import Tree

KEY = "ls_set"  # of the published .mat files: a permutation in each row
SPLITS = 10
SEED = 2014  # of the halves that are drawn where no file gives them
LARGEST = 1 << 24  # bytes; the split files of this field have some ten thousand

# Which half is test: torchreid and person-reid-lib follow Wang et al. (ECCV 2014); the loaders that descend from
# dapengchen123/video_reid (GRL, TF-CLIP) swap the halves, so that their split 0 is other data.
VARIANTS = ("wang14", "dapeng")

Half = tuple[int, ...]  # numbers of persons, ascending


@dataclass(frozen=True)
class Division:
    """The halves of every split, and where they come from."""

    halves: tuple[tuple[Half, Half], ...]  # of each split: the first half of the persons, the second
    file: str  # path below the root; empty if they were drawn

    @property
    def fingerprint(self) -> str:
        """A hash over who is in which half of which split."""
        return digest(self.halves)


def from_matrix(root: Path, file: str, persons: Sequence[int], report: Report) -> Division | None:
    """The halves of a published .mat: each row of `ls_set` holds places in the sorted persons, counted from 1."""
    path = root / file
    rows = load_matrix(path, KEY, (None, None), "restore the published file", report)
    if rows is None or not check_rows(path, rows, len(persons), report):
        return None
    halves = []
    for row in rows.tolist():
        numbers = [persons[place - 1] for place in row]
        middle = len(row) // 2
        halves.append((tuple(sorted(numbers[:middle])), tuple(sorted(numbers[middle:]))))
    return Division(tuple(halves), file)


def check_rows(path: Path, rows: Integers, persons: int, report: Report) -> bool:
    """Is each of ten `rows` [10, persons] an order of the places 1 to `persons`?"""
    restore = "restore the published file."
    if rows.shape != (SPLITS, persons):
        report(
            f"{path}: {KEY} is {rows.shape[0]} x {rows.shape[1]}, wanted {SPLITS} x {persons}, a place for each of the "
            f"{persons} persons to be divided; {restore}"
        )
        return False
    for number, row in enumerate(rows):
        bad = row[(row < 1) | (row > persons)]
        if len(bad):
            why = "the file seems to count from 0, wanted 1" if (bad == 0).any() else f"wanted 1 to {persons}"
            report(
                f"{path}: row {number + 1} of {KEY} holds {bad[0]}{also(bad, 'values')}, {why}: places in the sorted "
                f"list of persons, not the numbers in their names; {restore}"
            )
            return False
        values, counts = np.unique(row, return_counts=True)
        if (counts > 1).any():
            report(f"{path}: row {number + 1} of {KEY} holds {values[counts > 1][0]} twice, wanted once; {restore}")
            return False
    return True


def from_json(
    root: Path, file: str, persons: Sequence[int], name: Callable[[int], str], report: Report
) -> Division | None:
    """The halves of a list of {"train": [names], "test": [names]}, whose first half is test; `name` of a person."""
    path = root / file
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError(f"over {LARGEST} bytes")
        splits = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        report(f"{path} cannot be read as JSON ({error}); copy it again.")
        return None
    wanted = f"wanted a list of {SPLITS} objects with lists of names under train and test"
    if not isinstance(splits, list) or len(splits) != SPLITS or not all(map(is_split, splits)):
        report(f"{path} is not a list of splits, {wanted}; copy it again.")
        return None
    numbers = {name(person): person for person in persons}
    halves = []
    for place, split in enumerate(splits):
        if not check_split(f"{path}, split {place}", split, numbers, report):
            return None
        first, second = (tuple(sorted(numbers[each] for each in split[half])) for half in ("test", "train"))
        halves.append((first, second))
    return Division(tuple(halves), file)


def is_split(split: Any) -> bool:
    """Has it lists of texts under `train` and `test`?"""
    parts = [split.get(half) for half in ("train", "test")] if isinstance(split, dict) else [None]
    return all(isinstance(part, list) and all(isinstance(each, str) for each in part) for part in parts)


def check_split(where: str, split: dict[str, list[str]], numbers: dict[str, int], report: Report) -> bool:
    """Does each of the persons `numbers` stand in one of the two halves, once, and nobody else?"""
    train, test = split["train"], split["test"]
    faults = (
        (sorted(set(train) & set(test)), "is trained on and tested too", "wanted nobody in both"),
        (sorted({p for half in (train, test) for p in half if half.count(p) > 1}), "is listed twice", "wanted once"),
        (sorted({*train, *test} - set(numbers)), "is not among the persons", f"wanted the {len(numbers)} of this copy"),
        (sorted(set(numbers) - {*train, *test}), "is in neither half", f"wanted all {len(numbers)} of this copy"),
    )
    for bad, what, wanted in faults:
        if bad:
            report(f"{where}: {bad[0]!a} {what}{also(bad, 'persons')}, {wanted}; restore list or folders.")
            return False
    if abs(len(train) - len(test)) > 1:
        report(f"{where}: {len(train)} persons train and {len(test)} test, wanted halves; restore the published file.")
        return False
    return True


def drawn(persons: Sequence[int]) -> Division:
    """Ten halves by a fixed seed, the same on every machine."""
    halves = []
    for number in range(SPLITS):
        # numpy keeps a bit generator's raw stream the same in every version
        keys = np.random.Philox(key=[SEED, number]).random_raw(len(persons))
        order = [persons[place] for place in np.argsort(keys, kind="stable").tolist()]
        middle = len(order) // 2
        halves.append((tuple(sorted(order[:middle])), tuple(sorted(order[middle:]))))
    return Division(tuple(halves), "")


def divided(tree: Tree, division: Division, variant: str) -> tuple[Split, ...]:
    """The splits: camera 1 asks, camera 2 answers, each person tested once. Raises InputError for no `variant`."""
    if variant not in VARIANTS:
        raise InputError(f"variant {variant!r} of the halves is not known; write {' or '.join(VARIANTS)}")

    def seen(camera: int, half: Half) -> tuple[Tracklet, ...]:
        view = tree.views[camera - 1]
        return tuple(Tracklet(view[p].frames, p, camera) for p in half)

    splits = []
    for first, second in division.halves:
        test, train = (first, second) if variant == "wang14" else (second, first)
        splits.append(Split.apart((*seen(1, train), *seen(2, train)), seen(1, test), seen(2, test)))
    return tuple(splits)


def origin(division: Division, files: Sequence[str]) -> tuple[str, ...]:
    """What a reader of the result must know of drawn halves; `files` would have given published ones."""
    if division.file:
        return ()
    return (
        f"Without a published split file ({' or '.join(files)}), {SPLITS} halves were drawn by seed {SEED}, "
        f"fingerprint {division.fingerprint[:12]}; published numbers are of other halves.",
    )
