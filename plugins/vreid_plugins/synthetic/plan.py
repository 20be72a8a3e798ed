"""What a tree will hold: tracklets with their file names, index files, and the counts that a reader must find."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from vreid_bench import InputError

from .tracklet import TrackletSpec
from .world import RENDERER_VERSION, World


@dataclass(frozen=True)
class Job:
    """One tracklet to render, and the path of each of its frames below the root."""

    spec: TrackletSpec
    paths: tuple[str, ...]  # .jpg or .png


@dataclass(frozen=True)
class Plan:
    """Everything that a tree will hold; each layout has a function that makes one."""

    layout: str
    world: World
    jobs: tuple[Job, ...]  # in the order of the annotations
    files: Mapping[str, bytes]  # index files by path below the root
    expected: Mapping[str, int]  # counts that a reader must find

    @property
    def hash(self) -> str:
        """sha256 over everything that decides the bytes of the tree."""
        digest = hashlib.sha256(f"{self.layout} {self.world.hash}".encode())
        for job in self.jobs:
            digest.update(repr(job).encode())
            if job.spec.infrared:
                digest.update(b"infrared")
        for path in sorted(self.files):
            digest.update(path.encode() + self.files[path])
        return digest.hexdigest()

    def description(self) -> bytes:
        """The contents of synthetic.json."""
        facts: dict[str, Any] = {
            "schema": 1,
            "layout": self.layout,
            "world": self.world.parameters(),
            "world_hash": self.world.hash,
            "plan_hash": self.hash,
            "renderer": RENDERER_VERSION,
            "expected": dict(self.expected),
        }
        return (json.dumps(facts, indent=2, sort_keys=True) + "\n").encode()


class TrackletOfPerson(Protocol):
    """A tracklet of a part, and the person whom a reader must find in it."""

    @property
    def pid(self) -> int:
        """The person's number in the layout."""
        ...

    @property
    def spec(self) -> TrackletSpec:
        """What is rendered."""
        ...


def count_parts(parts: Mapping[str, Sequence[TrackletOfPerson]], cameras: int) -> dict[str, int]:
    """The counts that every layout in parts has: `cameras`, then the size of each part, and the frames of all."""
    counts = {"cameras": cameras}
    for part, rows in parts.items():
        lengths = [row.spec.frames for row in rows]
        counts |= {
            f"{part}_tracklets": len(rows),
            f"{part}_identities": len({row.pid for row in rows}),
            f"{part}_frames": sum(lengths),
            f"shortest_{part}_tracklet": min(lengths),
            f"longest_{part}_tracklet": max(lengths),
        }
    return counts | {"frames_on_disk": sum(row.spec.frames for rows in parts.values() for row in rows)}


def check_size(twin: str, ids: int, allowed: range, world: World, cameras: range) -> None:
    """Raises InputError if the twin cannot hold this number of people or cameras; `twin` begins the message."""
    if ids not in allowed or world.cameras not in cameras:
        raise InputError(
            f"{twin} has {_span(allowed)} identities and {_span(cameras)} cameras, not {ids} and {world.cameras}; "
            "change ids or cameras"
        )


def _span(numbers: range) -> str:
    return f"{numbers[0]} to {numbers[-1]}" if len(numbers) > 1 else str(numbers[0])
