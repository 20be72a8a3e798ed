"""Importance and similarity of the pairs of clips of many tracklets: matches, and as many others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from vreid_bench.contracts.convention import Convention
from vreid_bench.contracts.dataset import Split
from vreid_bench.evaluation.curves import Arrays
from vreid_bench.evaluation.subject import REPRESENTED, Comparison, Subject
from vreid_bench.scoring.matches_and_junk import GalleryRule, assign_roles
from vreid_bench.scoring.ranks.labels import Labels
from vreid_bench.system.errors import InputError

QUERIES = 100  # that are taken where none is named
BATCH = 64  # pairs of tracklets compared at once


def choose_queries(split: Split) -> list[int]:
    """Rows of queries, evenly spread over those of the test."""
    places = np.linspace(0, len(split.query) - 1, min(QUERIES, len(split.query))).astype(int)
    return [split.query[place] for place in places]


def choose_comparisons(
    split: Split, convention: Convention, queries: Sequence[int]
) -> tuple[list[int], list[Comparison]]:
    """With which gallery tracklets each query is compared: all its matches, and as many of the others.

    The others are drawn at random from its negatives under the convention; the row of the query is the seed. Returns
    the rows of all tracklets that take part, queries first, and the comparisons. Raises InputError for a row that is
    no query, and where no query has a match.
    """
    labels, rule = Labels.of(split), GalleryRule.of(convention)
    places = {row: place for place, row in enumerate(split.query)}
    rows = {row: place for place, row in enumerate(dict.fromkeys(queries))}
    comparisons = []
    for row in list(rows):
        if row not in places:
            raise InputError(f"--query {row}: is a test tracklet but no query of the test; expected a query")
        roles = assign_roles(labels, slice(places[row], places[row] + 1), rule)
        matches, negatives = (np.flatnonzero(mask[0]) for mask in roles)
        size = min(len(matches), len(negatives))
        others = np.sort(np.random.default_rng(row).choice(negatives, size, replace=False))
        for places_in_gallery, match in ((matches, True), (others, False)):
            for place in places_in_gallery:
                gallery = rows.setdefault(split.gallery[place], len(rows))
                comparisons.append(Comparison(rows[row], gallery, match))
    if not comparisons:
        raise InputError("--what pair-scores: none of these queries has a match; name others")
    return list(rows), comparisons


def collect_pair_scores(subject: Subject) -> Arrays:
    """Similarity and importance of M pairs of clips, and where each comes from: [M] each."""
    matcher, device = subject.model.matcher, subject.trained.reader.device
    clips = subject.trained.embed(subject.tracklets, REPRESENTED).to(device).clips(slice(None))
    pieces: dict[str, list[torch.Tensor]] = {}
    for first in range(0, len(subject.comparisons), BATCH):
        batch = subject.comparisons[first : first + BATCH]
        query, gallery = clips.rows([each.query for each in batch]), clips.rows([each.gallery for each in batch])
        with torch.inference_mode():
            scores = matcher.score_pairs(query, gallery)
        pair = (query.valid[:, :, None] & gallery.valid[:, None]).cpu()  # [B, C, K]
        at, query_clip, gallery_clip = pair.nonzero(as_tuple=True)  # [m] each
        columns = {"query_clip": query_clip, "gallery_clip": gallery_clip}
        columns |= {name: torch.tensor([getattr(c, name) for c in batch])[at] for name in Comparison._fields}
        columns |= {name: getattr(scores, name).float().cpu()[pair] for name in ("similarity", "importance")}
        for name, column in columns.items():
            pieces.setdefault(name, []).append(column)
    return {name: torch.cat(columns).numpy() for name, columns in pieces.items()}
