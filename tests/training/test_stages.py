"""Training: what a step draws, what learns, and a resumed run that equals an uninterrupted one."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from small_training import RECIPE, STAGE, Average, Interrupted, Recorder, small_registry, training
from torch import nn

from vreid_bench import (
    InputError,
    Schedule,
    part,
)
from vreid_bench.contracts.dataset import Tracklet
from vreid_bench.records.weights import load_state, load_weights, save_weights
from vreid_bench.system.errors import RunError
from vreid_bench.training.batches import pk_batch
from vreid_bench.training.checkpoint import Checkpoints, Position
from vreid_bench.training.learning import learning_rate, trainable
from vreid_bench.training.log import StepLog
from vreid_plugins.datasets.mars.reader import Mars


@pytest.fixture(scope="module")
def registry():
    return small_registry()


@pytest.fixture(scope="module")
def split(tiny_mars):
    return Mars().read(tiny_mars).splits[0]


@pytest.fixture(autouse=True)
def every_step(monkeypatch):
    monkeypatch.setattr("vreid_bench.training.stages.EVERY", 1)
    monkeypatch.setattr("vreid_bench.training.checkpoint.SHARE", 0)


@pytest.mark.parametrize("stops", [(0,), (3,), (7, 1), (8, 0, 2), (9, 9)])
def test_a_resumed_run_ends_in_the_same_weights(registry, split, tiny_mars, tmp_path, stops):
    whole = training(registry, split, tiny_mars)
    whole_log = Recorder()
    whole.run(Checkpoints(tmp_path / "whole"), whole_log)
    log = Recorder()
    for after in (*stops, 10**9):
        log.left = after
        again = training(registry, split, tiny_mars)
        try:
            again.run(Checkpoints(tmp_path / "parts", every=0.0), log)
        except Interrupted:
            continue
    expected, found = whole.module.state_dict(), again.module.state_dict()
    assert expected.keys() == found.keys()
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    assert log.lines == whole_log.lines


@pytest.mark.parametrize("known", [False, True])
def test_fitting_looks_at_normalised_maps(registry, split, tiny_mars, tmp_path, known):
    """Average's centre is the mean map: 0 behind a normalisation, or what statistics that it came with make of it."""
    this = training(registry, split, tiny_mars, replace(RECIPE, stages=RECIPE.stages[:1]))
    encoder = this.parts.model.encoder
    if known:  # as a file of weights without a count of batches has them
        encoder.norm.running_mean.fill_(-0.5)
        encoder.norm.running_var.fill_(0.25)
    this.run(Checkpoints(tmp_path / "c"), Recorder())
    norm, centre = encoder.norm, this.parts.model.aggregator.centre
    assert norm.momentum == 0.1
    if known:
        assert norm.running_mean.eq(-0.5).all()
        assert norm.running_var.eq(0.25).all()
        assert centre.abs().max() > 0.2
    else:
        assert centre.abs().max() < 0.02


def test_another_seed_gives_other_weights(registry, split, tiny_mars, tmp_path):
    one, two = (training(registry, split, tiny_mars, seed=seed) for seed in (0, 1))
    one.run(Checkpoints(tmp_path / "0"), Recorder())
    two.run(Checkpoints(tmp_path / "1"), Recorder())
    assert not torch.equal(one.module["model"].encoder.conv.weight, two.module["model"].encoder.conv.weight)


def test_training_lowers_the_loss(registry, split, tiny_mars, tmp_path):
    log = Recorder()
    stage = replace(STAGE, steps=100, P=8, K=4, schedule=Schedule("constant", 0.03), augment=())
    longer = replace(RECIPE, stages=(stage,))
    training(registry, split, tiny_mars, longer).run(Checkpoints(tmp_path / "c"), log)
    losses = [values["loss"] for values in log.lines.values()]
    assert np.mean(losses[-10:]) < 0.9 * np.mean(losses[:10])


def test_a_loss_that_is_no_number_stops_with_the_checkpoint_kept(registry, split, tiny_mars, tmp_path):
    method = replace(RECIPE, losses={"ce": part("ce", explode_at=5)})
    checkpoints = Checkpoints(tmp_path / "c", every=0.0)
    with pytest.raises(RunError, match=r"the loss is nan, not finite, at stage 2, step 4"):
        training(registry, split, tiny_mars, method).run(checkpoints, Recorder())
    fresh = training(registry, split, tiny_mars, method)
    assert Checkpoints(tmp_path / "c").restore(fresh.module)[0] == Position(1, 4)


def test_frozen_parameters_stay_and_their_modules_evaluate(registry, split, tiny_mars, tmp_path):
    parts = training(registry, split, tiny_mars)
    chosen = trainable(parts.module, replace(STAGE, freeze=("encoder.norm.*",)), "stages.0")
    assert set(chosen) == {"encoder.conv.weight", "encoder.conv.bias", "loss.ce.fc.weight", "loss.ce.fc.bias"}
    encoder = parts.module["model"].encoder
    assert (encoder.norm.training, encoder.drop.training, encoder.conv.training) == (False, True, True)


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        (replace(STAGE, freeze=("encoder.nrom.*",)), r"stages.4.freeze: no parameter is named 'encoder.nrom.\*'; did"),
        (
            replace(STAGE, train=("matcher.*",)),
            r"stages.4.train: 'matcher.\*' .* the matcher has none, so nothing would",
        ),
        (replace(STAGE, freeze=("*",)), r"stages.4: train \['\*'\] and freeze \['\*'\] leave no parameter to learn"),
    ],
)
def test_a_pattern_that_does_nothing_is_an_error(registry, split, tiny_mars, stage, message):
    parts = training(registry, split, tiny_mars)
    with pytest.raises(InputError, match=message):
        trainable(parts.module, stage, "stages.4")


def rows_of(labels):
    return {label: [row for row, each in enumerate(labels) if each == label] for label in set(labels)}


@pytest.mark.parametrize(("counts", "P", "K"), [((5, 5, 5, 5), 3, 4), ((1, 2, 9), 3, 4), ((3, 3), 5, 2)])
def test_a_pk_batch_has_k_tracklets_of_p_identities(counts, P, K):
    labels = [label for label, count in enumerate(counts) for _ in range(count)]
    rows = pk_batch(rows_of(labels), P, K, np.random.default_rng(0))
    drawn = np.array([labels[row] for row in rows]).reshape(P, K)
    assert (drawn == drawn[:, :1]).all()
    if len(counts) >= P:
        assert len(set(drawn[:, 0])) == P
    per_row = Counter(rows)
    for label, count in enumerate(counts):
        if count >= K and len(counts) >= P:
            assert all(per_row[row] <= 1 for row in per_row if labels[row] == label)


def test_every_identity_is_drawn_equally_often_however_many_tracklets_it_has():
    labels = [0] * 100 + [1] * 5 + [2] * 1
    generator = np.random.default_rng(0)
    drawn = Counter(labels[row] for _ in range(3000) for row in pk_batch(rows_of(labels), 1, 2, generator)[:1])
    assert all(abs(drawn[label] - 1000) < 120 for label in range(3))


def test_schedules_against_their_closed_forms():
    halving = Schedule("step", 0.003, every=1000, factor=0.5)
    assert learning_rate(halving, 2999, 50_000) == pytest.approx(0.003 / 4)
    assert learning_rate(replace(halving, floor=1e-4), 49_999, 50_000) == 1e-4
    cycle = Schedule("one-cycle", 1.0)
    rates = [learning_rate(cycle, step, 100) for step in range(100)]
    assert rates[0] == pytest.approx(1 / 25)
    assert rates[15] == pytest.approx((1 + 1 / 25) / 2)
    assert max(rates) == rates[30] == 1.0
    assert rates[-1] == pytest.approx(1 / 250_000)


def test_a_checkpoint_takes_the_shape_that_fitting_gave_a_buffer(tmp_path):
    fitted, fresh = Average((4, 1, 1)), Average((4, 1, 1))
    fitted.centre = torch.randn(7)
    save_weights(tmp_path / "w", fitted)
    load_weights(tmp_path / "w", fresh)
    assert torch.equal(fresh.centre, fitted.centre)


def test_weights_of_another_network_are_refused_by_name(tmp_path):
    save_weights(tmp_path / "w", nn.Linear(3, 2))
    with pytest.raises(InputError, match=r"w: the weights do not fit.*size mismatch for weight"):
        load_weights(tmp_path / "w", nn.Linear(4, 2))
    with pytest.raises(InputError, match="do not fit"):
        load_state(nn.Linear(3, 2), {}, tmp_path / "w")


def test_a_checkpoint_cut_short_is_refused_with_what_to_do(tmp_path):
    Checkpoints(tmp_path / "c").save(nn.Linear(3, 2), Position(0, 3), {})
    (tmp_path / "c").write_bytes((tmp_path / "c").read_bytes()[:-5])
    with pytest.raises(InputError, match=r"c: is damaged.*delete it"):
        Checkpoints(tmp_path / "c").restore(nn.Linear(3, 2))


def test_the_log_forgets_what_a_resumed_run_repeats(tmp_path):
    log = StepLog(tmp_path / "log.jsonl")
    for step in range(4):
        log.write(Position(1, step), {"loss": float(step)})
    with log.path.open("a") as file:
        file.write('{"stage": 1, "st')  # a crash in the middle of a line
    log.rewind(Position(1, 2))
    log.write(Position(1, 2), {"loss": 20.0})
    assert [line.split('"loss": ')[1] for line in log.path.read_text().splitlines()] == ["0.0}", "1.0}", "20.0}"]


def test_distractors_are_unlabelled_and_junk_is_not_trained_on(registry, split, tiny_mars):
    strangers = (Tracklet(("x.jpg",), 0, 1), Tracklet(("y.jpg",), -1, 1))
    with_strangers = replace(split, train=(*strangers, *split.train))
    lists = training(registry, with_strangers, tiny_mars).lists
    assert (lists.labelled, lists.unlabelled) == (split.train, strangers[:1])
