"""People for the training of small encoders before a method begins from them (`vreid-bench pretrain`): rendered only.

They lie in the layout of your own data (`tracklets.csv`). Nobody, no street and no camera of it is in a twin.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from vreid_bench import Dataset, DatasetCheck, DatasetDescription, InputError, Protocol, hookimpl
from vreid_plugins.datasets.layout_reader import LayoutReader
from vreid_plugins.datasets.synthetic_note import world_name
from vreid_plugins.datasets.tracklets.reader import Tracklets

NAME = "pretraining"


class Pretraining(LayoutReader):
    """Reads what `synthesize` has rendered, as `Tracklets` reads your own data; it refuses all other trees."""

    description = DatasetDescription(
        title="pretraining",
        licence="that of this package: every frame is rendered",
        access="rendered by this package when it is first used",
        citation="this project",
    )

    def __init__(self) -> None:
        self.layout = Tracklets()

    def read(self, root: Path) -> Dataset:
        """As `Tracklets.read`. Raises InputError for any other tree, your own data among them."""
        check_world(Path(root))
        return replace(self.layout.read(root), name=NAME, source="synthetic")

    def verify(self, root: Path, decode: bool = False) -> DatasetCheck:
        """As `Tracklets.verify`."""
        check_world(Path(root))
        return self.layout.verify(root, decode)._replace(source="synthetic")


def check_world(root: Path) -> None:
    """Raises InputError if the tree is not the rendered world `pretraining`."""
    world = world_name(root) or "not rendered"
    if world != NAME:
        raise InputError(
            f"{root}: expected the rendered world `{NAME}`, this is {world}; leave out --data, or train on your own "
            "list of tracklets with --protocol custom"
        )


@hookimpl
def vreid_datasets() -> Mapping[str, Pretraining]:
    """The data set `pretraining`."""
    return {NAME: Pretraining()}


@hookimpl
def vreid_protocols() -> Mapping[str, Protocol]:
    """`pretraining`: train on 640 rendered people, test on 106 others."""
    protocol = Protocol(
        name=NAME,
        version="1",
        dataset=NAME,
        headline="torchreid",
        conventions=("torchreid",),
        summary="Train a small encoder on 640 rendered people whom no twin has; rank three tracklets of each of 106 "
        "others for one of each.",
        source="this project",
        counts={"train identities": 640, "train tracklets": 2560, "queries": 106, "gallery": 424},
    )
    return {protocol.name: protocol}
