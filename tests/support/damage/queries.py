"""Damage to the matrices that say which tracklets are queries."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np

from damage.kinds import KINDS, Damage
from damage.tree import LISTS, LS_QUERY, MARS_QUERY, Random, Tree, choose


def damage_of_queries(change: Callable[[np.ndarray, np.ndarray, Random], None]) -> Damage:
    """A damage that changes the queries [Q]; it is given the persons and cameras [N, 2] of the rows, too."""

    def damage(tree: Tree, random: Random) -> str:
        file = {"mars": MARS_QUERY, "ls-vid": LS_QUERY}[tree.layout]
        if tree.layout == "mars":
            people = tree.matrix("info/tracks_test_info.mat")[1][:, 2:]
        else:
            fields = [re.split(r"[_ ]", line) for line in tree.lines(LISTS["ls-vid"][-1])]
            people = np.array([[int(cells[-1]), int(cells[-2])] for cells in fields])
        query = tree.matrix(file)[1].copy()
        change(query[0], people, random)
        return tree.write_matrix(file, query)

    return damage


def query_counted_from_zero(query: np.ndarray, people: np.ndarray, random: Random) -> None:
    query[random.integers(len(query))] = 0


def query_outside(query: np.ndarray, people: np.ndarray, random: Random) -> None:
    query[random.integers(len(query))] = len(people) + random.integers(1, 100)


def query_repeated(query: np.ndarray, people: np.ndarray, random: Random) -> None:
    place = random.integers(1, len(query))
    query[place] = query[place - 1]


def query_of_junk(query: np.ndarray, people: np.ndarray, random: Random) -> None:
    query[random.integers(len(query))] = 1 + choose(random, np.flatnonzero(people[:, 0] < 1).tolist())


def queries_unsorted(query: np.ndarray, people: np.ndarray, random: Random) -> None:
    place = random.integers(1, len(query))
    query[[place - 1, place]] = query[[place, place - 1]]


def second_query_of_a_person_in_a_camera(query: np.ndarray, people: np.ndarray, random: Random) -> None:
    asked = [row - 1 for row in query.tolist()]
    twins = [
        row for row in range(len(people)) if row not in asked and any((people[row] == people[q]).all() for q in asked)
    ]
    row = choose(random, twins)
    places = [n for n, q in enumerate(asked) if (people[q] != people[row]).any()]  # a query to give up for it
    query[choose(random, places)] = row + 1
    query.sort()


for change in (query_counted_from_zero, query_outside, query_repeated):
    KINDS[change.__name__] = (("mars", "ls-vid"), damage_of_queries(change))
for change in (query_of_junk, queries_unsorted, second_query_of_a_person_in_a_camera):
    KINDS[change.__name__] = (("mars",), damage_of_queries(change))
