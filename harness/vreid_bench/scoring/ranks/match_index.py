"""The match index of a gallery: the matches and the junk of every query."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vreid_bench.scoring.ranks.labels import Ints

Shard = tuple[int, int]  # (i, n): every n-th tile of the gallery, from the i-th

# The groups in which gallery items are counted: query tracklets apart from the others. Where conventions rank parts of
# the gallery, each part that they tell apart is a group.
GALLERY, QUERY = 0, 1


class MatchIndex(NamedTuple):
    """Where the matches and junk of R queries are. Arrays are int64 unless said otherwise; places are in the gallery.

    A *match* of a query is an item of its person in another camera; an item of its person in its own camera is
    *junk* and takes no rank. Where labels are not `junk_by_camera`, only the query itself is junk.
    """

    groups: int  # K
    group: NDArray[np.int8]  # [G] the group in which an item is counted, -1 for an item that never takes a rank
    start: Ints  # [R + 1] where each query's matches begin
    item: Ints  # [M] place of a match
    junk_start: Ints  # [R + 1]
    junk: Ints  # [J] place of a junk item

    def rows(self, rows: slice) -> MatchIndex:
        """The part of some of the queries."""
        first, last, _ = rows.indices(len(self.start) - 1)
        start, junk_start = self.start[first : last + 1], self.junk_start[first : last + 1]
        return self._replace(
            start=start - start[0],
            item=self.item[start[0] : start[-1]],
            junk_start=junk_start - junk_start[0],
            junk=self.junk[junk_start[0] : junk_start[-1]],
        )
