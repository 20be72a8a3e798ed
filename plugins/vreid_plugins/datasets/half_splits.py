"""Ten divisions of the same persons into halves, published or drawn: one half trains, the other tests."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from vreid_bench import InputError, Protocol, Split, Tracklet, digest
from vreid_plugins.datasets.fault_report import Report, one_of
from vreid_plugins.datasets.matlab import Integers, load_matrix
from vreid_plugins.datasets.two_views import Tree

KEY = "ls_set"  # of the published .mat files: a permutation in each row
SPLITS = 10
SEED = 2014  # of the halves that are drawn if no file holds them
LARGEST = 1 << 24  # bytes of a split file; the published ones have some ten thousand

# Which half is test: torchreid and person-reid-lib follow Wang et al. (ECCV 2014); the loaders that descend from
# dapengchen123/video_reid (GRL, TF-CLIP) swap the halves, so that their split 0 is other data.
VARIANTS = ("wang14", "dapeng")

Half = tuple[int, ...]  # numbers of persons, ascending


@dataclass(frozen=True)
class HalfSplits:
    """The halves of every split, and where they come from."""

    halves: tuple[tuple[Half, Half], ...]  # of each split: the first half of the persons, the second
    file: str  # path below the root; empty if they were drawn

    @property
    def fingerprint(self) -> str:
        """A hash over the halves of all splits."""
        return digest(self.halves)


def read_matrix(root: Path, file: str, persons: Sequence[int], report: Report) -> HalfSplits | None:
    """Read a published .mat: each row of `ls_set` holds places in the sorted list of persons, counted from 1."""
    path = root / file
    rows = load_matrix(path, KEY, (None, None), "restore the published file", report)
    if rows is None or not check_rows(path, rows, len(persons), report):
        return None
    halves = []
    for row in rows.tolist():
        numbers = [persons[place - 1] for place in row]
        middle = len(row) // 2
        halves.append((tuple(sorted(numbers[:middle])), tuple(sorted(numbers[middle:]))))
    return HalfSplits(tuple(halves), file)


def check_rows(path: Path, rows: Integers, persons: int, report: Report) -> bool:
    """Check that each of the `rows` [10, persons] is an order of the places 1 to `persons`."""
    restore = "restore the published file."
    if rows.shape != (SPLITS, persons):
        report(
            f"{path}: {KEY} is {rows.shape[0]} x {rows.shape[1]}, expected {SPLITS} x {persons}, one place for each of "
            f"the {persons} persons; {restore}"
        )
        return False
    for number, row in enumerate(rows):
        bad = row[(row < 1) | (row > persons)]
        if len(bad):
            hint = " (the file seems to count from 0)" if (bad == 0).any() else ""
            report(
                f"{path}: row {number + 1} of {KEY} holds {bad[0]}{one_of(bad, 'values')}, expected 1 to "
                f"{persons}{hint}, the places in the sorted list of persons and not the numbers in their names; "
                f"{restore}"
            )
            return False
        values, counts = np.unique(row, return_counts=True)
        if (counts > 1).any():
            report(f"{path}: row {number + 1} of {KEY} holds {values[counts > 1][0]} twice, expected once; {restore}")
            return False
    return True


def read_lists(
    root: Path, file: str, persons: Sequence[int], name: Callable[[int], str], report: Report
) -> HalfSplits | None:
    """Read a JSON list of {"train": [names], "test": [names]}, with test as the first half; `name` names a person."""
    path = root / file
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError(f"over {LARGEST} bytes")
        splits = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        report(f"{path} cannot be read as JSON ({error}); copy it again.")
        return None
    expected = f"expected a list of {SPLITS} objects with lists of names under train and test"
    if not isinstance(splits, list) or len(splits) != SPLITS or not all(map(is_split, splits)):
        report(f"{path} is not a list of splits, {expected}; copy it again.")
        return None
    numbers = {name(person): person for person in persons}
    halves = []
    for place, split in enumerate(splits):
        if not check_split(f"{path}, split {place}", split, numbers, report):
            return None
        first, second = (tuple(sorted(numbers[each] for each in split[half])) for half in ("test", "train"))
        halves.append((first, second))
    return HalfSplits(tuple(halves), file)


def is_split(split: Any) -> bool:
    """Whether it has lists of texts under `train` and `test`."""
    parts = [split.get(half) for half in ("train", "test")] if isinstance(split, dict) else [None]
    return all(isinstance(part, list) and all(isinstance(each, str) for each in part) for part in parts)


def check_split(where: str, split: dict[str, list[str]], numbers: dict[str, int], report: Report) -> bool:
    """Check that each of the persons `numbers` is in one of the two halves, once, and that nobody else is."""
    train, test = split["train"], split["test"]
    faults = (
        (sorted(set(train) & set(test)), "is both trained on and tested", "expected nobody in both"),
        (sorted({p for half in (train, test) for p in half if half.count(p) > 1}), "is listed twice", "expected once"),
        (
            sorted({*train, *test} - set(numbers)),
            "is not among the persons",
            f"expected the {len(numbers)} of this copy",
        ),
        (sorted(set(numbers) - {*train, *test}), "is in neither half", f"expected all {len(numbers)} of this copy"),
    )
    for bad, what, expected in faults:
        if bad:
            report(f"{where}: {bad[0]!a} {what}{one_of(bad, 'persons')}, {expected}; restore the list or the folders.")
            return False
    if abs(len(train) - len(test)) > 1:
        report(
            f"{where}: {len(train)} persons for training and {len(test)} for testing, expected halves; restore the "
            "published file."
        )
        return False
    return True


def draw_halves(persons: Sequence[int]) -> HalfSplits:
    """Draw ten divisions by a fixed seed; they are the same on every machine."""
    halves = []
    for number in range(SPLITS):
        # numpy keeps a bit generator's raw stream the same in every version
        keys = np.random.Philox(key=[SEED, number]).random_raw(len(persons))
        order = [persons[place] for place in np.argsort(keys, kind="stable").tolist()]
        middle = len(order) // 2
        halves.append((tuple(sorted(order[:middle])), tuple(sorted(order[middle:]))))
    return HalfSplits(tuple(halves), "")


def make_splits(tree: Tree, halves: HalfSplits, variant: str) -> tuple[Split, ...]:
    """The splits: camera 1 is query, camera 2 gallery. Raises InputError for an unknown `variant`."""
    if variant not in VARIANTS:
        raise InputError(f"variant {variant!r} of the halves is not known; write {' or '.join(VARIANTS)}")

    def seen(camera: int, half: Half) -> tuple[Tracklet, ...]:
        sequences = [(pid, tree.views[camera - 1][pid]) for pid in half]
        return tuple(Tracklet(s.frames, pid, camera, person=s.person, camera=s.camera) for pid, s in sequences)

    splits = []
    for first, second in halves.halves:
        test, train = (first, second) if variant == "wang14" else (second, first)
        splits.append(Split.apart((*seen(1, train), *seen(2, train)), seen(1, test), seen(2, test)))
    return tuple(splits)


def note_drawn(halves: HalfSplits, files: Sequence[str]) -> tuple[str, ...]:
    """What the reader of a result must know of drawn halves; `files` are those that could have held published ones."""
    if halves.file:
        return ()
    return (
        f"Without a published split file ({' or '.join(files)}), {SPLITS} halves were drawn by seed {SEED}, "
        f"fingerprint {halves.fingerprint[:12]}; published numbers are of other halves.",
    )


def with_swapped(protocol: Protocol, source: str) -> Mapping[str, Protocol]:
    """A protocol on the first variant, and the same on the second as `<name>-dapeng`, from the code bases `source`."""
    swapped = replace(
        protocol,
        name=f"{protocol.name}-{VARIANTS[1]}",
        summary=f"As {protocol.name} with the halves swapped: train on the first half of the published order. Scores "
        "of the two are not of the same data.",
        source=source,
        variant=VARIANTS[1],
    )
    return {protocol.name: protocol, swapped.name: swapped}
