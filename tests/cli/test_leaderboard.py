"""`vreid-bench leaderboard add`: unfinished runs, and options before and after `add`."""

import json
import shutil

import pytest
from places import GOLDEN


@pytest.fixture
def finished(tmp_path):
    folder = tmp_path / "runs/finished"
    folder.mkdir(parents=True)
    shutil.copy(GOLDEN / "record.json", folder)
    return folder


@pytest.fixture
def unfinished(tmp_path):
    folder = tmp_path / "runs/unfinished"
    folder.mkdir(parents=True)
    (folder / ".lock").touch()
    return folder


def test_unfinished_runs_are_skipped_with_a_note(cli, tmp_path, finished, unfinished):
    added = cli("leaderboard", "add", unfinished, finished, "--dir", tmp_path / "board")
    assert added.exit_code == 0, added.output
    assert added.stderr == f"note: {unfinished} is skipped: it is not finished; repeat its command\n"
    assert len(list((tmp_path / "board/records").rglob("*.json"))) == 1


def copy_with(run, name, old, new):
    other = run.parent / name
    shutil.copytree(run, other)
    record = other / "record.json"
    assert old in record.read_text()
    record.write_text(record.read_text().replace(old, new))
    return other


def test_two_runs_of_one_place_are_refused_with_what_differs(cli, tmp_path, finished):
    other = copy_with(finished, "other", '"created": "20', '"created": "21')
    refused = cli("leaderboard", "add", finished, other, "--dir", tmp_path / "board")
    assert refused.exit_code == 2
    assert f"{finished} and {other} would all be {tmp_path}" in refused.stderr
    assert "their records differ in created; add one of them" in refused.stderr
    assert not (tmp_path / "board").exists()
    again = cli("leaderboard", "add", finished, finished, "--dir", tmp_path / "board")
    assert again.exit_code == 0, again.output


def test_the_runs_that_do_not_clash_are_added_and_all_clashes_are_listed(cli, tmp_path, finished):
    seed = json.loads((finished / "record.json").read_text())["seed"]
    runs = [finished]
    for n in (1, 2):
        runs.append(copy_with(finished, f"seed{n}", f'"seed": {seed}', f'"seed": {seed + n}'))
    twins = [copy_with(run, f"{run.name}-twin", '"created": "20', '"created": "21') for run in runs[:2]]
    added = cli("leaderboard", "add", *runs, *twins, "--dir", tmp_path / "board")
    assert added.exit_code == 2
    assert added.stderr.count("would all be") == 2
    places = [path.name for path in (tmp_path / "board/records").rglob("*.json")]
    assert len(places) == 1
    assert f"seed{seed + 2}" in places[0]


def test_it_fails_if_nothing_was_finished(cli, tmp_path, unfinished):
    failed = cli("leaderboard", "add", unfinished, "--dir", tmp_path / "board")
    assert (failed.exit_code, failed.stderr.count("\n")) == (2, 1)
    assert "none of 1 run(s) is finished" in failed.stderr
    assert not (tmp_path / "board").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("leaderboard", "--dir", "BOARD", "--json", "add", "RUN"),
        ("leaderboard", "add", "--dir", "BOARD", "RUN", "--json"),
        ("leaderboard", "--dir", "elsewhere", "add", "RUN", "--dir", "BOARD", "--json"),
    ],
)
def test_options_are_accepted_before_and_after_add(cli, tmp_path, finished, arguments):
    board = tmp_path / "board"
    added = cli(*(str({"BOARD": board, "RUN": finished}.get(word, word)) for word in arguments))
    assert added.exit_code == 0, added.output
    told = json.loads(added.stdout)
    assert told["skipped"] == []
    assert str(board / "README.md") in told["written"]


def test_check_and_add_do_not_fit_together(cli, tmp_path, finished):
    refused = cli("leaderboard", "--check", "--dir", tmp_path / "board", "add", finished)
    assert (refused.exit_code, "leave one of them out" in refused.stderr) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "near"),
    [
        (("lst",), "list"),
        (("method", "show", "tacan"), "methods"),
        (("methods", "sow", "tacan"), "show"),
        (("leaderboard", "ad", "runs"), "add"),
        (("leaderboard", "add", "x", "--dri", "y"), "--dir"),
        (("runs", "--rums", "x"), "--runs"),
        (("compare", "a", "b", "--wiht", "c"), "--with"),
    ],
)
def test_a_near_miss_of_a_command_or_an_option_gets_a_hint(cli, arguments, near):
    result = cli(*arguments)
    assert result.exit_code == 2
    assert f"'{near}'" in result.stderr
    assert "id you mean" in result.stderr
