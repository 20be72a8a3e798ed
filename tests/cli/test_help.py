"""Every command and subcommand: its line in the list of commands, and its options."""

import re
import runpy
import sys
import textwrap

import click
import pytest

from vreid_bench.boards.board_file import read_boards
from vreid_bench.cli.main import main


def walk(group, path=()):
    """Every command under a group, with the words that call it."""
    for name, command in group.commands.items():
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from walk(command, (*path, name))


COMMANDS = dict(walk(main))
GROUPS = [(), *(path for path, command in COMMANDS.items() if isinstance(command, click.Group))]


@pytest.mark.parametrize("path", GROUPS, ids=" ".join)
def test_every_summary_is_whole_in_a_terminal_of_80_columns(cli, path):
    shown = cli(*path, "--help").stdout.partition("\nCommands:\n")[2]
    listed = dict(re.findall(r"^  (\S+)  +(.+)$", shown, re.MULTILINE))
    assert listed.keys() == {each[-1] for each in COMMANDS if each[:-1] == path}
    for name, summary in listed.items():
        assert summary.endswith("."), f"{name}: {summary}"
        assert not summary.endswith(("..", "…")), f"{name}: {summary}"


def test_the_package_is_the_command_as_well(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["vreid-bench", "--help"])
    with pytest.raises(SystemExit, match="0"):
        runpy.run_module("vreid_bench", run_name="__main__")
    assert "Benchmark video person re-identification." in capsys.readouterr().out


def test_the_board_that_help_shows_is_one(cli, tmp_path):
    shown = cli("leaderboard", "fill", "--help").stdout
    path = tmp_path / "mine.toml"
    path.write_text(textwrap.dedent(re.search(r"^ +says = .*?(?=\n\n)", shown, re.MULTILINE | re.DOTALL)[0]))
    [first, *others] = read_boards(tmp_path, [str(path)])
    assert (first.protocol, first.method, first.settings) == ("mars", "mean-pooling", ("test.clips=2",))
    assert len(others) == 5


def test_every_command_that_shows_a_bar_can_be_quiet():
    quiet = {path for path, command in COMMANDS.items() if any("--quiet" in each.opts for each in command.params)}
    assert quiet == {
        *((name,) for name in ("run", "pretrain", "report", "reproduce", "inspect", "visibility", "score", "export")),
        *(("data", name) for name in ("synthesize", "verify", "from-tracks")),
        *(("gallery", name) for name in ("write", "verify")),
        ("leaderboard", "fill"),
    }
    assert all("-q" in each.opts for path in quiet for each in COMMANDS[path].params if "--quiet" in each.opts)


@pytest.mark.slow
def test_data_is_rendered_and_checked_without_a_bar(cli, tmp_path):
    def render(name, *more):
        return cli("data", "synthesize", tmp_path / name, "--layout", "prid2011", "--ids", 2, "--size", "16x8", *more)

    def verify(*more):
        return cli("data", "verify", "prid2011", "--data", tmp_path / "shown", *more)

    assert "prid2011" in render("shown").stderr
    assert render("hidden", "-q").stderr == ""
    assert "frames listed" in verify().stderr
    assert verify("--quiet").stderr == ""
