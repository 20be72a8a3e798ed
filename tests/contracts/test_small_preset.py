"""What preset `small` changes in a recipe, and what it keeps."""

from dataclasses import replace

from vreid_bench import (
    SMALL_SIZE,
    Clipping,
    Fit,
    Method,
    Optimizer,
    Schedule,
    Train,
    part,
    shrink_loss,
    shrink_method,
    shrink_training,
)

STAGE = Train(
    clipping=Clipping("consecutive", 6),
    losses={"cross-entropy": 1.0, "mine": 0.5},
    steps=100_000,
    P=5,
    K=3,
    schedule=Schedule("step", 1e-4, every=1000),
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
)


def test_training_changes_in_steps_schedule_and_optimizer_alone():
    small = shrink_training(STAGE, steps=700)
    assert (small.steps, small.schedule) == (700, Schedule("one-cycle", 3e-3))
    assert small.optimizer == Optimizer("AdamW", {"weight_decay": 1e-2})
    assert replace(small, steps=STAGE.steps, schedule=STAGE.schedule, optimizer=STAGE.optimizer) == STAGE
    assert shrink_training(STAGE).steps == 900


def test_losses_keep_their_other_options_and_unknown_ones_stay():
    assert shrink_loss(part("cross-entropy", on="fc7")) == part("cross-entropy", on="fc7", smoothing=0.1, neck=True)
    assert shrink_loss(part("triplet", margin=0.3, metric="cosine")) == part("triplet", margin="soft", metric="cosine")
    assert shrink_loss(part("oim", temperature=0.1)) == part("oim", temperature=0.1)


def test_a_method_keeps_its_parts_batches_and_frames_of_a_clip():
    small = shrink_method(PAPER, encoder=part("resnet", depth=8), augment=(part("shift"),))
    assert (small.encoder, small.size, SMALL_SIZE) == (part("resnet", depth=8), SMALL_SIZE, (64, 32))
    assert small.test == Clipping("uniform", 6, clips=8)
    assert small.losses == {name: shrink_loss(loss) for name, loss in PAPER.losses.items()}
    fit, stage = small.stages
    assert fit == PAPER.stages[0]
    assert stage == replace(shrink_training(STAGE), augment=(part("crop"), part("shift")))
    assert (small.aggregator, small.matcher, small.paper) == (PAPER.aggregator, PAPER.matcher, PAPER.paper)
