"""How a ranking is scored: frozen, versioned data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from vreid_bench.contracts.fingerprinted_fields import PROSE, rules_of
from vreid_bench.system.fingerprint import digest

Clothes = Literal["any", "same", "other"]


@dataclass(frozen=True)
class Convention:
    """One rule of scoring a ranking, named by what it does.

    A gallery item is *junk* for a query, and takes no rank, if its pid is -1, if it shows the query's person in the
    query's camera, or if it shows the query's person in clothes that the convention does not count. Every other item
    that does not show the query's person is a negative, distractors included.
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
    clothes: Clothes = "any"  # the clothes that a match must wear, compared with the query's
    # Is it for tests with one match for each query, and no query in the gallery? Other tests are refused, and none is
    # scored otherwise for it: so it is no rule of the fingerprint.
    single_match: bool = field(default=False, metadata=PROSE)

    @property
    def rules(self) -> dict[str, Any]:
        """All that can change a score: name -> value."""
        return rules_of(self)

    @property
    def fingerprint(self) -> str:
        """Changes exactly when a rule changes."""
        return digest(self.rules)
