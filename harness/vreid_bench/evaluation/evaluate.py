"""From a trained model to scores: the features of the test tracklets, and their rankings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from vreid_bench.contracts.convention import Convention
from vreid_bench.contracts.dataset import Split
from vreid_bench.contracts.parts import Matcher, Reranker
from vreid_bench.contracts.protocol import CuttingStrategy
from vreid_bench.evaluation.rehearsal import rehearse_cases, rehearse_reranking
from vreid_bench.evaluation.run_ties import count_run_ties
from vreid_bench.evaluation.strategies.plain import Plain
from vreid_bench.evaluation.strategies.strategy import Case, TestStrategy
from vreid_bench.modeling.embed import FrameReader, embed
from vreid_bench.modeling.flow import describe_sources
from vreid_bench.modeling.model import Model
from vreid_bench.modeling.sizes import measure_width
from vreid_bench.modeling.view import View
from vreid_bench.planning.folds import Fold
from vreid_bench.planning.method import ChosenMethod
from vreid_bench.planning.plan import Plan
from vreid_bench.planning.protocols import name_protocol
from vreid_bench.records.adoption import adopt_features
from vreid_bench.records.feature_store import FeatureStore
from vreid_bench.records.run_directory import FoldDirectory
from vreid_bench.scoring.clusters import cluster_diameter
from vreid_bench.scoring.metrics import NotComputable, Outcome, judge
from vreid_bench.scoring.ranks.by_matcher import rank_by_matcher
from vreid_bench.scoring.ties import Ties
from vreid_bench.system.environment import Machine
from vreid_bench.system.errors import InputError
from vreid_bench.system.event_log import LOGGER
from vreid_bench.system.fingerprint import digest, sha256
from vreid_bench.system.memory import explain_memory
from vreid_bench.system.meter import Meter
from vreid_bench.system.processes import decide, wait


@dataclass(frozen=True)
class Testing:
    """How trained weights are tested: what is embedded, how it is ranked, and how the rankings are scored."""

    strategy: TestStrategy
    chosen: ChosenMethod
    code: str  # a hash over the code that decides features
    conventions: Sequence[Convention]
    headline: str  # the convention that must be computable
    reranker: Reranker | None
    memory: int  # bytes for re-ranking

    @classmethod
    def of(cls, plan: Plan) -> Testing:
        """The test of a plan.

        Raises InputError if the protocol's strategy lacks a method, if it spoils frames whose optical flow the method
        reads, and for a strategy, a matcher and a re-ranker that do not fit together, tried on random features.
        """
        protocol, part = plan.protocol, plan.chosen.reranker
        strategy = protocol.test or Plain()
        if not isinstance(strategy, TestStrategy):
            reason = f"its test {strategy!r} lacks views() or cases(); see TestStrategy"
            raise InputError(f"protocol {protocol.name!r}: {reason}")
        if any(view.distort for view in strategy.views().values()):
            _check_planes(plan)
        reranker = None if part is None else plan.registry.factory("rerankers", part)()
        if reranker is not None or not isinstance(strategy, Plain):  # the plain test is that of the checks of parts
            factory = plan.registry.factory("matchers", plan.chosen.method.matcher)
            width = measure_width(plan.chosen.method, plan.registry.factories(plan.chosen.method))
            matcher, cases = rehearse_cases(strategy, factory, width, name_protocol(protocol, plan.registry))
            if part is not None and reranker is not None:
                entry = plan.registry.entry("rerankers", part.name)
                rehearse_reranking(reranker, entry, matcher, cases[0], plan.memory)
        return cls(
            strategy, plan.chosen, plan.code.features, plan.conventions, protocol.headline, reranker, plan.memory
        )


def _check_planes(plan: Plan) -> None:
    if "flow" in plan.encoder.planes:
        raise InputError(
            f"protocol {plan.protocol.name!r} spoils frames after their optical flow was computed, and the encoder "
            f"{plan.encoder.name} of {plan.chosen.name} reads flow; choose a protocol without corruption"
        )


@dataclass(frozen=True)
class Result:
    """One ranking of one fold, scored."""

    condition: str
    outcome: Outcome
    frames: Sequence[int]  # [N] number of frames of each test tracklet
    diameter: float | None  # of persons' clusters; None if the matcher compares pairs of clips
    ties: Mapping[str, Ties] = field(default_factory=dict)  # by convention; empty if they were not counted


def embed_fold(
    testing: Testing, model: Model, fold: Fold, folder: FoldDirectory, machine: Machine
) -> dict[str, FeatureStore]:
    """The features of a fold's test tracklets in each view of the test's strategy, on the device.

    Features that are in the fold's folder, or that another run computed from the same weights, are not computed again.
    """
    views, method = testing.strategy.views(), testing.chosen.method
    where, tested = [*machine.arithmetic, *describe_sources(model.planes)], dict.fromkeys(views, fold.test)
    if isinstance(testing.strategy, CuttingStrategy):
        tested |= testing.strategy.cut(fold.test)
        where.append(digest([[name, *(t.frames for t in test.test)] for name, test in tested.items()]))
    made_by = {name: _fingerprint(view, testing, fold, folder, where) for name, view in views.items()}

    def is_there(name: str) -> bool:
        return folder.features(name).exists() or adopt_features(folder, name, made_by[name])

    missing = decide(lambda: [name for name in views if not is_there(name)])
    if missing:
        LOGGER.info("%s: embeds %d test tracklets", folder.path, len(tested[missing[0]].test))
        with Meter(folder.costs, machine.device).stage("embed") as stage:
            reader = FrameReader.of(fold.dataset, method.size, model.planes, machine, stage.see)
            for name in missing:
                store = embed(model, tested[name].test, method.test, reader, views[name])
                store.save(folder.features(name), tested[name], model.matcher, made_by[name])
        wait()
    LOGGER.info("%s: embedded", folder.path)
    return {name: FeatureStore.from_file(folder.features(name)).to(machine.device) for name in views}


def evaluate(
    testing: Testing, matcher: Matcher, features: Mapping[str, FeatureStore], test: Split, quiet: bool
) -> list[Result]:
    """Every ranking of the test tracklets under every condition, scored under every convention."""
    results = []
    for case in testing.strategy.cases(features, matcher, test):
        outcome = rank(case, matcher, testing, quiet)
        diameter = cluster_diameter(matcher, case.gallery, case.labels.pids)
        ties = {} if testing.reranker is not None else count_run_ties(matcher, case, outcome, testing.conventions)
        results.append(Result(case.condition, outcome, case.frames, diameter, ties))
    return results


def rank(case: Case, matcher: Matcher, testing: Testing, quiet: bool) -> Outcome:
    """One ranking, scored. Raises InputError if the protocol's headline convention cannot be computed."""
    sides, labels = (case.query, case.gallery), case.labels.for_conventions(testing.conventions)
    work = f"ranking {len(labels.gallery):,} tracklets for {len(labels.query):,} queries"
    with explain_memory(work, "test.clips", case.gallery.embedding.device.type):
        counts = rank_by_matcher(matcher, sides, labels, testing.reranker, testing.memory, quiet)
    verdicts = judge(counts, testing.conventions)
    if isinstance(verdict := verdicts[testing.headline], NotComputable):
        raise InputError(f"the headline convention {testing.headline} is not computable: {verdict}")
    return Outcome(labels, counts, verdicts)


def _fingerprint(view: View, testing: Testing, fold: Fold, folder: FoldDirectory, where: Sequence[object]) -> str:
    """A hash over all that decides features: weights, parts, code, clips, frames, corruption, and the arithmetic."""
    parts = [testing.chosen.settings[name] for name in ("encoder", "aggregator", "matcher", "test", "size")]
    weights = sha256(folder.weights.read_bytes())
    return digest([weights, parts, testing.code, where, [view.represented, view.distortion], fold.fingerprint])
