"""An exception that nobody expected: one sentence and no traceback, from every command."""

import click
import pytest

from vreid_bench.cli.main import main


def list_commands(group, path=()):
    """The path of every command that can be called."""
    for name, command in group.commands.items():
        if not isinstance(command, click.Group) or command.invoke_without_command:
            yield (*path, name)
        if isinstance(command, click.Group):
            yield from list_commands(command, (*path, name))


@pytest.fixture
def broken(cli, monkeypatch):
    """Call a command whose code fails, without its options."""

    def fail():
        raise KeyError("cmc\nor another")

    def call(path):
        command = main
        for name in path:
            command = command.commands[name]
        monkeypatch.setattr(command, "callback", fail)
        monkeypatch.setattr(command, "params", [])
        return cli(*path)

    return call


@pytest.mark.parametrize("path", list(list_commands(main)), ids=" ".join)
def test_it_is_one_sentence(broken, path):
    result = broken(path)
    assert (result.exit_code, type(result.exception)) == (1, SystemExit)
    assert result.stderr == "failed: KeyError: 'cmc\\nor another'; VREID_TRACEBACK=1 shows where\n"


def test_a_variable_asks_for_the_traceback(broken, monkeypatch):
    monkeypatch.setenv("VREID_TRACEBACK", "1")
    assert isinstance(broken(("list",)).exception, KeyError)


@pytest.mark.parametrize(("arguments", "code"), [(("runs", "--nothing"), 2), (("runs", "--help"), 0)])
def test_what_click_says_itself_stays(cli, arguments, code):
    result = cli(*arguments)
    assert result.exit_code == code
    assert "VREID_TRACEBACK" not in result.output


def test_a_name_that_is_not_utf8_is_a_mistake_in_the_data(cli, monkeypatch):
    def fail():
        "one/a.jpg\nsecond/caf\udce9.jpg\nthird/b.jpg".encode()

    monkeypatch.setattr(main.commands["list"], "callback", fail)
    monkeypatch.setattr(main.commands["list"], "params", [])
    result = cli("list")
    expected = "error: second/caf\\udce9.jpg: found a name that is not UTF-8; rename that file or folder\n"
    assert (result.exit_code, result.stderr) == (2, expected)
