"""What a protocol trains on and tests on, fold by fold."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from vreid_bench.contracts.dataset import Dataset, Split, Tracklet, VariantReader, hold_out, mark_synthetic, person_ids
from vreid_bench.contracts.protocol import Protocol
from vreid_bench.system.errors import InputError


@dataclass(frozen=True)
class Lesson:
    """Tracklets to train on in one go, and the dataset that they are of."""

    dataset: Dataset
    tracklets: tuple[Tracklet, ...]
    rate: float = 1.0  # share of the recipe's learning rates

    @cached_property
    def fingerprint(self) -> str:
        """sha256 over paths, pid and camid: two copies agree wherever they lie."""
        hasher = hashlib.sha256(f"{self.rate} {len(self.tracklets)}\n".encode())
        for tracklet in self.tracklets:
            hasher.update(f"{tracklet.pid} {tracklet.camid} {len(tracklet.frames)}\n".encode())
            hasher.update("\n".join(tracklet.frames).encode())
        return hasher.hexdigest()


@dataclass(frozen=True)
class Fold:
    """One training, and the test of its weights."""

    lessons: tuple[Lesson, ...]  # in order, each going on from the weights that the one before has left
    test: Split  # what is tested; its training part may be none of the lessons

    @property
    def train(self) -> tuple[Tracklet, ...]:
        """The tracklets of the last lesson."""
        return self.lessons[-1].tracklets


def folds(protocol: Protocol, datasets: Mapping[str, Dataset]) -> tuple[Fold, ...]:
    """Every fold of a protocol over its datasets, by name.

    Of transfer between datasets of several splits, fold k takes split k of both; a dataset of one split serves
    all folds. Raises InputError if a fold leaves nothing to do.
    """
    taught = datasets[protocol.dataset]
    splits = taught.splits
    if protocol.holdout:
        splits = tuple(hold_out(split, protocol.holdout) for split in splits)
    if not protocol.target:
        _usable(taught, splits, ("train", "query"))
        return tuple(Fold((Lesson(taught, split.train),), split) for split in splits)
    target = datasets[protocol.target]
    _usable(taught, splits, ("train",))
    _usable(target, target.splits, ("train", "query") if protocol.fine_tune else ("query",))
    found = []
    for number in range(max(len(splits), len(target.splits))):
        test = target.splits[number % len(target.splits)]
        lessons = [Lesson(taught, splits[number % len(splits)].train)]
        if protocol.fine_tune:
            lessons.append(Lesson(target, test.train, protocol.fine_tune))
        found.append(Fold(tuple(lessons), test))
    return tuple(found)


def read(reader: Any, name: str, variant: str, root: Path) -> Dataset:
    """The dataset under `root`, divided as a protocol says. Raises InputError if its reader cannot do that."""
    if not variant:
        plain: Dataset = reader.read(root)
        return mark_synthetic(plain)
    known = reader.variants if isinstance(reader, VariantReader) else ()
    if variant not in known:
        raise InputError(
            f"the protocol wants {name} divided as {variant!r}, but its reader "
            f"knows {', '.join(known) or 'one way only'}; correct the protocol"
        )
    divided: Dataset = reader.read(root, variant)
    return mark_synthetic(divided)


def _usable(dataset: Dataset, splits: Sequence[Split], parts: Sequence[str]) -> None:
    """Raises InputError if a part of a split, `train` or `query`, is empty, or has one identity to train on."""
    called = {"train": "training tracklets", "query": "queries"}
    for number, split in enumerate(splits):
        for part in parts:
            if not getattr(split, part):
                raise InputError(f"{dataset.root}: split {number} of {dataset.name} has no {called[part]}")
        if "train" in parts and len(list(person_ids(split.train))) < 2:
            raise InputError(
                f"{dataset.root}: split {number} of {dataset.name} has one training identity; two are wanted"
            )
