"""Methods of Gao and Nevatia and of 3D PersonVLAD: each preset assembles and takes a step at its own frame size."""

from dataclasses import replace
from fnmatch import fnmatchcase

import pytest
import torch
from method_checks import build, check_step, parameters, take, trainings_on_mars, without_checks

from vreid_bench import Fit, Train
from vreid_bench.modeling.clips import check_clipping
from vreid_bench.scoring.metrics import CUTOFFS
from vreid_bench.training.learning import learning_rate, trainable
from vreid_plugins import personvlad, temporal_modeling

METHODS = (*temporal_modeling.METHODS, *personvlad.METHODS)
# Each with a network or a test of its own; the others differ from one of these in widths and numbers alone.
DISTINCT = (
    *("image-baseline", "image-averaged", "mean-pooling", "max-pooling"),
    *("temporal-attention", "temporal-attention-sigmoid", "temporal-attention-conv"),
    *("lstm", "lstm-last", "gru", "3d-cnn"),
    *("personvlad", "personvlad-stripes", "personvlad-grid-pooled", "personvlad-global-pooling", "personvlad-xqda"),
    "c3d-baseline",
)
PRESETS = ("paper", "small")


def first_training(method):
    """The place of the first training stage, and the stage."""
    return next((at, stage) for at, stage in enumerate(method.stages) if isinstance(stage, Train))


def assemble_paper(registry, method):
    """A method of preset `paper` on one small frame, without numbers where it can be: for what depends on neither."""
    small = replace(method, size=(64, 32), test=replace(method.test, T=1))
    words = method.aggregator.name in ("personvlad", "region-vlad")  # autocast, which they use, knows no meta device
    if words:
        return build(small, registry, identities=10)
    with torch.device("meta"), without_checks():
        return build(small, registry, identities=10)


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("name", METHODS)
def test_recipe_is_whole(registry, name, preset):
    """Parts exist, options exist, clips can be cut, and every pattern names a parameter."""
    method = registry.resolve_method(registry.get("methods", name)(preset))
    assembled = assemble_paper(registry, method) if preset == "paper" else build(method, registry, identities=10)
    names = [n for n, _ in assembled.model.named_parameters()]
    check_clipping(method.test)
    for stage in method.stages:
        check_clipping(stage.clipping)
        if isinstance(stage, Train):
            assert set(stage.losses) <= set(method.losses)
            for pattern in stage.freeze:
                assert any(fnmatchcase(n, pattern) for n in names), pattern
    assert method.paper


RESNET = 23_508_032
# the narrow network on a frame of 64 x 32: the stem, then a block each on 32 x 16, 16 x 8 and 8 x 4 places
FRAME = (
    512 * 16 * (3 * 25) + 512 * 16 * 9 * (16 + 16) + 128 * 32 * (9 * (16 + 32) + 16) + 32 * 64 * (9 * (32 + 64) + 32)
)
# name, frames of a clip (fewer than the recipe's where only the head differs), shape of the maps, parameters
PAPER = [
    ("image-baseline", 1, (1, 2048, 7, 4), RESNET),
    ("mean-pooling", 2, (2, 2048, 7, 4), RESNET),
    ("temporal-attention", 2, (2, 2048, 7, 4), RESNET + 2048 * 28 * 256 + 256 + 257),
    ("temporal-attention-conv", 2, (2, 2048, 7, 4), RESNET + 2048 * 28 * 256 + 256 + 3 * 256 + 1),
    ("lstm", 2, (2, 2048, 7, 4), RESNET + 4 * 512 * (2048 + 512 + 2)),
    ("gru", 2, (2, 2048, 7, 4), RESNET + 3 * 512 * (2048 + 512 + 2)),
    ("3d-cnn", 4, (1, 2048, 7, 4), 46_198_976),
    # 9,960,192 of C3D, 257 x 6 of the part detectors, 64 x (256 + 1 + 256) of the words
    ("personvlad", 16, (1, 256, 6, 3), 9_994_566),
    ("personvlad-grid", 2, (1, 256, 6, 3), 9_960_192 + 64 * 513),
    ("personvlad-global-pooling", 2, (1, 256, 6, 3), 9_960_192 + 6 * (257 + 2 * 256 * 256)),
    ("c3d-baseline", 2, (1, 512, 4, 4), 27_655_936 + (512 * 16 + 1) * 4096 + 4097 * 4096),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "frames", "maps", "count"), PAPER, ids=[row[0] for row in PAPER])
def test_paper_preset_takes_a_step_at_the_papers_frame_size(registry, name, frames, maps, count):
    method = registry.get("methods", name)("paper")
    method = replace(method, test=replace(method.test, T=frames))  # what is probed
    assembled = build(method, registry, identities=625)
    seen = {}
    assembled.model.encoder.register_forward_hook(lambda module, args, out: seen.update(maps=tuple(out.shape)))
    at, stage = first_training(method)
    pids = (0, 1) if set(stage.losses) == {"oim"} else (0, 0, 1, 1)  # OIM compares with its table, not within the batch
    losses, named = take(assembled, at, method.size, frames, pids)
    assert seen["maps"] == (len(pids), *maps)
    assert parameters(assembled.model) == count
    check_step(losses, named)


@pytest.mark.parametrize(
    ("name", "multiply_adds"),
    [
        ("image-baseline", FRAME),
        ("mean-pooling", 4 * FRAME),
        ("mean-pooling-t8", 8 * FRAME),
        # 256 channels over 8 x 4 places of 64, and one score of the 256
        ("temporal-attention", 4 * (FRAME + 256 * 64 * 32 + 256)),
        ("temporal-attention-conv", 4 * (FRAME + 256 * 64 * 32 + 3 * 256)),
        # of a cell, 4 or 3 times 512 outputs of 64 inputs and 512 states
        ("lstm", 4 * (FRAME + 4 * 512 * (64 + 512))),
        ("gru", 8 * (FRAME + 3 * 512 * (64 + 512))),
    ],
)
def test_multiply_adds_by_hand(registry, name, multiply_adds):
    method = registry.get("methods", name)("small")
    assert build(method, registry, identities=2).model.multiply_adds == multiply_adds


@pytest.mark.slow
@pytest.mark.parametrize("name", METHODS)
def test_small_preset_takes_a_step(registry, name):
    method = registry.get("methods", name)("small")
    at, _ = first_training(method)
    losses, named = take(build(method, registry, identities=10), at, method.size)
    assert all(loss.isfinite() and loss > 0 for loss in losses.values())
    assert all(p.grad is not None and p.grad.isfinite().all() for p in named.values())


@pytest.mark.slow
@pytest.mark.parametrize("name", DISTINCT)
@pytest.mark.parametrize("frames", [1, 2, 3, 7])
def test_small_preset_embeds_clips_of_any_length(registry, name, frames):
    model = build(registry.get("methods", name)("small"), registry, identities=10).model.eval()
    features = model.features(torch.rand(2, frames, 3, 64, 32))
    assert features.embedding.shape == (2, model.dims["clips"])
    assert features.embedding.isfinite().all()


def test_personvlad_vector_has_the_papers_length(registry):
    assert assemble_paper(registry, personvlad.personvlad("paper")).model.dims["embedding"] == 16_384


@pytest.mark.parametrize("preset", PRESETS)
def test_personvlad_fits_then_fixes_then_frees_the_words(registry, preset):
    method = personvlad.personvlad(preset)
    fit, fixed, joint = method.stages
    assert isinstance(fit, Fit)
    assembled = assemble_paper(registry, method) if preset == "paper" else build(method, registry, identities=3)
    module = torch.nn.ModuleDict({"model": assembled.model, "loss": assembled.losses})
    everything = {name for name, _ in assembled.model.named_parameters()}
    words = {"aggregator.w", "aggregator.z", "aggregator.c"}
    assert set(trainable(module, fixed, "stages.1")) == everything - words
    assert set(trainable(module, joint, "stages.2")) == everything


def test_personvlad_paper_schedule_is_the_printed_one():
    _, fixed, joint = personvlad.personvlad("paper").stages
    rates = [learning_rate(fixed.schedule, at, fixed.steps) for at in (0, 999, 1000, 2000, 49_999)]
    assert rates == [0.003, 0.003, 0.0015, 0.00075, 0.003 / 2**49]
    assert learning_rate(joint.schedule, 0, joint.steps) == learning_rate(joint.schedule, 49_999, joint.steps) == 1e-4
    assert fixed.P * fixed.K == 15
    assert fixed.optimizer.options["eps"] == 1e-4


def test_temporal_methods_differ_in_frames_alone():
    """The same tracklets in a step, whatever T, so that mining chooses among equally many."""
    for preset in PRESETS:
        names = ("image-baseline", "image-averaged", "mean-pooling")
        methods = [temporal_modeling.METHODS[name](preset) for name in names]
        stages = [first_training(m)[1] for m in methods]
        assert [stage.clipping.T for stage in stages] == [1, 1, 4]
        assert len({(s.P, s.K, s.steps, repr(s.schedule), repr(s.optimizer)) for s in stages}) == 1
        assert len({(repr(m.encoder), repr(m.aggregator), repr(m.matcher), repr(m.losses)) for m in methods}) == 1
        assert methods[0].stages == methods[1].stages


def test_temporal_paper_batch_is_the_printed_one():
    [stage] = trainings_on_mars(temporal_modeling.METHODS["mean-pooling"]("paper"))
    assert (stage.P * stage.K, stage.K) == (32, 4)
    assert learning_rate(stage.schedule, 0, stage.steps) == 3e-4


@pytest.mark.parametrize("name", METHODS)
def test_reported_numbers_are_fractions_of_known_metrics(registry, name):
    transfers = {f"mars-to-{target}{tuned}" for target in ("ilids-vid", "prid2011") for tuned in ("", "-fine-tuned")}
    method = registry.get("methods", name)("paper")
    for row in (*method.reported, *method.quoted):
        assert 0 < row.value < 1
        assert row.metric in {"mAP", *(f"R{k}" for k in CUTOFFS)}
        assert row.dataset in {"mars", "ilids-vid", "prid2011", "mars-tracklet-selection", "mars-half", *transfers}
        assert row.where.startswith("Table ")


def test_one_frame_alone_claims_no_number_of_the_paper():
    """The paper's image baseline averages frames at test."""
    assert temporal_modeling.image_baseline("paper").reported == ()
    averaged = {row.metric: row.value for row in temporal_modeling.METHODS["image-averaged"]("paper").reported}
    assert (averaged["mAP"], averaged["R1"]) == (0.741, 0.813)
