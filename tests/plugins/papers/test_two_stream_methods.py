"""The two-stream methods: recipes as printed, the printed numbers, and a step at both presets."""

import pytest
import torch
from method_checks import (
    build,
    check_recipe,
    check_step,
    parameters,
    printed,
    rows_of,
    take,
    trainings,
    without_checks,
)

from vreid_bench import Clipping, part
from vreid_plugins.two_stream import METHODS

VGG = 14_714_688  # convolutions of VGG-16
CONNECTED = 25_088 * 4096 + 4096 + 4096 * 4096 + 4096  # its fc6 and fc7
FLOW = (20 - 3) * 9 * 64  # what 20 channels add to its first convolution
FC7 = 2 * (VGG + CONNECTED) + FLOW
# of the narrow network on a frame of 64 x 32, without the first convolution
NARROW = 2048 * 72 * 8 + 512 * (72 + 144) * 16 + 128 * (144 + 2 * 288) * 32 + 32 * (288 + 5 * 576) * 64
FIRST = 2048 * 9 * 8  # for each channel of the input

FUSIONS = ("two-stream-max", "two-stream-average", "two-stream-multiply")


@pytest.mark.slow
@pytest.mark.parametrize("name", METHODS)
def test_small_preset_is_whole_and_takes_a_step(registry, name):
    method = registry.get("methods", name)("small")
    assert method.size == (64, 32)
    losses, named = take(check_recipe(registry, method), 0, method.size)
    check_step(losses, named)


@pytest.mark.parametrize(("name", "count"), [(name, FC7) for name in FUSIONS])
def test_paper_preset_is_whole_and_takes_a_step_in_shapes(registry, name, count):
    method = registry.get("methods", name)("paper")
    with torch.device("meta"), without_checks():  # shapes without numbers
        assembled = check_recipe(registry, method)
        losses, named = take(assembled, 0, method.size, pids=(0, 1))
    assert parameters(assembled.model) == count
    assert [loss.shape for loss in losses.values()] == [()]
    assert all(p.grad is not None and p.grad.shape == p.shape for p in named.values())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["two-stream-average"])  # max and multiply are the same network
def test_paper_network_takes_a_step_at_the_papers_frame_size(registry, name):
    method = registry.get("methods", name)("paper")
    with without_checks():
        assembled = build(method, registry, identities=2)
    losses, named = take(assembled, 0, method.size, pids=(0, 1))
    check_step(losses, named)


@pytest.mark.parametrize("name", FUSIONS)
def test_multiply_adds_by_hand(registry, name):
    stack = 2 * NARROW + (3 + 20) * FIRST + 2 * (512 * 128 + 128 * 128)
    method = registry.get("methods", name)("small")
    assert build(method, registry, identities=2).model.multiply_adds == stack


@pytest.mark.parametrize("name", FUSIONS)
def test_paper_recipe_is_the_printed_one(name):
    """Section IV-C a: VGG-16 twice, 224 x 224, ten flow frames; the rest as in III-C and IV-B a."""
    method = METHODS[name]("paper")
    assert method.size == (224, 224)
    assert method.encoder == part("two-streams", stack=10, layer="fc7")
    assert method.aggregator.options == {"fusion": name.removeprefix("two-stream-")}
    assert method.losses == {"cross-entropy": part("cross-entropy", on="scored")}
    assert method.test == Clipping("dense", 10)
    [stage] = trainings(method)
    assert (stage.P * stage.K, stage.clipping, stage.steps) == (15, Clipping("consecutive", 10), 50_000)
    assert (stage.schedule.kind, stage.schedule.rate, stage.optimizer.name) == ("constant", 1e-4, "Adam")
    assert stage.augment == (part("flip", p=0.5),)


def test_the_three_fusions_differ_in_the_fusion_alone():
    for preset in ("paper", "small"):
        methods = [METHODS[name](preset) for name in FUSIONS]
        assert len({repr((m.encoder, m.matcher, m.test, m.losses, m.stages)) for m in methods}) == 1


def test_reported_numbers_are_the_papers():
    table = """
        VGG-16-Element-Max: 56.2 71.6 65.7
        VGG-16-Element-Average: 57.1 73.8 65.9
        VGG-16-Element-Multiplication: 60.4 76.3 67.8
    """
    assert rows_of(METHODS) == printed(table, "Table VII", ilids_vid="R1", prid2011="R1", mars="R1")
    assert all("not comparable" in row.note for make in METHODS.values() for row in make("paper").reported)
