"""The words in which a check says what it compared."""

import json
import re

import pytest
from golden_records import change_fields, let_agree

from vreid_bench.records.record import Record
from vreid_bench.reporting.record_check import check_record
from vreid_bench.reporting.record_folder import add_record
from vreid_bench.system.errors import InputError
from vreid_bench.system.fingerprint import digest


def test_what_a_record_does_not_hold_is_not_said_to_agree(tmp_path):
    path = tmp_path / "record.json"
    path.write_bytes(Record.of(let_agree(change_fields())).to_json())
    assert check_record(path) == "agrees with its splits and CMC curves"


def test_camera_pairs_are_held_against_the_queries_of_each_camera(finished_run):
    assert "camera pairs" in check_record(finished_run)
    file = finished_run / "record.json"
    fields = json.loads(file.read_bytes())
    pairs = fields["camera_pairs"]
    [[row, column], *_] = [
        (row, column) for row, cells in enumerate(pairs["mAP"]) for column, cell in enumerate(cells) if cell is not None
    ]
    pairs["queries"][row][column] += 1000
    file.write_bytes(Record.of(fields).to_json())
    with pytest.raises(InputError, match="queries or more, but"):
        check_record(finished_run)
    # nothing else in the record tells that another camera asked
    pairs["queries"][row][column] -= 1000
    pairs["cameras"][-1] += 7
    assert Record.of(fields).disagreements() == []
    file.write_bytes(Record.of(fields).to_json())
    with pytest.raises(InputError, match=r"the pairs of query camera 10 have \d+ queries or more, but 0 count"):
        check_record(finished_run)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"average_precision": "trapez"}, "its average_precision is 'trapez', expected 'step' or 'trapezoid'"),
        ({"query": [["zone", "gate"]]}, "its query[0].values is 'gate', expected a list"),
        ({"cut": -1}, "cut -1 must be 0 or more"),
    ],
)
def test_a_record_with_rules_that_no_convention_has_is_refused(tmp_path, rule, said):
    fields = let_agree(change_fields())
    rules = fields["conventions"]["official"]["rules"] | rule
    fields["conventions"]["official"] |= {"rules": rules, "fingerprint": digest(rules)}
    path = tmp_path / "record.json"
    path.write_bytes(Record.of(fields).to_json())
    with pytest.raises(InputError) as refused:
        check_record(path)
    assert f"{path}: the rules of its convention 'official': " in str(refused.value)
    assert said in str(refused.value)
    assert "damaged" not in str(refused.value)
    with pytest.raises(InputError, match=re.escape(said)):
        add_record(path, tmp_path / "leaderboard")
