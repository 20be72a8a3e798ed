"""What preset `small` changes in a recipe, and what it keeps."""

from dataclasses import replace

import pytest

from vreid_bench import (
    SMALL_SIZE,
    STEPS,
    Clipping,
    Epochs,
    Fit,
    Method,
    Optimizer,
    Schedule,
    Train,
    part,
    shrink_method,
    shrink_training,
)

STAGE = Train(
    clipping=Clipping("consecutive", 6),
    losses={"cross-entropy": 1.0, "mine": 0.5},
    steps=100_000,
    P=5,
    K=3,
    schedule=Schedule("step", 1e-4, every=20_000, factor=0.5),
    freeze=("matcher.*",),
    augment=(part("crop"),),
)
PAPER = Method(
    encoder=part("resnet", depth=50),
    aggregator=part("average"),
    matcher=part("mean"),
    test=Clipping("dense", 6, step=3),
    size=(256, 128),
    losses={"cross-entropy": part("cross-entropy", on="fc7"), "mine": part("mine", margin=1)},
    stages=(Fit("aggregator", Clipping("uniform", 6)), STAGE),
    paper="Somebody",
    begins={"encoder": ("*",)},
)


def test_training_changes_in_steps_rate_and_the_place_of_its_drops_alone():
    small = shrink_training(STAGE, steps=700)
    assert (small.steps, small.schedule) == (700, Schedule("step", 3e-4, every=140, factor=0.5))
    assert replace(small, steps=STAGE.steps, schedule=STAGE.schedule) == STAGE


def test_the_factor_of_the_rate_is_that_of_the_optimizer():
    stage = replace(STAGE, optimizer=Optimizer("SGD", {"momentum": 0.9}), schedule=Schedule("constant", 1e-3))
    assert shrink_training(stage, steps=10).schedule == Schedule("constant", 1e-2)


def test_an_optimizer_without_a_factor_is_an_error_that_names_it():
    with pytest.raises(KeyError, match="AdamW"):
        shrink_training(replace(STAGE, optimizer=Optimizer("AdamW")), steps=10)


def test_lengths_in_epochs_keep_their_share():
    stage = replace(STAGE, steps=Epochs(800), schedule=Schedule("step", 1e-4, every=Epochs(200)))
    assert shrink_training(stage, steps=300).schedule.every == 75


def test_a_method_keeps_its_parts_losses_batches_and_clips():
    small = shrink_method(PAPER, encoder=part("resnet", depth=8))
    assert (small.encoder, small.size, SMALL_SIZE) == (part("resnet", depth=8), SMALL_SIZE, (64, 32))
    assert (small.begins, small.shipped) == ({}, ("encoder",))
    fit, stage = small.stages
    assert fit == PAPER.stages[0]
    assert stage == shrink_training(STAGE, STEPS)
    changed = {"encoder": PAPER.encoder, "size": PAPER.size, "stages": PAPER.stages}
    assert replace(small, **changed, begins=PAPER.begins, shipped=PAPER.shipped) == PAPER


def test_stages_share_the_steps_in_proportion_to_their_lengths():
    method = replace(PAPER, stages=(replace(STAGE, steps=20), replace(STAGE, steps=30), *PAPER.stages[:1]))
    small = shrink_method(method, encoder=PAPER.encoder, steps=100)
    assert [stage.steps for stage in small.stages if isinstance(stage, Train)] == [40, 60]


def test_lengths_in_epochs_and_in_steps_have_no_proportion():
    method = replace(PAPER, stages=(STAGE, replace(STAGE, steps=Epochs(5))))
    with pytest.raises(TypeError, match="epochs and steps"):
        shrink_method(method, encoder=PAPER.encoder)
