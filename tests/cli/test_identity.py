"""A number belongs to the code and the pictures that stand in front of the user: the same command, after a change."""

import json
import os
import shutil
import sys

import pytest
from places import TESTS
from short_run import SHORT, record_of

from vreid_bench.registry.parsed_code import read_code
from vreid_bench.registry.source_code import fingerprint_imports

STRANGER = TESTS / "third_party" / "vreid-softmin"


@pytest.fixture
def command(cli, tmp_path, monkeypatch):
    """Run `vreid-bench run` as a new process would, with a package on the path; returns report and stderr."""
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        sys.modules.pop("vreid_softmin", None)
        read_code.cache_clear()
        result = cli("run", *arguments, *SHORT, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout), result.stderr

    yield call
    sys.modules.pop("vreid_softmin", None)


@pytest.fixture
def softmin(tmp_path):
    """The module of the stranger's package, which a test may edit."""
    site = tmp_path / "site"
    shutil.copytree(STRANGER, site)
    (site / "vreid_softmin-0.3.1.dist-info").mkdir()
    (site / "vreid_softmin-0.3.1.dist-info/METADATA").write_text("Name: vreid-softmin\nVersion: 0.3.1\n")
    (site / "vreid_softmin-0.3.1.dist-info/entry_points.txt").write_text("[vreid_bench]\nsoftmin = vreid_softmin\n")
    return site / "vreid_softmin.py"


def edit(module, old, new):
    text = module.read_text()
    assert old in text
    module.write_text(text.replace(old, new))


def test_edited_code_of_a_part_is_trained_anew_and_an_edited_comment_is_not(command, softmin, tiny_mars):
    run = ("--plugin", "softmin", "--data", tiny_mars)
    before, _ = command(*run)
    edit(softmin, "# [B, D]", "# the minimum, [B, D]")
    again, told = command(*run)
    assert again == before
    assert "result is shown again" in told
    edit(softmin, "torch.softmax(-self.heat", "torch.softmax(self.heat")
    after, told = command(*run)
    assert after["run"] != before["run"]
    assert "already trained" not in told
    assert after["conventions"] != before["conventions"]
    one, two = record_of(before), record_of(after)  # which list the code that they belong to
    [old, new] = [next(p.code for p in each.method.providers if p.name == "softmin") for each in (one, two)]
    assert old != new
    assert one.code.training != two.code.training


@pytest.mark.parametrize(("step", "embeds"), [("modeling.embed", True), ("evaluation.run_record", False)])
def test_a_change_of_one_step_repeats_that_step_and_what_follows(command, tiny_mars, monkeypatch, step, embeds):
    run = ("--plugin", "mean-pooling", "--data", tiny_mars)
    before, _ = command(*run)

    def edited(names, *given):
        known = fingerprint_imports(names, *given)
        return f"{known}, edited" if names == [f"vreid_bench.{step}"] else known

    monkeypatch.setattr("vreid_bench.planning.code.fingerprint_imports", edited)
    after, told = command(*run)
    assert after["run"] != before["run"]
    assert "already trained: the weights are copied from" in told
    assert ("embed" in told) == embeds  # its bar
    assert after["conventions"] == before["conventions"]


def test_another_instruction_set_is_another_training(cli_json, cli, finished_run, tiny_mars, tmp_path, monkeypatch):
    """Its last bits differ, so neither the result nor the weights of the other processor are taken."""
    command = ("run", "--plugin", "mean-pooling", "--data", tiny_mars, "--runs", tmp_path, *SHORT)
    assert cli_json(*command)["run"] == str(finished_run)
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "default")
    other = cli(*command, "--json")
    assert json.loads(other.stdout)["run"] != str(finished_run)
    assert "stage 1 of 1" in other.stderr
    assert "already trained" not in other.stderr


def test_another_picture_under_the_same_name_is_another_result(command, tiny_mars, tmp_path):
    data = shutil.copytree(tiny_mars, tmp_path / "mars", copy_function=os.link)
    run = ("--plugin", "mean-pooling", "--data", data)
    before, _ = command(*run)
    one, two = sorted((data / "bbox_train").rglob("*.jpg"))[:2]
    one.unlink()
    shutil.copy(two, one)
    after, told = command(*run)
    assert after["run"] != before["run"]
    assert "already trained" not in told
