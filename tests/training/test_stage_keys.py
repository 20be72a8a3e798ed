"""Stages that methods have in common: their state has one key, and whoever trains first leaves it for the others."""

from dataclasses import replace

import pytest
import torch
from small_training import RECIPE, STAGE, small_registry, training

from vreid_bench import Fit, part
from vreid_bench.modeling.model import assemble
from vreid_bench.registry.registry import Registry
from vreid_bench.training.checkpoint import Checkpoints
from vreid_bench.training.log import StepLog
from vreid_bench.training.stage_keys import key_stages
from vreid_plugins.datasets.mars.reader import Mars

CLIPS = ("clip-average", "clip-top", "clip-top-trained", "clip-learned", "clip-average-4")


@pytest.fixture(scope="module")
def installed():
    return Registry.installed()


def keys(method, registry, begun="data, seed", identities=7):
    return key_stages(assemble(method, registry.factories(method), identities), method, registry, begun)


def method_of(registry, name):
    return registry.build_method(registry.entry("methods", name), "small")


def test_clip_similarity_has_one_first_stage(installed):
    """Its paper trains one network (section 4.1) and compares the clips of two tracklets by several rules."""
    every = {name: keys(method_of(installed, name), installed) for name in CLIPS}
    assert len({each[0].made_by for each in every.values()}) == 1
    assert every["clip-learned"][0].parts == ("encoder", "aggregator", "loss.cross-entropy", "loss.triplet")
    seconds = [every[name][1] for name in CLIPS if len(every[name]) > 1]
    assert len({each.made_by for each in seconds}) == 3
    assert all("matcher" in each.parts for each in seconds)


def test_what_decides_a_stage_changes_its_key_and_all_later_ones_but_none_before():
    registry = small_registry()
    method = registry.resolve_method(RECIPE)
    base = [key.made_by for key in keys(method, registry)]
    later = (method.stages[0], method.stages[1], replace(method.stages[2], K=3))
    changes = {
        "begun": (0, keys(method, registry, begun="another seed")),
        "the encoder's input": (0, keys(replace(method, size=(48, 16)), registry)),
        "the clips of the fit": (
            0,
            keys(replace(method, stages=(Fit("aggregator", STAGE.clipping), *method.stages[1:])), registry),
        ),
        "a loss": (1, keys(replace(method, losses={"ce": part("ce", explode_at=99)}), registry)),
        "what learns": (2, keys(replace(method, stages=(*later[:2], replace(method.stages[2], freeze=()))), registry)),
        "a batch": (2, keys(replace(method, stages=later), registry)),
    }
    for what, (first, changed) in changes.items():
        found = [key.made_by for key in changed]
        assert found[:first] == base[:first], what
        assert not set(found[first:]) & set(base[first:]), what


def test_other_patterns_that_choose_the_same_parameters_are_the_same_stage():
    registry = small_registry()
    method = registry.resolve_method(RECIPE)
    fit, first, last = method.stages
    same = replace(method, stages=(fit, replace(first, train=("encoder.*", "loss.*")), last))
    assert keys(same, registry) == keys(method, registry)


def test_the_weights_of_a_part_do_not_depend_on_the_parts_before_it(installed):
    """Else two systems that share a network would begin with other classifiers, and grow apart."""
    learned, averaged = (method_of(installed, name) for name in ("clip-learned", "clip-average"))
    one, two = (assemble(each, installed.factories(each), 7, seed=3) for each in (learned, averaged))
    assert list(one.model.matcher.parameters())
    assert not list(two.model.matcher.parameters())
    for name in ("cross-entropy", "triplet"):
        states = one.losses[name].state_dict(), two.losses[name].state_dict()
        assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    other = assemble(learned, installed.factories(learned), 7, seed=4)
    moved = [not torch.equal(a, b) for a, b in zip(one.losses.parameters(), other.losses.parameters(), strict=True)]
    assert any(moved)


def test_a_training_that_takes_over_a_stage_ends_in_the_same_bits(tiny_mars, tmp_path):
    """It goes on from the first two stages of another method, with a loss more, which these do not use."""
    registry, split = small_registry(), Mars().read(tiny_mars).splits[0]
    method = replace(RECIPE, losses={**RECIPE.losses, "more": part("ce")})
    last = replace(method.stages[2], losses={"ce": 1.0, "more": 0.5})
    method = registry.resolve_method(replace(method, stages=(*method.stages[:2], last)))
    kept = {}
    first = training(registry, split, tiny_mars)
    first.run(
        Checkpoints(tmp_path / "first"),
        StepLog(tmp_path / "first.log"),
        keep=lambda n, state: kept.update({n: {k: v.clone() for k, v in state.items()}}),
    )
    key = keys(registry.resolve_method(RECIPE), registry, identities=len({t.pid for t in split.train}))[1]
    assert key == keys(method, registry, identities=len({t.pid for t in split.train}))[1]
    alone, after = (training(registry, split, tiny_mars, method) for _ in range(2))
    alone.run(Checkpoints(tmp_path / "alone"), StepLog(tmp_path / "alone.log"))
    checkpoints = Checkpoints(tmp_path / "after")
    after.go_on_after(2, key.select(kept[2]), tmp_path / "kept", checkpoints)
    after.run(checkpoints, StepLog(tmp_path / "after.log"))
    one, two = alone.module.state_dict(), after.module.state_dict()
    assert all(torch.equal(one[name], two[name]) for name in one)
