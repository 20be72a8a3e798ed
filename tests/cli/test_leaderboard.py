"""`vreid-bench leaderboard add` and `claims`: unfinished runs, and options before and after the command."""

import json
import shutil

import pytest
from claim_cases import make_record
from places import GOLDEN, LEADERBOARD

from vreid_bench.records.record import record_path


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


INTERRUPTED = "is not finished, it was interrupted (before its first checkpoint); repeat its command"


def test_unfinished_runs_are_skipped_with_a_note(cli, tmp_path, finished, unfinished):
    added = cli("leaderboard", "add", unfinished, finished, "--dir", tmp_path / "board")
    assert added.exit_code == 0, added.output
    assert added.stderr == f"note: {unfinished} is skipped: it {INTERRUPTED}\n"
    assert len(list((tmp_path / "board/records").rglob("*.json"))) == 1


def test_a_run_that_failed_says_why_it_has_no_record(cli, tmp_path, finished, unfinished):
    (unfinished / "run.log").write_text("2026-01-01 00:00:00Z ERROR stopped: RuntimeError: out of frames\n")
    said = "is not finished, it failed (RuntimeError: out of frames); correct that, and repeat its command"
    alone = cli("leaderboard", "add", unfinished, "--dir", tmp_path / "board")
    assert (alone.exit_code, alone.stderr) == (2, f"error: {unfinished}: {said}\n")
    among = cli("leaderboard", "add", unfinished, finished, "--dir", tmp_path / "board")
    assert (among.exit_code, among.stderr) == (0, f"note: {unfinished} is skipped: it {said}\n")
    drawn = cli("plot", "cmc", "unfinished", "--runs", unfinished.parent, "--out", tmp_path / "cmc.svg")
    assert (drawn.exit_code, drawn.stderr) == (2, f"error: {unfinished}: {said}\n")


def test_runs_are_named_by_their_ids(cli, tmp_path, finished, monkeypatch):
    """In the folder `runs`, or in another; the rest is added where an id is unknown."""
    monkeypatch.chdir(tmp_path)
    added = cli("leaderboard", "add", "finishd", "finished", "--dir", "board")
    assert added.exit_code == 2
    assert "finishd: not a finished run" in added.stderr
    assert "did you mean finished?" in added.stderr
    assert len([*(tmp_path / "board/records").rglob("*.json")]) == 1
    monkeypatch.chdir("/")
    again = cli("leaderboard", "add", "finished", "--runs", finished.parent, "--dir", tmp_path / "board")
    assert again.exit_code == 0, again.output


LATER = ('"created": "20', '"created": "21')
OTHER_MACHINE = ('"machine": "', '"machine": "not ')


def copy_with(run, name, old, new):
    other = run.parent / name
    shutil.copytree(run, other)
    record = other / "record.json"
    assert old in record.read_text()
    record.write_text(record.read_text().replace(old, new))
    return other


def test_two_runs_of_one_place_are_refused_with_what_differs(cli, tmp_path, finished):
    other = copy_with(finished, "other", *OTHER_MACHINE)
    refused = cli("leaderboard", "add", finished, other, "--dir", tmp_path / "board")
    assert refused.exit_code == 2
    assert f"{finished} and {other} would all be {tmp_path}" in refused.stderr
    assert "their records differ in environment; add one of them" in refused.stderr
    assert not (tmp_path / "board").exists()
    again = cli("leaderboard", "add", finished, finished, "--dir", tmp_path / "board")
    assert again.exit_code == 0, again.output


def test_of_two_runs_that_differ_in_time_and_costs_alone_the_earlier_is_added(cli, cli_json, tmp_path, finished):
    board = tmp_path / "board"
    later = copy_with(finished, "a", *LATER)
    text = (later / "record.json").read_text()
    (later / "record.json").write_text(text.replace('"cpu_seconds": ', '"cpu_seconds": 1'))
    added = cli("leaderboard", "add", later, finished, "--dir", board)
    alone = "their records differ in nothing but created and costs"
    note = f"note: {later} is left out: it repeats {finished}, {alone}\n"
    assert (added.exit_code, added.stderr) == (0, note)
    [place] = (board / "records").rglob("*.json")
    assert place.read_bytes() == (finished / "record.json").read_bytes()
    again = cli_json("leaderboard", "add", later, "--dir", board)
    assert again == {
        "written": [],
        "skipped": [],
        "repeats": [f"{later} is left out: it repeats {place}, {alone}"],
        "refused": [],
    }
    assert place.read_bytes() == (finished / "record.json").read_bytes()
    cli("leaderboard", "add", later, "--dir", board, "--replace")
    assert json.loads(place.read_bytes()) == json.loads((later / "record.json").read_bytes())


def test_a_run_that_clashes_with_a_published_one_is_refused_with_what_differs(cli, tmp_path, finished):
    board = tmp_path / "board"
    assert cli("leaderboard", "add", finished, "--dir", board).exit_code == 0
    other = copy_with(finished, "other", *OTHER_MACHINE)
    refused = cli("leaderboard", "add", other, "--dir", board)
    assert refused.exit_code == 2
    assert f"that of {other} differs in environment; to put it in its place, pass --replace" in refused.stderr
    assert cli("leaderboard", "add", other, "--dir", board, "--replace").exit_code == 0


def test_the_runs_that_do_not_clash_are_added_and_all_clashes_are_listed(cli, tmp_path, finished):
    seed = json.loads((finished / "record.json").read_text())["seed"]
    runs = [finished]
    for n in (1, 2):
        runs.append(copy_with(finished, f"seed{n}", f'"seed": {seed}', f'"seed": {seed + n}'))
    twins = [copy_with(run, f"{run.name}-twin", *OTHER_MACHINE) for run in runs[:2]]
    added = cli("leaderboard", "add", *runs, *twins, "--dir", tmp_path / "board")
    assert added.exit_code == 2
    assert added.stderr.count("would all be") == 2
    places = [path.name for path in (tmp_path / "board/records").rglob("*.json")]
    assert len(places) == 1
    assert f"seed{seed + 2}" in places[0]


def test_it_fails_if_nothing_was_finished(cli, tmp_path, unfinished):
    failed = cli("leaderboard", "add", unfinished, "--dir", tmp_path / "board")
    assert (failed.exit_code, failed.stderr.count("\n")) == (2, 1)
    assert failed.stderr == f"error: {unfinished}: {INTERRUPTED}\n"
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


@pytest.mark.parametrize("command", [("add", "run"), ("claims",)])
def test_check_and_another_command_do_not_fit_together(cli, tmp_path, command):
    refused = cli("leaderboard", "--check", "--dir", tmp_path / "board", *command)
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


CLAIMS = """
paper = "A paper \\u001b[2J"

[[claim]]
says = "good is better"
where = "Table 1"
protocol = "mars"
metric = "mAP"
better = "good"
worse = "bad"
"""


@pytest.fixture
def board(tmp_path):
    """A leaderboard with claims, two seeds of one method and one of the other."""
    folder = tmp_path / "board"
    for method, seed, score in (("good", 0, 0.8), ("good", 1, 0.8), ("bad", 0, 0.4)):
        record = make_record(method, seed, score)
        path = folder / "records" / record_path(record)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(record.to_json())
    (folder / "claims").mkdir()
    (folder / "claims/paper.toml").write_text(CLAIMS)
    return folder


def test_claims_are_judged_and_nothing_is_written(cli, board, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")  # no line is wrapped
    before = sorted(board.rglob("*"))
    told = cli("leaderboard", "claims", "--dir", board)
    assert told.exit_code == 0, told.output
    lines = told.stdout.splitlines()
    assert lines[:2] == [
        "A paper [2J",
        "1 claim: 0 + 1 with 1 seed holds, 0 does not hold, 0 cannot be told, 0 no rows",
    ]
    assert lines[-1].split("  ")[0] == "holds (1 seed)"
    assert "+40.0 (+40.0 to +40.0)" in lines[-1]
    assert "2 / 1" in lines[-1]
    assert sorted(board.rglob("*")) == before


@pytest.mark.parametrize("before", [True, False])
def test_claims_as_json(cli_json, board, before):
    options = ("--dir", board, "--json")
    told = cli_json("leaderboard", *options, "claims") if before else cli_json("leaderboard", "claims", *options)
    [judgement] = told["papers"][0]["judgements"]
    assert (judgement["verdict"], judgement["seeds"], judgement["single_seed"]) == ("holds", [2, 1], True)


def test_claims_of_another_folder_are_judged_by_these_records(cli_json, board):
    shutil.rmtree(board / "claims")
    told = cli_json("leaderboard", "claims", "--dir", board, "--claims", LEADERBOARD / "claims", "--json")
    assert len(told["papers"]) == 5
    assert {each["verdict"] for paper in told["papers"] for each in paper["judgements"]} == {"no rows"}


def test_a_leaderboard_without_claims_has_pages_and_says_what_is_missing(cli, board):
    shutil.rmtree(board / "claims")
    assert cli("leaderboard", "--dir", board).exit_code == 0
    assert cli("leaderboard", "--check", "--dir", board).exit_code == 0
    missing = cli("leaderboard", "claims", "--dir", board)
    assert (missing.exit_code, missing.stderr.count("\n")) == (2, 1)
    assert "board/claims: has no claims; expected .toml files" in missing.stderr


def test_claims_of_no_leaderboard(cli, tmp_path):
    refused = cli("leaderboard", "claims", "--dir", tmp_path / "nowhere")
    assert (refused.exit_code, "nowhere: no such folder" in refused.stderr) == (2, True)


def test_a_board_is_printed_as_a_table(cli):
    result = cli("leaderboard", "table", "prid2011", "--dir", LEADERBOARD, "--format", "latex")
    assert result.exit_code == 0
    assert result.output.startswith("% \\usepackage{booktabs}\n% prid2011 on synthetic data, one-camera-each\n")


def test_one_of_two_boards_is_chosen_by_its_fingerprint(cli, tmp_path):
    """Of data that was changed."""
    for seed, fingerprint in enumerate(("ab" * 32, "cd" * 32)):
        record = make_record(seed=seed, dataset__fingerprint=fingerprint)
        place = tmp_path / "records" / record_path(record)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(record.to_json())
    name, asked = record.protocol.name, ("leaderboard", "table", record.protocol.name, "--dir", tmp_path)
    refused = cli(*asked)
    assert refused.exit_code == 2
    assert f"{name}: has 2 boards, expected one: " in refused.stderr
    assert f"synthetic {record.protocol.fingerprint[:8]} abababab, " in refused.stderr
    for fingerprint in ("ab", "cdcdcdcd"):
        assert cli(*asked, "--fingerprint", fingerprint).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("prid", "--dir", LEADERBOARD), "prid: has no such board in"),
        (("mars", "--dir", "nowhere"), "--dir nowhere: no such folder"),
        (("mars", "--source", "official", "--dir", LEADERBOARD), "mars: has no such board in"),
        (("mars", "--metric", "TAR", "--dir", LEADERBOARD), "'TAR' is not one of 'mAP', 'R1'"),
    ],
)
def test_a_table_of_no_board_is_refused(cli, arguments, message):
    result = cli("leaderboard", "table", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
