"""iLIDS-VID (Wang et al., ECCV 2014): reader and protocols."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from vreid_bench import Dataset, Protocol, hookimpl
from vreid_plugins.datasets.fault_report import ignore, stop
from vreid_plugins.datasets.half_splits import VARIANTS, make_splits, note_drawn, with_swapped
from vreid_plugins.datasets.ilids_vid.description import DESCRIPTION
from vreid_plugins.datasets.ilids_vid.index import SPLIT_FILE, load
from vreid_plugins.datasets.layout_reader import LayoutReader
from vreid_plugins.datasets.synthetic_note import source_of


class IlidsVid(LayoutReader):
    """Reads `i-LIDS-VID/sequences` as published, and the ten splits in `train-test people splits` beside it.

    Persons are the folders sorted by number; the numbers run to 319 with gaps. The split file holds places in that
    list. No hash of the original is published, so a copy is `unverified`; `verify` compares its counts.
    """

    description = DESCRIPTION
    variants = VARIANTS

    def read(self, root: Path, variant: str = VARIANTS[0]) -> Dataset:
        """Ten splits; camera 1 is query, camera 2 gallery. Raises InputError at the first fault."""
        root = Path(root)
        tree, halves = load(root, stop, ignore)
        if halves is None:
            raise AssertionError("a fault of the split file was not reported")
        splits, notes = make_splits(tree, halves, variant), note_drawn(halves, [SPLIT_FILE])
        return Dataset("ilids-vid", root, splits, source_of(root), notes)


@hookimpl
def vreid_datasets() -> Mapping[str, IlidsVid]:
    """The data set `ilids-vid`."""
    return {"ilids-vid": IlidsVid()}


@hookimpl
def vreid_protocols() -> Mapping[str, Protocol]:
    """`ilids-vid`, and the same with the halves swapped, as some code bases have them."""
    wang = Protocol(
        name="ilids-vid",
        version="1",
        dataset="ilids-vid",
        headline="one-camera-each",
        conventions=("one-camera-each",),
        summary="Ten splits of 300 persons: train on the second half of the published order, rank 150 tracklets of "
        "camera 2 for 150 queries of camera 1.",
        source="Wang et al., Person Re-Identification by Video Ranking, ECCV 2014",
        variant=VARIANTS[0],
        counts={"train identities": 150, "train tracklets": 300, "queries": 150, "gallery": 150, "splits": 10},
    )
    return with_swapped(wang, "dapengchen123/video_reid and the loaders after it (GRL, TF-CLIP)")
