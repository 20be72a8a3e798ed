"""The ranking of a test that cannot be scored, as its challenge takes it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from vreid_bench.contracts.dataset import Unscored
from vreid_bench.contracts.parts import Matcher
from vreid_bench.evaluation.evaluate import Testing
from vreid_bench.importing.rankings import WRITERS, RankedQuery
from vreid_bench.planning.folds import Fold
from vreid_bench.records.feature_store import FeatureStore
from vreid_bench.scoring.ranks.by_matcher import measure_distances
from vreid_bench.system.files import write_atomic


def rank_fold(
    testing: Testing, matcher: Matcher, features: Mapping[str, FeatureStore], fold: Fold
) -> list[RankedQuery]:
    """The gallery's order for each query of each case, nearest first; tracklets are named by their folders."""
    unscored = fold.dataset.unscored
    assert unscored is not None, "any other test is scored"
    called, ranked = dict(unscored.cases), []
    names = [tracklet.folder_name for tracklet in fold.test.test]
    for case in testing.strategy.cases(features, matcher, fold.test):
        query, gallery = case.labels.query.tolist(), case.labels.gallery.tolist()
        sides = (case.query, case.gallery)
        for rows, tile in measure_distances(matcher, sides, case.labels, testing.reranker, testing.memory):
            order = np.argsort(tile, axis=1, kind="stable")[:, : unscored.depth or None]  # [R, depth]
            for row, places in zip(query[rows], order.tolist(), strict=True):
                listed = tuple(names[gallery[place]] for place in places)
                ranked.append(RankedQuery(names[row], listed, called.get(case.condition, case.condition)))
    return ranked


def write_ranking(path: Path, ranked: list[RankedQuery], unscored: Unscored) -> None:
    """Write a ranking in the form that the challenge takes."""
    write_atomic(path, WRITERS[unscored.form](ranked, {}))
