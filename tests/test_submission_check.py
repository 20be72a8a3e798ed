"""The script that checks submitted records: what it refuses, and that it takes a submission as data alone."""

import importlib.util
import json
import os
import subprocess
import sys

import pytest
from claim_cases import HEAD, make_record
from places import ROOT

from vreid_bench.records.record import record_path
from vreid_bench.reporting.leaderboard import write_pages

pytestmark = pytest.mark.slow
SCRIPT = ROOT / ".github/scripts/check_submission.py"
NAMES = ("check", "--help", "$(touch pwned)", "a b;c", "\x1b[2J", "ü\u202e")


def add(leaderboard, *records):
    for record in records:
        path = leaderboard / "records" / record_path(record)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(record.to_json())
    write_pages(leaderboard)
    return path


@pytest.fixture
def job(tmp_path):
    """A folder with the checkouts `base` and `submitted`, which are equal so far."""
    for side in ("base", "submitted"):
        add(tmp_path / side / "leaderboard", make_record("good", 0, 0.5))
    return tmp_path


def check(job):
    """Run the script; whether everything passed, and the report."""
    command = [sys.executable, SCRIPT, "base", "submitted", "report"]
    done = subprocess.run(command, cwd=job, capture_output=True, text=True, check=False)
    report = (job / "report/report.txt").read_text()
    assert done.returncode in (0, 1), done.stderr
    assert (done.returncode == 0) == report.endswith("\npassed\n")
    return done.returncode == 0, report


def test_an_unchanged_leaderboard_passes(job):
    passed, report = check(job)
    assert passed
    assert report.startswith("0 record(s) are new or changed.\n")


def test_a_new_record_passes_with_its_pages(job):
    add(job / "submitted/leaderboard", make_record("young", 0, 0.7))
    passed, report = check(job)
    assert passed, report
    assert report.startswith("1 record(s) are new or changed.\n")
    assert "young-small-seed0.json: agrees with its splits and sums over 12 people" in report
    assert "1 new, 0 gone, 1 unchanged" in report


def test_a_changed_score_is_told_with_its_interval(job):
    add(job / "submitted/leaderboard", make_record("good", 0, 0.7))
    path = job / "base/leaderboard"
    narrow = {f"conventions__{HEAD}__interval__mAP": [0.4, 0.6]}
    add(path, make_record("good", 0, 0.5, **narrow))
    passed, report = check(job)
    assert passed, report
    assert "1 left its interval" in report
    assert "**70.0**" in report


def test_a_record_that_was_edited_is_refused(job):
    path = add(job / "submitted/leaderboard", make_record("young", 0, 0.5))
    fields = json.loads(path.read_bytes())
    fields["conventions"][HEAD]["mAP"] = 0.99
    path.write_text(json.dumps(fields))
    passed, report = check(job)
    assert not passed
    assert "mAP of 'queries-in-gallery' is 0.990000" in report


def test_pages_that_do_not_follow_are_refused(job):
    (job / "submitted/leaderboard/mars-synthetic.md").write_text("<!-- mine -->")
    passed, report = check(job)
    assert not passed
    assert "mars-synthetic.md: does not follow from the records" in report


def test_a_record_that_is_taken_away_without_its_pages_is_refused(job):
    for path in (job / "submitted/leaderboard/records").rglob("*.json"):
        path.unlink()
    assert not check(job)[0]


@pytest.mark.parametrize("place", ["records/mars/synthetic/link.json", "records/mars/link", "x.md", "claims"])
def test_a_link_is_refused_and_not_followed(job, place):
    (job / "secret").write_text("a token")
    path = job / "submitted/leaderboard" / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(job / "secret")
    passed, report = check(job)
    assert not passed
    assert f"refused: {place!r} is a link; expected a file" in report
    assert "token" not in report


@pytest.mark.parametrize("kind", ["a link", "a file"])
def test_a_leaderboard_that_is_no_folder_is_refused(job, kind):
    (job / "submitted/leaderboard").rename(job / "elsewhere")
    if kind == "a link":
        (job / "submitted/leaderboard").symlink_to(job / "elsewhere")
    else:
        (job / "submitted/leaderboard").write_text("")
    assert check(job) == (False, "refused: leaderboard: expected a folder\nnot passed\n")


def test_a_huge_file_is_refused(job):
    with (job / "submitted/leaderboard/records/mars/huge.json").open("wb") as file:
        file.truncate(1 << 30)
    passed, report = check(job)
    assert not passed
    assert "'records/mars/huge.json' has over 1048576 bytes" in report


@pytest.mark.parametrize("name", NAMES)
def test_hostile_names_are_names(job, name):
    path = job / "submitted/leaderboard/records/mars" / f"{name}.json"
    path.write_bytes(make_record("young", 0, 0.5).to_json())
    passed, report = check(job)
    assert not passed
    assert "by its content this record belongs at" in report
    assert not list(job.rglob("pwned"))


def test_claims_kernels_and_code_of_a_submission_are_not_looked_at(job):
    submitted = job / "submitted"
    (submitted / "leaderboard/claims").mkdir()
    (submitted / "leaderboard/claims/paper.toml").write_text("nonsense")
    for name in ("vreid_bench.py", "sitecustomize.py", "json.py", "pyproject.toml"):
        (submitted / name).write_text("raise SystemExit('code of a fork')")
        (submitted / "leaderboard" / name).write_text("raise SystemExit('code of a fork')")
    passed, report = check(job)
    assert passed, report


def test_a_fifo_is_not_opened(job):
    os.mkfifo(job / "submitted/leaderboard/records/mars/pipe.json")
    passed, report = check(job)
    assert not passed
    assert "'records/mars/pipe.json' is neither a file nor a folder" in report


def test_requirements_without_torch():
    spec = importlib.util.spec_from_file_location("script", ROOT / ".github/scripts/install_without_torch.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    needed = script.list_requirements(ROOT / "pyproject.toml")
    assert {"numpy>=2", "pydantic>=2.7", "setuptools>=77"} <= set(needed)
    assert not [each for each in needed if each.startswith("torch")]
