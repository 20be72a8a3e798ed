"""`vreid-bench methods show`: parts, settings with their meaning, reported numbers."""

import json

import pytest

from vreid_bench.registry.assignments import override
from vreid_bench.registry.registry import Registry


def test_a_method_shows_its_settings_its_parts_and_what_its_paper_reports(cli_json):
    shown = cli_json("methods", "show", "tacan")
    settings = {setting["path"]: setting for setting in shown["settings"]}
    assert settings["losses.triplet.margin"]["value"] == 0.3
    assert settings["losses.triplet.margin"]["meaning"].startswith('a number, or "soft"')
    assert settings["test.T"]["meaning"] == "frames per clip; 0 with the sampler `all`"
    parts = {part["path"]: part for part in shown["parts"]}
    assert parts["aggregator.inner"]["name"] == "temporal-attention"
    assert {"max", "average"} <= set(parts["aggregator"]["choices"])
    assert {"dataset": "mars", "metric": "R1", "value": 0.882} in [
        {name: number[name] for name in ("dataset", "metric", "value")} for number in shown["reported"]
    ]
    assert shown["protocols"] == ["mars", "ilids-vid", "prid2011", "duke-video"]  # Tables 1, 4 and 5
    assert "WACV 2020" in shown["paper"]


@pytest.mark.parametrize(("name", "kind"), [("max", "aggregator"), ("oim", "loss")])
def test_a_part_is_shown_in_the_recipe_that_runs_it(cli, cli_json, name, kind):
    shown = cli_json("methods", "show", name)
    assert (shown["name"], shown["swapped"], shown["paper"], shown["reported"]) == (name, kind, "", [])
    path = kind if kind == "aggregator" else f"losses.{name}"
    assert {part["path"]: part["name"] for part in shown["parts"]}[path] == name
    assert cli("methods", "show", name).stdout.startswith(f"mean-pooling with {kind} {name}, preset paper\n")


def test_what_a_file_provides_is_shown_in_the_recipe_that_runs_it(cli, cli_json, tmp_path):
    file = tmp_path / "calm.py"
    file.write_text(CALM)
    shown = cli_json("methods", "show", file)
    assert shown == cli_json("methods", "show", f"{file}:calm")
    assert "aggregator.heat" in json.dumps(shown)
    refused = cli("methods", "show", f"{file}:hot")
    assert refused.stderr == f"error: {file}: provides no 'hot'; it has calm\n"


def test_settings_are_shown_after_set(cli_json):
    shown = cli_json("methods", "show", "tacan", "--set", "size=32x16")
    assert {one["path"]: one["value"] for one in shown["settings"]}["size"] == [32, 16]


def test_an_empty_place_is_written_as_set_takes_it(cli):
    lines = [line.split() for line in cli("methods", "show", "mean-pooling").stdout.splitlines()]
    assert [line[1] for line in lines if line[:1] == ["stages.0.matcher"]] == ["null", "null"]


def test_the_preset_chooses_the_numbers(cli_json):
    sizes = {
        preset: next(
            s["value"]
            for s in cli_json("methods", "show", "tacan", "--preset", preset)["settings"]
            if s["path"] == "size"
        )
        for preset in ("paper", "small")
    }
    assert sizes == {"paper": [224, 112], "small": [64, 32]}


def test_what_is_shown_can_be_set(cli_json):
    """Every path is one that `--set` finds, and every value one that it accepts."""
    registry = Registry.installed()
    for name in ("personvlad", "clip-learned"):
        method = registry.resolve_method(registry.get("methods", name)("small"))
        for setting in cli_json("methods", "show", name, "--preset", "small")["settings"]:
            assert override(method, [f"{setting['path']}={json.dumps(setting['value'])}"], registry) == (method, {})


def test_the_text_fits_the_terminal_and_loses_no_word(cli, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    text = cli("methods", "show", "personvlad").stdout
    assert max(map(len, text.splitlines())) <= 100
    assert text.startswith("personvlad, preset paper\n")
    assert "part-pooling" in text
    assert "Table" in text
    monkeypatch.delenv("COLUMNS")
    assert "scale the features to unit length before Eq. 2" in cli("methods", "show", "personvlad").stdout


@pytest.mark.parametrize("command", [["methods", "show"], ["runs"], ["compare"], ["leaderboard", "add"]])
def test_help_shows_an_example(cli, command):
    words = " ".join(cli(*command, "--help").stdout.partition("\n")[2].split())
    assert f"vreid-bench {' '.join(command)}" in words


@pytest.mark.parametrize(("name", "near"), [("personvald", "personvlad"), ("takan", "tacan")])
def test_an_unknown_method_suggests_near_ones(cli, name, near):
    result = cli("methods", "show", name)
    assert (result.exit_code, f"did you mean {near}" in result.stderr) == (2, True)


def test_a_reported_number_is_shown_with_its_condition_and_its_settings(cli, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    rows = []
    for name in ("clip-top", "clip-top-corrupted"):
        rows += [" ".join(line.split()) for line in cli("methods", "show", name).stdout.splitlines()]
    assert "mars mAP 76.1 Table 2, topt-e, t = 60, M_c^max = 0" in rows
    assert "mars mAP 75.2 matcher.top=0.2 Table 2, topt-e, t = 20, M_c^max = 0" in rows
    assert any(row.startswith("mars-corruption mAP 47.9 up to 7 of 8 clips Table 2") for row in rows)
    assert any(row.startswith("mars-corruption mAP 49.3 up to 7 of 8 clips, matcher.top=0.2") for row in rows)


CALM = '''
"""The aggregator `calm`."""
from torch import nn
from vreid_bench import hookimpl

class Calm(nn.Module):
    """heat: how much more strong frames count."""

    def __init__(self, shape: tuple[int, int, int], heat: float = 1.0) -> None:
        super().__init__()

    def forward(self, maps):
        return maps.mean((1, 3, 4))

@hookimpl
def vreid_aggregators():
    return {"calm": Calm}
'''
