"""The main job over several splits: all or some of them, interrupted, taken over, and tested again."""

import io
import json
import signal
import time
from pathlib import Path
from statistics import fmean, stdev

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.torch import load_file
from short_run import SHORT, record_of

from vreid_bench.records.record import record_path
from vreid_bench.records.tensors import pack_tensors
from vreid_bench.reporting.leaderboard import check, write_pages
from vreid_bench.reporting.record_folder import add_record


@pytest.fixture
def pooling(tiny_ilids, tmp_path):
    """Arguments of a run of seconds over as many splits as are asked for."""
    common = ("run", "--plugin", "mean-pooling", "--protocol", "ilids-vid")
    return (*common, "--data", tiny_ilids, "--runs", tmp_path, *SHORT)


def test_ten_splits_are_one_record_with_mean_deviation_and_each_split(cli_json, pooling):
    report = cli_json(*pooling)
    record, found = record_of(report), report["conventions"]["one-camera-each"]
    assert (record.splits.total, record.splits.ran) == (10, tuple(range(10)))
    assert report["splits"] == {"total": 10, "ran": list(range(10))}
    each = [split["R1"] for split in found["splits"]]
    assert len(each) == len(record.conventions["one-camera-each"].splits) == 10
    assert found["R1"] == pytest.approx(fmean(each))
    assert found["sd"]["R1"] == pytest.approx(stdev(each))
    assert found["queries"] == 50
    assert found["mINP"] == found["mAP"]  # one match per query
    settings = ("size=[32, 16]", "stages.0.K=2", "stages.0.P=4", "stages.0.steps=6")
    assert record.variant == (*settings, "test.clips=8", 'test.sampler="uniform"')
    assert record.protocol.rules["variant"] == "wang14"
    folders = sorted(path.name for path in Path(report["run"]).glob("split-*"))
    assert folders == sorted(f"split-{number}" for number in range(10))
    with np.load(io.BytesIO((Path(report["run"]) / "per_query.npz").read_bytes())) as arrays:
        assert np.unique(arrays["split"], return_counts=True)[1].tolist() == [5] * 10


def test_some_splits_say_so_in_record_name_and_table(cli, cli_json, pooling, tmp_path):
    report = cli_json(*pooling, "--splits", "1,3-4")
    record = record_of(report)
    assert record.splits.ran == (1, 3, 4)
    assert "3 of 10 splits (1,3-4)" in record.variant
    assert report["run"].endswith("-splits1,3-4")
    shown = cli(*pooling, "--splits", "3,1,4")  # the same splits in other words are the same run
    assert "its result is shown again" in shown.stderr
    assert "ilids-vid on synthetic data, 3 of 10 splits (1,3-4)" in shown.stdout
    assert "± splits" in shown.stdout
    with np.load(io.BytesIO((Path(report["run"]) / "per_query.npz").read_bytes())) as arrays:
        assert set(arrays["split"].tolist()) == {1, 3, 4}
    other = record_of(cli_json(*pooling, "--splits", "0"))
    assert record_path(other) != record_path(record)
    for run in (record, other):
        path = tmp_path / "one" / "record.json"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(run.to_json())
        add_record(path, tmp_path / "leaderboard")
    write_pages(tmp_path / "leaderboard")
    page = (tmp_path / "leaderboard" / "ilids-vid-synthetic.md").read_text()
    assert "mean over 3 of 10 splits (1,3-4), ranked by mAP" in page
    assert page.index("3 of 10 splits") < page.index("mean over 1 of 10 splits (0), ranked")
    assert check(tmp_path / "leaderboard") == []


def test_a_protocol_of_one_split_has_no_second(cli, tiny_mars, tmp_path):
    arguments = ("run", "--plugin", "mean-pooling", "--preset", "small", "--data", tiny_mars, "--runs", tmp_path)
    result = cli(*arguments, "--splits", "0-2")
    assert result.exit_code == 2
    assert "there is no split 2; this protocol has split 0 only" in result.stderr
    assert not list(tmp_path.iterdir())


def test_finished_splits_are_taken_over_by_a_run_of_more(cli_json, pooling, tmp_path):
    few = cli_json(*pooling, "--splits", "2-3")
    trained = Path(few["run"]) / "split-3"
    stage = trained / "stage-1.safetensors"
    with safe_open(stage, "np") as file:
        note = file.metadata()
    cost = json.loads(note["cost"]) | {"cpu_seconds": 12345.0}  # nobody measures that again
    stage.write_bytes(pack_tensors(load_file(stage), note | {"cost": json.dumps(cost)}))
    more = cli_json(*pooling, "--splits", "3-4")
    assert (Path(more["run"]) / "split-3/weights.safetensors").read_bytes() == (
        trained / "weights.safetensors"
    ).read_bytes()
    assert record_of(more).costs.train.cpu_seconds > 12345
    alone = cli_json(*pooling, "--splits", "3-4", "--runs", tmp_path / "elsewhere")
    assert alone["conventions"] == more["conventions"]
    assert record_of(alone).costs.train.cpu_seconds < 12345
    assert alone["conventions"]["one-camera-each"]["splits"][0] == few["conventions"]["one-camera-each"]["splits"][1]


def test_the_other_variant_trains_on_the_other_half(cli_json, pooling):
    dapeng = [*pooling, "--splits", "0", "--protocol", "ilids-vid-dapeng"]
    swapped, wang = record_of(cli_json(*dapeng)), record_of(cli_json(*pooling, "--splits", "0"))
    assert swapped.protocol.rules["variant"] == "dapeng"
    assert swapped.dataset.fingerprint != wang.dataset.fingerprint
    assert swapped.weights.sha256 != wang.weights.sha256


def test_weights_of_some_splits_are_tested_on_those(cli, cli_json, pooling, tiny_ilids, tmp_path):
    trained = cli_json(*pooling, "--splits", "0-1")
    options = ("run", "--from", trained["run"], "--protocol", "ilids-vid", "--data", tiny_ilids, "--runs", tmp_path)
    again = cli_json(*options, "--set", "test.clips=1")
    record = record_of(again)
    assert record.splits.ran == (0, 1)
    assert record.weights.origin == "record"
    assert not [word for word in record.variant if word.startswith("trained with") and "splits" in word]
    refused = cli(*options, "--splits", "1-2")
    assert refused.exit_code == 2
    assert "it has no weights for split 2; choose others with --splits" in refused.stderr


def test_an_interrupted_run_continues_in_the_split_it_was_in(fork, cli_json, pooling, tmp_path):
    steps = ("--set", "stages.0.steps=20", "--set", "stages.0.P=2", "--splits", "0-2")
    whole = cli_json(*pooling, *steps, "--runs", tmp_path / "whole")
    process = fork(*pooling, *steps, "--quiet", "--checkpoint-every", "0", cwd=tmp_path)
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("ilids-vid@*/split-1/log.jsonl")) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    [folder] = tmp_path.glob("ilids-vid@*")
    first = folder / "split-0/weights.safetensors"
    finished = first.stat().st_mtime_ns
    assert not (folder / "split-1/weights.safetensors").exists()
    assert not (folder / "split-2/log.jsonl").exists()
    resumed = cli_json(*pooling, *steps)
    assert first.stat().st_mtime_ns == finished
    assert resumed["conventions"] == whole["conventions"]
    assert record_of(resumed).weights.sha256 == record_of(whole).weights.sha256
