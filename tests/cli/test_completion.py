"""What a shell offers for a word that is typed in part."""

import re

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner
from places import ROOT

from vreid_bench.cli.main import main
from vreid_bench.registry.registry import Registry
from vreid_bench.system.errors import InputError


def offered(*words):
    """What is offered for the last of the words."""
    shell = ShellComplete(main, {}, "vreid-bench", "_VREID_BENCH_COMPLETE")
    return [item.value for item in shell.get_completions(list(words[:-1]), words[-1])]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("li",), ["list"]),
        (("list", "me"), ["methods"]),
        (("list", "a"), ["aggregators", "augmentations"]),
        (("run", "--plugin", "personvlad-o"), ["personvlad-oim10", "personvlad-oim100", "personvlad-oim1000"]),
        (("run", "--plugin", "part"), ["part-pooling"]),
        (("run", "--protocol", "mars-corruption-m"), ["mars-corruption-mild", "mars-corruption-mild-query"]),
        (("protocols", "show", "ilids-vid-d"), ["ilids-vid-dapeng"]),
        (("methods", "show", "tacan-s"), ["tacan-senet"]),
        (("data", "verify", "mars"), ["mars", "mars-motion"]),
        (("data", "synthesize", "--layout", "pri"), ["prid2011"]),
        (("pretrain", "tacan-s"), ["tacan-senet"]),
        (("score", "--matcher", "k"), ["kissme"]),
        (("score", "--rerank", "z"), ["zhong"]),
        (("score", "--convention", "tor"), ["torchreid"]),
        (("score", "--metric", ""), ["cosine", "euclidean", "sqeuclidean"]),
        (("score", "--metric", "sq"), ["sqeuclidean"]),
        (("run", "--preset", "p"), ["paper"]),
        (("visibility", "--device", "cu"), ["cuda"]),
        (("methods", "show", "tacan", "--preset", ""), ["paper", "small"]),
        (("inspect", "RUN", "--what", "part"), ["part-maps"]),
        (("inspect", "RUN", "--what", "l"), ["list"]),
        (("run", "--plugin", "nothing-like-it"), []),
        (("run", "--val"), ["--validate"]),
    ],
)
def test_names_are_completed(words, expected):
    assert offered(*words) == expected


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Finished runs in `runs` and in `more`, an unfinished one, and a hidden folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("runs/mars@synthetic-ica-1", "runs/mars@synthetic-tacan-2", "runs/.hidden", "more/prid2011-3"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "record.json").touch()
    (tmp_path / "runs/mars@synthetic-max-4").mkdir()


@pytest.mark.parametrize(
    "command",
    [
        ("run", "--from"),
        ("compare",),
        ("compare", "mars@synthetic-ica-1"),
        ("compare", "mars@synthetic-ica-1", "--with"),
        ("conventions", "diff"),
        ("visibility",),
    ],
)
def test_ids_of_finished_runs_are_completed(folder, command):
    """And files, which is what the word itself stands for: the shell adds them."""
    assert offered(*command, "mars") == ["mars", "mars@synthetic-ica-1", "mars@synthetic-tacan-2"]
    assert offered(*command, "mars@synthetic-t") == ["mars@synthetic-t", "mars@synthetic-tacan-2"]
    head = command[:2] if command[0] == "conventions" else command[:1]
    assert offered(*head, "--runs", "more", *command[len(head) :], "p") == ["p", "prid2011-3"]
    assert offered(*head, "--runs", "nowhere", *command[len(head) :], "p") == ["p"]


def test_a_broken_plugin_offers_nothing_and_prints_nothing(monkeypatch, capsys):
    def fail():
        raise InputError("broken")

    monkeypatch.setattr(Registry, "installed", fail)
    assert offered("list", "me") == ["methods"]
    assert offered("run", "--plugin", "ta") == []
    assert capsys.readouterr() == ("", "")


def test_help_shows_the_options_as_before(cli):
    assert "--plugin NAME" in cli("run", "--help").stdout
    assert "list [OPTIONS] [KIND]" in cli("list", "--help").stdout


def test_the_docs_turn_it_on_for_each_shell():
    lines = re.findall(r"(_VREID_BENCH_COMPLETE)=(\w+)_source vreid-bench", (ROOT / "docs/running.md").read_text())
    assert [shell for _, shell in lines] == ["bash", "zsh", "fish"]
    for variable, shell in lines:
        script = CliRunner().invoke(main, env={variable: f"{shell}_source"}, prog_name="vreid-bench").stdout
        assert f"{variable}={shell}_complete" in script
