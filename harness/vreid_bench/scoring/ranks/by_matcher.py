"""Ranking by a matcher: straight from its vectors, or by tiles of its distances."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from vreid_bench.contracts.parts import Clips, ComparesVectors, Matcher, Reranker
from vreid_bench.scoring.distances import VectorDistances
from vreid_bench.scoring.ranks.blocks import find_metric, measure_blocks, tiles
from vreid_bench.scoring.ranks.counting import Counts, Tile, count_from_distances, count_from_embeddings
from vreid_bench.scoring.ranks.labels import Labels
from vreid_bench.scoring.ranks.pruning import BoundedMatcher, PrunedDistances
from vreid_bench.scoring.rerank.items import RERANK_MEMORY
from vreid_bench.scoring.rerank.k_reciprocal import count_reranked_distances, count_reranked_features, rerank_features
from vreid_bench.system.progress import bar


def rank_by_matcher(
    matcher: Matcher,
    sides: tuple[Clips, Clips],
    labels: Labels,
    reranker: Reranker | None = None,
    memory: int = RERANK_MEMORY,
    quiet: bool = True,
) -> Counts:
    """Count ranks by a matcher's distances.

    sides: all test tracklets as queries and as gallery, represented, on the matcher's device; the same object twice
    unless the queries are corrupted. A matcher of one vector for each tracklet is ranked straight from the vectors. A
    matcher of pairs of clips is ranked by tiles of distances; if it knows bounds, only the distances that the bounds
    leave open are computed. A re-ranker gets the gallery as it is ranked: a query in it is two items. Of a matcher of
    pairs it gets all distances among them. Raises InputError for a re-ranker that needs vectors.
    """
    with torch.inference_mode():
        if isinstance(matcher, ComparesVectors):
            return _rank_vectors(matcher, sides, labels, reranker, memory)
        if reranker is None:
            return _rank_pairs(matcher, sides, labels, quiet)
        blocks = measure_blocks(matcher, *_choose(sides, labels), quiet)
    return count_reranked_distances(reranker, blocks, labels, find_metric(matcher), torch.get_num_threads())


def measure_distances(
    matcher: Matcher,
    sides: tuple[Clips, Clips],
    labels: Labels,
    reranker: Reranker | None = None,
    memory: int = RERANK_MEMORY,
) -> Iterator[Tile]:
    """The distances of each query to the gallery, by tiles, for whoever needs the whole order: arguments as above."""
    with torch.inference_mode():
        query, gallery = _choose(sides, labels)
        if not isinstance(matcher, ComparesVectors):
            if reranker is None:
                yield from tiles(matcher, query, gallery)
                return
            blocks = measure_blocks(matcher, query, gallery)
            whole = reranker.rerank(*blocks, find_metric(matcher), threads=torch.get_num_threads())
        else:
            asking, ranked = (matcher.vectors(side).float().cpu().numpy() for side in (query, gallery))
            if reranker is None:
                yield from VectorDistances.of(asking, ranked, matcher.metric).tiles()
                return
            whole = rerank_features(reranker, (asking, ranked), matcher.metric, memory, torch.get_num_threads())
    yield slice(0, len(whole)), whole


def _rank_vectors(
    matcher: ComparesVectors, sides: tuple[Clips, Clips], labels: Labels, reranker: Reranker | None, memory: int
) -> Counts:
    query, gallery = take_vectors(matcher, sides, labels)
    threads = torch.get_num_threads()
    if reranker is None:
        return count_from_embeddings(query, gallery, labels, matcher.metric, threads)
    return count_reranked_features(reranker, (query, gallery), labels, matcher.metric, memory, threads)


def take_vectors(
    matcher: ComparesVectors, sides: tuple[Clips, Clips], labels: Labels
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The vectors of the queries [Q, E] and of the gallery [G, E], from those of all test tracklets on each side."""
    asking, ranked = sides
    vectors = matcher.vectors(ranked).float().cpu().numpy()  # [N, E]
    whole = np.array_equal(labels.gallery, np.arange(len(vectors)))
    gallery = vectors if whole else vectors[labels.gallery]  # a copy only where one is needed
    if asking is not ranked:
        vectors = matcher.vectors(asking).float().cpu().numpy()
    return vectors[labels.query], gallery


def _rank_pairs(matcher: Matcher, sides: tuple[Clips, Clips], labels: Labels, quiet: bool) -> Counts:
    pruned = PrunedDistances(matcher, sides, labels) if isinstance(matcher, BoundedMatcher) else None
    pieces = pruned.tiles() if pruned is not None else tiles(matcher, *_choose(sides, labels))
    return count_from_distances(_with_progress(pieces, labels, pruned, quiet), labels, torch.get_num_threads())


def _choose(sides: tuple[Clips, Clips], labels: Labels) -> tuple[Clips, Clips]:
    """The queries [Q] among the clips of one side, and the gallery [G] among those of the other."""
    asking, ranked = sides
    return asking.rows(labels.query.tolist()), ranked.rows(labels.gallery.tolist())


def _with_progress(
    pieces: Iterable[Tile], labels: Labels, pruned: PrunedDistances | None, quiet: bool
) -> Iterator[Tile]:
    """The same tiles, with a bar that shows how many queries are ranked and the share of the pairs that this took."""
    with bar(len(labels.query), "rank", "query", quiet=quiet) as progress:
        for rows, distance in pieces:
            yield rows, distance
            if pruned is not None:
                progress.set_postfix_str(f"{pruned.share:.1%} of pairs of clips evaluated", refresh=False)
            progress.update(len(distance))
