"""What is trained and queried (protocol) and how a ranking is scored (convention): frozen, versioned data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

PROSE = {"prose": True}  # a field for readers, which no score depends on

Clothes = Literal["any", "same", "other"]


@dataclass(frozen=True)
class Convention:
    """One rule of scoring a ranking, by what it does and not by whose it is.

    A gallery item is *junk* for a query, and takes no rank, if its pid is -1, if it shows the query's
    person in the query's camera, or if it shows the query's person in clothes that the convention does not
    ask for. Everything else that is not the query's person is a negative, distractors included.
    """

    name: str
    version: str
    # Are the query tracklets themselves ranked, as candidates of other queries? True wants them in the gallery, False
    # removes them, None takes the gallery as the data set lists it.
    queries_in_gallery: bool | None
    average_precision: Literal["step", "trapezoid"]
    unmatched: Literal["skip", "zero", "error"]  # a query without any positive left
    summary: str = field(metadata=PROSE)
    source: str = field(metadata=PROSE)
    clothes: Clothes = "any"  # which clothes a match wears, beside the query's

    @property
    def rules(self) -> dict[str, Any]:
        """What can change a score, by name."""
        return rules(self)

    @property
    def fingerprint(self) -> str:
        """Changes exactly when a field that can change a score changes."""
        return digest(self.rules)


@dataclass(frozen=True)
class Corruption:
    """Some clips of each test tracklet, spoiled (Matiyali & Sharma 2020, section 4.4).

    Of a tracklet's clips, M_c are spoiled, M_c drawn evenly from 0 to a most; each of `most` is a condition of
    the test. The draws depend on `seed` and the tracklet's name alone: every method meets the same spoiled clips.
    """

    kind: Literal["low-resolution", "occlusion", "motion-blur", "shuffled-frames"]
    side: Literal["both", "query"]  # are the gallery tracklets spoiled, too?
    # low-resolution: by what the frame is scaled down; occlusion: share of height and of width that the block hides;
    # motion-blur: share of the width that the camera moves by; shuffled-frames: share of the frames that are shuffled
    strength: float
    quality: int = 20  # of the JPEG that low-resolution frames are stored in, 1 to 95; the paper does not state it
    clips: int = 8  # M; of a tracklet that a method cuts into C clips, C * M_c / M are spoiled
    most: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6, 7)
    seed: int = 0
    drawn: bool = True  # False: M_c is the most itself, for every tracklet

    @property
    def conditions(self) -> tuple[str, ...]:
        """A name for each of `most`."""
        upto = "up to " if self.drawn else ""
        return tuple(f"{upto}{most} of {self.clips} clips" for most in self.most)


@dataclass(frozen=True)
class Selection:
    """One descriptor for each identity, of a tracklet drawn at random or the mean of all (3D PersonVLAD, Table II).

    Probes come from the query list, the gallery from the other gallery tracklets; a distractor stands for itself.
    Cameras play no part, as the paper speaks of none. Random choices are repeated and their scores averaged.
    """

    pairs: tuple[tuple[Literal["random", "all"], Literal["random", "all"]], ...] = (
        ("random", "all"),
        ("random", "random"),
        ("all", "random"),
        ("all", "all"),
    )  # tracklets of a probe, tracklets of a gallery identity
    repeats: int = 10
    seed: int = 0

    @property
    def conditions(self) -> tuple[str, ...]:
        """A name for each of `pairs`."""
        return tuple(f"{probe} against {gallery}" for probe, gallery in self.pairs)


@dataclass(frozen=True)
class Protocol:
    """What is trained on, what is queried, and which convention heads the table."""

    name: str
    version: str
    dataset: str  # what is trained on, and tested on if there is no `target`
    headline: str  # the convention that ranks the table
    conventions: tuple[str, ...]  # all that are scored, the headline among them
    summary: str = field(metadata=PROSE)
    source: str = field(metadata=PROSE)
    holdout: float = 0.0  # > 0: test on this share of the training identities, never on the test part
    variant: str = ""  # which way of dividing the dataset, where it knows several
    target: str = ""  # another dataset, whose test part is tested on
    target_variant: str = ""  # which way of dividing the target
    # > 0: training goes on on the target's training part, at this share of the recipe's learning rates
    fine_tune: float = 0.0
    corruption: Corruption | None = None
    selection: Selection | None = None
    # what the data set's publisher counts: "train identities", "train tracklets", "queries", "gallery", "splits"
    counts: Mapping[str, int] = field(default_factory=dict, metadata=PROSE)

    @property
    def tested(self) -> str:
        """The dataset tested on."""
        return self.target or self.dataset

    @property
    def conditions(self) -> tuple[str, ...]:
        """The names of the conditions that a trained model is tested under; one without a name where it is just one."""
        special = self.corruption or self.selection
        return special.conditions if special else ("",)

    @property
    def leading(self) -> int:
        """How many of the conditions, from the first, the row in the table is a mean over."""
        return 1 if self.selection else len(self.conditions)

    @property
    def rules(self) -> dict[str, Any]:
        """What can change a score, by name."""
        return rules(self)

    @property
    def fingerprint(self) -> str:
        """Changes exactly when a field that can change a score changes."""
        return digest(self.rules)


def rules(rule: Convention | Protocol | Corruption | Selection) -> dict[str, Any]:
    """The fields that a fingerprint is made of: all but prose."""
    found = {}
    for each in fields(rule):
        if "prose" not in each.metadata:
            value = getattr(rule, each.name)
            found[each.name] = rules(value) if isinstance(value, Corruption | Selection) else value
    return found


def digest(value: object) -> str:
    """sha256 over sorted JSON: the one way in which this package fingerprints a value."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
