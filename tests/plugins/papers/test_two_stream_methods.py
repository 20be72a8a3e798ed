"""The two-stream methods: recipes as printed, the printed numbers, and a step at both presets."""

from dataclasses import replace

import cv2
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
from short_run import record_of, with_settings

from vreid_bench import Clipping, Fit, Train, part
from vreid_bench.modeling.clips import clip_indices
from vreid_plugins.two_stream import METHODS

VGG = 14_714_688  # convolutions of VGG-16
CONNECTED = 25_088 * 4096 + 4096 + 4096 * 4096 + 4096  # its fc6 and fc7
FLOW = (20 - 3) * 9 * 64  # what 20 channels add to its first convolution
FC7 = 2 * (VGG + CONNECTED) + FLOW
# of the narrow network on a frame of 64 x 32, without the first convolution
NARROW = 2048 * 72 * 8 + 512 * (72 + 144) * 16 + 128 * (144 + 2 * 288) * 32 + 32 * (288 + 5 * 576) * 64
FIRST = 2048 * 9 * 8  # for each channel of the input
HEAD = 512 * 128 + 128 * 128  # fc6 and fc7
FUSED = 512 * 4096 + 4096 * 4096  # the same, as wide as printed

FUSIONS = ("two-stream-max", "two-stream-average", "two-stream-multiply")


def first_training(method):
    """The place of the first training stage."""
    return next(at for at, stage in enumerate(method.stages) if isinstance(stage, Train))


@pytest.mark.slow
@pytest.mark.parametrize("name", METHODS)
def test_small_preset_is_whole_and_takes_a_step(registry, name):
    method = registry.get("methods", name)("small")
    assert method.size == (64, 32)
    losses, named = take(check_recipe(registry, method), first_training(method), method.size)
    check_step(losses, named)


@pytest.mark.parametrize(
    ("name", "count"),
    [
        *((name, FC7) for name in FUSIONS),
        ("two-stream-fusion", 2 * VGG + FLOW + 1024 * 512 + 512 + CONNECTED),
        ("frame-cnn", VGG + CONNECTED),
    ],
)
def test_paper_preset_is_whole_and_takes_a_step_in_shapes(registry, name, count):
    method = registry.get("methods", name)("paper")
    with torch.device("meta"), without_checks():  # shapes without numbers
        assembled = check_recipe(registry, method)
        losses, named = take(assembled, first_training(method), method.size, pids=(0, 1))
    assert parameters(assembled.model) == count
    assert [loss.shape for loss in losses.values()] == [()]
    assert all(p.grad is not None and p.grad.shape == p.shape for p in named.values())


@pytest.mark.slow
def test_the_network_of_action_vlad_takes_a_step_at_the_papers_frame_size(registry):
    """On numbers, because VLAD cannot run on shapes alone: one clip of one stack through both networks and back."""
    method = registry.get("methods", "action-vlad")("paper")
    with without_checks():  # sized on small frames: no layer depends on the size of a frame
        assembled = build(replace(method, size=(32, 32)), registry, identities=2)
    assert parameters(assembled.model) == 2 * VGG + FLOW + 2 * 64 * (512 + 1 + 512)
    losses, named = take(assembled, first_training(method), method.size, pids=(0,))
    check_step(losses, named)


@pytest.mark.parametrize(
    ("name", "multiply_adds"),
    [
        *((name, 2 * NARROW + (3 + 20) * FIRST + 2 * HEAD) for name in FUSIONS),
        ("two-stream-fusion", 2 * NARROW + (3 + 20) * FIRST + 32 * 128 * 64 + FUSED),  # on 8 x 4 places
        # of each stream, 64 words by 64 channels by 8 x 4 places: once for the assignment, once for the residuals
        ("action-vlad", 2 * NARROW + (3 + 20) * FIRST + 2 * 2 * 64 * 64 * 32),
        ("frame-cnn", NARROW + 3 * FIRST + HEAD),
    ],
)
def test_multiply_adds_by_hand(registry, name, multiply_adds):
    method = registry.get("methods", name)("small")
    assert build(method, registry, identities=2).model.multiply_adds == multiply_adds


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


def test_the_network_without_flow_sees_what_the_spatial_stream_sees():
    for preset in ("paper", "small"):
        frames, streams = METHODS["frame-cnn"](preset), METHODS["two-stream-average"](preset)
        [stage], [other] = trainings(frames), trainings(streams)
        assert stage.clipping.T == 1
        assert (stage.P, stage.K, stage.steps, stage.schedule) == (other.P, other.K, other.steps, other.schedule)
        assert (frames.size, frames.matcher) == (streams.size, streams.matcher)
        assert frames.encoder.name == "vgg16"
    assert [list(i) for i in clip_indices(METHODS["frame-cnn"]("paper").test, 25, None)] == [[0], [10], [20]]


def test_the_convolution_fuses_maps_in_front_of_the_fifth_pooling():
    for preset in ("paper", "small"):
        method, late = METHODS["two-stream-fusion"](preset), METHODS["two-stream-average"](preset)
        assert method.encoder.options["layer"] == "conv5"
        assert method.losses["cross-entropy"].options["on"] == "embedding"
        assert (method.size, method.test, method.stages) == (late.size, late.test, late.stages)


def test_the_words_are_fitted_then_trained_with_the_rest():
    for preset in ("paper", "small"):
        method, late = METHODS["action-vlad"](preset), METHODS["two-stream-average"](preset)
        fit, joint = method.stages
        assert fit == Fit("aggregator", Clipping("uniform", 10))
        assert method.aggregator.options == {"words": 64, "alpha": 1000.0}
        assert joint.freeze == ()
        assert (joint.steps, joint.schedule, joint.clipping) == (
            late.stages[0].steps,
            late.stages[0].schedule,
            late.stages[0].clipping,
        )
    assert METHODS["action-vlad"]("paper").stages[1].optimizer.options == {"eps": 1e-4}


def test_the_three_fusions_differ_in_the_fusion_alone():
    for preset in ("paper", "small"):
        methods = [METHODS[name](preset) for name in FUSIONS]
        assert (methods[0].stages[0].P, methods[0].stages[0].K) == (5, 3)
        assert len({repr((m.encoder, m.matcher, m.test, m.losses, m.stages)) for m in methods}) == 1


def test_reported_numbers_are_the_papers():
    table = """
        VGG-16-Element-Max: 56.2 71.6 65.7
        VGG-16-Element-Average: 57.1 73.8 65.9
        VGG-16-Element-Multiplication: 60.4 76.3 67.8
        Two-stream Fusion: 64.1 83.0 74.9
        ActionVLAD: 65.6 83.7 76.5
    """
    expected = printed(table, "Table VII", ilids_vid="R1", prid2011="R1", mars="R1")
    assert rows_of(METHODS) == expected | printed("2D ConvNets: 51.4", "Table X", mars="mAP")
    assert METHODS["frame-cnn"]("paper").reported == ()
    assert all("not comparable" in row.note for make in METHODS.values() for row in make("paper").reported)


@pytest.mark.slow
def test_a_run_with_flow_fits_trains_and_tests(cli_json, tiny_mars, tmp_path):
    """All that reads frames reads flow with them: the fit of the words, the steps and the test."""
    settings = {"size": [32, 16], "stages.1.steps": 3, "stages.1.P": 4, "stages.1.K": 2}
    base = ("run", "--plugin", "action-vlad", "--protocol", "mars", "--data", tiny_mars, "--runs", tmp_path)
    report = cli_json(*base, "--preset", "small", *with_settings(settings))
    record = record_of(report)
    assert record.method.name == "action-vlad"
    assert record.budget.embedding == 2 * 64 * 64
    assert record.environment.packages["opencv"] == cv2.__version__
