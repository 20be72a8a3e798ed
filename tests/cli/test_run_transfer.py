"""Training on one data set and testing on another: once for all targets, fine-tuned, interrupted, and refused."""

import re
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from short_run import SHORT, record_of

from vreid_bench.records.record import record_path
from vreid_bench.system.environment import cores


@pytest.fixture
def shelf(tiny_mars, tiny_ilids, tmp_path):
    """A folder with a data set of each name."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    (folder / "mars").symlink_to(tiny_mars)
    (folder / "ilids-vid").symlink_to(tiny_ilids)
    return folder


@pytest.fixture
def arguments(shelf, tmp_path):
    """Arguments of a short run under a protocol over one data set or several."""

    def call(name, *options):
        data = shelf if "-to-" in name else shelf / name.removesuffix("-dev").removesuffix("-dapeng")
        plugin = () if "--from" in options else ("--plugin", "mean-pooling", *SHORT)
        return ("run", *plugin, "--protocol", name, "--data", data, "--runs", tmp_path, *options)

    return call


@pytest.fixture
def mars(finished_run, arguments, cli_json):
    """What the run on MARS alone prints, which is finished already."""
    return cli_json(*arguments("mars"))


def test_what_was_trained_once_is_tested_on_every_target(cli, cli_json, mars, arguments):
    result = cli(*arguments("mars-to-ilids-vid"))
    assert "already trained: the weights are copied from" in result.stderr
    report = cli_json(*arguments("mars-to-ilids-vid"))
    record = record_of(report)
    assert (record.splits.total, record.dataset.name, record.taught.name) == (10, "ilids-vid", "mars")
    assert record.dataset.counts["train_identities"] == 0
    assert record.taught.counts["train_identities"] == 10
    weights = {path.read_bytes() for path in Path(report["run"]).glob("split-*/weights.safetensors")}
    assert weights == {(Path(mars["run"]) / "weights.safetensors").read_bytes()}
    costs, once = record.costs.train, record_of(mars).costs.train  # one training, counted once, up to its last stage
    assert costs.frames == once.frames
    assert 0.5 * once.cpu_seconds < costs.cpu_seconds <= once.cpu_seconds
    evaluated = cli_json(*arguments("mars-to-ilids-vid", "--from", mars["run"]))
    assert evaluated["conventions"] == report["conventions"]
    other = record_of(evaluated)
    assert other.weights.origin == "record"
    assert record_path(other) != record_path(record)


def test_transfer_without_an_earlier_run_trains_once(cli_json, arguments):
    alone = cli_json(*arguments("mars-to-ilids-vid", "--splits", "0-2"))
    logs = [path.read_text() for path in sorted(Path(alone["run"]).glob("split-*/log.jsonl"))]
    assert len(logs) == 3
    assert len(set(logs)) == 1
    kept = {path.read_bytes() for path in Path(alone["run"]).glob("split-*/weights.safetensors")}
    assert len(kept) == 1
    whole = cli_json(*arguments("mars"))
    assert kept == {(Path(whole["run"]) / "weights.safetensors").read_bytes()}


def test_fine_tuning_goes_on_from_the_weights_of_the_first_lesson(cli_json, mars, arguments):
    tuned = cli_json(*arguments("mars-to-ilids-vid-fine-tuned", "--splits", "0-1"))
    start = load_file(Path(mars["run"]) / "weights.safetensors")
    ends = []
    for split in ("split-0", "split-1"):
        folder = Path(tuned["run"]) / split
        before = load_file(folder / "pretrained/weights.safetensors")
        assert all(np.array_equal(before[name], start[name]) for name in start)
        ends.append(load_file(folder / "weights.safetensors"))
    name = max(start, key=lambda n: start[n].size)
    moved = [np.abs(end[name] - start[name]).max() for end in ends]
    assert all(0 < step < 0.01 for step in moved)  # six steps at a tenth of the rate
    assert not np.array_equal(ends[0][name], ends[1][name])  # each on its own training half
    record = record_of(tuned)
    assert record.protocol.rules["fine_tune"] == 0.1
    assert record.costs.train.cpu_seconds > record_of(mars).costs.train.cpu_seconds


def test_an_interrupted_fine_tuning_ends_as_an_uninterrupted_one(fork, cli_json, arguments, tmp_path):
    # so many that a busy machine does not end the training before the signal comes
    steps = ("--set", "stages.0.steps=80", "--set", "stages.0.P=2", "--splits", "0-1")
    command = arguments("mars-to-ilids-vid-fine-tuned", *steps)
    process = fork(*command, "--quiet", "--checkpoint-every", "0", cwd=tmp_path)
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("mars-to-ilids-vid*@*/split-0/log.jsonl")) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    [folder] = tmp_path.glob("mars-to-ilids-vid*@*")
    pretrained = (folder / "split-0/pretrained/weights.safetensors").stat().st_mtime_ns
    assert not (folder / "split-0/weights.safetensors").exists()
    resumed = cli_json(*command)
    assert (folder / "split-0/pretrained/weights.safetensors").stat().st_mtime_ns == pretrained
    whole = cli_json(*command, "--runs", tmp_path / "whole")
    assert resumed["conventions"] == whole["conventions"]
    assert record_of(resumed).weights.sha256 == record_of(whole).weights.sha256
    assert not list(folder.rglob("checkpoint.safetensors"))


def test_another_training_is_not_taken_for_this_one(cli, mars, arguments):
    for change in (("--seed", "1"), ("--set", "margin=0.2"), ("--threads", cores() + 1)):
        assert "already trained" not in cli(*arguments("mars-to-ilids-vid", "--splits", "0", *change)).stderr, change
    # neither the clips of the test nor what is tested decides weights
    again = cli(*arguments("mars-to-ilids-vid", "--splits", "0", "--set", "test.clips=2"))
    assert "already trained" in again.stderr


@pytest.mark.parametrize(
    ("trained", "tested", "someone"),
    [("ilids-vid", "ilids-vid-dapeng", r"person\d{3}"), ("mars", "mars-dev", r"\d{4}")],
)
def test_weights_are_not_tested_on_people_whom_they_were_trained_on(cli, cli_json, arguments, trained, tested, someone):
    report = cli_json(*arguments(trained))
    refused = cli(*arguments(tested, "--from", report["run"]))
    assert refused.exit_code == 2
    assert f"{trained} trained on" in refused.stderr
    assert re.search(rf"of the people whom {tested} queries, such as {someone}, which", refused.stderr)


def test_a_shelf_without_a_data_set_is_told(cli, arguments, shelf):
    (shelf / "ilids-vid").unlink()
    refused = cli(*arguments("mars-to-ilids-vid"))
    assert refused.exit_code == 2
    assert f"--data {shelf}: has no folder ilids-vid" in refused.stderr


def test_rendered_and_real_data_are_not_mixed_and_the_way_out_gives_the_same_number(
    cli, cli_json, mars, arguments, shelf, tiny_ilids, tmp_path
):
    rendered = cli_json(*arguments("mars-to-ilids-vid", "--splits", "0-1"))
    (shelf / "ilids-vid").unlink()
    real = tmp_path / "real"
    real.mkdir()
    for path in tiny_ilids.iterdir():
        if path.name != "synthetic.json":
            (real / path.name).symlink_to(path)
    (shelf / "ilids-vid").symlink_to(real)
    refused = cli(*arguments("mars-to-ilids-vid"))
    assert refused.exit_code == 2
    assert "mars is synthetic and ilids-vid is unverified" in refused.stderr
    assert "`vreid-bench run --plugin METHOD --protocol mars --preset small`" in refused.stderr
    assert "`vreid-bench run --from runs/<id> --protocol ilids-vid --data DIR`" in refused.stderr
    tested = cli_json(*arguments("ilids-vid", "--from", mars["run"], "--splits", "0-1"))
    assert record_of(tested).dataset.source == "unverified"
    assert tested["conventions"] == rendered["conventions"]
    tuned = cli(*arguments("mars-to-ilids-vid-fine-tuned"))
    assert tuned.stderr.strip().endswith("both real or both synthetic: name a copy of mars that is real")


def test_transfer_is_compared_with_training_on_the_target(cli, cli_json, mars, arguments, tmp_path):
    here, there = (cli_json(*arguments(name, "--splits", "0-1")) for name in ("ilids-vid", "mars-to-ilids-vid"))
    runs = ("--runs", tmp_path)
    found = cli_json("compare", Path(here["run"]).name, Path(there["run"]).name, *runs)["conventions"][
        "one-camera-each"
    ]["mAP"]
    assert found["a"] == pytest.approx(here["conventions"]["one-camera-each"]["mAP"], abs=1e-12)
    assert found["b"] == pytest.approx(there["conventions"]["one-camera-each"]["mAP"], abs=1e-12)
    spoiled = cli_json(*arguments("mars-occlusion", "--data", tmp_path / "shelf/mars"))
    refused = cli("compare", Path(mars["run"]).name, Path(spoiled["run"]).name, *runs)
    assert refused.exit_code == 2
    assert "they differ in protocol" in refused.stderr


@pytest.mark.parametrize("matcher", ["xqda", "kissme"])
def test_a_fitted_matcher_is_fitted_again_after_fine_tuning(cli_json, arguments, matcher):
    """The first fit projects to fewer numbers, which the losses of the second training cannot learn from."""
    command = arguments("mars-to-ilids-vid-fine-tuned", "--splits", "0")
    report = cli_json(*[matcher if word == "mean-pooling" else word for word in command])
    first, second = (
        load_file(Path(report["run"]) / f"split-0/{place}weights.safetensors") for place in ("pretrained/", "")
    )
    fitted = [name for name in first if name.startswith("matcher.")]
    assert fitted
    assert all(not np.array_equal(first[name], second[name]) for name in fitted)
