"""G2A-VReID (ECCV 2024), people seen from the ground and from the air, in the layout of MARS: reader and protocols."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from vreid_bench import DISTRACTOR, Dataset, Protocol, Split, hookimpl
from vreid_plugins.datasets.fault_report import stop
from vreid_plugins.datasets.g2a_vreid.description import DESCRIPTION
from vreid_plugins.datasets.layout_reader import LayoutReader
from vreid_plugins.datasets.mars.index import load_index
from vreid_plugins.datasets.mars.reader import make_tracklets, note_sorted
from vreid_plugins.datasets.synthetic_note import source_of

VARIANTS = ("ground-to-aerial", "aerial-to-ground")


class G2aVreid(LayoutReader):
    """Reads `bbox_train`, `bbox_test` and `info` as those of MARS. The queries are not in the gallery."""

    description = DESCRIPTION
    variants = VARIANTS

    def read(self, root: Path, variant: str = VARIANTS[0]) -> Dataset:
        """One split: test is every row of the test index in file order.

        As listed, the rows of `query_IDX.mat` search among all others. With the variant `aerial-to-ground` the two
        sides change places: every other row that shows a person searches among the rows of `query_IDX.mat`. Raises
        InputError at the first fault of the index files; no frame is opened.
        """
        root = Path(root)
        index = load_index(root, stop, single=False)
        if index.train is None or index.test is None or index.query is None:
            raise AssertionError("a fault of the index files was not reported")
        test, query = make_tracklets(index.test), tuple(index.query.tolist())
        asked = set(query)
        gallery = tuple(row for row in range(len(test)) if row not in asked)
        if variant == VARIANTS[1]:
            query, gallery = tuple(row for row in gallery if test[row].pid > DISTRACTOR), query
        split = Split(make_tracklets(index.train), test, query, gallery)
        return Dataset("g2a-vreid", root, (split,), source_of(root), note_sorted(index.train, index.test))


@hookimpl
def vreid_datasets() -> Mapping[str, G2aVreid]:
    """The data set `g2a-vreid`."""
    return {"g2a-vreid": G2aVreid()}


@hookimpl
def vreid_protocols() -> Mapping[str, Protocol]:
    """`g2a-vreid`, from the ground to the air as published, and `g2a-vreid-aerial-to-ground`, the other way."""
    published = Protocol(
        name="g2a-vreid",
        version="1",
        dataset="g2a-vreid",
        headline="gallery-as-listed",
        conventions=("gallery-as-listed",),
        summary="Search the people of the ground camera among the tracklets of the one in the air; the queries are not "
        "in the gallery.",
        source="FHR-L/VSLA-CLIP, datasets/data_manager.py; Zhang et al., ECCV 2024",
        variant=VARIANTS[0],
    )
    swapped = replace(
        published,
        name=f"g2a-vreid-{VARIANTS[1]}",
        variant=VARIANTS[1],
        summary="As g2a-vreid with the two sides swapped: search the people seen from the air among the tracklets of "
        "the ground camera.",
    )
    return {published.name: published, swapped.name: swapped}
