"""`run --dry-run`, and a run whose length is given in epochs, on ten people of three cameras."""

import json
import shutil

import pytest
from places import ROOT
from short_run import SHORT, record_of

PAPER = ("--plugin", "ica", "--preset", "paper", "--set", "size=32x16", "--dry-run")  # frames of the rendered size
EPOCHS = (*SHORT, "--set", "stages.0.steps=3 epochs")  # 10 people fill 2 batches of 4: 6 steps, as SHORT has


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """A folder for runs, and a cache, in which a dry run must leave nothing about a run or its data."""
    monkeypatch.setenv("VREID_CACHE", str(tmp_path / "cache"))
    (tmp_path / "cache").mkdir()
    return tmp_path


def files(folder):
    """What is there, besides what the harness keeps of installed code."""
    kept = [folder / "cache" / name for name in ("built", "code", "plugins")]
    return [file for file in folder.rglob("*") if file.is_file() and not set(kept) & set(file.parents)]


def test_a_dry_run_shows_the_recipe_on_the_data_and_leaves_nothing(cli, tiny_mars, empty):
    shown = cli("run", *PAPER, "--data", tiny_mars, "--runs", empty / "runs")  # without the weights that it names
    assert (shown.exit_code, shown.stderr) == (0, "")
    said = " ".join(shown.stdout.split())
    for words in (
        "ica, preset paper, seed 0, under mars",
        f"in {tiny_mars}: 10 people",
        "first weights encoder from resnet50-0676ba61.pth (ImageNet, SHA-256 0676ba61..., https://github.com/pytorch/vision)",
        "frames 32 x 16 pixels",
        "encoder resnet depth=50",
        "loss triplet triplet margin=0.3",
        "stage 1, stages.0 1,000 steps, 500 epochs of 2 steps over people (the recipe says 500 epochs over people)",
        "0.0004; 2e-06 from step 400 (epoch 200); 1e-08 from step 800 (epoch 400)",
        "P = 4 people, K = 8 tracklets each: 128 frames",
        "clips of 4 frames, cut consecutive",
        "1000 training steps, the longest about",
        "GB of memory",
    ):
        assert words in said, words
    assert files(empty) == []


def test_the_same_as_json(cli_json, tiny_mars, empty):
    found = cli_json("run", *PAPER, "--data", tiny_mars, "--runs", empty / "runs", "--set", "stages.0.steps=60")
    [training] = found["trainings"]
    [stage] = training["stages"]
    assert (training["dataset"], training["people"], training["held_out"]) == ("mars", 10, 0)
    assert (stage["given"], stage["steps"], stage["epochs"], stage["drops"]) == (60, 60, 30, [])
    assert (stage["recipe"]["P"], stage["recipe"]["K"], stage["recipe"]["clipping"]["T"]) == (4, 8, 4)
    assert stage["recipe"]["schedule"]["every"] == 400  # it stays 200 epochs
    assert list(found["first_weights"]) == ["encoder"]
    assert "resnet50-0676ba61.pth" in found["first_weights"]["encoder"]
    assert (found["size"], found["splits"]) == ([32, 16], [0])
    assert (found["cost"]["steps"], found["parts"]["aggregator"]["name"]) == (60, "ica")
    assert found["test"]["queries"] > 0
    assert files(empty) == []


def test_several_dry_runs_are_a_list(cli_json, tiny_ilids, empty):
    options = ("--protocol", "ilids-vid", "--data", tiny_ilids, "--runs", empty / "runs", "--dry-run", *SHORT)
    found = cli_json("run", "--plugin", "mean-pooling", "--plugin", "max-pooling", *options, "--splits", "0,4")
    assert [(each["method"], each["splits"]) for each in found] == [("mean-pooling", [0, 4]), ("max-pooling", [0, 4])]
    [training] = found[0]["trainings"]  # both splits train on five people, with six steps
    assert (training["people"], training["tracklets"]) == (5, 10)
    assert (training["stages"][0]["steps"], found[0]["cost"]["steps"]) == (6, 12)


def test_people_held_out_are_not_trained_on(cli_json, tiny_mars, empty):
    options = ("--data", tiny_mars, "--runs", empty / "runs", "--dry-run", *EPOCHS)
    found = cli_json("run", "--plugin", "mean-pooling", *options, "--validate", "every=2,held-out=0.5")
    [training] = found["trainings"]
    assert (training["people"] + training["held_out"], training["held_out"]) == (10, 5)
    assert training["stages"][0]["steps"] == 3  # 5 people fill one batch of 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--from", "runs/some"), "--dry-run: shows a training, but --from runs/some does not train; leave one out"),
        (("--plugin", "mean-pooling", "--set", "stages.0.steps=3 epoch over"), "expected a number of steps, as in 900"),
    ],
)
def test_a_dry_run_that_cannot_be_is_one_sentence(cli, options, message):
    refused = cli("run", "--dry-run", *options)
    assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1), refused.output
    assert message in refused.stderr


THREE = """
import torch
from torch import nn
from vreid_bench import hookimpl


class OfThree(nn.Module):
    def __init__(self, dims, identities):
        super().__init__()
        self.centres = nn.Parameter(torch.zeros(3, dims["embedding"]))

    def forward(self, batch):
        return (batch.embedding - self.centres[batch.pids]).square().mean()


@hookimpl
def vreid_losses():
    return {"of-three": OfThree}
"""


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (('optimizer.options={"foo": 1}',), "stages.0.optimizer.options: Adam has no option 'foo'; its options: betas"),
        ((), "loss 'of-three' of three.py failed (IndexError: index 3 is out of bounds for dimension 0 with size 3)"),
    ],
)
def test_what_a_training_could_not_do_is_told_without_one(cli, tiny_mars, empty, settings, message):
    (empty / "three.py").write_text(THREE)
    options = [word for setting in settings for word in ("--set", setting)]
    data = ("--data", tiny_mars, "--runs", empty / "runs", "--dry-run", *SHORT)
    refused = cli("run", "--plugin", empty / "three.py", *data, *options)
    assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1), refused.output
    assert message in refused.stderr


def test_what_a_part_refuses_is_told_before_the_weights_that_are_missing(cli, tiny_mars, empty):
    options = (
        "--preset",
        "paper",
        "--data",
        tiny_mars,
        "--runs",
        empty / "runs",
        "--set",
        'optimizer.options={"foo": 1}',
    )
    refused = cli("run", "--plugin", "mean-pooling", *options)
    assert refused.exit_code == 2
    assert "Adam has no option 'foo'" in refused.stderr
    assert "begins from published weights" in cli("run", "--plugin", "mean-pooling", *options[:-2]).stderr


def test_a_batch_of_more_people_than_there_are_is_told_as_the_run_tells_it(cli, cli_json, tiny_mars, empty):
    options = ("run", "--plugin", "mean-pooling", "--data", tiny_mars, "--runs", empty / "runs", *SHORT, "--dry-run")
    told = (
        "stage 1 draws 800 people for each step, but only 10 are trained on, so some are drawn twice; "
        "--set stages.0.P=10 draws each once"
    )
    [training] = cli_json(*options, "--set", "stages.0.P=800")["trainings"]
    assert training["warnings"] == [told]
    assert f"warning {told}" in " ".join(cli(*options, "--set", "stages.0.P=800").stdout.split())
    assert "warning" not in cli(*options).stdout


def test_a_run_of_so_many_epochs_is_the_run_of_so_many_steps(cli_json, tiny_mars, finished_runs, tmp_path):
    """The same weights; the record has both units, also when the weights are tested again on other data."""
    common = ("run", "--plugin", "mean-pooling", "--data", tiny_mars, "--runs")
    plain = record_of(cli_json(*common, finished_runs, *SHORT))
    report = cli_json(*common, tmp_path, *EPOCHS)
    record = record_of(report)
    tracklets = record.dataset.counts["train_tracklets"]
    training = {"dataset": "mars", "people": 10, "tracklets": tracklets, "stages": [{"steps": 6, "every": 75}]}
    assert record.method.recipe["stages"][0]["steps"] == "3 epochs over people"
    assert record.method.trainings == record.method.recipe["trainings"] == [training]
    assert "trainings" not in plain.method.recipe
    assert record.method.overrides["stages.0.steps"] == "3 epochs over people"
    assert (record.budget, record.weights.sha256) == (plain.budget, plain.weights.sha256)
    assert record.metrics() == plain.metrics()
    again = record_of(cli_json("run", "--from", report["run"], "--runs", tmp_path, "--set", "test.clips=1"))
    assert (again.method.trainings, again.budget.steps) == ([training], 6)
    assert json.loads(again.to_json())["method"]["recipe"]["trainings"] == [training]


SHALLOW = '''
"""An encoder of one layer whose weights lie beside its file."""
from pathlib import Path
from torch import nn
from vreid_bench import hookimpl

class Shallow(nn.Module):
    shipped = (Path(__file__).with_name("shallow.safetensors"),)

    def __init__(self, width=8):
        super().__init__()
        self.layer = nn.Conv2d(3, width, 4, 4)

    def forward(self, clips):
        return self.layer(clips.flatten(0, 1)).unflatten(0, clips.shape[:2])

@hookimpl
def vreid_encoders():
    return {"shallow": Shallow}
'''


def test_shipped_weights_that_are_gone_or_of_another_encoder_are_told(cli, tiny_mars, empty):
    file, weights = empty / "shallow.py", empty / "shallow.safetensors"
    file.write_text(SHALLOW)
    dry = ("run", "--plugin", file, "--data", tiny_mars, "--preset", "small", "--dry-run")
    refused = cli(*dry)
    assert refused.exit_code == 2
    assert f"its shipped weights {weights} cannot be read (No such file or directory)" in refused.stderr
    scratch = "encoder from random weights, as --from-scratch says; the method begins from shallow.safetensors"
    assert scratch in " ".join(cli(*dry, "--from-scratch").stdout.split())
    shutil.copy(ROOT / "plugins/vreid_plugins/weights/resnet-small.safetensors", weights)
    told = " ".join(cli(*dry).stdout.split())
    assert "first weights encoder from random weights, as shallow.safetensors is of resnet depth=8 " in told
    assert ", and this is shallow width=8 " in told
