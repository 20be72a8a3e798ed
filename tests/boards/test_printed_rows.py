"""What printed tables ask for and a leaderboard lacks, as runs and as commands."""

import shlex

import pytest
from printed_cases import make_column, make_line, make_run, make_table

from vreid_bench.boards.printed_rows import list_missing, write_command
from vreid_bench.boards.wanted import Wanted
from vreid_bench.cli.run import run
from vreid_bench.reporting.printed_tables import read_papers
from vreid_bench.reporting.reproduction import reproduce_table

COLUMNS = [make_column(), make_column("R1"), make_column(settings={"test.sampler": "evenly"})]
TABLE = make_table(
    make_line("1 2 3", settings={"matcher.top": 0.2}),
    make_line("1 2 3", "bad"),
    make_line("1 2 3", "bad", reranked=True),
    make_line("1 2 3", None, quoted=True),
    columns=COLUMNS,
)


def test_each_missing_run_is_named_once():
    assert list_missing([reproduce_table(TABLE, [make_run("bad")])]) == [
        Wanted("mars", "good", "small", 0, ("matcher.top=0.2",)),
        Wanted("mars", "good", "small", 0, ("matcher.top=0.2", 'test.sampler="evenly"')),
        Wanted("mars", "bad", "small", 0, ('test.sampler="evenly"',)),
        Wanted("mars", "bad", "small", 0, (), "zhong"),
        Wanted("mars", "bad", "small", 0, ('test.sampler="evenly"',), "zhong"),
    ]


def test_seeds_and_preset_are_those_that_are_asked_for():
    missing = list_missing([reproduce_table(make_table(), [])], "paper", (3, 4))
    assert missing == [Wanted("mars", "good", "paper", seed) for seed in (3, 4)]


def test_the_commands_have_re_ranked_rows_too():
    commands = list(map(write_command, list_missing([reproduce_table(TABLE, [make_run("bad")])])))
    assert len(commands) == 5
    assert [command for command in commands if "--rerank" in command] == [
        "vreid-bench run --plugin bad --protocol mars --preset small --seed 0 --rerank zhong",
        "vreid-bench run --plugin bad --protocol mars --preset small --seed 0 --set 'test.sampler=\"evenly\"' "
        "--rerank zhong",
    ]


def test_a_shell_reads_a_command_as_it_was_meant():
    wanted = Wanted("mars", "good", "small", 0, ("a='b c'; $(reboot)", 'd="e"'))
    assert shlex.split(write_command(wanted))[-4:] == ["--set", wanted.settings[0], "--set", wanted.settings[1]]


@pytest.mark.parametrize("name", read_papers())
def test_the_command_line_takes_every_command_for_our_tables(name):
    tables = [reproduce_table(table, []) for table in read_papers()[name].table]
    commands = list(map(write_command, list_missing(tables)))
    assert len(commands) == len(set(commands)) > 5
    for command in commands:
        program, word, *arguments = shlex.split(command)
        assert (program, word) == ("vreid-bench", "run")
        run.make_context("run", arguments)
