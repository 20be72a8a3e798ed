"""PRID2011 (Hirzer et al., SCIA 2011), multi-shot: reader and protocols of the video test on 178 persons."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from vreid_bench import Dataset, Protocol, Source, hookimpl
from vreid_plugins.datasets.fault_report import ignore, stop
from vreid_plugins.datasets.half_splits import VARIANTS, HalfSplits, make_splits, note_drawn, with_swapped
from vreid_plugins.datasets.layout_reader import LayoutReader
from vreid_plugins.datasets.prid2011.description import DESCRIPTION
from vreid_plugins.datasets.prid2011.index import LISTS, MATRICES, PERSONS, load
from vreid_plugins.datasets.synthetic_note import is_synthetic
from vreid_plugins.datasets.two_views import Tree

# of the widely used splits_prid2011.json, sha256 4a238a57...; a tree that they divide has the published 178 persons
PUBLISHED_HALVES = "d253db0ed740d51c727b0a30f291d900bb271f621bf5d71916c85de4aca9346e"


class Prid2011(LayoutReader):
    """Reads `prid_2011/multi_shot` as published, and ten splits in a file beside it.

    Persons 1 to 200 are in both cameras. The protocol takes those with 27 frames in both, who are 178 in the
    original. The others of the 385 and 749 persons take no part, as published.
    """

    description = DESCRIPTION
    variants = VARIANTS

    def read(self, root: Path, variant: str = VARIANTS[0]) -> Dataset:
        """Ten splits; camera a is query, camera b gallery. Raises InputError at the first fault."""
        root = Path(root)
        tree, halves = load(root, stop, ignore)
        if halves is None:
            raise AssertionError("a fault of the split file was not reported")
        splits, source = make_splits(tree, halves, variant), find_source(root, tree, halves)
        return Dataset("prid2011", root, splits, source, write_notes(root, halves))


def find_source(root: Path, tree: Tree, halves: HalfSplits) -> Source:
    """`official` if the persons are as many as published and the halves are the published ones."""
    if is_synthetic(root):
        return "synthetic"
    whole = tuple(len(view) for view in tree.views) == PERSONS
    return "official" if whole and halves.fingerprint == PUBLISHED_HALVES else "unverified"


def write_notes(root: Path, halves: HalfSplits) -> tuple[str, ...]:
    """What the reader of a result must know of the halves."""
    if not halves.file:
        return note_drawn(halves, [*MATRICES, LISTS])
    if is_synthetic(root) or halves.fingerprint == PUBLISHED_HALVES:
        return ()
    return (f"The halves of {halves.file} are not those of the widely used {LISTS}: {halves.fingerprint[:12]}.",)


@hookimpl
def vreid_datasets() -> Mapping[str, Prid2011]:
    """The data set `prid2011`."""
    return {"prid2011": Prid2011()}


@hookimpl
def vreid_protocols() -> Mapping[str, Protocol]:
    """`prid2011`, and the same with the halves swapped, as some code bases have them."""
    wang = Protocol(
        name="prid2011",
        version="1",
        dataset="prid2011",
        headline="one-camera-each",
        conventions=("one-camera-each",),
        summary="Ten splits of the 178 persons with 27 frames in both cameras: train on the second half of the "
        "published order, rank 89 tracklets of camera b for 89 queries of camera a.",
        source="Wang et al., ECCV 2014, on the data of Hirzer et al., SCIA 2011",
        variant=VARIANTS[0],
        counts={"train identities": 89, "train tracklets": 178, "queries": 89, "gallery": 89, "splits": 10},
    )
    return with_swapped(wang, "dapengchen123/video_reid and the loaders after it")
