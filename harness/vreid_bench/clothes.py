"""Matches in the clothes that a convention asks for, and their ranks once the person's other tracklets take none."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vreid_bench.protocol import Clothes

Ints = NDArray[np.int64]


def asked_for(
    owner: Ints, nth: Ints, rank: Ints, alike: NDArray[np.bool_], clothes: Clothes
) -> tuple[Ints, Ints, Ints]:
    """The matches that stay, with those behind one that goes moved up: owner, nth, rank, all [M'].

    owner: [M] query of each match, ascending; of one query, matches are from near to far. nth, rank: [M] from 1.
    alike: [M] does the match wear what its query wears? No distance is needed: what goes is itself a match, whose
    place among the others is known.
    """
    if clothes == "any":
        return owner, nth, rank
    stays = alike if clothes == "same" else ~alike
    gone: Ints = np.cumsum(~stays) - ~stays  # [M] how many have gone before, over all queries
    moved: Ints = gone - gone[np.searchsorted(owner, owner)]  # [M] of the same query alone
    return owner[stays], (nth - moved)[stays], (rank - moved)[stays]
