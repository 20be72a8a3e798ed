"""The model of a run with its weights, and the first of its rankings: for what its files alone do not tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from vreid_bench.contracts.convention import Convention
from vreid_bench.contracts.dataset import Split, Tracklet
from vreid_bench.contracts.parts import ComparesVectors, Matcher, Reranker, ScoresPairs
from vreid_bench.evaluation.collectors import COLLECT
from vreid_bench.evaluation.curves import Arrays
from vreid_bench.evaluation.inspection import list_offers
from vreid_bench.evaluation.inspections import INSPECTIONS
from vreid_bench.evaluation.pair_scores import choose_comparisons
from vreid_bench.evaluation.strategies.corruption import Corruption
from vreid_bench.evaluation.strategies.plain import Plain
from vreid_bench.evaluation.strategies.strategy import Case, TestStrategy
from vreid_bench.evaluation.subject import Comparison, Subject, describe_clips, label
from vreid_bench.evaluation.trained_model import TrainedModel
from vreid_bench.evaluation.visibility import knows_visibility, read_visibility
from vreid_bench.modeling.model import Model
from vreid_bench.planning.plan import RunRequest, plan_run
from vreid_bench.records.data_roots import read_data_roots
from vreid_bench.records.feature_store import FeatureStore
from vreid_bench.records.named_run import find_run
from vreid_bench.records.record import Record
from vreid_bench.records.run_directory import RunDirectory
from vreid_bench.registry.registry import Registry
from vreid_bench.scoring.ranked_test import RankedTest
from vreid_bench.scoring.ranks.by_matcher import measure_distances
from vreid_bench.system.environment import prepare
from vreid_bench.system.errors import InputError

Floats = NDArray[np.float64]
WITHOUT = "or let no model compute: --no-figures"


@dataclass(frozen=True)
class RunModel:
    """The model of a run, and the first of its rankings."""

    trained: TrainedModel
    split: Split  # whose test tracklets the rows of the ranking are, unless it ranks something else
    case: Case
    headline: Convention
    strategy: TestStrategy
    truth: Mapping[str, float] | None  # the visibility of each frame by its path; None: not known
    reranker: Reranker | None
    memory: int  # bytes for re-ranking

    @property
    def matcher(self) -> Matcher:
        """The matcher, as it was trained or fitted."""
        matcher: Matcher = self.trained.model.matcher
        return matcher

    @property
    def tracklets(self) -> Sequence[Tracklet]:
        """The N test tracklets of the ranking; none where it does not rank tracklets as the data has them."""
        return self.split.test if bool(getattr(self.strategy, "ranks_tracklets", True)) else ()

    @property
    def offers(self) -> list[str]:
        """The inspections of tracklets that the model offers."""
        if not self.tracklets:
            return []
        offered = [*list_offers(self.trained.model), *(["visibility"] if self.truth is not None else [])]
        spoils = isinstance(self.strategy, Corruption)
        return [what for what in offered if what != "pixels" or spoils]

    def rank(self) -> RankedTest:
        """The first ranking, as the run made it."""
        matcher = self.matcher
        metric = matcher.metric if isinstance(matcher, ComparesVectors) else None
        cosine = self.reranker is None and (metric == "cosine" or isinstance(matcher, ScoresPairs))

        def measure(numbers: Sequence[int]) -> Floats:
            chosen, labels = list(numbers), self.case.labels
            if self.reranker is None:  # which needs all queries
                labels = replace(labels, query=labels.query[chosen])
            sides = (self.case.query, self.case.gallery)
            tiles = measure_distances(matcher, sides, labels, self.reranker, self.memory)
            found = np.concatenate([tile for _, tile in tiles]).astype(np.float64)
            if self.reranker is not None:
                return found[chosen]
            return np.sqrt(np.maximum(found, 0)) if metric == "euclidean" else found

        return RankedTest(self.case.labels, measure, cosine)

    def inspect(self, what: str, rows: Sequence[int], *, pictures: bool) -> Arrays:
        """The arrays of `inspect --what` for some of the tracklets, with those that its figure shows beside them.

        pictures: may these be frames? The embeddings are those of the ranking; nothing is embedded again for them.
        """
        comparisons: Sequence[Comparison] = ()
        if what == "pair-scores":
            rows, comparisons = choose_comparisons(self.split, self.headline, rows)
        corruption = self.strategy if isinstance(self.strategy, Corruption) else None
        chosen = [self.tracklets[row] for row in rows]
        subject = Subject(self.trained, chosen, corruption, (), self.truth, comparisons)
        arrays = {**label(subject, rows), **describe_clips(subject, what)}
        has = {"pixels": pictures, "visibility": self.truth is not None}
        for each in (what, *(other for other in INSPECTIONS[what].beside if has[other])):
            arrays |= {"embedding": self._take_vectors(rows)} if each == "embeddings" else COLLECT[each](subject)
        return arrays

    def _take_vectors(self, rows: Sequence[int]) -> NDArray[np.float32]:
        some = self.case.gallery.rows(list(rows))
        with torch.inference_mode():
            vectors = self.matcher.vectors(some) if isinstance(self.matcher, ComparesVectors) else some.mean()
        return np.asarray(vectors.float().cpu().numpy(), np.float32)


def open_run_model(request: RunRequest) -> RunModel:
    """The model of the finished run that a request has as its source; the rest says on which data and device it works.

    The splits and the re-ranking of the request are those of the run. Raises InputError if the model cannot be built
    any more, or if its data is gone or has changed.
    """
    try:
        return _open_run_model(request)
    except InputError as fault:
        raise InputError(f"{str(fault).rstrip('.')}; {WITHOUT}") from fault


def _open_run_model(request: RunRequest) -> RunModel:
    assert request.source is not None, "a request for this has a run"
    folder = find_run(request.source, request.runs)
    record = Record.from_file(folder.record)
    if request.data is None:
        _check_data(folder, record)
    first, total = (0, 1) if record.splits is None else (record.splits.ran[0], record.splits.total)
    registry, machine = Registry.installed(), prepare(request.device, request.threads, quiet=request.quiet)
    splits = None if record.splits is None else str(first)
    plan = plan_run(registry, replace(request, splits=splits, rerank=_read_reranking(record)))
    fold, method = plan.folds[0], plan.chosen.method
    model = Model(method, registry.factories(method))
    trained = TrainedModel.load(model, method, plan.source, fold, machine)
    strategy = plan.protocol.test or Plain()
    if not isinstance(strategy, TestStrategy):
        raise InputError(f"protocol {plan.protocol.name!r}: its test {strategy!r} makes no rankings")
    place = folder.fold(first, total)
    features = {name: FeatureStore.from_file(place.features(name)).to(machine.device) for name in strategy.views()}
    case = next(iter(strategy.cases(features, model.matcher, fold.test)))
    part = plan.chosen.reranker
    reranker = None if part is None else registry.factory("rerankers", part)()
    headline = next(each for each in plan.conventions if each.name == plan.protocol.headline)
    truth = read_visibility(registry, fold.dataset) if knows_visibility(registry, fold.dataset) else None
    return RunModel(trained, fold.test, case, headline, strategy, truth, reranker, plan.memory)


def _check_data(folder: RunDirectory, record: Record) -> None:
    """Raises InputError unless the data of the run is where it was: without, a twin would be rendered in its place."""
    known, rules = read_data_roots(folder.path), record.protocol.rules
    for name in dict.fromkeys(str(rules[part]) for part in ("dataset", "target") if rules.get(part)):
        if name not in known:
            raise InputError(f"{folder.path}: does not say where its {name} data was; name it with --data")
        if not known[name].is_dir():
            raise InputError(
                f"{known[name]}: the run used this copy of {name}, which is gone; name where it is now with --data"
            )


def _read_reranking(record: Record) -> str | None:
    """The re-ranker of a run as `--rerank` takes it; None without."""
    name, _, options = (record.disclosure.reranking or "").partition(" ")
    return f"{name}:{','.join(options.split())}" if name else None
