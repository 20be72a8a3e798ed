"""How many queries have no match under a convention, from the labels alone: known before anything is embedded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from vreid_bench.contracts.convention import Convention
from vreid_bench.scoring.matches_and_junk import GalleryRule, find_matches
from vreid_bench.scoring.metrics import NotComputable, find_refusal
from vreid_bench.scoring.ranks.counting import list_matches
from vreid_bench.scoring.ranks.labels import Labels


class Unmatched(NamedTuple):
    """The queries of a test that take part under one convention."""

    queries: int
    without: int  # how many of them have no match
    places: tuple[int, ...]  # theirs in the query list; none where the convention is about another gallery
    refusal: NotComputable | None  # why the convention cannot be applied to this test; None if it can be


def count_unmatched(labels: Labels, conventions: Sequence[Convention]) -> dict[str, Unmatched]:
    """For each convention, by name: how many queries have no match, and whether it can be applied."""
    counts, found = list_matches(labels.for_conventions(conventions)), {}
    for convention in conventions:
        matches = find_matches(counts, GalleryRule.of(convention))
        asks = np.ones(len(labels.query), bool) if matches is None else matches.asks
        without = np.flatnonzero(asks if matches is None else asks & (np.diff(matches.start) == 0))
        places = () if matches is None else tuple(without.tolist())
        refusal = find_refusal(matches, counts, convention)
        found[convention.name] = Unmatched(int(asks.sum()), len(without), places, refusal)
    return found
