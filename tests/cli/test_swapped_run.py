"""Runs with parts swapped by `--set`: what the record says, and the same recipe again with `--from`."""

import pytest
from short_run import OVERRIDES, SHORT, record_of


@pytest.fixture
def swapped(tiny_mars, tmp_path, cli_json):
    """What a run prints in which the aggregator was swapped and the augmentations left out."""
    command = ("run", "--plugin", "mean-pooling", "--data", tiny_mars, "--runs", tmp_path, *SHORT)
    return cli_json(*command, "--set", "aggregator=max", "--set", "stages.0.augment=[]", "--set", "size=32x16")


def test_a_swapped_part_is_marked_in_the_record_and_tested_again(
    swapped, tiny_mars, tmp_path, cli_json, cli, monkeypatch
):
    record = record_of(swapped)
    assert record.method.overrides == {**OVERRIDES, "aggregator": "max", "stages.0.augment": []}
    assert record.method.modified
    assert record.method.swapped is None
    assert record.method.recipe["aggregator"] == {"name": "max", "options": {}}
    assert ("aggregator", "max") in {(each.kind, each.name) for each in record.method.providers}
    again = cli_json("run", "--from", swapped["run"], "--data", tiny_mars, "--runs", tmp_path)
    assert again["conventions"] == swapped["conventions"]
    monkeypatch.setenv("COLUMNS", "300")
    shown = cli("runs", "--runs", tmp_path).stdout
    assert 'aggregator="max"' in shown
    assert "stages.0.augment=[]" in shown


def test_a_swapped_part_is_the_part_that_runs(tiny_mars, tmp_path, swapped, cli_json):
    """`--plugin max` puts it into the same recipe, by another way."""
    command = ("run", "--plugin", "max", "--data", tiny_mars, "--runs", tmp_path / "other", *SHORT)
    assert cli_json(*command, "--set", "stages.0.augment=[]")["conventions"] == swapped["conventions"]
