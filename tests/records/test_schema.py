"""The published schema of a record: what the code reads, by a validator that knows nothing of the code."""

import json

import pytest
from golden_records import change_fields
from places import LEADERBOARD, ROOT

from vreid_bench.records.record import Record
from vreid_bench.records.schema import render_schema
from vreid_bench.system.errors import InputError

jsonschema = pytest.importorskip("jsonschema", reason="needs jsonschema (the extra `test`)")
FILE = ROOT / "docs/record.schema.json"


@pytest.fixture(scope="module")
def schema():
    found = json.loads(FILE.read_text())
    jsonschema.Draft202012Validator.check_schema(found)
    return jsonschema.Draft202012Validator(found)


def test_the_published_schema_is_that_of_the_code():
    assert FILE.read_text() == render_schema(), "`vreid-bench record schema > docs/record.schema.json` writes it anew"


def test_the_command_prints_it(cli):
    result = cli("record", "schema")
    assert (result.exit_code, result.stdout) == (0, FILE.read_text())


@pytest.mark.slow
def test_every_committed_record_is_valid(schema):
    paths = sorted((LEADERBOARD / "records").rglob("*.json"))
    assert len(paths) > 100
    faults = [(path.name, next(schema.iter_errors(json.loads(path.read_bytes())), None)) for path in paths]
    assert [each for each in faults if each[1]] == []


@pytest.mark.parametrize(
    "change",
    [
        {"conventions__official__mAP": 71.2},
        {"conventions__official__mAP": "0.7"},
        {"seed": -1},
        {"schema_version": 2},
        {"created": "2026-03-01 12:00"},
        {"surprise": 1},
        {"preset": "large"},
        {"conventions__official__splits": []},
        {"weights__sha256": "abc"},
        {"protocol__name": "../x"},
    ],
    ids=str,
)
def test_what_the_code_refuses_for_one_field_is_invalid(schema, change):
    fields = change_fields(**change)
    assert not schema.is_valid(fields)
    with pytest.raises(InputError):
        Record.of(fields)


def test_a_record_without_a_field_is_invalid(schema):
    fields = change_fields()
    assert schema.is_valid(fields)
    for name in fields:
        assert not schema.is_valid({key: value for key, value in fields.items() if key != name}), name
