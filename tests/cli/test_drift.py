"""`vreid-bench leaderboard drift`: its forms, its exit codes and what it refuses."""

import json
import subprocess
import sys

import pytest
from claim_cases import HEAD, make_record
from places import LEADERBOARD

from vreid_bench.records.record import record_path

INTERVAL = {f"conventions__{HEAD}__interval__mAP": [0.4, 0.6]}


def write(folder, *records):
    for record in records:
        path = folder / "records" / record_path(record)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(record.to_json())
    return folder


@pytest.fixture
def before(tmp_path):
    return write(tmp_path / "before", *(make_record(method, 0, 0.5, **INTERVAL) for method in ("good", "bad")))


@pytest.fixture
def after(tmp_path):
    """One of the two rows, made again."""
    return write(tmp_path / "after", make_record("good", 0, 0.7, **INTERVAL))


def test_the_exit_code_tells_only_if_it_is_asked_for(cli, before, after):
    for options, code in ((), 0), (("--exit-code",), 1), (("--exit-code", "--format", "json"), 1):
        told = cli("leaderboard", "drift", before, after, *options)
        assert told.exit_code == code, told.output
        assert told.stderr == ""
    assert cli("leaderboard", "drift", before, before, "--exit-code").exit_code == 0


def test_markdown_and_json(cli, before, after):
    text = cli("leaderboard", "drift", before, after).stdout
    assert text.startswith(
        "# Drift\n\n1 left its interval, 0 moved within its interval, 0 not comparable, 0 new, 1 gone"
    )
    assert text.endswith("|\n")
    told = json.loads(cli("leaderboard", "drift", before, after, "--format", "json").stdout)
    assert [(each["method"], each["state"]) for each in told["rows"]] == [
        ("good", "left its interval"),
        ("bad", "gone"),
    ]


def test_of_a_part_nothing_is_gone(cli, before, after):
    told = json.loads(cli("leaderboard", "drift", before, after, "--format", "json", "--partial").stdout)
    assert [each["method"] for each in told["rows"]] == ["good"]


@pytest.mark.parametrize(
    ("name", "message"),
    [("nowhere", "nowhere: no such folder; expected a leaderboard"), (".", ": holds no record; expected")],
)
def test_what_is_no_leaderboard_is_refused(cli, before, tmp_path, name, message):
    (tmp_path / "empty").mkdir()
    for sides in ((tmp_path / "empty" / name, before), (before, tmp_path / "empty" / name)):
        refused = cli("leaderboard", "drift", *sides)
        assert (refused.exit_code, refused.stdout, refused.stderr.count("\n")) == (2, "", 1)
        assert message in refused.stderr


def test_a_record_that_was_edited_is_refused(cli, before, after):
    [path] = (after / "records").rglob("*.json")
    fields = json.loads(path.read_bytes())
    fields["conventions"][HEAD]["mAP"] = 0.99
    path.write_text(json.dumps(fields))
    refused = cli("leaderboard", "drift", before, after)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "mAP of 'queries-in-gallery' is 0.990000" in refused.stderr


@pytest.mark.slow
def test_it_imports_neither_torch_nor_plugins(before, after):
    code = (
        "import sys; from vreid_bench.cli.main import main; main(sys.argv[1:], standalone_mode=False); "
        "print(sorted({'torch', 'vreid_plugins'} & set(sys.modules)), file=sys.stderr)"
    )
    command = [sys.executable, "-c", code, "leaderboard", "drift", before, after]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stderr == "[]\n"


@pytest.mark.slow
def test_the_committed_leaderboard_does_not_drift_from_itself(cli):
    assert cli("leaderboard", "drift", LEADERBOARD, LEADERBOARD, "--exit-code").exit_code == 0
