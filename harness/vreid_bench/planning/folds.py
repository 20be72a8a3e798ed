"""What a protocol trains on and tests on, fold by fold."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from vreid_bench.contracts.dataset import Dataset, Divisible, Split, Tracklet, hold_out, people, sourced
from vreid_bench.contracts.protocol import Protocol
from vreid_bench.system.errors import InputError


@dataclass(frozen=True)
class TrainingSet:
    """Tracklets to train on in one go, and the dataset that they are of."""

    dataset: Dataset
    tracklets: tuple[Tracklet, ...]
    rate: float = 1.0  # share of the recipe's learning rates

    @cached_property
    def fingerprint(self) -> str:
        """sha256 over paths, pid and camid: two copies agree wherever they lie."""
        return _fingerprint(self.tracklets, self.rate)


@dataclass(frozen=True)
class Fold:
    """One training, and the test of its weights."""

    number: int  # among the folds of the protocol, from 0
    training: tuple[TrainingSet, ...]  # in order, each going on from the weights that the one before has left
    dataset: Dataset  # what is tested
    test: Split  # its training part may be none of the training sets

    @cached_property
    def fingerprint(self) -> str:
        """The same over the test part and its roles."""
        return _fingerprint(self.test.test, (self.test.query, self.test.gallery))


def divide(protocol: Protocol, datasets: Mapping[str, Dataset]) -> tuple[Fold, ...]:
    """Every fold of a protocol over its datasets, by name.

    Of transfer between datasets of several splits, fold k takes split k of both; a dataset of one split serves
    all folds. Raises InputError if a fold leaves nothing to do.
    """
    source, target = datasets[protocol.dataset], datasets[protocol.tested]
    splits = source.splits
    if protocol.holdout:
        splits = tuple(hold_out(split, protocol.holdout) for split in splits)
    if target is source:
        _check_usable(source, splits, ("train", "query"))
        return tuple(
            Fold(number, (TrainingSet(source, split.train),), source, split) for number, split in enumerate(splits)
        )
    _check_usable(source, splits, ("train",))
    _check_usable(target, target.splits, ("train", "query") if protocol.fine_tune else ("query",))
    folds = []
    for number in range(max(len(splits), len(target.splits))):
        test = target.splits[number % len(target.splits)]
        training = [TrainingSet(source, splits[number % len(splits)].train)]
        if protocol.fine_tune:
            training.append(TrainingSet(target, test.train, protocol.fine_tune))
        folds.append(Fold(number, tuple(training), target, test))
    return tuple(folds)


def read_dataset(reader: Any, name: str, variant: str, root: Path) -> Dataset:
    """The dataset under `root`, divided as a protocol says. Raises InputError if its reader cannot do that."""
    if not variant:
        plain: Dataset = reader.read(root)
        return sourced(plain)
    known = reader.variants if isinstance(reader, Divisible) else ()
    if variant not in known:
        raise InputError(
            f"the protocol wants {name} divided as {variant!r}, but its reader "
            f"knows {', '.join(known) or 'one way only'}; correct the protocol"
        )
    divided: Dataset = reader.read(root, variant)
    return sourced(divided)


def _fingerprint(tracklets: Sequence[Tracklet], more: object) -> str:
    hasher = hashlib.sha256(f"{more} {len(tracklets)}\n".encode())
    for tracklet in tracklets:
        hasher.update(f"{tracklet.pid} {tracklet.camid} {len(tracklet.frames)}\n".encode())
        hasher.update("\n".join(tracklet.frames).encode())
    return hasher.hexdigest()


def _check_usable(dataset: Dataset, splits: Sequence[Split], parts: Sequence[str]) -> None:
    """Raises InputError if a part of a split, `train` or `query`, is empty, or has one identity to train on."""
    called = {"train": "training tracklets", "query": "queries"}
    for number, split in enumerate(splits):
        for part in parts:
            if not getattr(split, part):
                raise InputError(f"{dataset.root}: split {number} of {dataset.name} has no {called[part]}")
        if "train" in parts and len(list(people(split.train))) < 2:
            raise InputError(
                f"{dataset.root}: split {number} of {dataset.name} has one training identity; two are wanted"
            )
