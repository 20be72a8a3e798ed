"""What is to be counted in a gallery: the matches and the junk of every query."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vreid_bench.scoring.ranks.labels import Ints

Shard = tuple[int, int]  # (i, n): every n-th tile of the gallery, from the i-th

GALLERY, QUERY = 0, 1  # the groups that gallery items are counted in: query tracklets apart from the others


class Sought(NamedTuple):
    """What is to be counted for R queries. Arrays are int64 unless said otherwise; a place is one in the gallery.

    A *match* of a query is an item of its person in another camera; an item of its person in its own camera is
    *junk* and takes no rank.
    """

    groups: int  # K
    group: NDArray[np.int8]  # [G] which group an item is counted in, -1 for what takes no rank for anybody
    start: Ints  # [R + 1] where each query's matches begin
    item: Ints  # [M] place of a match
    junk_start: Ints  # [R + 1]
    junk: Ints  # [J] place of a junk item

    def rows(self, rows: slice) -> Sought:
        """The same for some of the queries."""
        first, last, _ = rows.indices(len(self.start) - 1)
        start, junk_start = self.start[first : last + 1], self.junk_start[first : last + 1]
        return self._replace(
            start=start - start[0],
            item=self.item[start[0] : start[-1]],
            junk_start=junk_start - junk_start[0],
            junk=self.junk[junk_start[0] : junk_start[-1]],
        )
