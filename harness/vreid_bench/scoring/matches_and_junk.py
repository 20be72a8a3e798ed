"""What a gallery item is to a query under a convention, and the rank of each match. Only this file has the rule.

For one query, an item of the gallery is one of these:

- a *match* shows the query's person, in another camera unless the convention says otherwise, and agrees with the
  convention in what it shares with the query (`Convention.match`);
- *junk* takes no rank: its pid is -1, or it shows the query's person and is not a match;
- a *negative* takes a rank: it shows another person, or it is a distractor;
- an item is left out if it takes no part under the convention, or if it is a query tracklet and the convention takes
  the queries out of the gallery.

`assign_roles` applies the rule to pairs, from the labels. `find_matches` applies it to counted ranks, from which junk
in the query's camera is already left out (`ranks.match_index`); the rest depends on the convention and is decided here.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from vreid_bench.contracts.convention import EVERYBODY, Admission, Compared, Convention
from vreid_bench.contracts.people import JUNK
from vreid_bench.scoring.ranks.counting import CAMERA, Counts
from vreid_bench.scoring.ranks.labels import Bools, Ints, Labels
from vreid_bench.scoring.ranks.match_index import QUERY


class GalleryRule(NamedTuple):
    """The fields of a convention that decide what a gallery item is to a query."""

    queries_in_gallery: bool | None
    match: tuple[Compared, ...] = ()
    same_camera: Literal["junk", "match"] = "junk"
    admission: Admission = EVERYBODY

    @classmethod
    def of(cls, convention: Convention) -> GalleryRule:
        """The rule of a convention."""
        return cls(convention.queries_in_gallery, convention.match, convention.same_camera, convention.admission)

    @property
    def removes_queries(self) -> bool:
        """Are query tracklets taken out of the gallery?"""
        return self.queries_in_gallery is False


class Roles(NamedTuple):
    """What each gallery item is to each query. Items that are neither take no rank: junk, and what is left out.

    A query that takes no part has neither matches nor negatives.
    """

    match: Bools  # [R, G]
    negative: Bools  # [R, G]


class Matches(NamedTuple):
    """Every match of every query, flat: query by query, and of each query from near to far."""

    start: Ints  # [Q + 1] where each query's matches begin
    owner: Ints  # [M] position of the query
    nth: Ints  # [M] which of its query's matches, from 1
    rank: Ints  # [M] from 1; junk takes none
    entry: Ints  # [M] which entry of the counts the match is
    asks: Bools  # [Q] does the query take part? One that does not has no match


def assign_roles(labels: Labels, rows: slice, rule: GalleryRule) -> Roles:
    """Find the matches and the negatives in the gallery, for R of the queries.

    Raises ValueError if the rule depends on what the labels do not have.
    """
    unknown = [each.attribute for each in rule.match if not labels.knows(each.attribute)]
    if unknown or not labels.tells(rule.admission):
        raise ValueError(f"the rule needs labels that are missing: {', '.join(unknown) or rule.admission}")
    admitted = labels.admit(rule.admission)
    asks, ranked = admitted.query[rows, None], admitted.gallery & (labels.pids[labels.gallery] != JUNK)  # [R, 1], [G]
    query, gallery = labels.query[rows, None], labels.gallery  # [R, 1], [G]
    if rule.removes_queries:
        ranked[labels.own[labels.own >= 0]] = False
    same_person = labels.pids[query] == labels.pids[gallery]  # [R, G]
    match = same_person & ranked & asks
    if rule.same_camera == "junk":
        match &= labels.camids[query] != labels.camids[gallery]
    else:
        match &= query != gallery  # the query itself is no match
    for attribute, value in rule.match:
        column = labels.attributes[attribute]
        match &= (column[query] == column[gallery]) == (value == "same")
    return Roles(match, ~same_person & ranked & asks)


def find_unknown(counts: Counts, rule: GalleryRule) -> tuple[str, ...]:
    """What a rule reads and the counts do not tell: attributes, `camera`, or who takes part; empty if all is known."""
    unknown = [each.attribute for each in rule.match if each.attribute not in counts.alike]
    if rule.same_camera == "match" and CAMERA not in counts.alike:
        unknown.append(CAMERA)
    if rule.admission != EVERYBODY and rule.admission not in counts.admissions:
        unknown += [each.attribute for each in (*rule.admission.query, *rule.admission.gallery)] or ["frames"]
    return tuple(dict.fromkeys(unknown))


def find_matches(counts: Counts, rule: GalleryRule) -> Matches | None:
    """The matches under a rule with their ranks; None if it depends on what is not known, see `find_unknown`."""
    if find_unknown(counts, rule):
        return None
    asks, groups = counts.asks_of(rule.admission), counts.groups_of(rule.admission)
    if rule.removes_queries:
        groups = groups & (np.arange(len(groups)) & QUERY == 0)
    owner = counts.owner
    entry = np.flatnonzero(groups[counts.group] & asks[owner])
    owner = owner[entry]
    rank = 1 + counts.before[entry][:, groups].sum(1)
    order = np.argsort(owner * (rank.max(initial=0) + 1) + rank)  # the ranks of a query stay together
    entry, owner, rank = entry[order], owner[order], rank[order]
    accepted = _accept(counts, rule)
    if accepted is not None:
        kept = accepted[entry]
        # the others are junk and take no rank, so farther items move up
        junk = np.concatenate([[0], np.cumsum(~kept)])  # [M + 1] of all queries together
        rank = rank - junk[:-1] + junk[np.searchsorted(owner, owner)]
        entry, owner, rank = entry[kept], owner[kept], rank[kept]
    start = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=len(asks)))])
    return Matches(start, owner, np.arange(1, len(owner) + 1) - start[owner], rank, entry, asks)


def _accept(counts: Counts, rule: GalleryRule) -> Bools | None:
    """Which items of the query's person are matches by what they share with it: [M]; None where all are."""
    conditions = [counts.alike[attribute] == (value == "same") for attribute, value in rule.match]
    if rule.same_camera == "junk" and CAMERA in counts.alike:
        conditions.append(~counts.alike[CAMERA])
    return np.logical_and.reduce(conditions) if conditions else None
