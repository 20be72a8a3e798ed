"""What is trained on, what is queried and how trained weights are tested: frozen, versioned data."""

from __future__ import annotations

import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from vreid_bench.contracts.fingerprinted_fields import OPTIONAL, PROSE, rules_of
from vreid_bench.system.errors import InputError
from vreid_bench.system.fingerprint import digest

if typing.TYPE_CHECKING:
    from vreid_bench.contracts.dataset import Split


@typing.runtime_checkable
class Strategy(typing.Protocol):
    """How trained weights are tested: a frozen dataclass whose fields are rules of the protocol.

    `evaluation.strategies.strategy.TestStrategy` says what else a strategy has to do.
    """

    name: typing.ClassVar[str]

    @property
    def conditions(self) -> tuple[str, ...]:
        """A name for each condition of the test; the only one of a test may be empty."""
        ...

    @property
    def leading(self) -> int:
        """The row in the table averages the first `leading` conditions."""
        ...

    def describe(self) -> Sequence[tuple[str, str]]:
        """What it does, as pairs of a title and a text."""
        ...


@typing.runtime_checkable
class CuttingStrategy(Strategy, typing.Protocol):
    """A strategy that tests other tracklets than the test part has, made from their frames."""

    def cut(self, test: Split) -> Mapping[str, Split]:
        """Name of each view -> what is embedded for it. Raises InputError for a test part that it cannot cut."""
        ...


@typing.runtime_checkable
class DividingStrategy(Strategy, typing.Protocol):
    """A strategy that ranks parts of the test apart, each of its tracklets as they are."""

    def divide(self, test: Split) -> Mapping[str, Split]:
        """Condition -> its queries and its gallery. Raises InputError for a test that it cannot divide."""
        ...


@dataclass(frozen=True)
class Protocol:
    """What is trained on, what is queried, and which convention heads the table.

    Raises InputError for fields that do not fit together.
    """

    name: str
    version: str
    dataset: str  # trained on, and tested on if `target` is empty
    headline: str  # the convention that ranks the table
    conventions: tuple[str, ...]  # all that are scored, the headline among them
    summary: str = field(metadata=PROSE)
    source: str = field(metadata=PROSE)
    holdout: float = 0.0  # > 0: test on this share of the training identities, never on the test part
    variant: str = ""  # how the dataset is divided, if its reader knows several ways
    target: str = ""  # another dataset to test on
    target_variant: str = ""  # how the target is divided
    fine_tune: float = 0.0  # > 0: train on the target's training part next, at this share of the learning rates
    # Shorter tracklets are not trained on; of the test, its conventions decide (`Convention.least_frames`).
    least_training_frames: int = field(default=0, metadata=OPTIONAL)
    test: Strategy | None = None  # how trained weights are tested; None: once, on the test tracklets as they are
    # counts that the publisher states: "train identities", "train tracklets", "queries", "gallery", "splits"
    counts: Mapping[str, int] = field(default_factory=dict, metadata=PROSE)

    def __post_init__(self) -> None:
        for each in fields(self):
            found = getattr(self, each.name)
            if each.type == "str" and not isinstance(found, str):
                self._refuse(f"its {each.name} is {found!r}, expected a text")
        if not isinstance(self.conventions, tuple | list) or not self.conventions:
            self._refuse(f"its conventions are {self.conventions!r}, expected a tuple of names such as ('official',)")
        if self.headline not in self.conventions:
            self._refuse(f"its headline {self.headline!r} is not among its conventions {list(self.conventions)}")
        if not 0 <= self.holdout < 1 or not 0 <= self.fine_tune <= 1:
            self._refuse(
                f"its holdout is {self.holdout:g} and its fine_tune {self.fine_tune:g}, expected shares: a holdout "
                "from 0 to less than 1, so that somebody is left to train on, and a fine_tune from 0 to 1"
            )
        if not self.target and (self.target_variant or self.fine_tune):
            self._refuse("target_variant and fine_tune need a target")
        if self.target == self.dataset:
            self._refuse(f"it trains and tests on {self.dataset}, so it needs no target")
        if self.test is not None and not isinstance(self.test, Strategy):
            self._refuse(f"test is {self.test!r}, expected a strategy such as Corruption or Selection")

    @property
    def test_dataset(self) -> str:
        """The name of the dataset that is tested on."""
        return self.target or self.dataset

    @property
    def conditions(self) -> tuple[str, ...]:
        """The names of the conditions of the test; one empty name without a strategy."""
        return self.test.conditions if self.test else ("",)

    @property
    def leading(self) -> int:
        """The row in the table averages the first `leading` conditions."""
        return self.test.leading if self.test else 1

    @property
    def ranks_tracklets(self) -> bool:
        """Does it rank the gallery tracklets for each query tracklet? A strategy may rank something else."""
        return bool(getattr(self.test, "ranks_tracklets", True))

    def divide(self, test: Split) -> Mapping[str, Split]:
        """Condition -> what is ranked under it: the whole test, unless the strategy divides it."""
        return self.test.divide(test) if isinstance(self.test, DividingStrategy) else {"": test}

    @property
    def rules(self) -> dict[str, Any]:
        """All that can change a score: name -> value."""
        test: Any = self.test
        strategy = {"strategy": "plain"} if test is None else {"strategy": test.name, **rules_of(test)}
        return rules_of(self) | {"test": strategy}

    @property
    def fingerprint(self) -> str:
        """Changes exactly when a rule changes."""
        return digest(self.rules)

    def transfer_to(self, target: Protocol, name: str, fine_tune: float = 0.0) -> Protocol:
        """The protocol that trains under this one and tests under `target`.

        `fine_tune` > 0 adds training on the target's training part, at this share of the learning rates. Raises
        InputError if both use one dataset: people of the test could have been trained on.
        """
        if self.dataset == target.dataset:
            raise InputError(
                f"{self.name} to {target.name}: both divide {self.dataset}, so one may train on people of the "
                "other's test; choose protocols of two datasets"
            )
        for one in (self, target):
            if one.target:
                raise InputError(f"{one.name} is already a transfer; name two protocols of one dataset each")
        if target.holdout:
            raise InputError(f"{target.name} tests on training identities; name a protocol that tests on the test part")
        more = f", then on {target.dataset}'s training part at {fine_tune:g} of the learning rates" if fine_tune else ""
        trained = {key: count for key, count in self.counts.items() if key.startswith("train")}
        tested = {key: count for key, count in target.counts.items() if not key.startswith("train")}
        return replace(
            self,
            name=name,
            version="1",
            target=target.dataset,
            target_variant=target.variant,
            fine_tune=fine_tune,
            headline=target.headline,
            conventions=target.conventions,
            test=target.test,
            summary=f"Train on {self.dataset}{more}; test as {target.name} does.",
            source=target.source,
            counts={**trained, **tested},
        )

    def _refuse(self, reason: str) -> None:
        raise InputError(f"protocol {self.name!r}: {reason}; correct the plugin that provides it")
