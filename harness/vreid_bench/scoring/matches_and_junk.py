"""What a gallery item is to a query under a convention, and the rank of each match. Only this file has the rule.

For one query, an item of the gallery is one of these:

- a *match* shows the query's person in another camera, in clothes that the convention accepts;
- *junk* takes no rank: its pid is -1, or it shows the query's person and is not a match;
- a *negative* takes a rank: it shows another person, or it is a distractor;
- a query tracklet is left out if the convention takes the queries out of the gallery.

`assign_roles` applies the rule to pairs, from the labels. `find_matches` applies it to counted ranks, from which junk
in the query's camera is already left out (`ranks.match_index`); the rest depends on the convention and is decided here.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vreid_bench.contracts.convention import Clothes, Convention
from vreid_bench.contracts.dataset import JUNK
from vreid_bench.scoring.ranks.counting import Counts
from vreid_bench.scoring.ranks.labels import Ints, Labels
from vreid_bench.scoring.ranks.match_index import GALLERY, QUERY

Bools = NDArray[np.bool_]


class GalleryRule(NamedTuple):
    """The fields of a convention that decide what a gallery item is to a query."""

    queries_in_gallery: bool | None
    clothes: Clothes = "any"

    @classmethod
    def of(cls, convention: Convention) -> GalleryRule:
        """The rule of a convention."""
        return cls(convention.queries_in_gallery, convention.clothes)

    @property
    def removes_queries(self) -> bool:
        """Are query tracklets taken out of the gallery?"""
        return self.queries_in_gallery is False

    def accepts(self, alike: Bools) -> Bools:
        """Which items of the query's person count by their clothes; `alike`: do they wear those of the query?"""
        return np.ones_like(alike) if self.clothes == "any" else alike == (self.clothes == "same")


class Roles(NamedTuple):
    """What each gallery item is to each query. Items that are neither take no rank: junk, and queries left out."""

    match: Bools  # [R, G]
    negative: Bools  # [R, G]


class Matches(NamedTuple):
    """Every match of every query, flat: query by query, and of each query from near to far."""

    start: Ints  # [Q + 1] where each query's matches begin
    owner: Ints  # [M] position of the query
    nth: Ints  # [M] which of its query's matches, from 1
    rank: Ints  # [M] from 1; junk takes none
    entry: Ints  # [M] which entry of the counts the match is


def assign_roles(labels: Labels, rows: slice, rule: GalleryRule) -> Roles:
    """Find the matches and the negatives in the gallery, for R of the queries.

    Raises ValueError if the rule depends on clothes and the labels do not have them.
    """
    query, gallery = labels.query[rows, None], labels.gallery  # [R, 1], [G]
    ranked = labels.pids[gallery] != JUNK  # [G]
    if rule.removes_queries:
        ranked[labels.own[labels.own >= 0]] = False
    same_person = labels.pids[query] == labels.pids[gallery]  # [R, G]
    match = same_person & (labels.camids[query] != labels.camids[gallery]) & ranked
    if rule.clothes != "any":
        if labels.clothes is None:
            raise ValueError(f"matches in {rule.clothes} clothes need labels of clothes")
        match &= rule.accepts(labels.clothes[query] == labels.clothes[gallery])
    return Roles(match, ~same_person & ranked)


def find_matches(counts: Counts, rule: GalleryRule) -> Matches | None:
    """The matches under a rule with their ranks; None if it depends on clothes and not all tracklets have them."""
    if rule.clothes != "any" and counts.alike is None:
        return None
    entry, owner, rank = np.arange(len(counts.group)), counts.owner, counts.before[:, GALLERY] + 1  # [M]
    if rule.removes_queries:
        stays = counts.group != QUERY
        entry, owner, rank = entry[stays], owner[stays], rank[stays]
    else:
        rank += counts.before[:, QUERY]
    order = np.argsort(owner * (rank.max(initial=0) + 1) + rank)  # the ranks of a query stay together
    entry, rank = entry[order], rank[order]
    if rule.clothes != "any" and counts.alike is not None:
        accepted = rule.accepts(counts.alike[entry])
        # the others are junk and take no rank, so farther items move up
        junk = np.concatenate([[0], np.cumsum(~accepted)])  # [M + 1] of all queries together
        rank = rank - junk[:-1] + junk[np.searchsorted(owner, owner)]
        entry, owner, rank = entry[accepted], owner[accepted], rank[accepted]
    start = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=len(counts.start) - 1))])
    return Matches(start, owner, np.arange(1, len(owner) + 1) - start[owner], rank, entry)
