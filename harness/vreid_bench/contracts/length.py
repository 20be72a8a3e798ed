"""The length of a training in the unit in which its paper prints it, and what an epoch is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

from vreid_bench.system.errors import InputError

Over = Literal["people", "tracklets"]
TEXT = re.compile(r"([1-9][0-9]{0,8}) epochs?(?: over (\w+))?")
EXPECTED = "a number of steps, as in 900, or of epochs, as in '500 epochs' or '500 epochs over tracklets'"


class TrainingSize(NamedTuple):
    """How much a training set holds; distractors and junk are in neither number."""

    people: int
    tracklets: int


@dataclass(frozen=True)
class Epochs:
    """A length in epochs. Planning turns it into steps on the data of the training.

    An epoch over `people` draws each person once: people // P steps. An epoch over `tracklets` draws as many tracklets
    as there are: tracklets // (P K) steps. A last batch that would not be full is left out; one step is the least.

    None of the five papers says what its epoch is, and all of their recipes here count over people. This is the epoch
    of the code that Gao and Nevatia published: its sampler lists each person once with K of its tracklets, and its
    loader drops the last batch unless it is full. The papers that print epochs draw the same batches of P people with K
    tracklets each, and one of them prints one number for MARS with 13 tracklets of a person and iLIDS-VID with two. In
    batches of 8 x 4, an epoch over tracklets is three times as long as one over people on MARS (259 steps for 78), and
    half as long on iLIDS-VID (9 for 18).
    """

    number: int
    over: Over = "people"

    def __post_init__(self) -> None:
        if type(self.number) is not int or self.number < 1 or self.over not in get_args(Over):
            raise InputError(
                f"recipe: a length is {self!r}, expected a whole number of epochs over people or tracklets"
            )

    def __str__(self) -> str:
        return f"{self.number} epoch{'s' if self.number > 1 else ''} over {self.over}"


Length = int | Epochs
"""Steps, or epochs that planning turns into steps."""


def parse_length(text: str) -> Length:
    """The length that a text says: `900`, `500 epochs`, `500 epochs over tracklets`. Raises ValueError for another."""
    if re.fullmatch(r"-?[0-9]{1,15}", text):
        return int(text)
    match = TEXT.fullmatch(text)
    if match is None or match[2] not in (None, *get_args(Over)):
        raise ValueError(f"expected {EXPECTED}, got {text!r}")
    return Epochs(int(match[1]), "tracklets" if match[2] == "tracklets" else "people")


def steps_of_epoch(over: Over, size: TrainingSize, P: int, K: int) -> int:
    """The steps of an epoch in batches of P people with K tracklets each; `Epochs` has the rule."""
    return max(1, size.people // P if over == "people" else size.tracklets // (P * K))


def to_steps(length: Length, size: TrainingSize, P: int, K: int) -> int:
    """The length in steps on a training set of that size."""
    return length.number * steps_of_epoch(length.over, size, P, K) if isinstance(length, Epochs) else length


def plain_steps(length: Length) -> int:
    """The number of steps of a length that planning has already turned into steps. Raises TypeError for epochs."""
    if isinstance(length, Epochs):
        raise TypeError(f"{length} are not steps yet: `planning.trainings` turns them into steps on the training set")
    return length
