"""What a protocol trains on and tests on, fold by fold."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from vreid_bench.contracts.convention import Convention
from vreid_bench.contracts.dataset import Dataset, Split, Tracklet
from vreid_bench.contracts.people import person_ids
from vreid_bench.contracts.protocol import Protocol
from vreid_bench.planning.split_names import name_split
from vreid_bench.system.errors import InputError


@dataclass(frozen=True)
class Validation:
    """Scores of the model in training, on people who are held out of it. They never choose the weights."""

    every: int  # training steps from one score to the next; the last score is that of the final weights
    split: Split  # its test part: the held-out people
    convention: Convention  # that the rankings are scored under

    @property
    def fingerprint(self) -> list[Any]:
        """All that decides the scores of a model; the frames are those of the training set."""
        return [self.every, _fingerprint(self.split.test, self.split.query), self.convention.fingerprint]


@dataclass(frozen=True)
class TrainingSet:
    """Tracklets to train on together, and their dataset."""

    dataset: Dataset
    tracklets: tuple[Tracklet, ...]
    rate: float = 1.0  # share of the recipe's learning rates
    validation: Validation | None = None  # its people are not among the tracklets; None: the training is not scored

    @cached_property
    def fingerprint(self) -> str:
        """sha256 over the lists and the frames of the data; two copies in different folders have the same.

        It covers the validation, because the log of a training has its scores.
        """
        scores = self.validation.fingerprint if self.validation else []
        return _fingerprint(self.tracklets, [self.rate, self.dataset.content, *scores])


@dataclass(frozen=True)
class Fold:
    """One training, and the test of its weights."""

    number: int  # among the folds of the protocol, from 0
    training: tuple[TrainingSet, ...]  # in order; each continues from the weights of the one before
    dataset: Dataset  # the dataset tested on
    test: Split  # its training part need not be one of the training sets

    @cached_property
    def fingerprint(self) -> str:
        """sha256 over the test part, its query and gallery rows, and the frames and the names of the data."""
        more = [self.test.query, self.test.gallery, self.dataset.content, self.dataset.naming]
        return _fingerprint(self.test.test, more)


def divide(protocol: Protocol, datasets: Mapping[str, Dataset], *, trains: bool = True) -> tuple[Fold, ...]:
    """Every fold of a protocol over its datasets, by name.

    In transfer between datasets with several splits, fold k uses split k of both; a dataset with one split is used
    in all folds. Without `trains`, a fold may have nothing to train on. Raises InputError if a fold has nothing to
    train on or nothing to test.
    """
    train = ("train",) if trains else ()
    source, target = datasets[protocol.dataset], datasets[protocol.test_dataset]
    if protocol.holdout and source is target:  # the people who are trained on have their true identities
        source = target = replace(source, unscored=None)
    splits = tuple(drop_short(split, protocol.least_training_frames) for split in source.splits)
    if protocol.holdout:
        splits = tuple(hold_out(split, protocol.holdout) for split in splits)
    if target is source:
        check_usable(source, splits, (*train, "query"), protocol.variant)
        return tuple(Fold(n, (TrainingSet(source, split.train),), source, split) for n, split in enumerate(splits))
    check_usable(source, splits, train, protocol.variant)
    needed = (*train, "query") if protocol.fine_tune else ("query",)
    check_usable(target, target.splits, needed, protocol.target_variant)
    folds = []
    for number in range(max(len(splits), len(target.splits))):
        test = target.splits[number % len(target.splits)]
        training = [TrainingSet(source, splits[number % len(splits)].train)]
        if protocol.fine_tune:
            training.append(TrainingSet(target, test.train, protocol.fine_tune))
        folds.append(Fold(number, tuple(training), target, test))
    return tuple(folds)


def drop_short(split: Split, frames: int) -> Split:
    """The split without training tracklets of fewer frames than this."""
    if not frames:
        return split
    return replace(split, train=tuple(t for t in split.train if len(t.frames) >= frames))


def hold_out(split: Split, share: float) -> Split:
    """A split for tuning: `share` of the training identities become the test part, as `Split.hold_out` says.

    The identities are fixed: every n-th by pid, n = 1 / share.
    """
    return split.hold_out(set(person_ids(split.train)[:: max(2, round(1 / share))]))


def check_usable(dataset: Dataset, splits: Sequence[Split], parts: Sequence[str], variant: str) -> None:
    """Raises InputError if one of `parts` (`train`, `query`) of a split is empty, or `train` has one identity.

    variant: how the data set is divided, if the protocol chooses it.
    """
    words = {
        "train": "training tracklets; test the weights of a finished run on it with --from",
        "query": "queries; mark test tracklets as queries in its lists, or choose a protocol that has some",
    }
    for number, split in enumerate(splits):
        where = f"{dataset.root}: {name_split(number, variant)} of {dataset.name}"
        for part in parts:
            if not getattr(split, part):
                raise InputError(f"{where} has no {words[part]}")
        if "train" in parts and len(person_ids(split.train)) < 2:
            raise InputError(
                f"{where} has one training identity; expected two or more: "
                "list tracklets of another person for training, or test the weights of a finished run with --from"
            )


def _fingerprint(tracklets: Sequence[Tracklet], more: object) -> str:
    hasher = hashlib.sha256(f"{more} {len(tracklets)}\n".encode())
    for tracklet in tracklets:
        hasher.update(f"{tracklet.pid} {tracklet.camid} {len(tracklet.frames)}\n".encode())
        hasher.update("\n".join(tracklet.frames).encode())
    return hasher.hexdigest()
