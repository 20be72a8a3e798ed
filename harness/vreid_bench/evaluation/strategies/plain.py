"""The plain test: once, on the test tracklets as they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from vreid_bench.evaluation.strategies.strategy import Case, lengths
from vreid_bench.modeling.view import View
from vreid_bench.scoring.ranks.labels import Labels

if TYPE_CHECKING:  # torch, which protocols are listed without
    from vreid_bench.contracts.dataset import Split
    from vreid_bench.contracts.parts import Matcher
    from vreid_bench.records.feature_store import FeatureStore


@dataclass(frozen=True)
class Plain:
    """One ranking of the test tracklets as they are."""

    name: ClassVar[str] = "plain"
    conditions: ClassVar[tuple[str, ...]] = ("",)
    leading: ClassVar[int] = 1

    def describe(self) -> list[tuple[str, str]]:
        """Empty: the plain test needs no description."""
        return []

    def views(self) -> Mapping[str, View]:
        """One view: each tracklet as the matcher represents it."""
        return {"features": View()}

    def cases(self, features: Mapping[str, FeatureStore], matcher: Matcher, test: Split) -> Iterator[Case]:
        """The one ranking."""
        everyone = features["features"].clips(slice(None))
        yield Case("", everyone, everyone, Labels.of(test), lengths(test))
