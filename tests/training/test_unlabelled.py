"""Unlabelled tracklets in training: who draws them, which losses see them, and what is refused."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from small_training import RECIPE, STAGE, Interrupted, Recorder, small_registry, training
from torch import nn

from vreid_bench import Batch, Clips, InputError, Tracklet, part
from vreid_bench.contracts.dataset import Split
from vreid_bench.contracts.people import DISTRACTOR, JUNK
from vreid_bench.planning.folds import TrainingSet
from vreid_bench.planning.trainings import check_unlabelled, measure_training
from vreid_bench.training.batches import TrainingLists
from vreid_bench.training.checkpoint import Checkpoints
from vreid_plugins.datasets.mars.reader import Mars
from vreid_plugins.losses.oim import Oim

WITH = replace(STAGE, steps=6, losses={"oim": 1.0}, unlabelled=3)
METHOD = replace(RECIPE, losses={"oim": part("oim", queue_size=7)}, stages=(WITH,))


def tracklet(pid, name):
    return Tracklet((name,), pid, 1)


LISTS = TrainingLists.of(
    [*(tracklet(pid, f"{pid}-{n}") for pid in (4, 9) for n in range(3)), tracklet(JUNK, "junk")]
    + [tracklet(DISTRACTOR, f"stranger-{n}") for n in range(5)]
)


@pytest.fixture(scope="module")
def registry():
    registry = small_registry()
    registry._entries["losses"]["oim"] = replace(registry.entry("losses", "ce"), name="oim", value=Oim)
    return registry


@pytest.fixture(scope="module")
def split(tiny_mars):
    """The training part, with the distractors of the test part as tracklets of unknown people."""
    whole = Mars().read(tiny_mars).splits[0]
    strangers = tuple(t for t in whole.test if t.pid == DISTRACTOR)
    assert strangers
    return Split(whole.train + strangers, (), (), ())


def test_people_have_labels_strangers_have_minus_one_and_junk_is_left_out():
    assert LISTS.labels == [0, 0, 0, 1, 1, 1, -1, -1, -1, -1, -1]
    assert LISTS.people == {0: [0, 1, 2], 1: [3, 4, 5]}
    assert [t.name for t in LISTS.tracklets[6:]] == [f"stranger-{n}" for n in range(5)]


def test_a_step_draws_strangers_beside_its_people_each_at_most_once():
    recipe = replace(STAGE, P=2, K=2, unlabelled=4)
    rows = [LISTS.draw(recipe, np.random.default_rng(seed)) for seed in range(60)]
    assert all(len(drawn) == 2 * 2 + 4 for drawn in rows)
    assert all(len(set(drawn[4:])) == 4 for drawn in rows)
    assert {row for drawn in rows for row in drawn[4:]} == set(range(6, 11))
    more = LISTS.draw(replace(recipe, unlabelled=12), np.random.default_rng(0))
    assert len(more) == 4 + 12


def test_the_people_of_a_step_are_the_same_with_and_without_strangers():
    recipe = replace(STAGE, P=2, K=2)
    plain, beside = (LISTS.draw(each, np.random.default_rng(5)) for each in (recipe, replace(recipe, unlabelled=3)))
    assert beside[:4] == plain


def test_training_fills_the_queue_of_oim_with_the_features_of_strangers(registry, split, tiny_mars, tmp_path):
    """Six steps of three strangers are 18 features, of which the queue of 7 holds the last."""
    this = training(registry, split, tiny_mars, METHOD)
    this.run(Checkpoints(tmp_path / "c"), Recorder())
    queue = this.parts.losses["oim"]
    assert int(queue.queued) == 18
    torch.testing.assert_close(queue.queue.norm(dim=1), torch.ones(7))
    without = replace(METHOD, stages=(replace(WITH, unlabelled=0),))
    alone = training(registry, split, tiny_mars, without)
    alone.run(Checkpoints(tmp_path / "d"), Recorder())
    assert int(alone.parts.losses["oim"].queued) == 0
    one, two = (each.parts.model.encoder.conv.weight for each in (this, alone))
    assert not torch.equal(one, two)  # strangers push the features of people away


def test_a_resumed_training_has_the_same_queue_and_weights(registry, split, tiny_mars, tmp_path, monkeypatch):
    monkeypatch.setattr("vreid_bench.training.stages.EVERY", 1)
    monkeypatch.setattr("vreid_bench.training.checkpoint.SHARE", 0)
    whole = training(registry, split, tiny_mars, METHOD)
    whole.run(Checkpoints(tmp_path / "whole"), Recorder())
    with pytest.raises(Interrupted):
        training(registry, split, tiny_mars, METHOD).run(Checkpoints(tmp_path / "parts", every=0.0), Recorder(after=3))
    again = training(registry, split, tiny_mars, METHOD)
    again.run(Checkpoints(tmp_path / "parts"), Recorder())
    expected, found = whole.module.state_dict(), again.module.state_dict()
    assert "loss.oim.queue" in expected
    assert all(torch.equal(expected[name], found[name]) for name in expected)


def test_a_loss_that_does_not_take_strangers_gets_the_batch_without_them(registry, split, tiny_mars, tmp_path):
    """Beside `oim`: the classifier would fail on the label -1."""
    both = replace(WITH, losses={"oim": 1.0, "ce": 1.0})
    method = replace(METHOD, losses={**METHOD.losses, "ce": part("ce")}, stages=(both,))
    this = training(registry, split, tiny_mars, method)
    log = Recorder()
    this.run(Checkpoints(tmp_path / "c"), log)
    assert int(this.parts.losses["oim"].queued) == 18
    assert all(np.isfinite(values["ce"]) for values in log.lines.values())


def test_the_batch_of_such_a_loss_has_the_rows_of_people_alone():
    clips = Clips.single(torch.arange(12.0).view(4, 3))
    matcher = SimpleNamespace(represent=lambda clips: clips)
    batch = Batch(clips, torch.tensor([1, -1, 0, -1]), torch.tensor([5, 6, 7, 8]), matcher)
    people = batch.seen_by(nn.Identity())
    assert people.pids.tolist() == [1, 0]
    assert people.camids.tolist() == [5, 7]
    assert torch.equal(people.embedding, clips.embedding[[0, 2], 0])
    assert batch.seen_by(SimpleNamespace(takes_unlabelled=True)) is batch
    alone = Batch(clips, torch.tensor([1, 1, 0, 0]), torch.zeros(4), matcher)
    assert alone.seen_by(nn.Identity()) is alone


def test_counts_of_people_and_epochs_leave_strangers_out(split):
    training_set = TrainingSet(SimpleNamespace(), split.train)
    people = [t for t in split.train if t.pid > DISTRACTOR]
    assert len(people) < len(split.train)
    assert measure_training(training_set) == (len({t.pid for t in people}), len(people))


def fold_of(tracklets):
    dataset = SimpleNamespace(name="mars", root="/data/mars")
    return SimpleNamespace(training=(TrainingSet(dataset, tuple(tracklets)),))


def test_data_without_strangers_is_refused_before_training(registry, split):
    check_unlabelled(METHOD, registry, [fold_of(split.train)])
    people = [t for t in split.train if t.pid > DISTRACTOR]
    check_unlabelled(replace(METHOD, stages=(replace(WITH, unlabelled=0),)), registry, [fold_of(people)])
    with pytest.raises(InputError, match=r"stages\.0\.unlabelled is 3, but all training tracklets of mars .* pid 0"):
        check_unlabelled(METHOD, registry, [fold_of(split.train), fold_of(people)])


def test_strangers_that_no_loss_takes_are_refused(registry, split):
    method = replace(RECIPE, stages=(replace(STAGE, unlabelled=2),))
    with pytest.raises(InputError, match=r"stages\.0\.unlabelled is 2, but no loss of the stage takes such tracklets"):
        check_unlabelled(method, registry, [fold_of(split.train)])


@pytest.mark.parametrize("fields", [{"unlabelled": -1}, {"unlabelled": 2, "cached": 1}])
def test_a_stage_refuses_a_number_that_it_cannot_draw(fields):
    with pytest.raises(InputError, match=r"stages\.0\.unlabelled is"):
        replace(RECIPE, stages=(replace(STAGE, **fields),))
