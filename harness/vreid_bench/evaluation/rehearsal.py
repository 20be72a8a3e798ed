"""The test of a run, rehearsed on a few random features: what does not fit together is told before anything trains."""

from __future__ import annotations

from dataclasses import replace

import torch

from vreid_bench.contracts.dataset import Split, Tracklet
from vreid_bench.contracts.packing import pad_features
from vreid_bench.contracts.parts import ClipFeatures, Matcher, Reranker
from vreid_bench.contracts.protocol import CuttingStrategy
from vreid_bench.evaluation.strategies.cases import Cases
from vreid_bench.evaluation.strategies.strategy import Case, TestStrategy
from vreid_bench.modeling.probe import hold_warnings, keep_streams
from vreid_bench.modeling.view import View
from vreid_bench.records.feature_store import FeatureStore
from vreid_bench.registry.entry import Entry, blame
from vreid_bench.registry.factories import Factory
from vreid_bench.scoring.ranks.by_matcher import rank_by_matcher

PEOPLE = range(1, 7)
PLACES = ((pid, camid, n) for pid in PEOPLE for camid in (1, 2) for n in (0, 1))
RATE = (("fps", "1/1000"),)  # so that every gap is short
TRACKLETS = tuple(
    Tracklet(tuple(f"{pid}-{camid}-{n}/{frame}.jpg" for frame in range(1000)), pid, camid, RATE)
    for pid, camid, n in PLACES
)
TEST = Split((), TRACKLETS, tuple(range(0, len(TRACKLETS), 2)), tuple(range(len(TRACKLETS))))


def rehearse_cases(strategy: TestStrategy, factory: Factory, width: int, who: str) -> tuple[Matcher, list[Case]]:
    """The rankings that a strategy makes of a made-up test, and the matcher that was built for them.

    factory: builds the matcher; width: how many numbers it is given for a clip; who: the protocol, as messages name it.
    Raises InputError if the strategy cannot use the matcher, or if the code of one of them fails.
    """
    with keep_streams(), hold_warnings(), torch.inference_mode():
        matcher = factory(width).eval()
        if isinstance(strategy, Cases):
            strategy = replace(strategy, values=strategy.values[: len(PEOPLE)])
        test = _make_up_test(strategy)
        tested = strategy.cut(test) if isinstance(strategy, CuttingStrategy) else {}
        with factory.blame():
            views = enumerate(strategy.views().items())
            sizes = {name: (len(tested.get(name, test).test), width) for name in strategy.views()}
            stores = {name: _draw(matcher, view, sizes[name], seed) for seed, (name, view) in views}
        with blame(who):
            return matcher, list(strategy.cases(stores, matcher, test))


def _make_up_test(strategy: TestStrategy) -> Split:
    """The made-up test; every person belongs to one of the cases of a test by cases."""
    if not isinstance(strategy, Cases):
        return TEST
    case = {pid: strategy.values[pid % len(strategy.values)] for pid in PEOPLE}
    named = (t._replace(attributes=(*t.attributes, (strategy.attribute, case[t.pid]))) for t in TRACKLETS)
    return replace(TEST, test=tuple(named))


def rehearse_reranking(reranker: Reranker, entry: Entry, matcher: Matcher, case: Case, memory: int) -> None:
    """Re-rank one of these rankings. Raises InputError if the matcher's features cannot be, or if the code fails."""
    with entry.blame():
        rank_by_matcher(matcher, (case.query, case.gallery), case.labels, reranker, memory, quiet=True)


def _draw(matcher: Matcher, view: View, shape: tuple[int, int], seed: int) -> FeatureStore:
    """Random features of the made-up tracklets in a view of the test; shape: how many there are, and their width."""
    size, width = shape
    counts = [1 + row % 3 for row in range(size)]  # clips of each
    generator = torch.Generator().manual_seed(seed)
    embedding = torch.randn(sum(counts), width, generator=generator)
    clips = pad_features([ClipFeatures(embedding, torch.rand(sum(counts), generator=generator))], counts)
    return FeatureStore.of([matcher.represent(clips) if view.represented else clips])
