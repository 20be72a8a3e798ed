"""Damage to the published ways of dividing iLIDS-VID and PRID2011 in halves."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np

from damage.kinds import KINDS, Damage, kind
from damage.tree import PRID_LISTS, SHARED, Random, Tree, choose, parent, person
from vreid_plugins.datasets.ilids_vid.index import SPLIT_FILE


def damage_of_orders(change: Callable[[np.ndarray, Random], np.ndarray]) -> Damage:
    """A damage that changes the orders [10, persons] of iLIDS-VID."""

    def damage(tree: Tree, random: Random) -> str:
        return tree.write_matrix(SPLIT_FILE, change(tree.matrix(SPLIT_FILE)[1], random))

    return damage


def place_repeated(orders: np.ndarray, random: Random) -> np.ndarray:
    """One person stands in both halves of one split, or twice in one of them, and another one in none."""
    row, (one, other) = random.integers(len(orders)), random.choice(orders.shape[1], 2, replace=False)
    orders[row, one] = orders[row, other]
    return orders


def place_outside(orders: np.ndarray, random: Random) -> np.ndarray:
    """One place becomes what could be the number of a person."""
    orders[random.integers(len(orders)), random.integers(orders.shape[1])] = orders.shape[1] + random.integers(1, 20)
    return orders


for name, change in {
    "split_lost": lambda orders, random: np.delete(orders, random.integers(10), axis=0),
    "person_lost_of_all_splits": lambda orders, random: np.delete(orders, random.integers(orders.shape[1]), axis=1),
    "places_counted_from_zero": lambda orders, random: orders - 1,
    "place_repeated": place_repeated,
    "place_outside": place_outside,
}.items():
    KINDS[name] = (("ilids-vid",), damage_of_orders(change))


def damage_of_lists(change: Callable[[list[dict[str, list[str]]], Tree, Random], object]) -> Damage:
    """A damage that changes the published lists of PRID2011."""

    def damage(tree: Tree, random: Random) -> str:
        lists = json.loads(tree.read(PRID_LISTS))
        change(lists, tree, random)
        return tree.write(PRID_LISTS, json.dumps(lists).encode())

    return damage


def half(lists: list[dict[str, list[str]]], random: Random) -> list[str]:
    """One half of one split."""
    return choose(random, lists)[choose(random, ("train", "test"))]


def replace_person(lists: list[dict[str, list[str]]], number: int, random: Random) -> None:
    """A person takes another one's place."""
    names = half(lists, random)
    names[random.integers(len(names))] = f"person_{number:04d}"


def person_too_short(lists: list[dict[str, list[str]]], tree: Tree, random: Random) -> None:
    divided = {person(name) for names in lists[0].values() for name in names}
    shared = {person(parent(frame)) for frame in tree.frames() if person(parent(frame)) <= SHARED}
    replace_person(lists, choose(random, sorted(shared - divided)), random)


def person_in_both_halves(lists: list[dict[str, list[str]]], tree: Tree, random: Random) -> None:
    split = choose(random, lists)
    split["train"][0] = choose(random, split["test"])


def person_in_the_other_half_alone(lists: list[dict[str, list[str]]], tree: Tree, random: Random) -> None:
    split = choose(random, lists)
    split["train"].append(split["test"].pop())


for name, change in {
    "person_too_short_in_the_lists": person_too_short,
    "person_of_one_camera_in_the_lists": lambda lists, tree, random: replace_person(lists, SHARED + 1, random),
    "person_unknown_in_the_lists": lambda lists, tree, random: replace_person(lists, 155, random),
    "person_lost_in_the_lists": lambda lists, tree, random: half(lists, random).pop(),
    "person_repeated_in_the_lists": lambda lists, tree, random: (names := half(lists, random)).append(names[0]),
    "person_in_both_halves": person_in_both_halves,
    "halves_of_unequal_size": person_in_the_other_half_alone,
    "lists_of_nine_splits": lambda lists, tree, random: lists.pop(random.integers(10)),
    "half_lost_in_the_lists": lambda lists, tree, random: choose(random, lists).pop(choose(random, ("train", "test"))),
    "number_in_the_lists": lambda lists, tree, random: half(lists, random).insert(0, 1),
}.items():
    KINDS[name] = (("prid2011",), damage_of_lists(change))


@kind("prid2011")
def lists_cut(tree: Tree, random: Random) -> str:
    content = tree.read(PRID_LISTS)
    return tree.write(PRID_LISTS, content[: random.integers(len(content))])
