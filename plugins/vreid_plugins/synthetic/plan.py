"""What a tree will hold: tracklets with their file names, index files, and the counts a loader must find."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .tracklet import TrackletSpec
from .world import RENDERER_VERSION, World


@dataclass(frozen=True)
class Job:
    """One tracklet to render, and the path of each of its frames below the root."""

    spec: TrackletSpec
    paths: tuple[str, ...]  # .jpg or .png


@dataclass(frozen=True)
class Plan:
    """Everything a tree will hold; a layout is a function that makes one."""

    layout: str
    world: World
    jobs: tuple[Job, ...]  # in the order of the annotations
    files: Mapping[str, bytes]  # index files by path below the root
    expected: Mapping[str, int]  # counts a loader must find

    @property
    def hash(self) -> str:
        """Sha256 over all that decides the tree's bytes."""
        digest = hashlib.sha256(f"{self.layout} {self.world.hash}".encode())
        for job in self.jobs:
            digest.update(repr(job).encode())
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
