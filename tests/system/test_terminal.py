"""What a command prints cannot steer a terminal, whatever the names are that it prints."""

import ast
import subprocess
import sys
import unicodedata

import pytest
from places import ROOT

from vreid_bench.system.progress import tell_once, write_line
from vreid_bench.system.terminal import UNREAD, echo, make_printable

HOSTILE = "\x1b[2J\x1b]0;title\x07\x9b31m\u202eabc\u2066\r\x00\u2028\udcff"


def assert_calm(text):
    assert not [c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") and c not in "\n\t"]


def test_steering_characters_are_shown_as_their_numbers():
    assert make_printable(HOSTILE) == (r"\x1b[2J\x1b]0;title\x07\x9b31m\u202eabc\u2066\r\x00\u2028\udcff")


@pytest.mark.parametrize("text", ["", "a b\n c\td", "Jörg 王 ± – \u00a0", "x\u200by"])
def test_other_text_stays(text):
    assert make_printable(text) == text


@pytest.mark.parametrize("say", [lambda text: echo(text, err=True), write_line, tell_once])
def test_each_way_of_printing(say, capsys):
    say(f"{HOSTILE}: is damaged")
    found = capsys.readouterr().err
    assert_calm(found)
    assert found.endswith("abc\\u2066\\r\\x00\\u2028\\udcff: is damaged\n")


def test_nothing_is_printed_in_another_way():
    """`click.echo` prints what it is given."""
    found = [
        f"{path.name}:{node.lineno}"
        for path in (ROOT / "harness").rglob("*.py")
        if path.name != "terminal.py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and node.attr in ("echo", "secho")
        and getattr(node.value, "id", "") == "click"
    ]
    assert found == []


CSV = "split,pid,camid,frames\ntrain,{0},a,{0}\nquery,1,a,x\n"


@pytest.mark.parametrize("json", [False, True])
def test_the_names_of_files_people_columns_and_frames(cli, tmp_path, json):
    name = "\x1b[2Ja\u202e"
    data = tmp_path / name
    data.mkdir()
    (data / "tracklets.csv").write_text(CSV.format(name))
    header = tmp_path / "header"
    header.mkdir()
    (header / "tracklets.csv").write_text(f"split,{name}\n")
    (data / "x.npz").write_bytes(b"PK")
    (data / "a.csv").write_text(f"pid,{name},e0\n1,{name},x\n")
    more = ["--json"] if json else []
    calls = [
        ("data", "verify", "tracklets", "--data", data),
        ("data", "verify", "tracklets", "--data", header),
        ("score", data / "x.npz"),
        ("score", data / "a.csv"),
        ("score", tmp_path / f"missing{name}"),
    ]
    for call in calls:
        result = cli(*call, *more)
        assert result.exit_code in (1, 2), result.output
        assert_calm(result.output)
        assert_calm(result.stderr)
    for call in (
        ("runs", name),
        ("record", "check", data / "none.json"),
        ("compare", data / "a", data / "b"),
        ("list", name),
    ):
        result = cli(*call)
        assert result.exit_code == 2, result.output
        assert_calm(result.stderr)


SPEAKER = """
import sys
import click
from vreid_bench.system.terminal import echo

@click.command()
def speak():
    echo("first")
    sys.stdin.readline()
    echo("second", err="err" in sys.argv)

speak([])
"""


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_command_whose_output_nobody_reads_ends_without_a_word(stream):
    """As behind `| head -1`: a check was told to have failed."""
    command = [sys.executable, "-c", SPEAKER, *(["err"] if stream == "stderr" else [])]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"first\n"
        getattr(process, stream).close()
        process.stdin.write(b"\n")
        process.stdin.close()
        other = process.stderr if stream == "stdout" else process.stdout
        assert other.read() == b""
        assert process.wait() == UNREAD == 141
