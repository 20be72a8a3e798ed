"""Boards are filled: what is missing or outdated is run, its records are added, and nothing else is touched."""

import json
from pathlib import Path

import pytest
from allotment import BOARD, Allotment, wait_for

from vreid_bench.boards import fill as filling
from vreid_bench.boards.carried_files import read_small_files
from vreid_bench.boards.fill import Making, command_of, fill
from vreid_bench.boards.state import RowState
from vreid_bench.boards.wanted import Wanted
from vreid_bench.cli.run import run
from vreid_bench.contracts.executor import Outcome


@pytest.fixture
def allotment(tmp_path):
    """A leaderboard with a board of two rows and no records."""
    return Allotment(tmp_path, tmp_path / "site")


def states(call, *words):
    """Method -> the state of its row."""
    done = call("fill", *words, "--json")
    assert done.returncode == 0, done.stderr
    return {row["method"]: row["state"] for row in json.loads(done.stdout)["rows"]}


def test_a_leaderboard_need_not_be_there_for_a_board_that_is_named(cli, cli_json, tmp_path):
    board = tmp_path / "mine.toml"
    board.write_text('says = "mine"\n[[rows]]\nmethods = ["mean-pooling"]\nprotocols = ["prid2011"]\nseeds = [0]\n')
    asked = "leaderboard", "fill", "--dir", tmp_path / "mine", "--dry-run"
    [row] = cli_json(*asked, board)["rows"]
    assert row["state"] == "missing"
    assert "no such folder; expected a leaderboard, with boards/, or name a board FILE" in cli(*asked).stderr


@pytest.mark.parametrize("dry", [True, False])
def test_rows_of_data_that_is_not_given_are_told_and_not_run(cli, tmp_path, monkeypatch, dry):
    monkeypatch.delenv("VREID_DATA", raising=False)
    board = tmp_path / "mine.toml"
    board.write_text('says = "mine"\n[[rows]]\nmethods = ["mean-pooling"]\nprotocols = ["custom"]\nseeds = [0, 1]\n')
    words = ["--dry-run"] if dry else []
    done = cli("leaderboard", "fill", "--dir", tmp_path / "mine", "--runs", tmp_path / "runs", board, *words)
    assert "2 rows: 0 up to date, 0 outdated, 0 missing, 2 not judged\n" in done.stdout
    sentence = "2 rows not judged and not run: no copy of tracklets is given; name yours with VREID_DATA"
    assert (done.exit_code, sentence in done.stderr) == ((0, False) if dry else (2, True))
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
def test_one_constant_of_a_method_makes_its_row_outdated_and_filling_mends_it(allotment):
    call = allotment.call
    assert states(call, "--dry-run") == {"beans": "missing", "peas": "missing"}
    assert not (allotment.folder / "runs").exists()

    done = call("fill", "-j", "2", "--tracker", "notebook")
    assert done.returncode == 0, done.stderr
    notes = [path.read_text() for path in (allotment.folder / "runs").glob("*/notebook.txt")]
    assert sorted(notes) == ["beans grew", "peas grew"]
    assert done.stdout.strip() == "2 rows: 2 up to date, 0 outdated, 0 missing"
    assert "2 of 2 rows" in done.stderr
    assert call("--check").returncode == 0
    records = {path.name: path.read_bytes() for path in (allotment.folder / "leaderboard/records").rglob("*.json")}
    assert sorted(records) == ["beans-small-seed0.json", "peas-small-seed0.json"]

    allotment.change("\nSTEPS = 2", "\nSTEPS = 3")
    assert states(call, "--dry-run") == {"beans": "outdated", "peas": "current"}
    assert "allotment beans seed 0: another recipe" in call("fill", "--dry-run").stdout

    assert states(call, "--quiet") == {"beans": "current", "peas": "current"}
    assert call("--check").returncode == 0
    now = {path.name: path.read_bytes() for path in (allotment.folder / "leaderboard/records").rglob("*.json")}
    assert {name for name in now if now[name] != records[name]} == {"beans-small-seed0.json"}
    assert json.loads(now["beans-small-seed0.json"])["budget"]["steps"] == 3

    (allotment.folder / "leaderboard/README.md").unlink()  # as a kill before the pages leaves it
    assert states(call) == {"beans": "current", "peas": "current"}
    assert call("--check").returncode == 0


@pytest.mark.slow
def test_a_row_that_fails_is_told_and_the_others_are_added(allotment):
    allotment.change("OTHER_STEPS, OTHER_RATE = 1, 1e-3", "OTHER_STEPS, OTHER_RATE = 5, 1e30")
    done = allotment.call("fill")
    assert done.returncode == 1
    assert "2 rows: 1 up to date, 0 outdated, 1 missing" in done.stdout
    [line] = [line for line in done.stderr.splitlines() if line.startswith("allotment peas seed 0: ")][1:]
    assert "not finite" in line
    assert [path.name for path in (allotment.folder / "leaderboard/records").rglob("*.json")] == [
        "beans-small-seed0.json"
    ]
    assert allotment.call("--check").returncode == 0


@pytest.mark.slow
def test_an_interrupted_board_goes_on_where_it_was(allotment):
    """Ctrl-C ends the runs, too; what was trained is kept."""
    allotment.change("\nSTEPS = 2", "\nSTEPS = 100000")
    with allotment.start("fill", "--quiet") as process:
        wait_for(lambda: any(allotment.folder.glob("runs/*beans*/checkpoint.safetensors")))
        process.terminate()
        _, told = process.communicate(timeout=60)
    assert process.returncode == 143, told
    assert "ended 1 run(s); what they trained is kept" in told
    wait_for(lambda: not allotment.list_processes())
    [run_folder] = allotment.folder.glob("runs/*beans*")
    assert not (run_folder / "record.json").exists()
    assert states(allotment.call, "--dry-run")["beans"] == "missing"


def test_a_tracker_that_there_is_not_is_refused_before_anything_runs(cli, tmp_path):
    (tmp_path / "boards").mkdir()
    (tmp_path / "boards/small.toml").write_text(
        BOARD.replace("allotment", "mars").replace("beans", "ica").replace("peas", "tacan")
    )
    refused = cli("leaderboard", "fill", "--dir", tmp_path, "--tracker", "wandbb", "--runs", tmp_path / "runs")
    assert (refused.exit_code, "did you mean wandb" in refused.stderr) == (2, True)
    assert not (tmp_path / "runs").exists()


def test_the_command_line_takes_the_command_of_a_row():
    wanted = Wanted("mars", "mean-pooling", "small", 3, ('test.sampler="uniform"',), "zhong")
    word, *arguments = command_of(wanted, Making(Path("there"), ("mlflow:experiment=x", "wandb")))
    context = run.make_context(word, arguments)
    assert context.params["names"] == ("mean-pooling",)
    assert context.params["assignments"] == wanted.settings
    assert context.params["trackers"] == ("mlflow:experiment=x", "wandb")
    assert {name: context.params[name] for name in ("protocol", "preset", "seed", "rerank", "runs", "threads")} == {
        "protocol": "mars",
        "preset": "small",
        "seed": 3,
        "rerank": "zhong",
        "runs": Path("there"),
        "threads": 1,
    }
    assert str(wanted) == 'mars mean-pooling test.sampler="uniform" re-ranked by zhong seed 3'


class Answers:
    """An executor that has the outcomes of commands already, and is interrupted after them."""

    def __init__(self, *outcomes, fault=None):
        self.outcomes, self.fault, self.cancelled = outcomes, fault, False

    def run(self, jobs, folder):
        self.jobs, self.folder = jobs, folder
        yield from zip([command for job in jobs for command in job], self.outcomes, strict=False)
        if self.fault:
            raise self.fault

    def cancel(self):
        self.cancelled = True
        return "cancelled what was left"


@pytest.fixture
def try_filling(tmp_path, monkeypatch):
    """Fill a board of three rows, two of one training, by an executor; returns the failures by method."""
    (tmp_path / "leaderboard").mkdir()
    monkeypatch.setattr(filling, "DELAY", 0.0)
    monkeypatch.setattr(filling, "write_pages", lambda folder: (folder / "written").touch())
    wanted = [Wanted("mars", name, "small", 0) for name in ("a", "b", "c")]
    rows = [RowState(each, None, (key,), None, ()) for each, key in zip(wanted, "xyx", strict=True)]

    def call(executor):
        how = {"making": Making(tmp_path / "runs"), "executor": executor, "quiet": True}
        return {
            each.wanted.method: each.reason for each in fill(rows, [1.0, 5.0, 1.0], tmp_path / "leaderboard", **how)
        }

    return call


def test_rows_of_one_training_are_one_job_and_the_longest_is_first(try_filling, tmp_path):
    executor = Answers(*[Outcome(None, "no")] * 3)
    assert try_filling(executor) == dict.fromkeys("abc", "no")
    assert [[command[4] for command in job] for job in executor.jobs] == [["b"], ["a", "c"]]
    assert executor.folder == tmp_path / "runs/.jobs"
    assert not executor.cancelled


def test_a_run_that_is_not_on_this_machine_is_told_with_the_machine_that_made_it(try_filling, tmp_path):
    failures = try_filling(Answers(Outcome(tmp_path / "runs/far", host="node7"), *[Outcome(None, "no")] * 2))
    assert failures["b"].startswith(
        f"{tmp_path}/runs/far: node7 has made this run, and it is not here; expected a folder"
    )


def test_a_row_of_which_the_executor_says_nothing_has_failed(try_filling):
    assert "said nothing" in try_filling(Answers(Outcome(None, "no")))["c"]


@pytest.mark.parametrize("fault", [KeyboardInterrupt, OSError])
def test_whatever_ends_the_command_cancels_the_jobs(try_filling, tmp_path, fault, capsys):
    executor = Answers(Outcome(None, "no"), fault=fault)
    with pytest.raises(fault):
        try_filling(executor)
    assert executor.cancelled
    assert capsys.readouterr().err == "cancelled what was left\n"
    assert (tmp_path / "leaderboard/written").exists()


def test_the_small_files_of_a_run_elsewhere_are_written_and_its_record_is_added(try_filling, finished_runs, tmp_path):
    [run] = finished_runs.iterdir()
    files = read_small_files(run)
    assert set(try_filling(Answers(Outcome(tmp_path / "runs/far", files=files), *[Outcome(None, "no")] * 2))) == {
        "a",
        "c",
    }
    assert read_small_files(tmp_path / "runs/far") == files
    [added] = (tmp_path / "leaderboard/records").rglob("*.json")
    assert added.read_bytes() == files["record.json"]


def test_an_executor_has_a_known_name_and_known_options(cli):
    for name, told in (
        ("slrum", "no executor is named 'slrum'; did you mean slurm?"),
        ("slurm:tine=3", "executor 'slurm' has no option 'tine'; did you mean time?"),
        ("slurm:cluster=moon", "takes one of slurm, local, found 'moon'"),
        ("ray:retries=often", "takes a whole number, found 'often'"),
    ):
        result = cli("leaderboard", "fill", "--executor", name, "--dry-run")
        assert (result.exit_code, told in result.stderr) == (2, True), result.stderr


def test_executors_are_listed_with_their_options(cli):
    lines = cli("list", "executors").stdout.splitlines()
    assert {"local", "ray", "slurm"} <= {line.split()[0] for line in lines}
    assert any(line.split()[0] == "slurm:time=120" and "minutes" in line for line in lines)
