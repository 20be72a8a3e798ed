"""Tracklets, the data sets that list them, and what a data set plugin can do."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

from vreid_bench.contracts.people import NOBODY
from vreid_bench.system.plain_json import load_json

ATTRIBUTE = "attribute."  # before the name of an attribute, in files with other arrays
SYNTHETIC = "synthetic.json"  # the note that the renderer leaves at the root of every tree it writes
TWIN = re.compile(r"[0-9a-f]{64}")  # what `TwinReader.twin` returns

Source = Literal["official", "unverified", "synthetic"]
"""Where data comes from: `official` only where a file proves it; `synthetic` was rendered."""


class Tracklet(NamedTuple):
    """The ordered frames of one person from one camera."""

    frames: tuple[str, ...]  # file paths relative to the root of the data set, in order of time
    pid: int  # > 0 a person, DISTRACTOR or JUNK
    camid: int
    # What else is known of it, such as (("outfit", "3"), ("place", "indoor")). An outfit tells the clothes of one
    # person apart: the same text of another person means other clothes.
    attributes: tuple[tuple[str, str], ...] = ()
    person: str = ""  # what the data set calls the person, if not by the pid
    camera: str = ""  # what the data set calls the camera, if not by the camid

    @property
    def name(self) -> str:
        """The path of its first frame, which no other tracklet has."""
        return self.frames[0]

    @property
    def folder_name(self) -> str:
        """The name of the folder of its frames, by which challenges call a tracklet; empty without a folder."""
        return PurePosixPath(self.frames[0]).parent.name

    def attribute(self, name: str) -> str:
        """The value of an attribute; empty where it is not known."""
        return dict(self.attributes).get(name, "")

    @property
    def person_name(self) -> str:
        """The name of its person: as the data set has it, else the pid; `junk` or `distractor` if it shows nobody."""
        return NOBODY.get(self.pid) or self.person or str(self.pid)

    @property
    def camera_name(self) -> str:
        """The name of its camera: as the data set has it, else the camid."""
        return self.camera or str(self.camid)


@dataclass(frozen=True)
class Split:
    """One division of a data set: the tracklets to train on, and the test tracklets with their roles."""

    train: tuple[Tracklet, ...]
    test: tuple[Tracklet, ...]
    query: tuple[int, ...]  # rows of `test` (0-based)
    gallery: tuple[int, ...]  # rows of `test` in ranking order; query rows may be among them

    @classmethod
    def apart(cls, train: tuple[Tracklet, ...], query: tuple[Tracklet, ...], gallery: tuple[Tracklet, ...]) -> Split:
        """A split whose test part is the queries, then the gallery: no row is both."""
        test = (*query, *gallery)
        return cls(train, test, tuple(range(len(query))), tuple(range(len(query), len(test))))

    def hold_out(self, pids: Container[int]) -> Split:
        """A split made from the training part alone: these people become the test part.

        The first tracklet of each (pid, camera) is a query, as in MARS, except for persons seen by one camera only, who
        have no match; the gallery is all held-out tracklets.
        """
        test = tuple(t for t in self.train if t.pid in pids)
        first: dict[tuple[int, int], int] = {}
        for row, tracklet in enumerate(test):
            first.setdefault((tracklet.pid, tracklet.camid), row)
        cameras = Counter(pid for pid, _ in first)
        query = sorted(row for (pid, _), row in first.items() if cameras[pid] > 1)
        train = tuple(t for t in self.train if t.pid not in pids)
        return Split(train, test, tuple(query), tuple(range(len(test))))


RankingForm = Literal["ag-vpreid", "vreid-xfd"]
"""Forms of `vreid-bench export --ranking` that name tracklets and can have cases."""


class Unscored(NamedTuple):
    """Why the test of a copy cannot be scored here, and what its challenge takes instead."""

    reason: str  # a sentence, such as "Its test identities are masked: ..."
    form: RankingForm  # of the ranking
    depth: int = 0  # how many gallery tracklets a query's list has; 0: all
    cases: tuple[tuple[str, str], ...] = ()  # a condition of the test, and what the form calls it


@dataclass(frozen=True)
class Dataset:
    """The lists of a data set as read from disk; no frame has been opened."""

    name: str
    root: Path
    splits: tuple[Split, ...]
    source: Source
    notes: tuple[str, ...] = ()  # what the reader of a result must know, e.g. that the data was withdrawn
    content: str = ""  # sha256 over all its frames; the harness fills it in
    unscored: Unscored | None = None  # a run then writes a ranking and no scores
    twin: str = ""  # of rendered data: the hash of what was rendered, as `TwinReader.twin`; the harness fills it in

    @property
    def label(self) -> str:
        """Which copy it is: `official`, `synthetic`, or the folder of an unverified one."""
        folder = re.sub(r"[^a-z0-9._-]+", "-", self.root.resolve().name.lower()).strip("-._")[:80]
        return self.source if self.source != "unverified" else folder or "unverified"

    @cached_property
    def fingerprint(self) -> str:
        """sha256 over relative paths, pid, camid and attributes of all splits: the same for every copy of the data.

        The names of people and cameras are not part of it, because no number depends on them: see `naming`.
        """
        hasher = hashlib.sha256()
        for split in self.splits:
            for role, tracklets in (("train", split.train), ("test", split.test)):
                hasher.update(f"{role} {len(tracklets)}\n".encode())
                for t in tracklets:
                    known = "".join(f" {name}={value}" for name, value in t.attributes)
                    hasher.update(f"{t.pid} {t.camid} {len(t.frames)}{known}\n".encode())
                    hasher.update("\n".join(t.frames).encode())
            hasher.update(repr((split.query, split.gallery)).encode())
        return hasher.hexdigest()

    @cached_property
    def naming(self) -> str:
        """sha256 over the names of people and cameras, which stand beside the numbers of a run."""
        names = [[t.person, t.camera] for split in self.splits for t in (*split.train, *split.test)]
        return hashlib.sha256(json.dumps(names).encode()).hexdigest()


class Count(NamedTuple):
    """One line of a data set check: what a tree holds, and what was published."""

    what: str
    found: int
    published: int | None  # None where no number is published for this source


class DatasetCheck(NamedTuple):
    """What `vreid-bench data verify` found in a copy of a data set."""

    source: Source
    counts: tuple[Count, ...]
    problems: tuple[str, ...]  # one sentence each, which names the file; a wrong count is one of them
    notes: tuple[str, ...] = ()  # one sentence each, of what is no fault


@runtime_checkable
class DatasetReader(Protocol):
    """What a data set plugin provides; no base class is needed."""

    def read(self, root: Path) -> Dataset:
        """The lists under `root`. Raises InputError at the first fault; opens no frame."""
        ...


@runtime_checkable
class VariantReader(Protocol):
    """A reader that knows several ways to divide the same tracklets; `read(root)` takes the first."""

    variants: tuple[str, ...]

    def read(self, root: Path, variant: str = ...) -> Dataset:
        """As `DatasetReader.read`, with the tracklets divided in this way."""
        ...


@runtime_checkable
class CheckingReader(Protocol):
    """A reader with checks of its own, for `vreid-bench data verify`.

    They are added to the general checks, which every reader gets: of its lists, counts and frames, and of everything
    that a run would refuse. A reader with the attribute `complete = True` counts and checks the frames itself: only
    what a run would refuse is then added to its report.
    """

    def verify(self, root: Path, decode: bool = False) -> DatasetCheck:
        """Every count and every fault; with `decode`, each frame is decoded too."""
        ...


@runtime_checkable
class TwinReader(Protocol):
    """A reader whose layout the renderer can write: the data set has a synthetic twin."""

    def twin(self) -> str:
        """A hash that changes whenever `synthesize(root)` would write another tree."""
        ...

    def synthesize(self, root: Path, **world: Any) -> None:
        """Render a synthetic tree in this layout into the new folder `root`."""
        ...


@runtime_checkable
class CuttingReader(Protocol):
    """A reader of tracks in videos, which can cut tracklets out of them, for `vreid-bench data from-tracks`."""

    def cut(self, root: Path, target: Path, **options: Any) -> Mapping[str, int]:
        """Write the tracklets of `root` into the new folder `target`, with a list; returns what was counted."""
        ...


@runtime_checkable
class VisibilityReader(Protocol):
    """A reader that knows how much of the person each frame shows; only rendered data has this."""

    def visibility(self, root: Path) -> Mapping[str, float]:
        """Path of each frame -> share of the person's body in it, 0 to 1. Raises InputError if it is not known."""
        ...


class Roles(NamedTuple):
    """Labels and roles of the test tracklets, from index files alone: enough to score without the frames."""

    pids: Sequence[int]  # [N]
    camids: Sequence[int]  # [N]
    query: Sequence[int]  # [Q] rows
    gallery: Sequence[int]  # [G] rows in ranking order


@runtime_checkable
class RolesReader(Protocol):
    """A reader that can read labels and roles of the test tracklets without the frames."""

    def roles(self, info: Path) -> Roles:
        """Labels and roles from the index files in the folder `info`. Raises InputError if they cannot be read."""
        ...


@runtime_checkable
class WithdrawnReader(Protocol):
    """A reader of data that its publisher withdrew: real frames are read only if the user accepts that."""

    def withdrawn(self, root: Path) -> str:
        """When and why the data under `root` was withdrawn, as a sentence; empty if it is synthetic."""
        ...


def mark_synthetic(dataset: Dataset) -> Dataset:
    """The data set with source `synthetic` if the renderer left its note there, whatever the reader says.

    With the hash of what was rendered, if the note has one.
    """
    try:
        note = load_json((dataset.root / SYNTHETIC).read_bytes())
    except FileNotFoundError:
        return dataset
    except (OSError, ValueError):  # a damaged note is a note, too
        note = None
    twin = note.get("plan_hash", "") if isinstance(note, dict) else ""
    return replace(dataset, source="synthetic", twin=twin if isinstance(twin, str) and TWIN.fullmatch(twin) else "")


def list_attributes(tracklets: Iterable[Tracklet]) -> list[str]:
    """The names of all attributes that some tracklet has, sorted."""
    return sorted({name for tracklet in tracklets for name, _ in tracklet.attributes})
