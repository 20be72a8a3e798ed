"""What a test strategy is: the features that it needs, and the rankings that it makes from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

from vreid_bench.contracts.protocol import Strategy
from vreid_bench.modeling.view import View

if TYPE_CHECKING:  # torch, which protocols are listed without
    from vreid_bench.contracts.dataset import Split
    from vreid_bench.contracts.parts import Clips, Matcher
    from vreid_bench.records.feature_store import FeatureStore
    from vreid_bench.scoring.ranks.labels import Labels


class Case(NamedTuple):
    """One ranking to be scored; both sides hold all N test tracklets, represented."""

    condition: str
    query: Clips  # as queries
    gallery: Clips  # as gallery items; the same object if both sides are equal
    labels: Labels
    frames: Sequence[int]  # [N] number of frames of each


@runtime_checkable
class TestStrategy(Strategy, Protocol):
    """How trained weights are tested. A new strategy is one file: a class with these methods.

    All random draws depend only on the strategy's own seed and on names of the data, so that every method gets the
    same test.
    """

    def views(self) -> Mapping[str, View]:
        """What is embedded: name of a feature store -> view."""
        ...

    def cases(self, features: Mapping[str, FeatureStore], matcher: Matcher, test: Split) -> Iterator[Case]:
        """The rankings of every condition; `features`: the features of each view, on the device of the matcher."""
        ...


def lengths(test: Split) -> list[int]:
    """How many frames each test tracklet has: [N]."""
    return [len(tracklet.frames) for tracklet in test.test]
