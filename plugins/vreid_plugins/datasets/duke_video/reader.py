"""DukeMTMC-VideoReID (Wu et al., CVPR 2018): reader and protocol. The data was withdrawn in 2019."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from vreid_bench import Dataset, Protocol, Split, hookimpl
from vreid_plugins.datasets.duke_video.description import DESCRIPTION, WITHDRAWN
from vreid_plugins.datasets.duke_video.index import load
from vreid_plugins.datasets.fault_report import stop
from vreid_plugins.datasets.layout_reader import LayoutReader
from vreid_plugins.datasets.synthetic_note import is_synthetic, source_of


class DukeVideo(LayoutReader):
    """Reads `train`, `query` and `gallery` as published: a folder for each person, in it one for each tracklet.

    `gallery` already holds the query tracklets; they are not added to it again.
    """

    description = DESCRIPTION

    def read(self, root: Path) -> Dataset:
        """One split: test is the queries, then the gallery, both in order of person and tracklet number.

        Frames are in order of their number within the tracklet, which may begin with 2. Raises InputError at the
        first fault of a folder or a file name; no frame is opened.
        """
        root = Path(root)
        parts = load(root, stop)
        # only the folder `gallery` is the gallery, so that no query is in it twice
        split = Split.apart(parts["train"], parts["query"], parts["gallery"])
        banner = self.withdrawn(root)
        return Dataset("duke-video", root, (split,), source_of(root), (banner,) if banner else ())

    def withdrawn(self, root: Path) -> str:
        """When and why the data was withdrawn; empty if the tree is synthetic."""
        return "" if is_synthetic(Path(root)) else WITHDRAWN


@hookimpl
def vreid_datasets() -> Mapping[str, DukeVideo]:
    """The data set `duke-video`."""
    return {"duke-video": DukeVideo()}


@hookimpl
def vreid_protocols() -> Mapping[str, Protocol]:
    """`duke-video`, the published test."""
    test = Protocol(
        name="duke-video",
        version="1",
        dataset="duke-video",
        headline="gallery-as-listed",
        conventions=("gallery-as-listed",),
        summary="Train on 702 identities, rank the 2,636 tracklets of the gallery for 702 queries. The gallery holds "
        "the query tracklets as published; they are not added to it again.",
        source="Wu et al., Exploit the Unknown Gradually: One-Shot Video-Based Person Re-Identification by Stepwise "
        "Learning, CVPR 2018; repository Yu-Wu/DukeMTMC-VideoReID",
        counts={"train identities": 702, "train tracklets": 2196, "queries": 702, "gallery": 2636},
    )
    return {test.name: test}
