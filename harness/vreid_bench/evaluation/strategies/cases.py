"""Several cases of one test, such as from the air to the ground and back, each with its own queries and gallery."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from vreid_bench.evaluation.strategies.strategy import Case, lengths
from vreid_bench.modeling.view import View
from vreid_bench.scoring.ranks.labels import Labels
from vreid_bench.system.errors import InputError

if TYPE_CHECKING:  # torch, which protocols are listed without
    from vreid_bench.contracts.dataset import Split
    from vreid_bench.contracts.parts import Matcher
    from vreid_bench.records.feature_store import FeatureStore


@dataclass(frozen=True)
class Cases:
    """A ranking for each value of an attribute: queries of that value search a gallery of that value.

    The row is the mean over the cases, each of which counts alike, however many queries it has. Raises InputError for
    values that are not all different.
    """

    name: ClassVar[str] = "cases"

    values: tuple[str, ...]
    attribute: str = "case"

    def __post_init__(self) -> None:
        if not self.values or len(set(self.values)) < len(self.values):
            raise InputError(f"cases: expected one or more different values of {self.attribute}, got {self.values}")

    @property
    def conditions(self) -> tuple[str, ...]:
        """The values."""
        return self.values

    @property
    def leading(self) -> int:
        """The row averages all cases."""
        return len(self.values)

    def describe(self) -> list[tuple[str, str]]:
        """What tells the cases apart."""
        return [("cases", f"by {self.attribute}; each has its own queries and gallery")]

    def views(self) -> Mapping[str, View]:
        """One view: each tracklet as the matcher represents it."""
        return {"features": View()}

    def divide(self, test: Split) -> dict[str, Split]:
        """The same test tracklets with the roles of each case. Raises InputError for a case without one of the two."""
        found = {}
        for value in self.values:
            sides = [
                tuple(row for row in rows if test.test[row].attribute(self.attribute) == value)
                for rows in (test.query, test.gallery)
            ]
            for side, rows in zip(("query", "gallery tracklet"), sides, strict=True):
                if not rows:
                    raise InputError(f"no {side} has the {self.attribute} {value!r}; choose another protocol")
            found[value] = replace(test, query=sides[0], gallery=sides[1])
        return found

    def cases(self, features: Mapping[str, FeatureStore], matcher: Matcher, test: Split) -> Iterator[Case]:
        """The ranking of each case."""
        everyone = features["features"].clips(slice(None))
        for value, part in self.divide(test).items():
            yield Case(value, everyone, everyone, Labels.of(part), lengths(part))
