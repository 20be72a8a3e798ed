"""`vreid-bench runs`: every folder is a line, whatever is in it."""

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from edited_run import allow_edits
from golden_records import begun, change_fields
from places import GOLDEN
from safetensors.numpy import save_file

from vreid_bench.records.named_run import find_run
from vreid_bench.records.planned_run import PlannedRun
from vreid_bench.records.run_directory import RunDirectory
from vreid_bench.reporting.runs import list_runs, render_runs
from vreid_bench.system.errors import InputError
from vreid_bench.system.fingerprint import digest

RECORD = json.loads((GOLDEN / "record.json").read_text())


def write_run(folder, record=None, **fields):
    """A folder of a run; finished if it gets a record."""
    folder.mkdir()
    (folder / ".lock").touch()
    if record is not None:
        (folder / "record.json").write_text(json.dumps({**record, **fields}))
    return folder


def write_checkpoint(folder, stage, step):
    folder.mkdir(exist_ok=True, parents=True)
    save_file({"x": np.zeros(2)}, folder / "checkpoint.safetensors", {"position": json.dumps([stage, step])})


@pytest.fixture(autouse=True)
def same_code(monkeypatch):
    """The record of the tests is older than the code that is installed."""
    monkeypatch.setattr("vreid_bench.reporting.runs.find_other_code", lambda record, registry: ())


def states(runs):
    return {run.id: f"{run.state}: {run.place}".removesuffix(": ") for run in list_runs(runs)}


def test_finished_runs_show_their_score_and_come_newest_first(tmp_path):
    method = {**RECORD["method"], "overrides": {"test.clips": 1}, "modified": True}
    write_run(tmp_path / "old", RECORD, created="2026-01-01T00:00:00Z")
    write_run(tmp_path / "new", RECORD, created="2026-03-01T00:00:00Z", method=method)
    write_run(tmp_path / "between", RECORD, created="2026-02-01T00:00:00Z")
    runs = list_runs(tmp_path)
    assert [run.id for run in runs] == ["new", "between", "old"]
    first, differs, second, _ = render_runs(runs, None).splitlines()[2:]
    head = RECORD["conventions"]["queries-in-gallery"]
    low, high = (100 * end for end in head["interval"]["mAP"])
    assert first.split()[:5] == [
        "new",
        "finished",
        f"{100 * head['mAP']:.1f}",
        f"{low:.1f}–{high:.1f}",
        f"{100 * head['R1']:.1f}",
    ]
    assert "mars@synthetic" in first
    assert "temporal-pooling small seed 0" in first
    assert "2026-03-01 00:00" in first
    assert differs == "  differs: test.clips=1"
    assert second.startswith("between")


@pytest.mark.parametrize(
    ("last", "state"),
    [
        ("ERROR stopped: RunError: the loss is nan", "failed: RunError: the loss is nan"),
        ("ERROR interrupted", "interrupted: stage 1, step 40"),
        ("INFO goes on at stage 1, step 40", "interrupted: stage 1, step 40"),
    ],
)
def test_a_run_that_an_error_stopped_has_failed(tmp_path, last, state):
    run = write_run(tmp_path / "run")
    write_checkpoint(run, 0, 40)
    before = "2026-01-01T00:00:00Z ERROR stopped: ValueError: an earlier one\n"
    (run / "run.log").write_text(f"{before}2026-01-01T00:00:01Z {last}\n")
    assert states(tmp_path) == {"run": state}


def test_an_unfinished_run_says_where_it_is(tmp_path):
    write_run(tmp_path / "begun")
    write_checkpoint(write_run(tmp_path / "stage"), 1, 40)
    write_run(tmp_path / "split")
    for number in (0, 1):
        write_checkpoint(tmp_path / f"split/split-{number}", 0, 7)
        os.utime(tmp_path / f"split/split-{number}/checkpoint.safetensors", (number, number))
    write_checkpoint(write_run(tmp_path / "first") / "pretrained", 0, 3)
    trained = write_run(tmp_path / "trained")
    write_checkpoint(trained, 0, 3)
    (trained / "weights.safetensors").touch()
    os.utime(trained / "checkpoint.safetensors", (1, 1))
    (write_run(tmp_path / "cut") / "checkpoint.safetensors").write_bytes(b"cut")
    assert states(tmp_path) == {
        "begun": "interrupted: before its first checkpoint",
        "stage": "interrupted: stage 2, step 40",
        "split": "interrupted: split 1, stage 1, step 7",
        "first": "interrupted: pretrained, stage 1, step 3",
        "trained": "interrupted: trained",
        "cut": "interrupted: checkpoint not readable",
    }


def test_an_unfinished_run_says_what_it_is(tmp_path):
    planned = PlannedRun("tacan", "small", 3, "mars", "mars@my-copy", ("margin=0.2",))
    with RunDirectory(tmp_path / "run").claim({}, planned):
        write_checkpoint(tmp_path / "run", 0, 5)
        [running] = list_runs(tmp_path)
    [run] = list_runs(tmp_path)
    assert (running.state, run.state) == ("running", "interrupted")
    assert (run.method, run.preset, run.seed, run.protocol) == ("tacan", "small", 3, "mars")
    shown = render_runs([run], None)
    assert "mars@my-copy" in shown
    assert "tacan small seed 3" in shown
    assert shown.splitlines()[-2:] == ["  at stage 1, step 5", "  differs: margin=0.2"]
    (tmp_path / "run/plan.json").write_text('{"method": 1}')
    [damaged] = list_runs(tmp_path)
    assert (damaged.method, damaged.data) == ("", "")


def test_runs_that_are_alike_say_what_of_their_environment_differs(tmp_path):
    """Threads, torch and instruction set decide the last bits, and no row shows them otherwise."""
    where, first = RECORD["environment"], RECORD
    other = {**where, "threads": 7, "packages": {**where["packages"], "torch": "2.9.1"}, "instruction_set": "AVX512"}
    write_run(tmp_path / "one", first)
    write_run(tmp_path / "two", first, environment=other)
    write_run(tmp_path / "seed", first, seed=5)  # alone with its seed
    runs = {run.id: run.apart for run in list_runs(tmp_path)}
    assert runs["seed"] == ()
    assert runs["two"] == ("torch 2.9.1", "threads 7", "instruction set AVX512")
    assert len(runs["one"]) == 3
    assert "  differs: torch 2.9.1; threads 7; instruction set AVX512" in render_runs(list_runs(tmp_path), None)


def test_runs_of_an_edited_method_say_what_they_began_from_and_that_its_recipe_is_another(tmp_path):
    """A file of a plugin that was edited between two runs leaves them the same name, preset and seed."""
    write_run(tmp_path / "random", RECORD)
    write_run(tmp_path / "shipped", change_fields(**begun(shipped=True)))
    write_run(tmp_path / "larger", change_fields(method__recipe__size=[1, 1]))
    apart = {run.id: run.apart for run in list_runs(tmp_path)}
    assert [each[1] for each in apart.values()].count("first weights random") == 2
    assert apart["shipped"][1] == "first weights encoder a.pth (bbbbbbbb)"
    assert apart["shipped"][0] == apart["random"][0] != apart["larger"][0]
    assert apart["larger"][0].startswith("recipe ")
    # a file that the user named is a change of the method, so the run is not alike
    write_run(tmp_path / "own", change_fields(**begun(shipped=False)))
    own = next(run for run in list_runs(tmp_path) if run.id == "own")
    assert (own.differs, own.apart) == (("encoder pre-trained: a.pth (bbbbbbbb)",), ())


def change_rules(rules, fields=None):
    """The fields of a record whose protocol has other rules under the same name and version."""
    fields = json.loads(json.dumps(fields or RECORD))
    fields["protocol"]["rules"] |= rules
    fields["protocol"]["fingerprint"] = digest(fields["protocol"]["rules"])
    return fields


def test_runs_of_a_protocol_whose_rules_changed_say_which_of_them(tmp_path):
    """A plugin's protocol was edited between the runs, its version was not."""
    names = RECORD["protocol"]["rules"]["conventions"]
    other = json.loads(json.dumps(RECORD))
    official = other["conventions"]["official"]
    official["rules"]["unmatched"] = "zero"
    official["fingerprint"] = digest(official["rules"])
    written = {
        "before": RECORD,
        "fewer": change_rules({"conventions": names[:-1]}),
        "held-out": change_rules({"holdout": 0.1}),
        "other": other,
    }
    for name, fields in written.items():
        write_run(tmp_path / name, fields)
    prints = {name: result["fingerprint"][:8] for name, result in RECORD["conventions"].items()}
    apart = {run.id: run.apart for run in list_runs(tmp_path)}
    listed = [f"{name} ({prints[name]})" for name in names]
    assert apart["before"] == (f"conventions {', '.join(listed)}", "protocol's holdout 0.0")
    assert apart["fewer"] == (f"conventions {', '.join(listed[:-1])}", "protocol's holdout 0.0")
    assert apart["held-out"] == (f"conventions {', '.join(listed)}", "protocol's holdout 0.1")
    assert f"official ({official['fingerprint'][:8]})" in apart["other"][0]
    assert f"  differs: conventions {listed[0]}" in render_runs(list_runs(tmp_path), None)


def test_a_run_of_code_that_was_edited_since_says_so(finished_run, cli, monkeypatch):
    """Through the whole command, on a run that was just made."""
    monkeypatch.undo()
    assert "differs" in cli("runs", "--runs", finished_run.parent).stdout  # its settings
    assert "other code" not in cli("runs", "--runs", finished_run.parent).stdout
    record = json.loads((finished_run / "record.json").read_text())
    part = next(each for each in record["method"]["providers"] if each["kind"] == "encoder")
    part["code"] = "0" * 64
    record["code"]["test"] = "0" * 64
    (finished_run / "record.json").write_text(json.dumps(record))
    allow_edits(finished_run)
    shown = cli("runs", "--runs", finished_run.parent).stdout
    assert f"differs: other code of encoder {part['name']}; other code of the harness for " in shown
    part["version"] = "0.0.7"
    (finished_run / "record.json").write_text(json.dumps(record))
    allow_edits(finished_run)
    assert f"encoder {part['name']} of vreid-bench 0.0.7" in cli("runs", "--runs", finished_run.parent).stdout
    part["version"] = f"sha256:{'12345678' * 8}"  # of a file
    (finished_run / "record.json").write_text(json.dumps(record))
    allow_edits(finished_run)
    assert (
        f"encoder {part['name']} of vreid-bench sha256:12345678; " in cli("runs", "--runs", finished_run.parent).stdout
    )
    part["name"], name = "gone", part["name"]
    (finished_run / "record.json").write_text(json.dumps(record))
    allow_edits(finished_run)
    assert "gone" not in cli("runs", "--runs", finished_run.parent).stdout  # a file is installed for no command
    part["name"], part["version"] = name, "0.0.7"
    for name in ("gone", "timm:gone"):  # the second is refused with a sentence, whether or not timm is installed
        part["name"] = name
        (finished_run / "record.json").write_text(json.dumps(record))
        allow_edits(finished_run)
        shown = cli("runs", "--runs", finished_run.parent).stdout
        assert f"encoder {name}, which is not installed now" in shown
        assert "broken" not in shown


def test_a_run_is_running_while_its_lock_is_held(tmp_path):
    write_checkpoint(write_run(tmp_path / "run"), 0, 5)
    with (tmp_path / "run/.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert states(tmp_path) == {"run": "running: stage 1, step 5"}
    assert states(tmp_path) == {"run": "interrupted: stage 1, step 5"}


def test_a_broken_folder_is_a_line_and_no_error(tmp_path, cli, cli_json):
    write_run(tmp_path / "good", RECORD)
    write_run(tmp_path / "bad", {})
    (tmp_path / "other").mkdir()
    (tmp_path / "file").touch()
    rows = {row["id"]: row for row in cli_json("runs", "--runs", tmp_path)}
    assert set(rows) == {"good", "bad", "other"}
    assert (rows["bad"]["state"], rows["other"]["state"]) == ("broken", "broken")
    assert "not a valid record" in rows["bad"]["place"]
    assert rows["good"]["score"]["mAP"] == RECORD["conventions"]["queries-in-gallery"]["mAP"]
    shown = cli("runs", "--runs", tmp_path)
    assert shown.exit_code == 0
    assert "other: broken: is not a run" in shown.stdout


def test_lines_fit_the_terminal(tmp_path, cli, monkeypatch):
    write_run(tmp_path / "mars-temporal-pooling-small-seed0-12345678", RECORD)
    monkeypatch.setenv("COLUMNS", "80")
    shown = cli("runs", "--runs", tmp_path).stdout
    assert max(map(len, shown.splitlines())) <= 80
    for words in ("data mars@synthetic", "protocol mars", "method temporal-pooling small seed 0"):
        assert words in " ".join(shown.split())


@pytest.mark.parametrize(("number", "shown"), [(12, "73.5–100.0"), (6, "100.0  –  ")])
def test_people_who_all_score_alike_do_not_make_a_point(tmp_path, number, shown):
    """A share of 0.265 of all people is missing among twelve with probability 0.025; of six, no interval is given."""
    head = RECORD["conventions"]["queries-in-gallery"]
    result = {**head, "mAP": 1.0, "interval": {"mAP": [1.0, 1.0], "R1": [1.0, 1.0]}}
    people = [{"queries": [1] * number, "AP": [1.0] * number, "R1": [1] * number}]
    write_run(
        tmp_path / "alike", RECORD, people=people, conventions={**RECORD["conventions"], "queries-in-gallery": result}
    )
    assert shown in render_runs(list_runs(tmp_path), None)


def test_a_mistyped_id_is_told_the_runs_that_are_near(tmp_path):
    write_run(tmp_path / "mars@synthetic-tacan-small-seed0-1a2b3c4d", RECORD)
    write_run(tmp_path / "mars@synthetic-tacan-small-seed1-5e6f7a8b")  # not finished
    with pytest.raises(InputError) as told:
        find_run(Path("mars@synthetic-tacan-small-seed0-1a2b3c4e"), tmp_path)
    assert "; did you mean mars@synthetic-tacan-small-seed0-1a2b3c4d? `vreid-bench runs --runs" in str(told.value)
    with pytest.raises(InputError, match=r"expected a record\.json in it; `vreid-bench runs"):
        find_run(Path("elsewhere"), tmp_path)


def test_no_runs_and_no_folder(tmp_path, cli):
    assert cli("runs", "--runs", tmp_path).stdout == f"{tmp_path}: no runs\n"
    missing = cli("runs", "--runs", tmp_path / "nowhere")
    assert (missing.exit_code, "no such folder" in missing.stderr) == (2, True)


@pytest.mark.slow
def test_listing_runs_loads_neither_torch_nor_plugins(tmp_path):
    write_checkpoint(write_run(tmp_path / "run"), 0, 5)
    write_run(tmp_path / "done", RECORD)
    code = (
        "import sys; from vreid_bench.cli.main import main; main(sys.argv[1:], standalone_mode=False); "
        "print(sorted({'torch', 'vreid_plugins'} & set(sys.modules)))"
    )

    def run(*command):
        words = [sys.executable, "-c", code, *map(str, command)]
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()

    run("list")  # the first command loads every plugin
    assert run("runs", "--runs", tmp_path)[-1] == "[]"
