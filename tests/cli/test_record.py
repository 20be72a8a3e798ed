"""`vreid-bench record check` on runs, on files, and on records that somebody changed."""

import json
import shutil

from edited_run import allow_edits
from places import LEADERBOARD


def edit(folder, **changes):
    """Change scores under the headline convention, in the mean and in its only split."""
    path = folder / "record.json"
    fields = json.loads(path.read_bytes())
    result = fields["conventions"][fields["protocol"]["headline"]]
    for each in (result, *result["splits"]):
        each |= changes
    path.write_text(json.dumps(fields))
    allow_edits(folder)


def test_a_finished_run_agrees_with_its_queries(cli, finished_run):
    result = cli("record", "check", finished_run)
    assert result.exit_code == 0
    assert f"{finished_run}: agrees with its splits, CMC curves, sums over " in result.output
    assert "scores of" in result.output


def test_a_better_score_is_found_and_not_published(cli, finished_run, tmp_path):
    edit(finished_run, mAP=0.99)
    for result in (
        cli("record", "check", finished_run),
        cli("leaderboard", "add", finished_run, "--dir", tmp_path / "board"),
    ):
        assert result.exit_code == 2
        assert "record.json: mAP of 'queries-in-gallery' is 0.990000, but 0." in result.stderr
        assert "by the sums over its people; it was edited or damaged" in result.stderr
    assert not (tmp_path / "board").exists()


def test_a_record_without_people_is_held_against_its_queries(cli, finished_run):
    fields = json.loads((finished_run / "record.json").read_bytes())
    (finished_run / "record.json").write_text(json.dumps(fields | {"people": []}))
    edit(finished_run, mAP=0.99)
    result = cli("record", "check", finished_run)
    assert result.exit_code == 2
    assert "by the scores of its queries in per_query.npz" in result.stderr


def test_a_convention_that_no_query_was_scored_under(cli, finished_run):
    fields = json.loads((finished_run / "record.json").read_bytes())
    official = fields["conventions"]["official"]
    official["queries"] = official["splits"][0]["queries"] = 3
    (finished_run / "record.json").write_text(json.dumps(fields))
    allow_edits(finished_run)
    assert "'official' counts 3 queries, but its run has scores of" in cli("record", "check", finished_run).stderr


def test_a_run_that_is_not_finished_is_skipped_with_a_note(cli, finished_run, tmp_path):
    result = cli("record", "check", tmp_path, finished_run)
    assert (result.exit_code, f"note: {tmp_path} is skipped: it is not a run" in result.stderr) == (0, True)
    assert f"{finished_run}: agrees with its" in result.output


def test_runs_are_named_by_their_ids(cli, finished_run):
    runs = ("--runs", finished_run.parent)
    assert f"{finished_run}: agrees with its" in cli("record", "check", finished_run.name, *runs).output
    exported = cli("record", "export", finished_run.name, "--to", "csv", *runs)
    assert exported.stdout == cli("record", "export", finished_run, "--to", "csv").stdout
    missing = cli("record", "check", f"{finished_run.name}x", *runs)
    assert (missing.exit_code, f"did you mean {finished_run.name}?" in missing.stderr) == (2, True)


def test_every_file_is_checked_before_the_command_ends(cli, tmp_path):
    good = LEADERBOARD / "records/prid2011/synthetic/mean-pooling-small-seed0.json"
    copy, bad = tmp_path / "copy.json", tmp_path / "bad.json"
    shutil.copy(good, copy)
    bad.write_text("{}")
    result = cli("record", "check", bad, copy)
    assert result.exit_code == 2
    assert f"{copy}: agrees with its splits, CMC curves, sums over" in result.output
    assert "bad.json: not a valid record" in result.stderr
