"""`vreid-bench list`: short, in full, and as wide as the terminal."""

from collections import Counter

import pytest

from vreid_bench.reporting.terminal_tables import cut, first_sentence


def test_without_a_kind_it_counts_and_names_each_kind(cli, cli_json, monkeypatch):
    monkeypatch.setenv("COLUMNS", "70")
    counted = Counter(row["kind"] for row in cli_json("list"))
    lines = cli("list").stdout.splitlines()
    assert {line.split()[0]: int(line.split()[1]) for line in lines} == counted
    assert max(map(len, lines)) == 70
    [methods] = [line for line in lines if line.startswith("methods")]
    assert methods.split()[2] == "3d-cnn,"
    assert methods.endswith("…")


@pytest.mark.parametrize("width", ["60", "120"])
def test_a_kind_has_one_line_for_each_name_that_fits_the_terminal(cli, cli_json, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", width)
    names = [row["name"] for row in cli_json("list", "methods")]
    lines = cli("list", "method").stdout.splitlines()
    assert [line.split()[0] for line in lines] == names
    assert max(map(len, lines)) <= int(width)


def test_an_unknown_kind_is_told_the_kinds(cli):
    result = cli("list", "plugins")
    assert (result.exit_code, "no kind is named 'plugins'; expected one of " in result.stderr) == (2, True)
    assert "did you mean" not in result.stderr


def test_what_goes_to_a_program_is_not_cut(cli, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    lines = cli("list", "methods").stdout
    assert "…" not in lines
    assert "C3D fine-tuned to classify the identities, compared by fc6 (Wu et al. 2019, Table V)." in lines


def test_long_shows_distribution_and_version(cli):
    assert "vreid-bench" not in cli("list", "matchers").stdout
    head, _, first = cli("list", "matchers", "--long").stdout.splitlines()[:3]
    assert head.split() == ["kind", "name", "summary", "distribution", "version"]
    assert "vreid-bench" in first


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One thing. Another thing.", "One thing."),
        ("No stop at all", "No stop at all"),
        ("As Wu et al. Say it does. More.", "As Wu et al. Say it does."),
        ("Two\n lines. More", "Two lines."),
        ("", ""),
    ],
)
def test_the_first_sentence(text, expected):
    assert first_sentence(text) == expected


def test_a_line_is_cut_only_where_it_is_too_long():
    assert cut("abcdef", 6) == "abcdef"
    assert cut("abc def", 5) == "abc…"
    assert cut("abcdef", None) == "abcdef"
