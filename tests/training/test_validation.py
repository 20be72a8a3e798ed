"""Scores during training: when they are due, that they are right, and that the training does not notice them."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from small_training import RECIPE, STAGE, Encoder, small_registry, training

from vreid_bench import Clipping, Convention, Fit
from vreid_bench.modeling.embed import embed
from vreid_bench.planning.folds import Validation, hold_out
from vreid_bench.planning.source import NewTraining
from vreid_bench.training.checkpoint import Checkpoints, Position
from vreid_bench.training.log import StepLog
from vreid_bench.training.train import TrainingRecipe
from vreid_plugins.datasets.mars.reader import Mars

RULE = Convention("c", "1", None, "step", "skip", "", "")


class Sensitive(Encoder):
    """An encoder that no call leaves as it was: it counts them, keeps the output and moves NumPy's random stream."""

    def __init__(self):
        super().__init__()
        self.calls = 0

    def forward(self, clips):
        self.calls += 1
        np.random.random()
        self.kept = super().forward(clips)
        return self.kept


@pytest.fixture(scope="module")
def registry():
    return small_registry(Sensitive)


@pytest.fixture(scope="module")
def split(tiny_mars):
    return hold_out(Mars().read(tiny_mars).splits[0], 0.2)


@pytest.fixture(autouse=True)
def every_step(monkeypatch):
    monkeypatch.setattr("vreid_bench.training.stages.EVERY", 1)
    monkeypatch.setattr("vreid_bench.training.checkpoint.SHARE", 0)


@pytest.fixture
def train(registry, split, tiny_mars, tmp_path):
    """Train with a score every so many steps, or without; returns the training and the lines of its log."""

    def run(every, method=RECIPE, name="one", listener=lambda position, values: None, quiet=True):
        np.random.seed(0)
        this = training(registry, split, tiny_mars, method)
        log = StepLog(tmp_path / f"{name}.jsonl", listener)
        validation = None if every is None else Validation(every, split, RULE)
        recipe = TrainingRecipe(SimpleNamespace(method=method), registry, 0, NewTraining())
        validate = recipe.build_validator(validation, this.parts, replace(this.reader, quiet=quiet))
        this.run(Checkpoints(tmp_path / f"{name}.checkpoint", every=0.0), log, validate)
        return this, [json.loads(line) for line in log.path.read_text().splitlines()]

    return run


def scores(lines):
    return {Position(line["stage"], line["step"]): line for line in lines if "validation.mAP" in line}


def test_training_ends_in_the_same_bits_however_often_it_is_scored(train):
    plain, lines = train(None, name="plain")
    drawn = np.random.random()
    assert not scores(lines)
    expected = plain.module.state_dict()
    for every in (1, 5, 1000):
        scored, more = train(every, name=str(every))
        found = scored.module.state_dict()
        assert all(torch.equal(expected[name], found[name]) for name in expected | found)
        assert [line for line in more if "loss" in line] == lines
        assert np.random.random() == drawn
        assert scored.parts.model.encoder.calls == plain.parts.model.encoder.calls
        modes = ([each.training for each in this.module.modules()] for this in (plain, scored))
        assert next(modes) == next(modes)


LATE = replace(RECIPE, stages=(replace(STAGE, steps=4), Fit("aggregator", Clipping("consecutive", 3))))


@pytest.mark.parametrize(
    ("method", "every", "expected"),
    [
        (RECIPE, 5, [(1, 4), (2, 1), (2, 3)]),  # a fit, 8 steps and 4 steps
        (RECIPE, 12, [(2, 3)]),  # the last step, once
        (RECIPE, 1000, [(2, 3)]),
        (LATE, 4, [(0, 3), (1, 0)]),  # before the last fit and after it
        (LATE, 1000, [(1, 0)]),
    ],
)
def test_scores_are_due_by_the_steps_of_all_stages_and_at_the_end(train, method, every, expected):
    assert list(scores(train(every, method)[1])) == expected


def test_the_last_score_is_that_of_the_final_weights(train, split, tiny_mars):
    """Average precision by its definition, from the features of the trained model itself."""
    this, lines = train(1000)
    x = embed(this.parts.model, split.test, RECIPE.test, this.reader).embedding.double().numpy()
    pid, cam = (np.array([getattr(t, name) for t in split.test]) for name in ("pid", "camid"))
    precisions, first = [], []
    for q in split.query:
        keep = ~((pid == pid[q]) & (cam == cam[q]))
        order = np.argsort(np.linalg.norm(x[keep] - x[q], axis=1), kind="stable")
        hits = np.flatnonzero(pid[keep][order] == pid[q]) + 1
        precisions.append(np.mean(np.arange(1, len(hits) + 1) / hits))
        first.append(hits[0] == 1)
    [line] = scores(lines).values()
    assert line["validation.mAP"] == pytest.approx(np.mean(precisions), abs=1e-9)
    assert line["validation.R1"] == np.mean(first)


def test_scores_follow_the_training(train):
    found = [line["validation.mAP"] for line in scores(train(1)[1]).values()]
    assert len(found) == 12
    assert len(set(found)) > 1


@pytest.mark.parametrize("stops", [(4,), (5, 2), (0, 13)])
def test_a_resumed_training_has_each_score_once(train, monkeypatch, stops):
    whole = train(3, name="whole")
    write, left = StepLog.write, 0

    def stop(self, position, values):
        nonlocal left
        write(self, position, values)
        left -= 1
        if left < 0:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(StepLog, "write", stop)
        for after in stops:
            left = after
            with pytest.raises(KeyboardInterrupt):
                train(3, name="parts")
    again = train(3, name="parts")
    assert scores(again[1]) == scores(whole[1])
    assert [(line["stage"], line["step"]) for line in again[1]] == [(n["stage"], n["step"]) for n in whole[1]]


def test_a_score_is_printed_and_goes_to_trackers(train, capsys):
    told = []
    _, lines = train(8, listener=lambda position, values: told.append((position.step, dict(values))), quiet=False)
    first, last = scores(lines).values()
    names = "validation.mAP", "validation.R1", "validation.steps"
    assert [each for each in told if names[0] in each[1]] == [
        (7, {name: first[name] for name in names}),
        (3, {name: last[name] for name in names}),
    ]
    assert [values[names[2]] for _, values in told if names[2] in values] == [8, 12]
    shown = [line for line in capsys.readouterr().err.splitlines() if line.startswith("validation")]
    assert shown[1] == (
        f"validation after 12 of 12 steps: mAP {100 * last[names[0]]:.1f}, R1 {100 * last[names[1]]:.1f} "
        "(2 people held out)"
    )
    assert len(shown) == 2
    train(8, name="quiet")
    assert capsys.readouterr().err == ""


def test_a_score_after_a_last_fit_says_so(train, capsys):
    train(1000, LATE, quiet=False)
    assert "validation after 4 of 4 steps and the fit of the aggregator: mAP" in capsys.readouterr().err
