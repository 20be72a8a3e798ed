"""`--from`: only settings of the test can be set, and the data is the run's own."""

import json
import os
import shutil
from pathlib import Path

import pytest
from edited_run import allow_edits
from safetensors.torch import load_file
from short_run import SHORT, record_of

from vreid_bench.records.record import Record
from vreid_bench.records.tensors import pack_tensors
from vreid_bench.system.fingerprint import sha256


@pytest.fixture
def again(finished_run, tmp_path):
    """Arguments that test the weights of a finished run, without `--data`."""
    return ("run", "--from", finished_run, "--runs", tmp_path)


@pytest.mark.parametrize(
    ("setting", "path"),
    [
        ("rate=3", "rate"),
        ("stages.0.schedule.rate=3", "stages.0.schedule.rate"),
        ("margin=0.3", "margin"),  # the value that it has
        ("size=[64,32]", "size"),
        ("encoder.depth=18", "encoder.depth"),
    ],
)
def test_a_setting_of_training_is_refused_before_data_is_read(cli, again, tiny_mars, tmp_path, setting, path):
    (tmp_path / "broken").mkdir()  # no data set: reading it would be refused as well
    result = cli(*again, "--data", tmp_path / "broken", "--set", setting)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1), result.output
    assert f"--set {path}: decides how weights are trained" in result.stderr
    assert "expected one of matcher.metric, matcher.normalize, test.sampler, test.T" in result.stderr


def test_settings_of_test_and_matcher_are_recorded_beside_those_of_training(cli_json, again, finished_run):
    clips = cli_json(*again, "--set", "clips=2", "--set", "metric=cosine")  # `clips` is a name in training as well
    record = record_of(clips)
    assert record.method.overrides["test.clips"] == 2
    assert record.method.overrides["matcher.metric"] == "cosine"
    trained = set(record_of({"run": finished_run}).changes)
    assert set(record.changes) == trained - {"test.clips=8"} | {"test.clips=2", 'matcher.metric="cosine"'}
    third = record_of(cli_json("run", "--from", clips["run"], *again[3:], "--set", "test.clips=1"))
    # the weights were trained neither with two clips at test nor with the other metric
    assert set(third.weights.trained_as) == {change for change in trained if not change.startswith("test.")}
    assert "trained with test.clips=2" not in third.changes


def test_a_setting_that_the_run_has_already_is_told(cli, again, finished_run):
    assert "test.clips=8" in record_of({"run": finished_run}).changes
    first = cli(*again, "--set", "clips=8")
    assert first.exit_code == 0, first.output
    assert f"note: --set clips=8 changes nothing: {finished_run} was tested so\n" in first.stderr
    shown = cli(*again, "--set", "clips=8", "--set", 'test.padding="cycle"')
    assert 'note: --set clips=8 and --set test.padding="cycle" change nothing: ' in shown.stderr
    assert "finished on" in shown.stderr  # the same test, which is there already
    assert "nothing" not in cli(*again, "--set", "clips=2").stderr


def test_weights_trained_with_test_settings_name_only_those_of_training(cli_json, tiny_mars, tmp_path):
    options = ("--data", tiny_mars, "--runs", tmp_path)
    first = cli_json("run", "--plugin", "mean-pooling", *options, *SHORT, "--set", "test.clips=2")
    assert "test.clips=2" in record_of(first).changes
    again = record_of(cli_json("run", "--from", first["run"], *options, "--set", "test.clips=1"))
    assert "size=[32, 16]" in again.weights.trained_as
    assert not [words for words in again.weights.trained_as if words.startswith("test.")]


@pytest.fixture
def moved(tiny_mars, tmp_path, cli_json):
    """The folder of a run on a copy of the data that a test may change, and that copy."""
    root = tmp_path / "copy"
    shutil.copytree(tiny_mars, root, copy_function=os.link)
    report = cli_json("run", "--plugin", "mean-pooling", "--data", root, "--runs", tmp_path / "runs", *SHORT)
    return Path(report["run"]), root


def test_the_data_is_the_runs_own_whatever_else_is_named(cli, cli_json, moved, tmp_path, monkeypatch):
    run, root = moved
    assert json.loads((run / "data.json").read_text()) == {"mars": str(root)}
    assert str(root) not in (run / "record.json").read_text()
    monkeypatch.setenv("VREID_DATA", str(tmp_path / "elsewhere"))
    options = ("run", "--from", run, "--runs", tmp_path / "runs")
    assert record_of(cli_json(*options, "--set", "test.clips=1")).dataset == record_of({"run": run}).dataset
    root.rename(tmp_path / "new")
    gone = cli(*options, "--set", "test.clips=2")
    assert (gone.exit_code, f"{root}: the run used this copy of mars, which is gone" in gone.stderr) == (2, True)
    gone = cli("visibility", run, "--runs", tmp_path / "runs")
    assert (gone.exit_code, f"{root}: the run used this copy of mars, which is gone" in gone.stderr) == (2, True)
    found = cli("visibility", run, "--runs", tmp_path / "runs", "--data", tmp_path / "new")
    assert "mean-pooling weighs neither frames nor clips" in found.stderr  # which is said of data that was read
    found = cli_json(*options, "--set", "test.clips=2", "--data", tmp_path / "new")
    assert json.loads(Path(found["run"], "data.json").read_text()) == {"mars": str(tmp_path / "new")}


@pytest.mark.parametrize(
    "command",
    [("score", "--features"), ("conventions", "diff"), ("compare", "RUN"), ("leaderboard", "--dir", "BOARD", "add")],
)
def test_other_commands_on_a_run_need_only_its_folder(cli, finished_run, tmp_path, monkeypatch, command):
    (finished_run / "data.json").write_text(json.dumps({"mars": "/nowhere"}))
    monkeypatch.setenv("VREID_DATA", "/nowhere/else")
    words = {"RUN": finished_run, "BOARD": tmp_path / "board"}
    result = cli(*(words.get(word, word) for word in command), finished_run)
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("command", ["run", "visibility"])
def test_data_that_changed_since_is_refused_before_it_is_embedded(cli, moved, tmp_path, command):
    run, root = moved
    before = sha256((run / "record.json").read_bytes())
    names = (root / "info/test_name.txt").read_text().splitlines()
    frame = root / "bbox_test" / names[0][:4] / names[0]
    new = frame.name.replace("F001", "F999")
    frame.rename(frame.with_name(new))
    (root / "info/test_name.txt").unlink()  # a link to that of tiny_mars
    (root / "info/test_name.txt").write_text("\n".join([new, *names[1:]]) + "\n")
    options = ("--from", run, "--set", "test.clips=1") if command == "run" else (run,)
    result = cli(command, *options, "--runs", tmp_path / "runs")
    assert result.exit_code == 2, result.output
    assert f"{root}: differs from the mars data that {run} used" in result.stderr
    assert sha256((run / "record.json").read_bytes()) == before


@pytest.mark.parametrize("command", ["run", "inspect"])
def test_pictures_that_were_replaced_since_are_refused(cli, moved, tmp_path, command):
    run, root = moved
    first, second = sorted((root / "bbox_test").rglob("*.jpg"))[:2]
    first.unlink()  # a link to that of tiny_mars
    shutil.copy(second, first)
    inspection = (run, "--what", "pixels", "--query", "0", "--out", tmp_path / "out.npz")
    options = ("--from", run, "--set", "test.clips=1") if command == "run" else inspection
    result = cli(command, *options, "--runs", tmp_path / "runs")
    assert result.exit_code == 2, result.output
    assert f"{root}: has other pictures than the mars data that {run} used; restore that data" in result.stderr
    assert not (tmp_path / "out.npz").exists()


def test_the_protocol_is_the_runs_own_unless_another_is_named(cli_json, again):
    spoiled = cli_json(*again, "--protocol", "mars-occlusion")["run"]
    found = cli_json("run", "--from", spoiled, *again[3:], "--set", "test.clips=1")
    assert record_of(found).protocol.name == "mars-occlusion"


def test_code_that_changed_since_is_told(cli, again, finished_run):
    record = json.loads((finished_run / "record.json").read_text())
    [aggregator] = [each for each in record["method"]["providers"] if each["kind"] == "aggregator"]
    aggregator["code"] = "0" * len(aggregator["code"])
    (finished_run / "record.json").write_bytes(Record.of(record).to_json())
    allow_edits(finished_run)
    result = cli(*again, "--set", "test.clips=1")
    assert f"note: {finished_run} ran with other code of aggregator {aggregator['name']}" in result.stderr


def test_a_run_whose_recipe_has_changed_since_is_refused(cli, again, finished_run, tiny_mars):
    """As after an update of the plugin: its weights are not those of the method as it is now."""
    record = json.loads((finished_run / "record.json").read_text())
    record["method"]["recipe"]["test"]["T"] += 1
    (finished_run / "record.json").write_bytes(Record.of(record).to_json())
    allow_edits(finished_run)
    result = cli(*again, "--data", tiny_mars)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1), result.output
    assert "the recipe of 'mean-pooling' has changed since that run; train it anew" in result.stderr


def test_weights_of_other_layers_are_refused_and_leave_no_run(cli, again, finished_run, tmp_path):
    file = finished_run / "weights.safetensors"
    weights = load_file(file)
    name = next(name for name in weights if name.startswith("encoder."))
    renamed = {f"{key}.old" if key == name else key: value for key, value in weights.items()}
    file.write_bytes(pack_tensors(renamed, {}))
    record = json.loads((finished_run / "record.json").read_text())
    record["weights"]["sha256"] = sha256(file.read_bytes())
    (finished_run / "record.json").write_bytes(Record.of(record).to_json())
    allow_edits(finished_run)
    before = set(tmp_path.iterdir())
    result = cli(*again, "--set", "test.clips=1", "-q")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1), result.output
    assert (
        f"{file}: the weights do not fit the method's network, which now has other layers in encoder" in result.stderr
    )
    assert set(tmp_path.iterdir()) == before


def test_visibility_refuses_before_it_embeds(cli, finished_run, tiny_ilids, tmp_path, monkeypatch):
    monkeypatch.setattr("vreid_bench.evaluation.trained_model.embed", None)  # a call would fail otherwise
    elsewhere = ("--protocol", "ilids-vid", "--data", tiny_ilids)
    for more, words in (
        ((), "mean-pooling weighs neither frames nor clips; name a run of a method with attention"),
        (elsewhere, "ilids-vid has no visibility of persons"),
    ):
        result = cli("visibility", finished_run, "--runs", tmp_path, "-q", *more)
        assert (result.exit_code, result.stderr.count("\n")) == (2, 1), result.output
        assert words in result.stderr
