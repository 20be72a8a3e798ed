"""Tracklets, the datasets that list them, and where a run's data comes from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

JUNK = -1  # a tracklet that takes no rank for any query
SYNTHETIC = "synthetic.json"  # the renderer's note at the root of every tree it writes
DISTRACTOR = 0  # a tracklet of nobody: a negative for every query

Source = Literal["official", "unverified", "synthetic"]


class Tracklet(NamedTuple):
    """The ordered frames of one person from one camera."""

    frames: tuple[str, ...]  # file paths relative to the dataset's root, in order of time
    pid: int  # > 0 a person, DISTRACTOR or JUNK
    camid: int
    clothes: str = ""  # any label, of this person's clothes alone; empty where the dataset has none


@dataclass(frozen=True)
class Split:
    """One division of a dataset: what is trained on, and the test tracklets with their roles."""

    train: tuple[Tracklet, ...]
    test: tuple[Tracklet, ...]
    query: tuple[int, ...]  # rows of `test` (0-based)
    gallery: tuple[int, ...]  # rows of `test` in ranking order; query rows may be among them

    @classmethod
    def apart(cls, train: tuple[Tracklet, ...], query: tuple[Tracklet, ...], gallery: tuple[Tracklet, ...]) -> Split:
        """Test is the queries, then the gallery, which alone is ranked: no row is both."""
        test = (*query, *gallery)
        return cls(train, test, tuple(range(len(query))), tuple(range(len(query), len(test))))


@dataclass(frozen=True)
class Dataset:
    """The lists of a dataset as read from disk; no frame has been touched."""

    name: str
    root: Path
    splits: tuple[Split, ...]
    source: Source
    notes: tuple[str, ...] = ()  # what a reader of the result must know, e.g. that the data was withdrawn

    @cached_property
    def fingerprint(self) -> str:
        """sha256 over relative paths, pid, camid and clothes of all splits: two copies agree wherever they lie."""
        hasher = hashlib.sha256()
        for split in self.splits:
            for role, tracklets in (("train", split.train), ("test", split.test)):
                hasher.update(f"{role} {len(tracklets)}\n".encode())
                for t in tracklets:
                    worn = f" {t.clothes}" if t.clothes else ""  # no trace of what a dataset does not know
                    hasher.update(f"{t.pid} {t.camid} {len(t.frames)}{worn}\n".encode())
                    hasher.update("\n".join(t.frames).encode())
            hasher.update(repr((split.query, split.gallery)).encode())
        return hasher.hexdigest()


class Count(NamedTuple):
    """One line of a verification: what the tree holds beside what was published."""

    what: str
    found: int
    published: int | None  # None where no number is published for this source


class Verification(NamedTuple):
    """What `vreid-bench data verify` found."""

    source: Source
    counts: tuple[Count, ...]
    problems: tuple[str, ...]  # each a sentence that names the file; a count that is not the published one among them


@runtime_checkable
class DatasetReader(Protocol):
    """What a dataset plugin provides; no base class to inherit."""

    def read(self, root: Path) -> Dataset:
        """The lists under `root`. Raises InputError at the first fault; touches no frame."""
        ...


@runtime_checkable
class Divisible(Protocol):
    """A dataset reader that knows several ways to divide the same tracklets; `read(root)` takes the first."""

    variants: tuple[str, ...]

    def read(self, root: Path, variant: str = ...) -> Dataset:
        """As `DatasetReader.read`, divided in this way."""
        ...


@runtime_checkable
class Verifiable(Protocol):
    """A dataset reader that can check a whole tree."""

    def verify(self, root: Path, decode: bool = False) -> Verification:
        """Every count and every fault; `decode` also decodes each frame."""
        ...


@runtime_checkable
class Synthesizable(Protocol):
    """A dataset reader whose layout the synthetic renderer can write: its twin."""

    def twin(self) -> str:
        """A hash that changes whenever `synthesize(root)` would write another tree."""
        ...

    def synthesize(self, root: Path, **world: Any) -> None:
        """Render a synthetic tree in this layout into the new folder `root`."""
        ...


@runtime_checkable
class TellsVisibility(Protocol):
    """A dataset reader that knows how much of the person can be seen, as of rendered data alone is known."""

    def visibility(self, root: Path) -> Mapping[str, float]:
        """Path of each frame -> share of the person's body in it, 0 to 1. Raises InputError where it is not known."""
        ...


class Roles(NamedTuple):
    """The test part of a dataset by its index files alone: what scoring needs, where no frame is at hand."""

    pids: Sequence[int]  # [N]
    camids: Sequence[int]  # [N]
    query: Sequence[int]  # [Q] rows
    gallery: Sequence[int]  # [G] rows in ranking order


@runtime_checkable
class Indexed(Protocol):
    """A dataset reader whose test labels can be read without the frames."""

    def roles(self, info: Path) -> Roles:
        """The labels that the index files in the folder `info` give. Raises InputError."""
        ...


@runtime_checkable
class Withdrawn(Protocol):
    """A dataset that its publisher took back: real frames of it are read only where the user accepts that."""

    def withdrawn(self, root: Path) -> str:
        """When and why the data under `root` was withdrawn, as a sentence; empty if it is synthetic."""
        ...


def people(tracklets: tuple[Tracklet, ...]) -> Iterator[int]:
    """The pids of persons, sorted, each once: what a classifier's rows stand for."""
    yield from sorted({t.pid for t in tracklets if t.pid > DISTRACTOR})


def sourced(dataset: Dataset) -> Dataset:
    """The dataset with `synthetic` as its source if the renderer has left its note there, whatever the reader says."""
    return replace(dataset, source="synthetic") if (dataset.root / SYNTHETIC).exists() else dataset


def dressed(split: Split) -> bool:
    """Does every test tracklet of a person say which clothes are worn?"""
    return all(t.clothes for t in split.test if t.pid > DISTRACTOR)
