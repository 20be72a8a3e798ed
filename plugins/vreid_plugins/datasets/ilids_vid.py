"""iLIDS-VID (Wang et al., ECCV 2014): reader, protocols, and the convention of datasets with one match per query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from vreid_bench import Dataset, InputError, Protocol, Verification, hookimpl
from vreid_plugins.datasets.census import source
from vreid_plugins.datasets.faults import Report, stop
from vreid_plugins.datasets.halves import VARIANTS, Division, divided, drawn, from_matrix, origin
from vreid_plugins.datasets.views import Tree, View, load_tree

SPLIT_FILE = "train-test people splits/train_test_splits_ilidsvid.mat"
VIEWS = tuple(
    View(
        folder=f"i-LIDS-VID/sequences/cam{camera}",
        person=r"person(\d{3})",
        frame=rf"cam{camera}_{{person}}_(\d+)\.png",
        example=f"person001/cam{camera}_person001_00317.png",
    )
    for camera in (1, 2)
)
# field: Wang et al. 2014 and the page of the dataset
PUBLISHED = {
    "cameras": 2,
    "persons of camera 1": 300,
    "persons of camera 2": 300,
    "persons in both cameras": 300,
    "tracklets": 600,
    "shortest tracklet": 23,
    "longest tracklet": 192,
    "split files": 1,
    "splits": 10,
    "train identities of a split": 150,
    "test identities of a split": 150,
    "queries of a split": 150,
}


class IlidsVid:
    """Reads `i-LIDS-VID/sequences` as published, and the ten splits in `train-test people splits` beside it.

    Persons are the folders sorted by number, which run to 319 with gaps; the split file holds places in that list.
    No hash of the original is published, so a copy is `unverified`; `verify` compares its counts.
    """

    variants = VARIANTS

    def read(self, root: Path, variant: str = VARIANTS[0]) -> Dataset:
        """Ten splits; camera 1 is query, camera 2 gallery. Raises InputError at the first fault."""
        root = Path(root)
        tree = load_tree(root, (VIEWS[0], VIEWS[1]), None, stop, lambda leftover: None)
        division = halves(root, tree, stop)
        if division is None:
            raise AssertionError("a fault of the split file was not reported")
        splits, notes = divided(tree, division, variant), origin(division, [SPLIT_FILE])
        return Dataset("ilids-vid", root, splits, source(root), notes)

    def verify(self, root: Path, decode: bool = False) -> Verification:
        """Every count beside its published number, every fault of folders, frames and splits as a sentence."""
        from vreid_plugins.datasets.views_verify import verify

        def load(report: Report) -> tuple[Tree, Division | None, dict[str, int]]:
            tree = load_tree(Path(root), (VIEWS[0], VIEWS[1]), None, report, report)
            return tree, halves(Path(root), tree, report), {}

        return verify(Path(root), load, PUBLISHED, decode, start=None)

    def twin(self) -> str:
        """A hash that changes whenever `synthesize(root)` would write another tree."""
        from vreid_plugins.synthetic import plan_ilids_vid

        return plan_ilids_vid().hash

    def synthesize(self, root: Path, **world: Any) -> None:
        """Render a synthetic tree in this layout into the new folder `root`."""
        from vreid_plugins.synthetic import plan_ilids_vid, write_twin

        if world.pop("cameras", None) not in (None, 2):
            raise InputError("iLIDS-VID has 2 cameras; leave out cameras")
        write_twin(Path(root), plan_ilids_vid, **world)


def halves(root: Path, tree: Tree, report: Report) -> Division | None:
    """The published halves if their file is there, else drawn ones; None where a fault was reported."""
    if not tree.persons:
        return None
    if (root / SPLIT_FILE).exists():
        return from_matrix(root, SPLIT_FILE, tree.persons, report)
    return drawn(tree.persons)


@hookimpl
def vreid_datasets() -> Mapping[str, IlidsVid]:
    """The dataset `ilids-vid`."""
    return {"ilids-vid": IlidsVid()}


@hookimpl
def vreid_protocols() -> Mapping[str, Protocol]:
    """`ilids-vid`, and the same with the halves swapped, as a family of code bases has them."""
    wang = Protocol(
        name="ilids-vid",
        version="1",
        dataset="ilids-vid",
        headline="one-camera-each",
        conventions=("one-camera-each",),
        summary="Ten splits of 300 persons: train on the second half of the published order, rank 150 tracklets of "
        "camera 2 for 150 queries of camera 1.",
        source="Wang et al., Person Re-Identification by Video Ranking, ECCV 2014",
        variant="wang14",
        counts={"train identities": 150, "train tracklets": 300, "queries": 150, "gallery": 150, "splits": 10},
    )
    swapped = replace(
        wang,
        name="ilids-vid-dapeng",
        summary="As ilids-vid with the halves swapped: train on the first half of the published order. Scores of the "
        "two are not of the same data.",
        source="dapengchen123/video_reid and the loaders after it (GRL, TF-CLIP)",
        variant="dapeng",
    )
    return {wang.name: wang, swapped.name: swapped}
