"""`vreid-bench reproduce`: all five papers, the choice of tables, and what it says when it is asked for too much."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import create_autospec

import pytest
from places import LEADERBOARD

from vreid_bench.boards.fill import Failure, Making, fill
from vreid_bench.boards.printed_rows import write_command
from vreid_bench.boards.wanted import Wanted
from vreid_bench.cli.reproduce import run_missing
from vreid_bench.reporting.printed_tables import read_papers
from vreid_bench.system.errors import InputError

PAPERS = read_papers()


@pytest.fixture
def reproduce(cli, monkeypatch):
    """Run the command on the committed leaderboard; returns what it prints."""

    def call(*arguments, board=LEADERBOARD):
        result = cli("reproduce", *arguments, *(("--dir", board) if board else ()))
        assert result.exit_code == 0, result.output
        return result.stdout

    monkeypatch.setenv("COLUMNS", "80")
    return call


@pytest.mark.parametrize("paper", PAPERS)
def test_every_table_of_every_paper_is_printed(reproduce, paper):
    shown = reproduce(paper)
    for table in PAPERS[paper].table:
        assert f"\nTable {table.number}: " in shown
    tables = shown.partition("\nOf ")[0]
    assert max(map(len, tables.splitlines())) <= 80
    for table in PAPERS[paper].table:
        _, _, below = tables.partition(f"\nTable {table.number}: ")
        words = below.partition("\nTable ")[0].split()
        printed = [number for row in table.rows for number in row.printed if number and " " not in number]
        assert all(number in words for number in printed)
    assert "holds" in shown
    assert "vreid-bench run --plugin " in shown


@pytest.mark.parametrize("form", ["markdown", "csv", "json"])
def test_every_form_has_the_numbers_of_a_table(reproduce, form):
    shown = reproduce("tacan", "--table", "1", "--format", form)
    assert all(number in shown for number in ["61.4", "72.6", "87.2", "93.2", "84.0", "89.1", "96.1", "98.0"])
    if form == "json":
        assert [table["number"] for table in json.loads(shown)["tables"]] == ["1"]
    if form == "csv":
        assert {line["table"] for line in csv.DictReader(io.StringIO(shown))} == {"1"}


def test_tables_are_chosen_by_number(reproduce):
    shown = reproduce("personvlad", "--table", "7", "--table", "X")
    assert [line.partition(":")[0] for line in shown.splitlines() if line.startswith("Table ")] == [
        "Table VII",
        "Table X",
    ]


def test_without_a_paper_the_tables_are_listed(reproduce):
    shown = reproduce()
    assert all(f"{name}\n{paper.paper.split()[0]}" in shown for name, paper in PAPERS.items())
    tables = json.loads(reproduce("--format", "json"))["tables"]
    assert len(tables) == sum(len(paper.table) for paper in PAPERS.values())
    assert all(each["measured"] <= each["with_a_method"] <= each["numbers"] for each in tables)


def test_an_installed_package_without_a_leaderboard_shows_what_is_printed(reproduce, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shown = reproduce("ica", "--table", "4", board=None)
    assert "no row" in shown
    assert "--protocol ilids-vid-to-prid2011" in shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["other"], "error: other: no such paper; expected one of clip-similarity, ica, personvlad, tacan, temporal-"),
        (["ica", "--table", "9"], "error: --table 9: Isobe et al.: Intra-Clip"),
        (["--table", "9"], "error: --table 9: of which paper?"),
        (["ica", "--dir", "nowhere"], "error: --dir nowhere: no such folder"),
        (["ica", "--papers", "nowhere"], "error: nowhere: has no printed tables"),
    ],
)
def test_what_cannot_be_shown_is_one_sentence(cli, arguments, said):
    failed = cli("reproduce", *arguments)
    assert (failed.exit_code, failed.stderr.count("\n")) == (2, 1)
    assert failed.stderr.startswith(said)


def test_tables_of_other_people_are_taken_from_a_folder(reproduce, tmp_path):
    (tmp_path / "mine.toml").write_text(
        'paper = "Mine"\n[[table]]\nnumber = "1"\ncaption = "x"\ncolumns = { mars = "mAP" }\n'
        'rows = [{ label = "it", method = "tacan", printed = "12.3" }]\n'
    )
    shown = reproduce("mine", "--papers", tmp_path)
    assert "12.3" in shown
    assert "tacan, 5 seeds" in shown


@pytest.mark.slow
def test_neither_torch_nor_plugins_are_imported(tmp_path):
    code = (
        "import sys\nfrom vreid_bench.cli.main import main\n"
        f"try: main(['reproduce', 'tacan', '--dir', {str(LEADERBOARD)!r}])\nexcept SystemExit: pass\n"
        "print([name for name in ('torch', 'vreid_plugins') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=os.environ, capture_output=True, text=True, check=True
    )
    assert done.stdout.endswith("\n[]\n")


@pytest.fixture
def filled(monkeypatch):
    """The calls of `fill`, which takes what it takes, does nothing and returns these failures."""
    calls, failures = [], []

    def note(rows, seconds, leaderboard, **how):
        calls.append(([row.wanted for row in rows], seconds, leaderboard, how))
        return failures

    monkeypatch.setattr("vreid_bench.boards.fill.fill", create_autospec(fill, side_effect=note))
    monkeypatch.setattr("vreid_bench.boards.fill.choose_executor", lambda name, jobs, registry: (name, jobs))
    return SimpleNamespace(calls=calls, failures=failures)


def test_run_makes_the_rows_that_are_missing(reproduce, filled):
    assert "Table 2: " in reproduce("tacan", "--table", "2", "--run")
    assert filled.calls == []  # nothing is missing
    shown = reproduce("ica", "--run", "-j", "2", "--runs", "there")
    [(rows, seconds, leaderboard, how)] = filled.calls
    commands = [line.strip() for line in shown.splitlines() if line.strip().startswith("vreid-bench run")]
    assert rows
    assert [write_command(wanted) for wanted in rows] == commands  # what is still missing, as nothing was run
    assert len(seconds) == len(rows)
    how_it_is_made = {"making": Making(Path("there")), "executor": ("local", 2), "quiet": False}
    assert (leaderboard, how) == (LEADERBOARD, how_it_is_made)


def test_rows_of_data_that_is_not_given_are_refused(filled, monkeypatch):
    monkeypatch.delenv("VREID_DATA", raising=False)
    with pytest.raises(InputError, match="1 row not judged and not run: no copy of tracklets is given; name yours"):
        run_missing([Wanted("custom", "tacan", "small", 0)], [], LEADERBOARD, {})
    assert filled.calls == []


def test_a_row_that_cannot_be_made_is_told(cli, filled):
    filled.failures.append(Failure(Wanted("prid2011", "tacan", "small", 0), "no space left"))
    done = cli("reproduce", "tacan", "--run", "--dir", LEADERBOARD)
    assert done.exit_code == 1
    assert "1 row failed:\nprid2011 tacan seed 0: no space left" in done.stderr
