"""How many matches of a run's ranking have a rank that the order of the gallery decides."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from vreid_bench.contracts.convention import Convention
from vreid_bench.contracts.parts import ComparesVectors, Matcher
from vreid_bench.evaluation.strategies.strategy import Case
from vreid_bench.scoring.distances import VectorDistances
from vreid_bench.scoring.matches_and_junk import GalleryRule
from vreid_bench.scoring.metrics import Outcome, Scores
from vreid_bench.scoring.ranks.by_matcher import take_vectors
from vreid_bench.scoring.ties import MOST_PAIRS, Ties, count_ties


def count_run_ties(
    matcher: Matcher, case: Case, outcome: Outcome, conventions: Sequence[Convention]
) -> dict[str, Ties]:
    """The ties under each convention that could be applied.

    They are counted where tracklets are one vector each, and up to `MOST_PAIRS` distances; else the result is empty.
    """
    labels = outcome.labels
    pairs = len(labels.query) * len(labels.gallery)
    if not isinstance(matcher, ComparesVectors) or pairs > MOST_PAIRS:
        return {}
    with torch.inference_mode():
        query, gallery = take_vectors(matcher, (case.query, case.gallery), labels)
    scored = [c for c in conventions if isinstance(outcome.verdicts[c.name], Scores)]
    found = count_ties(VectorDistances.of(query, gallery, matcher.metric), labels, scored)
    return {c.name: found[GalleryRule.of(c)] for c in scored}
