"""The model of a run with its weights, and the first of its rankings: for what its files alone do not tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vreid_bench.contracts.parts import ComparesVectors, Matcher, Reranker, ScoresPairs
from vreid_bench.evaluation.strategies.plain import Plain
from vreid_bench.evaluation.strategies.strategy import Case, TestStrategy
from vreid_bench.evaluation.trained_model import TrainedModel
from vreid_bench.modeling.model import Model
from vreid_bench.planning.plan import RunRequest, plan_run
from vreid_bench.records.feature_store import FeatureStore
from vreid_bench.registry.registry import Registry
from vreid_bench.reporting.page.retrievals import RankedTest
from vreid_bench.reporting.page.run_data import RunData
from vreid_bench.scoring.ranks.by_matcher import measure_distances
from vreid_bench.system.environment import prepare
from vreid_bench.system.errors import InputError

Floats = NDArray[np.float64]
WITHOUT = "or write the page without the figures of the papers: --no-figures"


class Options(Protocol):
    """What of a request decides how the model computes, and on which copy of the data."""

    @property
    def data(self) -> Path | None:
        """The data; None: where the run had it."""
        ...

    @property
    def accept_withdrawn(self) -> tuple[str, ...]:
        """Data sets that may be read although they were withdrawn."""
        ...

    @property
    def device(self) -> str:
        """As for `--device`."""
        ...

    @property
    def threads(self) -> int | None:
        """None: all cores."""
        ...

    @property
    def quiet(self) -> bool:
        """No progress bars."""
        ...


@dataclass(frozen=True)
class RunModel:
    """The model of a run, and the first of its rankings."""

    trained: TrainedModel
    case: Case
    reranker: Reranker | None
    memory: int  # bytes for re-ranking

    @property
    def matcher(self) -> Matcher:
        """The matcher, as it was trained or fitted."""
        matcher: Matcher = self.trained.model.matcher
        return matcher

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


def open_model(run: RunData, options: Options) -> RunModel:
    """The model of a run. Raises InputError if it cannot be built any more, or its data is gone or has changed."""
    try:
        return _open_model(run, options)
    except InputError as fault:
        raise InputError(f"{str(fault).rstrip('.')}; {WITHOUT}") from fault


def _open_model(run: RunData, options: Options) -> RunModel:
    registry, machine = Registry.installed(), prepare(options.device, options.threads, quiet=options.quiet)
    plan = plan_run(registry, _as_run(run, options))
    fold, method = plan.folds[0], plan.chosen.method
    model = Model(method, registry.factories(method))
    trained = TrainedModel.load(model, method, plan.source, fold, machine)
    strategy = plan.protocol.test or Plain()
    if not isinstance(strategy, TestStrategy):
        raise InputError(f"protocol {plan.protocol.name!r}: its test {strategy!r} makes no rankings")
    place = run.first_fold
    features = {name: FeatureStore.from_file(place.features(name)).to(machine.device) for name in strategy.views()}
    case = next(iter(strategy.cases(features, model.matcher, fold.test)))
    part = plan.chosen.reranker
    return RunModel(
        trained,
        case,
        None if part is None else registry.factory("rerankers", part)(),
        plan.memory,
    )


def _as_run(run: RunData, options: Options) -> RunRequest:
    """The run that would test the same weights on the same tracklets, re-ranked as this run was."""
    words = run.record.disclosure.reranking
    name, _, rest = (words or "").partition(" ")
    return RunRequest(
        name=None,
        protocol=None,
        data=options.data,
        source=run.folder.path,
        splits=None if run.record.splits is None else str(run.folds[0]),
        accept_withdrawn=options.accept_withdrawn,
        device=options.device,
        threads=options.threads,
        quiet=options.quiet,
        rerank=f"{name}:{','.join(rest.split())}" if words else None,
    )
