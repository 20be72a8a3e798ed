"""The words in which a check says what it compared."""

from golden_records import change_fields, let_agree

from vreid_bench.records.record import Record
from vreid_bench.reporting.record_check import check_record


def test_what_a_record_does_not_hold_is_not_said_to_agree(tmp_path):
    path = tmp_path / "record.json"
    path.write_bytes(Record.of(let_agree(change_fields())).to_json())
    assert check_record(path) == "agrees with its splits and CMC curves"
