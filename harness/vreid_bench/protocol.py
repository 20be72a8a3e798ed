"""What is trained and queried (protocol) and how a ranking is scored (convention): frozen, versioned data."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

PROSE = {"prose": True}  # a field for readers, which no score depends on
LATER = {"later": True}  # a field younger than the first records: its default leaves no trace, so that they stay valid

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
    clothes: Clothes = field(default="any", metadata=LATER)  # which clothes a match wears, beside the query's

    @property
    def rules(self) -> dict[str, Any]:
        """What can change a score, by name."""
        return rules(self)

    @property
    def fingerprint(self) -> str:
        """Changes exactly when a field that can change a score changes."""
        return digest(self.rules)


@dataclass(frozen=True)
class Protocol:
    """What is trained on, what is queried, and which convention heads the table."""

    name: str
    version: str
    dataset: str
    headline: str  # the convention that ranks the table
    conventions: tuple[str, ...]  # all that are scored, the headline among them
    summary: str = field(metadata=PROSE)
    source: str = field(metadata=PROSE)
    holdout: float = 0.0  # > 0: test on this share of the training identities, never on the test part
    variant: str = field(default="", metadata=LATER)  # which way of dividing the dataset, where it knows several

    @property
    def rules(self) -> dict[str, Any]:
        """What can change a score, by name."""
        return rules(self)

    @property
    def fingerprint(self) -> str:
        """Changes exactly when a field that can change a score changes."""
        return digest(self.rules)


def rules(rule: Convention | Protocol) -> dict[str, Any]:
    """The fields that a fingerprint is made of: all but prose, and but younger ones that are at their default."""
    values = asdict(rule)
    for each in fields(rule):
        if "prose" in each.metadata or ("later" in each.metadata and values[each.name] == each.default):
            del values[each.name]
    return values


def digest(value: object) -> str:
    """sha256 over sorted JSON: the one way in which this package fingerprints a value."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
