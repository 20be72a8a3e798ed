"""A world in which motion tells people apart, in the layout of MARS: six outfits for everybody, rendered only.

Only build and gait tell people apart. Both show in single frames too (a stance, a bent elbow), so that a method may do
well without motion: `mars-motion-shuffled-frames` measures whether it does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from vreid_bench import Dataset, DatasetCheck, DatasetDescription, InputError, Protocol, Roles, hookimpl
from vreid_plugins.datasets.layout_reader import LayoutReader
from vreid_plugins.datasets.mars.reader import Mars
from vreid_plugins.datasets.synthetic_note import world_name

NAME = "mars-motion"


class MarsMotion(LayoutReader):
    """Reads what `synthesize` has rendered, as `Mars` reads its twin; it refuses all other trees."""

    description = DatasetDescription(
        title="MARS-motion",
        licence="that of this package: every frame is rendered",
        access="rendered by this package when it is first used",
        citation="this project",
    )

    def __init__(self) -> None:
        self.layout = Mars()

    def read(self, root: Path) -> Dataset:
        """As `Mars.read`. Raises InputError for a tree of another world, real data among them."""
        check_world(Path(root))
        return replace(self.layout.read(root), name=NAME)

    def roles(self, info: Path) -> Roles:
        """As `Mars.roles`."""
        return self.layout.roles(info)

    def verify(self, root: Path, decode: bool = False) -> DatasetCheck:
        """As `Mars.verify`, against the counts that were rendered."""
        check_world(Path(root))
        return self.layout.verify(root, decode)

    def visibility(self, root: Path) -> Mapping[str, float]:
        """As `Mars.visibility`."""
        check_world(Path(root))
        return self.layout.visibility(root)


def check_world(root: Path) -> None:
    """Raises InputError if the tree is not the rendered world `motion`."""
    world = world_name(root) or "not rendered"
    if world != "motion":
        raise InputError(
            f"{root}: expected the rendered world `motion`, this is {world}; leave out --data, or render the world "
            f"with `vreid-bench data synthesize DIRECTORY --layout {NAME}`"
        )


@hookimpl
def vreid_datasets() -> Mapping[str, MarsMotion]:
    """The data set `mars-motion`."""
    return {NAME: MarsMotion()}


@hookimpl
def vreid_protocols() -> Mapping[str, Protocol]:
    """`mars-motion`, queried and scored as `mars` is."""
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
