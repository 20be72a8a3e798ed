"""The record: what goes in comes out, and what should not go in is refused in a sentence."""

from __future__ import annotations

import json
import re
from functools import reduce
from operator import getitem
from pathlib import PurePosixPath

import pytest
from places import GOLDEN

from vreid_bench.contracts.convention import Convention
from vreid_bench.contracts.protocol import Protocol
from vreid_bench.records.entries import describe_rules
from vreid_bench.records.fields import Entry
from vreid_bench.records.record import Record, record_path
from vreid_bench.system.errors import InputError
from vreid_bench.system.files import write_atomic

RECORD = GOLDEN / "record.json"
HASH = "0123456789abcdef" * 4
GONE = object()


def changed(**changes):
    """The golden record's fields with others at dotted paths, written with `__` for the dot."""
    fields = json.loads(RECORD.read_bytes())
    for path, value in changes.items():
        *parents, last = path.split("__")
        at = fields
        for name in parents:
            at = at[name]
        if value is GONE:
            del at[last]
        else:
            at[last] = value
    return fields


def test_golden_record_is_read_and_written_back_byte_for_byte():
    record = Record.from_file(RECORD)
    assert record.to_json() == RECORD.read_bytes()
    assert record.conventions["queries-in-gallery"].mAP == 0.7123456789012345
    assert Record.of(json.loads(RECORD.read_bytes())).id == record.id


def test_bytes_do_not_depend_on_the_order_of_the_fields():
    fields = dict(reversed(json.loads(RECORD.read_bytes()).items()))
    assert Record.of(fields).to_json() == RECORD.read_bytes()


def test_every_float_survives():
    fields = changed(
        costs__score__seconds=0.1 + 0.2, conventions__official__mAP=1 / 3, conventions__official__R1=5e-324
    )
    record = Record.from_json(Record.of(fields).to_json(), "")
    official = record.conventions["official"]
    assert (record.costs.score.seconds, official.mAP, official.R1) == (0.1 + 0.2, 1 / 3, 5e-324)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"conventions__official__mAP": 71.2},
            r"conventions\.official\.mAP: found 71\.2, expected less than or equal to 1",
        ),
        ({"conventions__official__mAP": "0.7"}, r"conventions\.official\.mAP: found '0\.7', expected a number"),
        (
            {"conventions__official__mAP": float("nan")},
            r"conventions\.official\.mAP: found nan, expected a finite number",
        ),
        ({"method__recipe": {"rate": float("inf")}}, "Infinity is not finite"),
        ({"seed": -1}, "seed: found -1, expected greater than or equal to 0"),
        ({"seed": True}, "seed: found True, expected a whole number"),
        ({"budget__steps": 10**30}, "budget.steps: found 10"),
        ({"schema_version": 2}, "schema_version: found 2, expected 1"),
        ({"created": "2026-02-30T00:00:00Z"}, "created: .*day is out of range"),
        ({"created": "2026-03-01 12:00"}, "created: found '2026-03-01 12:00', expected a time like "),
        ({"dataset": GONE}, "dataset: is missing"),
        ({"surprise": 1}, "surprise: is not a field here; did you mean "),
        ({"preset": "large"}, "preset: found 'large', expected 'paper' or 'small'"),
        ({"method__overrides": {"margin": 0.2}}, "a method with overrides or a swapped part is modified"),
        ({"method__swapped": "aggregator attention"}, "a method with overrides or a swapped part is modified"),
        (
            {"method__modified": True, "method__overrides": {"validate.held-out": 2}},
            "method: the override validate.held-out must be a share above 0 and up to 0.5",
        ),
        ({"protocol__headline": "cuhk"}, "the headline convention 'cuhk' was not scored"),
        ({"protocol__fingerprint": HASH}, "protocol: version, fingerprint and rules do not agree"),
        ({"conventions__official__rules__unmatched": "zero"}, "official: version, fingerprint and rules do not agree"),
        ({"conventions__official__splits": []}, r"conventions\.official\.splits: found an empty list, expected"),
        ({"weights__origin": "record"}, "weights: trained_by and trained_under belong to"),
        ({"weights__sha256": "abc"}, r"weights\.sha256: found 'abc', expected 64 hexadecimal digits"),
        ({"a\n\x1b[2Jb": 1}, r"a\\n\\x1b\[2Jb: is not a field"),
    ],
)
def test_an_invalid_record_is_refused_in_a_sentence_that_names_file_and_field(tmp_path, change, message):
    path = tmp_path / "record.json"
    path.write_text(json.dumps(changed(**change)))
    with pytest.raises(InputError, match=message) as caught:
        Record.from_file(path)
    assert str(caught.value).startswith(f"{path}: not a valid record: ")
    assert str(caught.value).isprintable()


def test_rules_under_another_convention_s_name_are_refused():
    fields = json.loads(RECORD.read_bytes())
    fields["conventions"]["other"] = fields["conventions"].pop("official")
    with pytest.raises(InputError, match="the rules of 'other' are those of 'official'"):
        Record.of(fields)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "Invalid JSON"),
        (b"\xff\xfe", "Invalid JSON"),
        (b"[]", "the file: found an empty list, expected an object"),
        (b"[" * 100_000, "Invalid JSON: recursion limit"),
        (b" " * (1 << 20) + b"{}", "over 1048576 bytes"),
        (RECORD.read_bytes().replace(b'"seed": 0,', b'"seed": 1, "seed": 0,'), "key 'seed' appears twice"),
        (RECORD.read_bytes().replace(b'"depth": 50', b'"depth": 1e999'), "1e999 is not finite"),
        (RECORD.read_bytes()[:-100], "Invalid JSON"),
    ],
)
def test_bytes_that_are_no_record_are_refused(tmp_path, content, message):
    path = tmp_path / "record.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        Record.from_file(path)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(InputError, match=r"none\.json: cannot be read \(No such file or directory\)"):
        Record.from_file(tmp_path / "none.json")


@pytest.mark.parametrize("field", ["method__name", "protocol__name", "dataset__name", "backend"])
@pytest.mark.parametrize(
    "name", ["..", "../x", "a/b", "/etc/x", "a\\b", "", ".hidden", "a\n", "A", "é", "a" * 81, "-x"]
)
def test_a_name_that_could_leave_the_folder_is_refused(field, name):
    with pytest.raises(InputError, match=field.replace("__", r"\.")):
        Record.of(changed(**{field: name}))


def test_convention_names_are_validated_too():
    fields = json.loads(RECORD.read_bytes())
    fields["conventions"]["../x"] = fields["conventions"]["official"]
    with pytest.raises(InputError, match=r"conventions\.\.\./x"):
        Record.of(fields)


def test_the_path_follows_from_the_content():
    assert record_path(Record.from_file(RECORD)) == PurePosixPath("mars/synthetic/temporal-pooling-small-seed0.json")


def different():
    """Changes that make another row, each of its own."""
    modified = {"method__modified": True}
    loaded = {"weights__origin": "record", "weights__trained_by": HASH}
    return [
        {},
        modified,
        modified | {"method__overrides": {"margin": 0.2}},
        modified | {"method__overrides": {"margin": 0.3}},
        modified | {"method__swapped": "loss margin"},
        {"weights__origin": "file"},
        {"weights__origin": "file", "weights__sha256": HASH},
        loaded | {"weights__trained_under": "duke/official"},
        loaded | {"weights__trained_under": "mars/synthetic", "weights__trained_as": ["margin=0.2"]},
        {"disclosure__reranking": "k-reciprocal"},
        {"disclosure__test_time_augmentation": "flip"},
        {"seed": 1},
        {"preset": "paper"},
        {"dataset__source": "official"},
    ]


def test_what_makes_another_row_makes_another_path():
    paths = [record_path(Record.of(changed(**change))) for change in different()]
    assert len(set(paths)) == len(paths)


def test_what_a_rerun_changes_leaves_the_path():
    again = changed(created="2027-01-01T00:00:00Z", conventions__official__mAP=0.5, weights__sha256=HASH)
    assert record_path(Record.of(again)) == record_path(Record.from_file(RECORD))


def test_weights_keep_the_history_of_the_run_that_trained_them():
    trained = Record.of(changed(method__modified=True, method__overrides={"margin": 0.2}))
    loaded = trained.lend_weights(HASH)
    assert (loaded.origin, loaded.trained_by, loaded.trained_under) == ("record", trained.id, "mars/synthetic")
    again = Record.of(changed(weights=loaded.model_dump(mode="json")))
    assert again.variant == ("trained with margin=0.2",)


def test_people_held_out_are_an_override_that_is_no_setting():
    overrides = {"margin": 0.2, "validate.held-out": 0.25}
    record = Record.of(changed(method__modified=True, method__overrides=overrides))
    assert record.variant == ("margin=0.2", "validate.held-out=0.25")
    assert record.method.assignments == ["margin=0.2"]
    assert (record.method.held_out, Record.from_file(RECORD).method.held_out) == (0.25, None)
    assert record.lend_weights(HASH).trained_as == record.variant


@pytest.mark.parametrize(
    "rule",
    [
        Convention("c", "1", True, "step", "skip", "in words", "a paper"),
        Protocol("p", "2", "mars", "c", ("c", "d"), "in words", "a paper", holdout=0.1),
    ],
)
def test_rules_of_a_protocol_or_convention_carry_their_fingerprint(rule):
    entry = describe_rules(rule)
    assert entry["fingerprint"] == rule.fingerprint
    assert set(entry["rules"]) >= {"name", "version"}
    assert not {"summary", "source"} & set(entry["rules"])


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "deep" / "record.json"
    write_atomic(path, b"old")

    def broken(*_):
        raise OSError("no space left on device")

    for step in ("fsync", "replace"):
        with monkeypatch.context() as patched:
            patched.setattr(f"os.{step}", broken)
            with pytest.raises(OSError, match="no space"):
                write_atomic(path, b"new")
        assert [(p.name, p.read_bytes()) for p in path.parent.iterdir()] == [("record.json", b"old")]
    write_atomic(path, b"new")
    assert path.read_bytes() == b"new"


def of_splits(total, ran):
    """The golden record's fields as those of several splits, all with its scores."""
    fields = changed()
    for result in fields["conventions"].values():
        result["splits"] = result["splits"][:1] * len(ran)
    return fields | {"splits": {"total": total, "ran": ran}}


def test_a_record_of_one_split_does_not_speak_of_splits():
    assert b'"total"' not in RECORD.read_bytes()
    assert Record.from_file(RECORD).splits is None
    assert set(Record.from_file(RECORD).metrics()) == {"conventions"}


def test_ties_are_told_where_they_were_counted():
    fields = changed()
    fields["conventions"]["official"]["ties"] = {"tied": 3, "matches": 12}
    record = Record.of(fields)
    assert record.metrics()["ties"] == {"official": {"tied": 3, "matches": 12}}
    assert record.conventions["official"].fingerprint == Record.from_file(RECORD).conventions["official"].fingerprint


def test_splits_go_in_and_come_out():
    record = Record.of(of_splits(10, [0, 1, 7]))
    assert Record.from_json(record.to_json(), "").to_json() == record.to_json()
    assert record.splits.words == "3 of 10 splits (0-1,7)"
    assert record.metrics()["splits"] == {"total": 10, "ran": [0, 1, 7]}
    assert record.metrics()["conventions"]["official"]["sd"]["R1"] == 0
    assert Record.of(of_splits(10, [4])).metrics()["conventions"]["official"]["sd"]["R1"] is None


def test_all_splits_are_the_row_itself_and_some_are_another_each():
    records = [Record.of(of_splits(10, ran)) for ran in (list(range(10)), [0, 1], [0, 2])]
    assert records[0].variant == ()
    assert records[0].splits.words == "10 splits"
    assert records[1].variant == ("2 of 10 splits (0-1)",)
    assert len({record_path(record) for record in records}) == 3


def test_a_modified_method_stays_modified_with_some_splits():
    record = Record.of(of_splits(10, [0]) | {"method": changed(method__modified=True)["method"]})
    assert record.variant == ("modified", "1 of 10 splits (0)")
    assert record.lend_weights(HASH).trained_as == ("modified",)


@pytest.mark.parametrize(
    ("total", "ran", "message"),
    [
        (10, [0, 10], "splits: ran must list split numbers below 10, ascending"),
        (10, [1, 0], "ran must list split numbers below 10, ascending"),
        (10, [1, 1], "ran must list split numbers below 10, ascending"),
        (1, [0], r"splits\.total: found 1, expected greater than or equal to 2"),
        (10, [], r"splits\.ran: found an empty list, expected"),
    ],
)
def test_splits_that_cannot_be_are_refused(total, ran, message):
    with pytest.raises(InputError, match=message):
        Record.of(of_splits(total, ran))


def test_as_many_scores_as_splits_are_expected():
    fields = of_splits(10, [0, 1])
    fields["conventions"]["official"]["splits"] *= 2
    with pytest.raises(InputError, match=r"'official' has scores of 4 splits, but 2 of 10 splits \(0-1\) ran"):
        Record.of(fields)


def complete():
    """Fields of a record in which every entry of the schema stands somewhere."""
    number = {"dataset": "mars", "metric": "mAP", "value": 0.5, "where": "Table 1", "note": "", "reranked": False}
    number |= {"condition": "", "settings": {}}
    pretrained = {"file": "a.pth", "sha256": HASH, "names": "torchvision", "taken": 3, "tensors": 4, "shipped": True}
    fields = of_splits(10, [4])
    head = fields["conventions"]["official"]
    summary = {name: head[name] for name in head if name not in ("version", "fingerprint", "rules", "cmc")}
    fields["disclosure"]["pretraining"] = f"encoder from a.pth (sha256 {HASH}), 3 of 4 tensors, names of torchvision"
    fields["weights"]["pretrained"] = {"encoder": pretrained}
    fields["method"]["quoted"] = [number]
    fields["dataset"]["twin"] = HASH
    fields["taught"] = dict(fields["dataset"])
    fields["conditions"] = [{"name": "up to 0 of 8 clips", "conventions": {"official": summary}}]
    fields["people"] = [{"queries": [1], "AP": [0.5], "R1": [0]}]
    fields["environment"] |= {"arithmetic": "portable", "processes": 2}
    head["ties"] = {"tied": 3, "matches": 12}
    fields["camera_pairs"] = {"cameras": [1, 4], "mAP": [[None, 0.5], [0.25, None]], "queries": [[0, 20], [20, 0]]}
    return fields


def places(value, path=()):
    """The path of every key of every object that is an entry, not a mapping by free names."""
    free = {
        ("method", "recipe"),
        ("method", "overrides"),
        ("environment", "packages"),
        ("dataset", "counts"),
        ("taught", "counts"),
    }
    if isinstance(value, list):
        for at, each in enumerate(value):
            yield from places(each, (*path, at))
    if isinstance(value, dict) and path not in free and path[-1:] != ("rules",):
        for name, each in value.items():
            if path[-1:] != ("conventions",) and path not in {("not_computable",), ("weights", "pretrained")}:
                yield (*path, name)
            yield from places(each, (*path, name))


PLACES = sorted(places(complete()), key=str)


def test_the_fields_below_are_those_of_the_whole_schema():
    entries = [Record]
    for entry in entries:  # grows while it is read
        for annotation in (field.annotation for field in entry.model_fields.values()):
            entries += [found for found in inner(annotation) if found not in entries]
    assert {"ReportedNumber", "Pretraining", "People", "Condition", "Intervals"} <= {
        entry.__name__ for entry in entries
    }
    assert {name for entry in entries for name in entry.model_fields} == {path[-1] for path in PLACES}


def inner(annotation):
    """The entries that an annotation speaks of."""
    if isinstance(annotation, type) and issubclass(annotation, Entry):
        yield annotation
    for part in getattr(annotation, "__args__", ()):
        yield from inner(part)


# fields that older records lack, and what they are in these
LATER = {
    ("environment", "arithmetic"): None,
    ("environment", "processes"): None,
    ("weights", "pretrained", "encoder", "shipped"): False,
    ("conventions", "official", "ties"): None,
    ("camera_pairs",): None,
    ("dataset", "twin"): None,
    ("taught", "twin"): None,
}


@pytest.mark.parametrize(
    "path", [path for path in PLACES if path not in LATER], ids=lambda path: ".".join(map(str, path))
)
def test_a_record_without_any_one_field_is_refused(path):
    """No default hides what is missing."""
    fields = complete()
    at = fields
    for name in path[:-1]:
        at = at[name]
    del at[path[-1]]
    with pytest.raises(InputError, match=rf"{re.escape('.'.join(map(str, path)))}: is missing"):
        Record.of(fields)


@pytest.mark.parametrize("path", LATER, ids=lambda path: ".".join(path))
def test_an_older_record_keeps_its_bytes_without_a_field_that_came_later(path):
    fields = complete()
    later = json.loads(Record.of(fields).to_json())
    for record in (fields, later):
        *outer, last = path
        del reduce(getitem, outer, record)[last]
    older = Record.of(fields)
    assert json.loads(older.to_json()) == later
    assert reduce(lambda at, name: at[name] if isinstance(at, dict) else getattr(at, name), path, older) == LATER[path]


def test_what_is_null_or_empty_is_written_too():
    fields = json.loads(RECORD.read_bytes())
    empty = (
        "splits",
        "taught",
        "reranked_by",
        "clips_by",
        "not_computable",
        "people",
        "conditions",
        "cluster_diameter",
    )
    assert not any(fields[name] for name in empty)
    assert fields["weights"]["pretrained"] is fields["disclosure"]["corruption_in_training"] is None
    assert fields["method"]["quoted"] == []
    assert [number["reranked"] for number in fields["method"]["reported"]] == [False, False]
    assert json.loads(Record.of(fields).to_json()) == fields
