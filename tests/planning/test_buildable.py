"""An option that its part refuses is told before data is read; what could be built is not built again."""

import pytest
from wrong_parts import METHOD, Net, good, plugin

from vreid_bench import InputError
from vreid_bench.planning.buildable import check_buildable
from vreid_bench.planning.method import MethodRequest, choose_method
from vreid_bench.registry.registry import Registry

REFUSED = {
    "encoder.depth=9": "encoder resnet: depth must be 8 or 50, got 9",
    "margin=hard": "loss triplet: margin must be a number",
    "matcher.metric=nearest": "matcher mean: metric must be one of",
    "test.T=-1": "needs T >= 1 frames per clip",
    'optimizer.options={"foo": 1}': "stages.0.optimizer.options: Adam has no option 'foo'; its options: betas, eps, ",
    'optimizer.options={"weight_decy": 1}': "Adam has no option 'weight_decy'; did you mean weight_decay",
    'optimizer.options={"lr": 1}': "stages.0.optimizer.options: the rate is stages.0.schedule.rate; leave lr out",
    'optimizer.options={"betas": 1}': "stages.0: optimizer Adam does not accept its options: ",
}


@pytest.mark.parametrize("assignment", REFUSED)
def test_it_is_told_although_there_is_no_data(cli, tmp_path, assignment):
    run = ("run", "--plugin", "mean-pooling", "--preset", "small", "--data", tmp_path / "nowhere")
    result = cli(*run, "--set", assignment)
    assert result.exit_code == 2
    assert REFUSED[assignment] in result.stderr
    assert "nowhere" in cli(*run).stderr  # the sound command gets as far as the data


# What patterns of a stage choose nothing, and what is said of it.
IDLE = {
    # 003 prints that step 1 "only trains the classifier"
    'stages.1.train=["loss.*"]': "stages.1.train: 'loss.*' matches no parameter, because loss 'oim' has none, so "
    'nothing would learn in this stage; train the encoder or the aggregator instead ("encoder.*"), or choose a loss '
    "that has parameters",
    'stages.2.train=["matcher.scale"]': "stages.2.train: 'matcher.scale' matches no parameter, because the matcher has "
    'none, so nothing would learn in this stage; train the encoder or the aggregator instead ("encoder.*")',
    'stages.1.train=["encoder.*", "loss.oim.*"]': "stages.1.train: 'loss.oim.*' matches no parameter, because loss "
    "'oim' has none; leave it out",
    'stages.1.freeze=["m*", "encoder.*"]': "stages.1.freeze: 'm*' matches no parameter, because the matcher has none; "
    "leave it out",
    'stages.1.freeze=["*"]': "stages.1: train ['*'] and freeze ['*'] leave no parameter to learn; train more or freeze "
    "less",
    'stages.2.freeze=["agregator.w"]': "stages.2.freeze: no parameter is named 'agregator.w'; did you mean",
    'stages.2.freeze=["losses.*"]': "stages.2.freeze: no parameter is named 'losses.*'; there are encoder.*, "
    "aggregator.*",
}


@pytest.mark.parametrize("assignment", IDLE)
def test_a_stage_whose_patterns_choose_nothing_is_told_before_data_is_read(cli, tmp_path, assignment):
    run = ("run", "--plugin", "personvlad", "--preset", "small", "--data", tmp_path / "nowhere", "--runs", tmp_path)
    result = cli(*run, "--set", assignment)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: method 'personvlad' of vreid-bench: {IDLE[assignment]}")
    assert result.stderr.count("\n") == 1
    assert "nowhere" in cli(*run, "--set", "losses.oim=cross-entropy", "--set", 'stages.1.train=["loss.*"]').stderr


@pytest.mark.parametrize("chosen", ['train=["loss.cross-entropy.*"]', 'freeze=["encoder.*"]'])
def test_a_stage_that_trains_only_a_loss_that_it_does_not_use_is_told_before_data_is_read(cli, tmp_path, chosen):
    run = ("run", "--plugin", "mean-pooling", "--preset", "small", "--data", tmp_path / "nowhere")
    only = ("--set", 'stages.0.losses={"triplet": 1.0}')
    result = cli(*run, *only, "--set", f"stages.0.{chosen}")
    assert result.exit_code == 2
    assert (
        "stages.0: only parameters of loss.cross-entropy would learn, but the losses of this stage are triplet; "
        in (result.stderr)
    )
    assert "nowhere" in cli(*run, *only).stderr
    assert "nowhere" in cli(*run, "--set", f"stages.0.{chosen}").stderr


def test_the_parameters_of_losses_are_listed_for_a_pattern_that_names_none(cli, tmp_path):
    run = ("run", "--plugin", "mean-pooling", "--preset", "small", "--data", tmp_path / "nowhere")
    result = cli(*run, "--set", 'stages.0.freeze=["losses.*"]')
    there = "there are encoder.*, loss.cross-entropy.classifier.weight, loss.cross-entropy.classifier.bias\n"
    assert f"stages.0.freeze: no parameter is named 'losses.*'; {there}" in result.stderr


def test_a_near_name_stands_before_those_that_there_are(cli, tmp_path):
    run = ("run", "--plugin", "mean-pooling", "--preset", "small", "--data", tmp_path / "nowhere")
    told = cli(*run, "--set", 'stages.0.freeze=["loss.cross-entropy.clasifier.weight"]').stderr
    assert "; did you mean loss.cross-entropy.classifier.weight" in told
    assert "? There are encoder.*, loss." in told


@pytest.mark.parametrize("pattern", ["cross-entropy.*", "cross-entropy.classifier.weight"])
def test_a_pattern_that_lacks_the_word_loss_is_proposed_with_it(cli, tmp_path, pattern):
    run = ("run", "--plugin", "mean-pooling", "--preset", "small", "--data", tmp_path / "nowhere")
    told = cli(*run, "--set", f'stages.0.freeze=["{pattern}"]').stderr
    assert f"no parameter is named '{pattern}'; did you mean loss.{pattern}? There are encoder.*, loss." in told


def test_a_re_ranker_is_built_as_well(cli, tmp_path):
    run = ("run", "--plugin", "mean-pooling", "--data", tmp_path / "nowhere", "--preset", "small")
    assert "k1 must be at least 1, got -3" in cli(*run, "--rerank", "zhong:k1=-3").stderr


def test_what_could_be_built_is_not_built_again(tmp_path, monkeypatch):
    monkeypatch.setenv("VREID_CACHE", str(tmp_path))
    built = []

    class Counted(Net):
        def __init__(self, width=8, refuse=False):
            super().__init__()
            built.append(refuse)
            if refuse:
                raise ValueError("not today")

    methods = {"mine": lambda preset: METHOD}
    registry = Registry([good(), plugin("mine", "vreid-mine", methods=methods, encoders={"counted": Counted})])

    def check(*assignments):
        request = MethodRequest("mine", "small", 0)
        check_buildable(registry, choose_method(registry, request, ("encoder=counted", *assignments), None))

    check()
    check()
    assert built == [False]
    check("encoder.width=9")
    assert built == [False, False]
    for _ in range(2):
        with pytest.raises(InputError, match="encoder 'counted' of vreid-mine failed"):
            check("encoder.refuse=true")
    assert built == [False, False, True, True]
