"""The same command once more: a finished run is shown, run anew beside it, or continued where it was interrupted."""

import json
import re
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from edited_run import allow_edits
from safetensors.numpy import load_file
from short_run import SHORT

from vreid_bench.records.record import Record
from vreid_bench.system.meter import read_costs


@pytest.fixture
def mean_pooling(tiny_mars, tmp_path):
    return ("run", "--plugin", "mean-pooling", "--data", tiny_mars, "--runs", tmp_path, *SHORT)


def test_a_finished_run_is_shown_with_the_date_of_its_record(cli, finished_run, mean_pooling):
    record = json.loads((finished_run / "record.json").read_text())
    record["created"] = "2031-02-03T14:02:59Z"
    (finished_run / "record.json").write_bytes(Record.of(record).to_json())
    allow_edits(finished_run)
    shown = cli(*mean_pooling)
    assert shown.exit_code == 0
    assert f"{finished_run}: finished on 2031-02-03 14:02 UTC; its result is shown again; --anew" in shown.stderr


def test_queries_that_do_not_count_are_told_under_the_table(cli, finished_run, mean_pooling):
    """As many as have no score there; a finished run tells it when it is shown again, too."""
    arrays = np.load(finished_run / "per_query.npz")
    missing = {name: int(np.isnan(arrays[f"{name}.ap"]).sum()) for name in ("queries-in-gallery", "torchreid")}
    assert missing["torchreid"] > missing["queries-in-gallery"] == 0
    lines = cli(*mean_pooling).stdout.splitlines()
    number = f"{missing['torchreid']} of {len(arrays['query'])}"
    assert lines[-2] == f"note: {number} queries have no match under torchreid, and do not count"
    assert "have no match" not in cli(*mean_pooling, "--json").stdout


def test_anew_trains_and_embeds_again_in_a_folder_beside(cli, cli_json, finished_run, mean_pooling):
    original = (finished_run / "record.json").read_bytes()
    second, third = (cli(*mean_pooling, "--anew", "--json") for _ in range(2))
    folders = [Path(json.loads(result.stdout)["run"]) for result in (second, third)]
    assert folders == [finished_run.with_name(f"{finished_run.name}-{number}") for number in (2, 3)]
    for result, folder in zip((second, third), folders, strict=True):
        assert "already trained" not in result.stderr
        assert "stage 1 of 1" in result.stderr  # the bar of training
        assert "embed" in result.stderr
        assert read_costs(folder / "costs.json")["train"] != read_costs(finished_run / "costs.json")["train"]
    one, two = (load_file(folder / "weights.safetensors") for folder in (finished_run, folders[0]))
    assert all((one[name] == two[name]).all() for name in one)
    assert (finished_run / "record.json").read_bytes() == original
    assert cli_json(*mean_pooling)["run"] == str(finished_run)  # without --anew: the first


def test_an_unfinished_anew_run_goes_on_when_it_is_repeated(cli, cli_json, finished_run, mean_pooling):
    folder = Path(cli_json(*mean_pooling, "--anew")["run"])
    (folder / "record.json").unlink()
    weights = (folder / "weights.safetensors").stat().st_mtime_ns
    again = cli(*mean_pooling, "--anew", "--json")
    assert json.loads(again.stdout)["run"] == str(folder)
    assert f"{folder}: goes on at the scores\n" in again.stderr
    assert "INFO goes on at the scores\n" in (folder / "run.log").read_text()
    assert (folder / "weights.safetensors").stat().st_mtime_ns == weights


def test_a_resumed_run_says_where_it_goes_on(cli, fork, mean_pooling, tmp_path):
    """Its step is that of the first line of the bar, which the training loop writes."""
    steps = ("--set", "stages.0.steps=60", "--set", "stages.0.P=2")
    process = fork(*mean_pooling, *steps, "--checkpoint-every", "0", cwd=tmp_path)
    while not list(tmp_path.glob("mars@*/checkpoint.safetensors")) and process.poll() is None:
        time.sleep(0.005)
    process.kill()
    process.communicate()
    [folder] = tmp_path.glob("mars@*")
    resumed = cli(*mean_pooling, *steps)
    assert resumed.exit_code == 0, resumed.output
    found = re.search(rf"{re.escape(str(folder))}: goes on at stage 1, step (\d+)\n", resumed.stderr)
    assert f"stage 1 of 1: {found[1]} of 60, " in resumed.stderr
    (folder / "record.json").unlink()
    (folder / "features.safetensors").unlink()
    assert f"{folder}: goes on at the test\n" in cli(*mean_pooling, *steps).stderr
    assert "goes on" not in cli(*mean_pooling, *steps).stderr


def test_a_resumed_run_of_many_splits_names_the_split(cli, tiny_ilids, tmp_path):
    command = ("run", "--plugin", "mean-pooling", "--protocol", "ilids-vid", "--data", tiny_ilids, "--splits", "0-1")
    command += ("--runs", tmp_path, *SHORT)
    assert cli(*command).exit_code == 0
    [folder] = tmp_path.glob("ilids-vid@*")
    (folder / "record.json").unlink()
    shutil.rmtree(folder / "split-1")
    resumed = cli(*command)
    assert f"{folder}: goes on at split 1\n" in resumed.stderr, resumed.output
