"""Runs of methods with equal first stages: these are trained once, and the numbers are those of a run on its own."""

import json
from pathlib import Path

import pytest
from safetensors.numpy import load_file
from short_run import record_of, with_settings

from vreid_bench.system.meter import read_costs

SMALL = with_settings(
    {"size": [32, 16], "stages.0.steps": 4, "stages.0.P": 2, "stages.0.K": 2, "test.clips": 2, "stages.0.clipping.T": 2}
)
SECOND = with_settings({"stages.1.steps": 4, "stages.1.P": 2, "stages.1.K": 2, "stages.1.clipping.clips": 2})


@pytest.fixture
def run(cli, tiny_mars, tmp_path, monkeypatch):
    """Run a method of clip similarity; returns the reports of its runs and what was told."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments, second=True):
        command = ("run", *arguments, "--protocol", "mars", "--data", tiny_mars, "--preset", "small", "--json")
        result = cli(*command, *SMALL, *(SECOND if second else ()))
        assert result.exit_code == 0, result.output
        reports = json.loads(result.stdout)
        return reports if isinstance(reports, list) else [reports], result.stderr

    return call


def network(report):
    weights = load_file(Path(report["run"]) / "weights.safetensors")
    return {name: value.tobytes() for name, value in weights.items() if not name.startswith("matcher.")}


def test_one_network_serves_the_methods_of_a_table_and_changes_no_number(run):
    [average], told = run("--plugin", "clip-average", second=False)
    assert "already trained" not in told
    [learned], told = run("--plugin", "clip-learned")
    assert "stage 1 of 2 is already trained: it is copied from " in told
    assert "stage 2 of 2" in told
    assert "stage 1 of 2:" not in told  # the bar of its training
    assert network(learned) == network(average)
    [alone], told = run("--plugin", "clip-learned", "--runs", "elsewhere")
    assert "stage 1 of 2:" in told
    assert alone["conventions"] == learned["conventions"]
    assert record_of(alone).weights.sha256 == record_of(learned).weights.sha256
    # what the first stage had cost is a part of what this run costs
    costs = [read_costs(Path(report["run"]) / "costs.json")["train"] for report in (average, learned, alone)]
    assert costs[0]["frames"] < costs[1]["frames"] == costs[2]["frames"]
    logs = [(Path(report["run"]) / "log.jsonl").read_text() for report in (learned, alone)]
    assert logs[0] == logs[1]


def test_a_sweep_makes_every_column_of_a_table_from_one_network(run):
    values = ("--sweep", "stages.1.corruption.most=0-2", "--sweep", "matcher.top=0.5,1.0")
    reports, told = run("--plugin", "clip-top-corrupted", *values)
    assert len({report["run"] for report in reports}) == 6
    first, _, others = told.partition("run 2 of 6")
    assert "stage 1 of 2:" in first
    assert "stage 1 of 2:" not in others
    assert told.count("stage 1 of 2 is already trained") == 5
    assert "run 6 of 6: clip-top-corrupted" in told
    assert "stages.1.corruption.most=2, matcher.top=1.0" in told
    assert len({str(network(report)) for report in reports}) == 1
    changed = [record_of(report).method.overrides for report in reports]
    assert [(each["stages.1.corruption.most"], each["matcher.top"]) for each in changed] == [
        (most, top) for most in (0, 1, 2) for top in (0.5, 1.0)
    ]
    spoiled = [record_of(report).disclosure.corruption_in_training for report in reports]
    assert spoiled[:2] == [None, None]
    assert spoiled[-1].startswith("up to 2 clips of a tracklet: low-resolution of strength 5")


@pytest.mark.parametrize("sweep", ["matcher.top", "=1,2", "matcher.top=", "matcher.top=0.1,,0.2"])
def test_a_sweep_that_cannot_be_read_is_refused(cli, sweep):
    result = cli("run", "--plugin", "clip-top", "--sweep", sweep)
    assert result.exit_code == 2
    assert f"--sweep {sweep}: expected a setting and its values, as in test.clips=1,4,8" in result.stderr


def test_each_value_of_a_sweep_may_be_a_list(cli, tiny_mars):
    command = ("run", "--plugin", "mean-pooling", "--protocol", "mars", "--data", tiny_mars, "--preset", "small")
    outlines = cli(*command, "--dry-run", "--json", "--sweep", "size=[64,32],[32,16]")
    assert [each["size"] for each in json.loads(outlines.stdout)] == [[64, 32], [32, 16]]
