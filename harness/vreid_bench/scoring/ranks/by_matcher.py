"""Ranking by a matcher: straight from its vectors, or by tiles of its distances."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch

from vreid_bench.contracts.parts import Clips, ComparesVectors, Matcher, Reranker
from vreid_bench.scoring.ranks.counting import Counts, Tile, count_from_distances, count_from_embeddings
from vreid_bench.scoring.ranks.labels import Labels
from vreid_bench.scoring.ranks.pruning import BoundedMatcher, PrunedDistances
from vreid_bench.scoring.rerank.items import RERANK_MEMORY
from vreid_bench.scoring.rerank.k_reciprocal import count_reranked_features
from vreid_bench.system.errors import InputError
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
    leave open are computed. A re-ranker gets the gallery as it is ranked: a query in it is two items. Raises InputError
    as `check_reranking` does.
    """
    with torch.inference_mode():
        if not isinstance(matcher, ComparesVectors):
            if reranker is not None:
                check_reranking(matcher)
            if isinstance(matcher, BoundedMatcher):
                pruned = PrunedDistances(matcher, sides, labels)
                pieces = pruned.tiles()
            else:
                pruned, pieces = None, tiles(matcher, sides, labels)
            pieces = _with_progress(pieces, labels, pruned, quiet)
            return count_from_distances(pieces, labels, torch.get_num_threads())
        asking, ranked = sides
        vectors = matcher.vectors(ranked).float().cpu().numpy()  # [N, E]
        whole = np.array_equal(labels.gallery, np.arange(len(vectors)))
        gallery = vectors if whole else vectors[labels.gallery]  # a copy only where one is needed
        if asking is not ranked:
            vectors = matcher.vectors(asking).float().cpu().numpy()
        if reranker is None:
            return count_from_embeddings(
                vectors[labels.query], gallery, labels, matcher.metric, torch.get_num_threads()
            )
    both = vectors[labels.query], gallery
    return count_reranked_features(reranker, both, labels, matcher.metric, memory, torch.get_num_threads())


def check_reranking(matcher: Matcher) -> None:
    """Raise InputError if the matcher compares clips in pairs, which cannot be re-ranked."""
    if not isinstance(matcher, ComparesVectors):
        raise InputError(
            "--rerank: needs one vector for each tracklet, but the matcher of this method compares clips in pairs; "
            "leave --rerank out, or choose another matcher, for instance --set matcher=mean"
        )


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


def tiles(matcher: Matcher, sides: tuple[Clips, Clips], labels: Labels, rows: int = 128) -> Iterator[Tile]:
    """Distances [R, G] of `rows` query tracklets to the gallery at a time, as float32 on the CPU."""
    asking, ranked = sides
    gallery = ranked.rows(labels.gallery.tolist())
    for start in range(0, len(labels.query), rows):
        part = slice(start, min(start + rows, len(labels.query)))
        distance = matcher.distance(asking.rows(labels.query[part].tolist()), gallery)  # [R, G]
        yield part, distance.float().cpu().numpy()
