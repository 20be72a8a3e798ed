"""Ranks in lists that are given: places in the lists instead of distances."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from vreid_bench.importing.rankings import RankedLists
from vreid_bench.scoring.ranks import counting
from vreid_bench.scoring.ranks.counting import NEVER, Counts, Tile
from vreid_bench.scoring.ranks.labels import Ints, Labels
from vreid_bench.system.errors import InputError


@dataclass(frozen=True)
class ListedOrder:
    """The order of the gallery for each query, which may end before the gallery does."""

    lists: tuple[Ints, ...]  # places in the gallery
    size: int  # of the gallery

    def count(self, labels: Labels) -> Counts:
        """The ranks of the matches. A match that is not listed has the rank NEVER."""
        counts = counting.count_from_distances(self._tiles(), labels)
        item = counting.index_matches(labels).item  # [M] place of each match
        before = counts.before.copy()
        for query, listed in enumerate(self.lists):
            own = slice(counts.start[query], counts.start[query + 1])
            absent = np.flatnonzero(~np.isin(item[own], listed)) + own.start
            before[absent] = NEVER  # in every group, as a convention may rank some of them
        return replace(counts, before=before)

    def explain(self, counts: Counts) -> tuple[str, ...]:
        """What a reader has to know of lists that end early."""
        return _explain(int((counts.before[:, 0] >= NEVER).sum()), len(counts.before))

    def _tiles(self) -> Iterator[Tile]:
        for query, listed in enumerate(self.lists):
            row = np.full(self.size, float(self.size))
            row[listed] = np.arange(len(listed))
            yield slice(query, query + 1), row[None]


def count_judged(lists: RankedLists, judged: Mapping[str, Mapping[str, int]]) -> tuple[Counts, Labels, tuple[str, ...]]:
    """Counts, labels and notes of lists whose matches are judged: documents with a relevance above 0.

    A judged query that has no list counts as one whose matches were never found, as with `trec_eval -c`. Each query
    is a person of its own in the labels. Raises InputError if no query is judged.
    """
    ranked = dict(zip(lists.queries, lists.lists, strict=True))
    queries = list(judged)
    missing = [query for query in lists.queries if query not in judged]
    if missing:
        raise InputError(f"{lists.origin}: query {missing[0]!r} is not judged; expected a line of it in the qrels")
    start, before = [0], []
    for query in queries:
        place = {name: number for number, name in enumerate(ranked.get(query, ()))}
        matches = [name for name, relevance in judged[query].items() if relevance > 0]
        before += sorted(place.get(name, NEVER + n) for n, name in enumerate(matches))
        start.append(len(before))
    counted = np.minimum(np.array(before, np.int64), NEVER)[:, None]
    counts = Counts(
        start=np.array(start),
        group=np.zeros(len(before), np.int64),
        before=np.concatenate([counted, np.zeros_like(counted)], 1),
        in_gallery=np.zeros(len(queries), bool),
    )
    number = np.arange(len(queries))
    # one distractor stands for the gallery, whose size no score depends on
    labels = Labels(
        np.append(number + 1, 0),
        np.append(number, len(queries)),
        number,
        np.array([len(queries)]),
        named={"tracklet": np.array([*queries, "the gallery"], np.str_)},
    )
    return counts, labels, _explain(int((counted >= NEVER).sum()), len(before))


def _explain(absent: int, matches: int) -> tuple[str, ...]:
    if not absent:
        return ()
    return (
        f"note: {absent:,} of {matches:,} matches are not in the lists and count as never found: mAP and mINP are "
        "lower bounds of those of the whole ranking",
    )
