"""How people are numbered: the labels of tracklets that show nobody, and the people that a classifier tells apart."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

JUNK = -1  # a tracklet that takes no rank for any query
DISTRACTOR = 0  # a tracklet that shows no person of the data set: a negative for every query; in training, unlabelled
NOBODY = {JUNK: "junk", DISTRACTOR: "distractor"}  # what a pid is called that is no person


class Labelled(Protocol):
    """What has the number of a person, as a tracklet does."""

    @property
    def pid(self) -> int:
        """> 0 a person, DISTRACTOR or JUNK."""
        ...


def person_ids(tracklets: Iterable[Labelled]) -> list[int]:
    """The pids of persons, sorted, each once: a classifier has one row for each."""
    return sorted({t.pid for t in tracklets if t.pid > DISTRACTOR})
