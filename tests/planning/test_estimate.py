"""The estimate of a run's time and memory: against counts by hand, and when `--yes` is needed."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from vreid_bench import Clipping, Convention, Dataset, InputError, Method, Split, Tracklet, part
from vreid_bench.contracts.recipe import Fit, Schedule, Train
from vreid_bench.planning import estimate as module
from vreid_bench.planning.estimate import Estimate, FrameCost, check_cost, estimate, measure_frame
from vreid_bench.planning.folds import Fold, TrainingSet, Validation


def tracklets(count, length):
    return tuple(Tracklet(tuple(map(str, range(length))), pid + 1, 1) for pid in range(count))


SPLIT = Split(tracklets(7, 10), tracklets(5, 12), (0,), (1,))
DATASET = Dataset("toy", Path("/data/toy"), (SPLIT,), "unverified")
FOLD = Fold(0, (TrainingSet(DATASET, SPLIT.train),), DATASET, SPLIT)
STAGE = Train(Clipping("consecutive", 4, clips=2), {"ce": 1.0}, 50, 3, 2, Schedule("constant", 1e-3))
METHOD = Method(part("net"), part("pool"), part("mean"), Clipping("dense", 4), (64, 32), {"ce": part("ce")}, (STAGE,))


def test_frames_of_training_and_test_are_counted_by_hand():
    """A step has 3 people, 2 tracklets, 2 clips of 4 frames: 48 frames. The test has 5 tracklets of 3 clips."""
    found = estimate(METHOD, [FOLD], FrameCost(seconds=0.5, kept=1e6, parameters=1_000_000))
    assert found.seconds == 0.5 * (3 * 50 * 48 + 5 * 12)
    assert (found.steps, found.step) == (50, 0.5 * 3 * 48)
    assert found.memory == 0.5e9 + 16e6 + 48e6
    twice = estimate(METHOD, [FOLD, FOLD], FrameCost(0.5, 1e6, 1_000_000))
    assert (twice.seconds, twice.steps, twice.memory) == (2 * found.seconds, 100, found.memory)


def test_a_cached_stage_and_a_fit_see_every_tracklet_and_no_step():
    stages = (replace(STAGE, cached=3), Fit("matcher", Clipping("dense", 5)))
    found = estimate(replace(METHOD, stages=stages), [FOLD], FrameCost(1.0, 1e6, 0))
    assert found.seconds == 3 * 7 * 8 + 7 * 10 + 5 * 12
    assert (found.step, found.memory) == (0, 0.5e9)


def test_the_scores_of_a_validation_are_counted():
    """Of 50 steps, after 20, 40 and 50: 5 tracklets of 3 clips of 4 frames each time."""
    validation = Validation(20, SPLIT, Convention("c", "1", True, "step", "skip", "", ""))
    scored = replace(FOLD, training=(replace(FOLD.training[0], validation=validation),))
    plain, found = (estimate(METHOD, [fold], FrameCost(1.0, 1e6, 0)) for fold in (FOLD, scored))
    assert found == replace(plain, seconds=plain.seconds + 3 * 5 * 12)


def test_what_backward_needs_is_measured():
    """Squares keep their input: 2 clips of 4 frames, 3 x 8 x 8 floats each, however often torch reuses memory."""

    class Squares(nn.Module):
        planes = ("rgb",)

        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(10))

        def features(self, clips):
            return (clips * self.weight[0]).square().sum()

    frame = measure_frame(replace(METHOD, size=(8, 8)), Squares())
    assert frame.parameters == 10
    each = 3 * 8 * 8 * 4  # bytes
    assert each <= frame.kept <= 2 * each + 8  # also the input of the product
    assert frame.seconds > 0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(40, "about 40 s"), (600, "about 10 min"), (80_000, "about 22 h"), (7_365_600, "about 85 days")],
    ids=str,
)
def test_the_estimate_says_where_it_comes_from(seconds, words):
    said = Estimate(seconds, 93.4, 800, 5.2e9).describe()
    assert said.startswith(words)
    assert "800 training steps, the longest about 93 s, and the test" in said
    assert "5.2 GB of memory, estimated from forward passes on this machine" in said


def plan(preset="paper", trains=True):
    chosen = SimpleNamespace(preset=preset, method=METHOD)
    return SimpleNamespace(
        chosen=chosen, source=SimpleNamespace(trains=trains), folds=(FOLD,), registry=SimpleNamespace(factories=str)
    )


@pytest.mark.parametrize(
    ("seconds", "accepted", "refused"), [(9.0, False, True), (9.0, True, False), (0, False, False)]
)
def test_a_long_run_needs_yes_and_a_short_one_does_not(monkeypatch, capsys, seconds, accepted, refused):
    monkeypatch.setattr(module, "Model", lambda *_: None)
    monkeypatch.setattr(module, "measure_frame", lambda *_: FrameCost(seconds, 0, 0))
    machine = SimpleNamespace(device=torch.device("cpu"))
    if refused:
        with pytest.raises(InputError, match=r"about 18 h .* repeat the command with --yes .* or with --preset small"):
            check_cost(plan(), machine, accepted)
        assert capsys.readouterr().err == ""
    else:
        check_cost(plan(), machine, accepted)
        assert "--preset paper on a CPU takes about" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "device"), [({"preset": "small"}, "cpu"), ({"trains": False}, "cpu"), ({}, "cuda")], ids=str
)
def test_nothing_is_estimated_for_other_runs(capsys, given, device):
    check_cost(plan(**given), SimpleNamespace(device=torch.device(device)), False)  # no registry is asked for parts
    assert capsys.readouterr().err == ""


def test_the_command_refuses_before_it_trains_and_leaves_nothing(cli, tiny_mars, tmp_path):
    """The recipe of the paper on frames of 32 x 16 pixels: as many steps as printed."""
    options = ("run", "--plugin", "mean-pooling", "--data", tiny_mars, "--runs", tmp_path, "--preset", "paper", "-q")
    small = ("--set", "size=[32,16]", "--device", "cpu", "--from-scratch")
    refused = cli(*options, *small, "--set", "stages.0.steps=900000")
    assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1), refused.output
    assert "--yes" in refused.stderr
    assert "--preset small" in refused.stderr
    assert not list(tmp_path.glob("*/weights.safetensors"))
    assert not list(tmp_path.glob("mars@*"))
