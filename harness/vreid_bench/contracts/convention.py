"""How a ranking is scored: frozen, versioned data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from vreid_bench.contracts.fingerprinted_fields import OPTIONAL, PROSE, rules_of
from vreid_bench.system.errors import InputError
from vreid_bench.system.fingerprint import digest


class Compared(NamedTuple):
    """What a match must share with its query, or must not share."""

    attribute: str
    value: Literal["same", "other"]


class Having(NamedTuple):
    """The values of an attribute that a tracklet may have to take part."""

    attribute: str
    values: tuple[str, ...]


class Admission(NamedTuple):
    """Which tracklets take part in a test."""

    query: tuple[Having, ...] = ()
    gallery: tuple[Having, ...] = ()
    least_frames: int = 0

    def describe(self) -> str:
        """What a query and a gallery item must have, in words; empty for everybody."""
        sides = (("queries of ", self.query), ("a gallery of ", self.gallery))
        words = [
            side + " and ".join(f"{attribute} {' or '.join(values)}" for attribute, values in having)
            for side, having in sides
            if having
        ]
        return ", ".join([*words, *([f"tracklets of {self.least_frames} frames or more"] if self.least_frames else [])])


EVERYBODY = Admission()


def describe_rule(value: Any) -> str:
    """The value of one rule in words."""
    if isinstance(value, bool | None):
        return {True: "yes", False: "no", None: "as listed"}[value]
    if isinstance(value, tuple):
        words = (f"{name} {given if isinstance(given, str) else ' or '.join(given)}" for name, given in value)
        return ", ".join(words) or "any"
    return str(value) if value else "none"


@dataclass(frozen=True)
class Convention:
    """One rule of scoring a ranking, named by what it does.

    A gallery item is *junk* for a query, and takes no rank, if its pid is -1, if it shows the query's person in the
    query's camera, or if it shows the query's person and differs from `match`. Every other item that does not show the
    query's person is a negative, distractors included. What `query`, `gallery` or `least_frames` leave out takes no
    part at all: a query has no score, and a gallery item no rank.

    A missing attribute is never guessed: a convention that reads it cannot be applied to such data. Raises InputError
    for rules that contradict each other or that nothing can meet.
    """

    name: str
    version: str
    # Are the query tracklets candidates of other queries? True requires them in the gallery, False removes them, None
    # takes the gallery as the data set lists it.
    queries_in_gallery: bool | None
    average_precision: Literal["step", "trapezoid"]
    unmatched: Literal["skip", "zero", "error"]  # what happens to a query without a match
    summary: str = field(metadata=PROSE)
    source: str = field(metadata=PROSE)
    match: tuple[Compared, ...] = field(default=(), metadata=OPTIONAL)  # a match meets all of them
    same_camera: Literal["junk", "match"] = field(default="junk", metadata=OPTIONAL)  # the query's person in its camera
    query: tuple[Having, ...] = field(default=(), metadata=OPTIONAL)  # who may ask
    gallery: tuple[Having, ...] = field(default=(), metadata=OPTIONAL)  # who is ranked
    least_frames: int = field(default=0, metadata=OPTIONAL)  # of a tracklet that takes part
    # > 0: a match behind this rank counts as never found, and the average precision divides by the number of matches
    # or by `cut`, whichever is smaller, as in mAP@K of Kaggle.
    cut: int = field(default=0, metadata=OPTIONAL)
    # Between equal distances the order of the gallery decides, or all orders count alike (`scoring.ties`).
    ties: Literal["listed", "expected"] = field(default="listed", metadata=OPTIONAL)
    # Is it for tests with one match for each query, and no query in the gallery? Other tests are refused, and none is
    # scored otherwise for it: so it is no rule of the fingerprint.
    single_match: bool = field(default=False, metadata=PROSE)

    def __post_init__(self) -> None:
        sides = ("match", self.match), ("query", self.query), ("gallery", self.gallery)
        for title, rules in sides:
            attributes = [attribute for attribute, _ in rules]
            twice = next((name for name in attributes if attributes.count(name) > 1), None)
            if twice is not None:
                self._refuse(f"{title} names {twice!r} twice; give one rule for each attribute")
        for rule in (*self.query, *self.gallery):
            if not rule.values:
                self._refuse(f"no value of {rule.attribute!r} may take part; name one or more")
        if self.least_frames < 0 or self.cut < 0:
            self._refuse(f"least_frames {self.least_frames} and cut {self.cut} must be 0 or more")

    @property
    def rules(self) -> dict[str, Any]:
        """All that can change a score: name -> value."""
        return rules_of(self)

    @property
    def fingerprint(self) -> str:
        """Changes exactly when a rule changes."""
        return digest(self.rules)

    @property
    def admission(self) -> Admission:
        """Who takes part."""
        return Admission(self.query, self.gallery, self.least_frames)

    @property
    def attributes(self) -> tuple[str, ...]:
        """The attributes that a rule reads, each once."""
        return tuple(dict.fromkeys([attribute for attribute, _ in (*self.match, *self.query, *self.gallery)]))

    def _refuse(self, reason: str) -> None:
        raise InputError(f"convention {self.name!r}: {reason}")
