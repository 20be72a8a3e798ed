"""The factories that build the parts of a method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from vreid_bench.registry.entry import Entry
from vreid_bench.registry.inspection import restore_objects


@dataclass(frozen=True)
class Factory:
    """Builds a part from its options and the arguments that the harness passes."""

    entry: Entry
    options: Mapping[str, Any]  # of the recipe; an option that is a part is a factory here

    def __call__(self, *given: Any) -> Any:
        """Build the part. Raises InputError that names the distribution if its code fails."""
        with self.entry.blame():
            return self.entry.value(*given, **restore_objects(self.entry.kind, self.entry.value, self.options))

    def blame(self) -> AbstractContextManager[None]:
        """Report a failure in the block as a fault of the plugin's code."""
        return self.entry.blame()


@dataclass(frozen=True)
class Factories:
    """The factories of all parts of a method."""

    encoder: Factory
    aggregator: Factory
    matcher: Factory
    losses: Mapping[str, Factory]
    augment: Sequence[Sequence[Factory]]  # one list for each training stage
    matchers: Sequence[Factory | None]  # one for each training stage; None is the method's own
