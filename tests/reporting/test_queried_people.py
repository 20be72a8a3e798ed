"""Each who loses all queries under a convention is not among the people of its interval, wherever the run is there."""

import json

import numpy as np
import pytest
from judged_run import write_judged_run
from oracle import labels

from vreid_bench.records.record import Record
from vreid_bench.records.run_directory import RunDirectory
from vreid_bench.reporting.board import boards
from vreid_bench.reporting.queried_people import bound_people, read_people
from vreid_bench.reporting.run_report import as_json
from vreid_bench.reporting.terminal import render
from vreid_bench.scoring.conventions import CONVENTIONS

RULES = [rule for rule in CONVENTIONS if rule.name in ("queries-in-gallery", "torchreid")]


@pytest.fixture
def run(tmp_path):
    """Ten people in two cameras; the tenth is only queried, so that nobody matches once queries leave the gallery."""
    pids = np.repeat(np.arange(1, 11), 4)
    queries = [row for row in range(40) if row % 4 < 2 or pids[row] == 10]
    who = labels(pids, np.tile([1, 2], 20), queries, range(40))
    distances = np.random.default_rng(0).random((len(queries), 40))
    folder = RunDirectory(write_judged_run(tmp_path, [(who, distances)], RULES))
    fields = json.loads(folder.record.read_bytes())
    fields["people"] = [{"queries": [2] * 9 + [4], "AP": [1.0] * 10, "R1": [1] * 10}]
    folder.record.write_bytes(Record.of(fields).to_json())
    return folder


def test_the_run_counts_who_counts_and_its_record_alone_only_bounds_it(run):
    record = Record.from_file(run.record)
    count = read_people([(run, record)])
    counted = {name: count(record, name, scores) for name, scores in record.conventions.items()}
    assert counted == {"queries-in-gallery": 10, "torchreid": 9}
    scores = record.conventions["torchreid"]
    assert bound_people(record, "torchreid", scores) == 10
    run.per_query.unlink()
    assert read_people([(run, record)])(record, "torchreid", scores) == 10


def test_the_table_and_the_json_of_a_run_have_no_interval_of_nine(run):
    record = Record.from_file(run.record)
    count = read_people([(run, record)])
    shown = as_json(record, count)["conventions"]
    assert shown["torchreid"]["interval"] == {"mAP": None, "R1": None}
    assert shown["torchreid"]["no_interval"].startswith("9 people were queried; of fewer than 10")
    assert shown["queries-in-gallery"]["people"] == 10
    [row] = boards([record], count)[0].rows
    assert row.interval("torchreid", "mAP") == "–" != row.interval("queries-in-gallery", "mAP")
    assert "note: 9 people were queried; of fewer than 10, no 95 % interval is given" in render([record], count)
    [line] = [line for line in render([record], count).splitlines() if line.startswith("torchreid")]
    assert line.split().count("–") == 2
