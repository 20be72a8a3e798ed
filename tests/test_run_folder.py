"""What docs/run-folder.md says of the folder of a run is what a run leaves, and it says all of it."""

import json
import re

import numpy as np
import pytest
from doc_tables import check_arrays, table
from places import ROOT
from safetensors import safe_open
from safetensors.numpy import load_file

PAGE = (ROOT / "docs/run-folder.md").read_text()
# what this run does not leave: it spoils no clip, cuts no track, is finished, and has scores
ELSEWHERE = {"spoiled.safetensors", "gap-2s.safetensors", "checkpoint.safetensors", "ranking.csv"}


def test_every_file_is_on_the_page(finished_run):
    found = {path.name for path in finished_run.iterdir()}
    assert set(table(PAGE, "Files")) == found | ELSEWHERE
    assert not found & ELSEWHERE


def test_every_array_of_the_queries_is_on_the_page(finished_run):
    arrays = dict(np.load(finished_run / "per_query.npz"))
    for convention in json.loads((finished_run / "record.json").read_text())["conventions"]:
        for kind in (".ap", ".first_rank"):
            arrays[f"<convention>{kind}"] = arrays.pop(f"{convention}{kind}")
    documented = table(PAGE, "`per_query.npz`")
    absent = {"match.alike.<attribute>", "admissions", "asks"}  # of conventions that read attributes
    assert documented.keys() - absent == arrays.keys()
    check_arrays(arrays, {name: cells for name, cells in documented.items() if name not in absent})


def test_every_array_and_entry_of_the_features_is_on_the_page(finished_run):
    path = finished_run / "features.safetensors"
    arrays, documented = load_file(path), table(PAGE, "`features.safetensors`")
    assert documented.keys() == arrays.keys()
    check_arrays(arrays, documented)
    with safe_open(path, framework="np") as file:
        note = file.metadata()
    without = {"attribute.<name>"}  # the tracklets of MARS have none
    assert table(PAGE, "`features.safetensors`", 1).keys() - without == note.keys()
    for name in ("person", "camera", "tracklet"):
        assert len(json.loads(note[name])) == len(arrays["pid"]), name


def test_score_writes_the_same_arrays_from_the_features(finished_run, cli, tmp_path):
    assert cli("score", "--features", finished_run, "--per-query", tmp_path / "again.npz").exit_code == 0
    before, again = np.load(finished_run / "per_query.npz"), np.load(tmp_path / "again.npz")
    assert set(before.files) == set(again.files)
    for name in before.files:
        np.testing.assert_array_equal(again[name], before[name], err_msg=name)


def test_names_of_a_rendered_mars_are_those_of_its_files(finished_run):
    arrays = np.load(finished_run / "per_query.npz")
    for person, camera, tracklet in zip(arrays["person"], arrays["camera"], arrays["tracklet"], strict=True):
        assert re.fullmatch(rf"bbox_test/{person}/{person}{camera}T\d{{4}}F\d+\.jpg", tracklet)


@pytest.mark.parametrize("convention", ["queries-in-gallery", "official", "torchreid"])
def test_every_part_of_the_break_down_is_on_the_page(finished_run, convention):
    found = json.loads((finished_run / "breakdown.json").read_text())[convention]
    documented = table(PAGE, "`breakdown.json`")
    assert documented.keys() == found.keys()
    assert found.pop("attributes") == {}  # MARS has none
    for part, value in found.items():
        keys = value if isinstance(value, dict) else value[0]
        assert set(re.findall(r"`(\w+)`", documented[part][0])) == set(keys), part


def test_every_value_of_the_logs_is_on_the_page(finished_run):
    heading = "`log.jsonl` and `costs.json`"
    losses = json.loads((finished_run / "record.json").read_text())["method"]["recipe"]["losses"]
    for line in (finished_run / "log.jsonl").read_text().splitlines():
        assert json.loads(line).keys() - losses.keys() | {"<loss>"} == table(PAGE, heading).keys()
    costs = json.loads((finished_run / "costs.json").read_text())
    assert costs.keys() == set(re.findall(r"`(\w+)`", re.search(r"has the stages (.*), each", PAGE)[1]))
    for cost in costs.values():
        assert cost.keys() == table(PAGE, heading, 1).keys()


def test_every_field_of_the_record_is_on_the_page(finished_run):
    record = json.loads((finished_run / "record.json").read_text())
    documented = table(PAGE, "`record.json`")
    assert documented.keys() == record.keys()
    scores = set(re.findall(r"`(\w+)`", documented["conventions"][0]))
    assert scores == record["conventions"]["official"].keys() - {"version", "fingerprint", "rules"}
