"""Damage to the names and rows that index MARS."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from damage.kinds import KINDS, Damage, kind
from damage.tree import MARS_NAMES, MARS_ROWS, TOPS, Random, Tree, choose


def damage_of_rows(change: Callable[[np.ndarray, Random], np.ndarray]) -> Damage:
    """A damage that changes the rows [N, 4] of one half of MARS."""

    def damage(tree: Tree, random: Random) -> str:
        file = choose(random, tuple(MARS_ROWS))
        return tree.write_matrix(file, change(tree.matrix(file)[1], random))

    return damage


def move_boundary(rows: np.ndarray, random: Random) -> np.ndarray:
    """One row ends a frame later or sooner, and the next one begins there: the ranges still follow one another."""
    row, step = random.integers(len(rows) - 1), choose(random, (-1, 1))
    rows[row, 1] += step
    rows[row + 1, 0] += step
    return rows


def change_column(column: int, top: int) -> Callable[[np.ndarray, Random], np.ndarray]:
    """One value of a column becomes another one from 1 to `top`."""

    def change(rows: np.ndarray, random: Random) -> np.ndarray:
        row = random.integers(len(rows))
        rows[row, column] = choose(random, [value for value in range(1, top + 1) if value != rows[row, column]])
        return rows

    return change


def change_end(rows: np.ndarray, random: Random) -> np.ndarray:
    """One row begins or ends elsewhere, and no other row with it."""
    row, column = random.integers(len(rows)), random.integers(2)
    rows[row, column] += choose(random, (-1, 1))
    return rows


for name, change in {
    "row_lost": lambda rows, random: np.delete(rows, random.integers(len(rows)), axis=0),
    "row_repeated": lambda rows, random: np.insert(rows, place := random.integers(len(rows)), rows[place], axis=0),
    "rows_counted_from_zero": lambda rows, random: rows - [1, 1, 0, 0],
    "rows_without_a_column": lambda rows, random: np.delete(rows, random.integers(4), axis=1),
    "boundary_of_two_rows_moved": move_boundary,
    "row_begins_or_ends_elsewhere": change_end,
    "person_changed_in_the_index": change_column(2, 30),
    "camera_changed_in_the_index": change_column(3, 6),
}.items():
    KINDS[name] = (("mars",), damage_of_rows(change))


@kind("mars")
def name_of_another_person(tree: Tree, random: Random) -> str:
    file = choose(random, MARS_NAMES)
    lines = tree.lines(file)
    place = int(random.integers(len(lines)))
    lines[place] = f"0999{lines[place][4:]}"
    tree.write_lines(file, lines)
    return file


@kind("mars")
def names_out_of_order(tree: Tree, random: Random) -> str:
    frames = tree.tracklet(random)
    file = MARS_NAMES[frames[0].startswith("bbox_test")]
    a, b = (Path(frames[place]).name for place in random.choice(len(frames), 2, replace=False))
    swapped = {a: b, b: a}
    return tree.write_lines(file, [swapped.get(line, line) for line in tree.lines(file)])


@kind("mars")
def person_of_the_test_in_training(tree: Tree, random: Random) -> str:
    people = [sorted(path.name for path in (tree.root / top).iterdir()) for top in TOPS["mars"]]
    old, new = choose(random, people[0]), choose(random, [each for each in people[1] if each.isdigit() and int(each)])
    for path in sorted((tree.root / "bbox_train" / old).iterdir()):
        path.rename(path.with_name(new + path.name[4:]))
    tree.rename(f"bbox_train/{old}", f"bbox_train/{new}")
    tree.write_lines(MARS_NAMES[0], [new + n[4:] if n[:4] == old else n for n in tree.lines(MARS_NAMES[0])])
    file = "info/tracks_train_info.mat"
    rows = tree.matrix(file)[1]
    rows[rows[:, 2] == int(old), 2] = int(new)
    return f"{tree.write_matrix(file, rows)}: person {int(new)} is in"
