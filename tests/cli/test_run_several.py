"""Several seeds and several methods in one command."""

import json
from pathlib import Path

import pytest
from short_run import SHORT, record_of

from vreid_bench.records.run_directory import RunDirectory
from vreid_bench.reporting.queried_people import read_people
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
    people = read_people([(RunDirectory(Path(reports[2]["run"])), records[2])])
    assert reports[2]["conventions"] == as_json(records[2], people)["conventions"]
    again = cli(*command)
    told = [line for line in again.stderr.splitlines() if line.startswith("run ")]
    assert told == [f"run {number} of 4: {name}, seed {seed}" for number, (name, seed) in enumerate(runs, 1)]
    assert "run 1 of 4" not in cli(*command, "-q").stderr
    table = again.stdout
    assert table.count("mars on synthetic data") == 1
    assert table.count("record: ") == 4
    assert "mean-pooling small seed 0, 1" in table


def test_equal_values_of_a_sweep_are_one_run(cli, options, tmp_path):
    result = cli("run", "--plugin", "mean-pooling", "--sweep", "rate=0.001,1e-3", *options)
    assert result.exit_code == 0, result.output
    assert result.stdout.count("record: ") == 1
    assert "±" not in result.stdout


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


BROKEN = '''
"""The aggregator `fragile`."""

from torch import nn
from vreid_bench import hookimpl


class Fragile(nn.Module):
    def __init__(self, shape, pool: str = "gem"):
        super().__init__()
        self.pool, self.calls = pool, 0

    def forward(self, maps):
        self.calls += 1
        if self.pool == "mean" and self.calls > 4:
            raise ValueError("no mean today")
        return maps.mean((1, 3, 4))


@hookimpl
def vreid_aggregators():
    return {"fragile": Fragile}
'''


def test_where_one_of_several_runs_fails_it_is_named_and_the_finished_ones_are_printed(cli, options, tmp_path):
    file = tmp_path / "fragile.py"
    file.write_text(BROKEN)
    command = ("run", "--plugin", file, "--sweep", "pool=gem,mean,max", *options)
    result = cli(*command)
    assert result.exit_code == 2, result.output
    assert result.stdout.count("record: ") == 1
    assert "fragile small" in result.stdout
    error = result.stderr.splitlines()[-1]
    assert error.startswith("error: pool=mean: aggregator 'fragile' of "), error
    assert "no mean today" in error
    again = cli(*command, "--json")  # which shows the first, and goes on with the second
    assert (again.exit_code, len(json.loads(again.stdout))) == (2, 1)
    assert "its result is shown again" in again.stderr


def test_an_error_before_the_first_run_names_the_run_as_well(cli, tmp_path):
    file = tmp_path / "fragile.py"
    refused = 'if pool == "mean":\n            raise InputError("fragile: no mean")\n        self.pool'
    file.write_text(BROKEN.replace("self.pool", refused, 1).replace("import hookimpl", "import InputError, hookimpl"))
    command = ("run", "--plugin", file, "--protocol", "mars", "--preset", "small", "--runs", tmp_path)
    result = cli(*command, "--sweep", "pool=gem,mean")
    assert (result.exit_code, result.stderr) == (2, "error: pool=mean: fragile: no mean\n")
    result = cli(*command, "--set", "pool=mean")
    assert (result.exit_code, result.stderr) == (2, "error: fragile: no mean\n")
    result = cli(*command, "--sweep", "P=2,4", "--sweep", "power=1,2")
    assert result.stderr.startswith("error: --sweep: the recipe has no setting 'power'; did you mean ")


def test_a_name_in_capital_letters_is_near(cli):
    result = cli("run", "--plugin", "mean-pooling", "--protocol", "MARS")
    assert result.exit_code == 2
    assert "did you mean mars" in result.stderr
