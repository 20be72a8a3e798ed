"""Re-ranking of the first ranks alone: an approximation for a gallery whose items cannot all be compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vreid_bench.scoring.ranks.by_parts import Known
from vreid_bench.scoring.ranks.counting import Counts, Tile, count_from_distances, index_matches
from vreid_bench.scoring.ranks.labels import Ints, Labels
from vreid_bench.scoring.ranks.nearest import Nearest

ROWS = 64  # queries in one tile
LAST = np.finfo(np.float32).max  # the distance of an item that is not among a query's first ranks


class FirstRanks(NamedTuple):
    """The first ranks of every query."""

    nearest: Nearest  # K items of each query
    items: Known  # all of them, each once: [U]

    def reorder(self, distance: NDArray[np.float32], counts: Counts, known: Known, labels: Labels) -> Counts:
        """The counts of the whole gallery after each query's first K items were put in the order of other distances.

        distance: [Q, U]; counts: of the gallery before that, whose matches are among the known items, with their
        labels. The other items stay behind the first K, in the order that they had.
        """
        among = self._label(known, labels)
        found = count_from_distances(self._tiles(distance), among)
        place = known.places[index_matches(labels).item]  # [M]
        its_place = self.items.places[index_matches(among).item]
        span = 1 + max(known.places[-1], self.items.places[-1])
        keys, its_keys = counts.owner * span + place, found.owner * span + its_place  # a match is a query and a place
        _, match, its_match = np.intersect1d(keys, its_keys, assume_unique=True, return_indices=True)
        first = (self.nearest.places[counts.owner[match]] == place[match, None]).any(1)  # of the query's own K
        before = counts.before.copy()
        before[match[first]] = found.before[its_match[first]]
        return replace(counts, before=before)

    def _label(self, known: Known, labels: Labels) -> Labels:
        """The first ranks as a gallery, with the same queries, counted in the same groups."""
        own = self._find(np.where(labels.own >= 0, known.places[labels.own], -1))
        among = self.items.label_own(own, labels.pids[labels.query], labels.camids[labels.query])
        return replace(among, junk_by_camera=labels.junk_by_camera, admissions=labels.admissions)

    def _find(self, places: Ints) -> Ints:
        """The number of the item at each place, -1 where it is none of them."""
        number = np.minimum(np.searchsorted(self.items.places, places), len(self.items.places) - 1)
        return np.where(self.items.places[number] == places, number, -1)

    def _tiles(self, distance: NDArray[np.float32]) -> Iterator[Tile]:
        """The distances [R, U] of some queries at a time, with the items that are not a query's own behind its own."""
        for low in range(0, len(distance), ROWS):
            rows = slice(low, min(low + ROWS, len(distance)))
            column = self._find(self.nearest.places[rows])
            tile = np.full((len(column), distance.shape[1]), LAST)
            np.put_along_axis(tile, column, np.take_along_axis(distance[rows], column, 1), 1)
            yield rows, tile
