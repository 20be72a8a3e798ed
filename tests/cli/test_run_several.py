"""Several seeds and several methods in one command."""

import json

import pytest
from short_run import SHORT, record_of

from vreid_bench.reporting.run_report import as_json


@pytest.fixture
def options(tiny_mars, tmp_path):
    return ("--data", tiny_mars, "--runs", tmp_path, *SHORT)


def test_seeds_and_plugins_run_one_after_another_and_end_in_one_table(cli, options, finished_run, tmp_path):
    command = ("run", "--plugin", "mean-pooling", "--plugin", "max", "--seeds", "0,1", *options)
    result = cli(*command, "--json")
    assert result.exit_code == 0, result.output
    reports = json.loads(result.stdout)
    records = [record_of(report) for report in reports]
    runs = [(record.method.name, record.seed) for record in records]
    assert runs == [("mean-pooling", 0), ("mean-pooling", 1), ("max", 0), ("max", 1)]
    assert reports[0]["run"] == str(finished_run)  # the first was finished before
    assert reports[2]["conventions"] == as_json(records[2])["conventions"]
    again = cli(*command)
    told = [line for line in again.stderr.splitlines() if line.startswith("run ")]
    assert told == [f"run {number} of 4: {name}, seed {seed}" for number, (name, seed) in enumerate(runs, 1)]
    assert "run 1 of 4" not in cli(*command, "-q").stderr
    table = again.stdout
    assert table.count("mars on synthetic data") == 1
    assert table.count("record: ") == 4
    assert "mean-pooling small seed 0, 1" in table


def test_one_seed_is_a_list_of_one(cli_json, options, finished_run):
    [report] = cli_json("run", "--plugin", "mean-pooling", "--seeds", "0", *options)
    assert report["run"] == str(finished_run)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--seed", "1", "--seeds", "0-2"), "--seed 1 and --seeds 0-2: expected one of them; leave --seed out"),
        (("--seeds", "two"), "--seeds 'two': 'two' is not a number or a range"),
        (("--plugin", "mean-poling"), "did you mean mean-pooling"),  # before the first of the two runs
    ],
)
def test_a_mistake_is_told_before_the_first_run(cli, tmp_path, arguments, message):
    options = ("--preset", "small", "--runs", tmp_path / "runs", "--data", tmp_path)
    result = cli("run", "--plugin", "mean-pooling", *options, *arguments)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1), result.output
    assert message in result.stderr
    assert not (tmp_path / "runs").exists()
