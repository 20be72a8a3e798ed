"""What planning refuses in a data set, under every protocol that divides and tests it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from vreid_bench.contracts.convention import Convention
from vreid_bench.contracts.dataset import Dataset
from vreid_bench.contracts.protocol import DividingStrategy, Protocol
from vreid_bench.planning.fold_check import check_attributes, divide_test, find_fold_faults, find_uncut, name_unmatched
from vreid_bench.planning.folds import Fold, divide
from vreid_bench.planning.protocols import find_conventions
from vreid_bench.registry.entry import Entry
from vreid_bench.registry.registry import Registry
from vreid_bench.scoring.metrics import NotComputable
from vreid_bench.scoring.ranks.labels import Labels
from vreid_bench.scoring.unmatched import count_unmatched
from vreid_bench.system.errors import InputError


class Unmatched(NamedTuple):
    """The queries without a match under a convention, over all folds."""

    number: int
    names: tuple[str, ...]
    refusal: NotComputable | None  # why the convention cannot be applied to one of the folds; then nothing is counted


@dataclass(frozen=True)
class Division:
    """One protocol on a data set, ready to be tested."""

    protocol: Protocol
    conventions: tuple[Convention, ...]
    folds: tuple[Fold, ...]
    trains: bool  # has the data set a training part?

    @classmethod
    def of(cls, protocol: Protocol, registry: Registry, dataset: Dataset) -> Division:
        """As a run would divide the data set. Raises InputError where a run would."""
        conventions = find_conventions(protocol, registry)
        trains = has_training_part(dataset)
        folds = divide(protocol, {protocol.dataset: dataset}, trains=trains)
        if protocol.ranks_tracklets:  # what else is ranked has labels of its own
            check_attributes(conventions, folds)
            for fold in folds:
                divide_test(protocol, fold)
        return cls(protocol, conventions, folds, trains)

    def find_faults(self, who: str) -> Iterator[str]:
        """What planning refuses, in its own sentences."""
        for sentence in find_fold_faults(self.protocol, self.conventions, self.folds, trains=self.trains):
            yield f"{who}: {sentence}"

    def find_notes(self) -> Iterator[str]:
        """What this protocol alone cannot do with the data set: no fault of it."""
        return find_uncut(self.protocol, self.folds)

    def find_unmatched(self) -> dict[str, Unmatched]:
        """The queries without a match under each convention."""
        total = {convention.name: Unmatched(0, (), None) for convention in self.conventions}
        parts = (part for fold in self.folds for part in divide_test(self.protocol, fold) if not fold.dataset.unscored)
        for part in parts:
            for name, found in count_unmatched(Labels.of(part), self.conventions).items():
                number, names, refusal = total[name]
                names = tuple(dict.fromkeys((*names, *name_unmatched(part, found))))
                total[name] = Unmatched(number + found.without, names, refusal or found.refusal)
        return total


def divide_by_protocols(
    entry: Entry, registry: Registry, read: Callable[[str], Dataset]
) -> tuple[list[Division], list[str]]:
    """The data of a reader as each protocol divides it, and why some protocols cannot.

    read: the data set in a variant. A transfer needs another data set and is left out, as is a protocol that holds
    people out of a training part that the data does not have.
    """
    divisions, refusals, known = [], [], set()
    for protocol in registry.values("protocols").values():
        scored = (protocol.headline, tuple(protocol.conventions), protocol.ranks_tracklets)
        parts = protocol.conditions if isinstance(protocol.test, DividingStrategy) else ()
        rules = (protocol.variant, protocol.holdout, parts, *scored)
        if protocol.dataset != entry.name or protocol.target or rules in known:
            continue
        known.add(rules)
        try:
            dataset = read(protocol.variant)
            if has_training_part(dataset) or not protocol.holdout:
                divisions.append(Division.of(protocol, registry, dataset))
        except InputError as fault:
            refusals.append(str(fault))
    return divisions, refusals


def has_training_part(dataset: Dataset) -> bool:
    """Has a split of it tracklets to train on?"""
    return any(split.train for split in dataset.splits)
