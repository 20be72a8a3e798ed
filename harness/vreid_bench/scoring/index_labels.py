"""The labels of a data set's index for features that came without: `qf.pt` and `gf.pt` of a test of MARS."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vreid_bench.contracts.people import JUNK
from vreid_bench.importing.content import Content
from vreid_bench.importing.keys import recognise_key
from vreid_bench.scoring.label_source import Index
from vreid_bench.scoring.ranks.labels import Ints
from vreid_bench.system.errors import InputError


def find_labels(index: Index, contents: Sequence[Content]) -> Content:
    """The labels of the queries and of the gallery, by the number of gallery rows among the features.

    Code bases list the gallery in three ways: as the index does, without junk and queries, or so with the queries
    behind it. Raises InputError for another number of rows.
    """
    labels = index.labels
    kept = labels.gallery[(labels.pids[labels.gallery] != JUNK) & ~np.isin(labels.gallery, labels.query)]
    ways = (labels.gallery, kept, np.concatenate([kept, labels.query]))
    size = next((rows for content in contents for rows in [_count_gallery(content)] if rows), 0)
    gallery = next((rows for rows in ways if len(rows) == size), None)
    if gallery is None:
        raise InputError(
            f"{', '.join(content.origin for content in contents)}: has {size:,} gallery rows, {index.folder} lists "
            f"{len(ways[0]):,}, or {len(ways[1]):,} without junk and queries, or {len(ways[2]):,} with the queries "
            "behind these; expected one of the three"
        )

    def name(rows: Ints, side: str) -> dict[str, Ints]:
        return {f"{side}_pids": labels.pids[rows], f"{side}_camids": labels.camids[rows], f"{side}_tracklets": rows}

    return Content(str(index.folder), "index", name(labels.query, "query") | name(gallery, "gallery"))


def _count_gallery(content: Content) -> int:
    for key, value in content.arrays.items():
        meaning = recognise_key(key)
        if meaning is not None and meaning.side == "gallery" and meaning.kind == "embedding":
            return int(np.shape(value)[0])
        if meaning is not None and meaning.kind in ("distance", "similarity") and np.ndim(value) == 2:
            return int(np.shape(value)[1])
    return 0
