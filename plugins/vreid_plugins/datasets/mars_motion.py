"""A world in which motion tells people apart, in the layout of MARS: six outfits for everybody, rendered only.

Build and gait are what is left to know a person by. Both are seen in single frames, too (a stance, a bent elbow), so
that a method may do well without motion: `mars-motion-shuffled-frames` tells whether it does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from vreid_bench import Dataset, InputError, Protocol, Verification, hookimpl
from vreid_bench.contracts.dataset import SYNTHETIC, Roles
from vreid_plugins.datasets.mars import Mars

NAME = "mars-motion"


class MarsMotion:
    """Reads what `synthesize` has rendered, as `Mars` reads its twin, and nothing else."""

    def __init__(self) -> None:
        self.layout = Mars()

    def read(self, root: Path) -> Dataset:
        """As `Mars.read`. Raises InputError for a tree of another world, real data among them."""
        _check(Path(root))
        return replace(self.layout.read(root), name=NAME)

    def roles(self, info: Path) -> Roles:
        """As `Mars.roles`."""
        return self.layout.roles(info)

    def verify(self, root: Path, decode: bool = False) -> Verification:
        """As `Mars.verify`, against the counts that were rendered."""
        _check(Path(root))
        return self.layout.verify(root, decode)

    def visibility(self, root: Path) -> Mapping[str, float]:
        """As `Mars.visibility`."""
        _check(Path(root))
        return self.layout.visibility(root)

    def twin(self) -> str:
        """A hash that changes whenever `synthesize(root)` would write another tree."""
        from vreid_plugins.synthetic import World, plan_mars

        return plan_mars(World.motion()).hash

    def synthesize(self, root: Path, **world: Any) -> None:
        """Render the world into the new folder `root`, with the options of `Mars.synthesize`."""
        from vreid_plugins.synthetic import World

        self.layout.synthesize(root, world=World.motion(), **world)


def _check(root: Path) -> None:
    note = root / SYNTHETIC
    try:
        world = json.loads(note.read_text(encoding="utf-8"))["world"]["name"]
    except (OSError, ValueError, LookupError, TypeError):
        world = "not rendered"
    if world != "motion":
        raise InputError(
            f"{root}: {NAME} is the rendered world `motion`, and this is {world}; leave --data out, or render it with "
            f"`vreid-bench data synthesize DIRECTORY --layout {NAME}`"
        )


@hookimpl
def vreid_datasets() -> Mapping[str, MarsMotion]:
    """The dataset `mars-motion`."""
    return {NAME: MarsMotion()}


@hookimpl
def vreid_protocols() -> Mapping[str, Protocol]:
    """`mars-motion`, asked and scored as `mars` is."""
    motion = Protocol(
        name=NAME,
        version="1",
        dataset=NAME,
        headline="queries-in-gallery",
        conventions=("queries-in-gallery", "official", "torchreid"),
        summary="A rendered world of six outfits, in which build and gait tell people apart; asked as MARS is.",
        source="this project",
    )
    return {motion.name: motion}
