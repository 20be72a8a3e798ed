"""The rehearsal of a test: strategies, matchers and re-rankers that do not fit together, or whose code fails."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from small_training import Mean as Small
from wrong_parts import METHOD, WRONG, Net, good, method_with, plugin
from yard import PROTOCOL

from vreid_bench import Corruption, InputError, Reassociation, Selection, part
from vreid_bench.evaluation import evaluate
from vreid_bench.evaluation.rehearsal import rehearse_cases, rehearse_reranking
from vreid_bench.evaluation.strategies.plain import Plain
from vreid_bench.modeling.sizes import measure_width
from vreid_bench.registry.registry import Registry
from vreid_plugins.matchers.mean import Mean

WIDTH = 6
WHO = f"protocol 'mine' of {WRONG}"


def fails(*_, **__):
    raise ValueError("not today")


class Broken(Small):
    represent = fails


class Narrow(Small):
    """It knows embeddings of that width only."""

    def __init__(self, dim):
        super().__init__(dim)
        if dim != WIDTH:
            raise ValueError(f"expected {WIDTH} numbers, got {dim}")


class Clipwise(Small):
    def represent(self, clips):
        return clips


@pytest.fixture
def registry():
    rerankers = {"broken": lambda: SimpleNamespace(from_features=fails, rerank=fails)}
    matchers = {"plain": Mean, "clips": Clipwise, "broken": Broken, "narrow": Narrow}
    return Registry([good(), plugin("wrong", WRONG, matchers=matchers, rerankers=rerankers)])


def rehearse(registry, strategy, matcher="plain"):
    return rehearse_cases(strategy, registry.factory("matchers", part(matcher)), WIDTH, WHO)


@pytest.mark.parametrize("strategy", [Plain(), Selection(), Corruption("occlusion", "query", 0.5), Reassociation()])
def test_what_fits_makes_every_ranking_and_moves_no_random_stream(registry, strategy):
    before = torch.random.get_rng_state(), np.random.get_state()[1]
    _, cases = rehearse(registry, strategy)
    assert list(dict.fromkeys(case.condition for case in cases)) == list(strategy.conditions)
    assert torch.equal(before[0], torch.random.get_rng_state())
    assert (before[1] == np.random.get_state()[1]).all()


def test_a_matcher_that_keeps_clips_is_no_matcher_for_a_selection(registry):
    with pytest.raises(InputError, match="tracklet selection needs one vector for each tracklet"):
        rehearse(registry, Selection(), "clips")


@pytest.mark.parametrize(
    ("strategy", "matcher", "who"),
    [
        (SimpleNamespace(views=Plain().views, cases=fails), "plain", WHO),
        (Plain(), "broken", f"matcher 'broken' of {WRONG}"),
    ],
)
def test_whose_code_fails_is_named(registry, strategy, matcher, who):
    with pytest.raises(InputError, match=rf"^{who} failed \(ValueError: not today\)"):
        rehearse(registry, strategy, matcher)


def test_a_re_ranker_whose_code_fails_is_named(registry):
    matcher, cases = rehearse(registry, Plain())
    entry = registry.entry("rerankers", "broken")
    with pytest.raises(InputError, match=rf"^re-ranker 'broken' of {WRONG} failed \(ValueError: not today\)"):
        rehearse_reranking(entry.value(), entry, matcher, cases[0], 1 << 26)


def test_the_matcher_is_built_for_the_width_of_the_methods_embeddings(registry):
    method = replace(METHOD, matcher=part("narrow"))
    plan = SimpleNamespace(
        protocol=replace(PROTOCOL, test=Selection()),
        chosen=SimpleNamespace(method=method, reranker=None),
        registry=registry,
        code=SimpleNamespace(features="code"),
        conventions=(),
        memory=0,
    )
    assert evaluate.Testing.of(plan).strategy == Selection()


def test_a_method_that_cannot_be_sized_says_why():
    class Broken(Net):
        def forward(self, clips):
            raise ValueError("not today")

    registry = Registry([good(), plugin("wrong", WRONG, encoders={"wrong": Broken})])
    method = method_with("encoder")
    with pytest.raises(InputError, match=f"encoder 'wrong' of {WRONG} failed .ValueError: not today"):
        measure_width(method, registry.factories(method))
