"""Scores of a record that do not follow from its finer ones are found, one by one."""

import json

import pytest
from claim_cases import make_record
from golden_records import change_fields
from places import LEADERBOARD

from vreid_bench.records.record import Record

HEAD = "queries-in-gallery"


def with_people():
    return json.loads(make_record(score=0.5).to_json())


def test_the_published_records_agree():
    paths = sorted((LEADERBOARD / "records").rglob("*.json"))
    assert len(paths) > 100
    assert [path.name for path in paths if Record.from_file(path).disagreements()] == []


def test_a_record_with_a_better_score_than_its_people_have():
    fields = with_people()
    result = fields["conventions"][HEAD]
    result["mAP"] = result["splits"][0]["mAP"] = 0.99
    assert Record.of(fields).disagreements() == [
        "mAP of 'queries-in-gallery' is 0.990000, but 0.500000 by the sums over its people"
    ]


def test_people_who_were_hit_more_often_than_R1_says():
    fields = with_people()
    fields["people"][0]["R1"][0] = 2  # of 24 queries
    [fault] = Record.of(fields).disagreements()
    assert fault == "R1 of 'queries-in-gallery' is 0.000000, but 0.083333 by the sums over its people"


def test_people_without_a_query():
    fields = with_people()
    fields["people"][0]["queries"] = [0] * 12
    assert Record.of(fields).disagreements() == [
        "the sums over people of 'queries-in-gallery' have a split without a query"
    ]


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        ("official__R5", 0.5, "R5 of 'official' is 0.500000, but"),
        ("torchreid__mINP", 0.5, "mINP of 'torchreid' is 0.500000, but"),
        ("official__queries", 41, "'official' counts 41 queries, but its splits 40"),
        ("official__interval__mAP", [0.8, 0.7], "the interval of mAP of 'official' ends before it begins"),
    ],
)
def test_one_number_that_is_changed_is_named(path, value, fault):
    [found] = Record.of(change_fields(**{f"conventions__{path}": value})).disagreements()
    assert found.startswith(fault)


def test_a_curve_that_says_something_else_or_falls():
    fields = change_fields()
    curve = fields["conventions"][HEAD]["cmc"]
    curve[0], curve[6] = 0.7, 0.2
    assert Record.of(fields).disagreements() == [
        "R1 of 'queries-in-gallery' is 0.800000, but 0.700000 by its CMC curve",
        "the CMC curve of 'queries-in-gallery' falls",
    ]


def test_a_condition_whose_splits_say_something_else():
    fields = json.loads(make_record(conditions={"clean": 0.8, "spoiled": 0.4}).to_json())
    assert Record.of(fields).disagreements() == []
    fields["conditions"][1]["conventions"][HEAD]["mAP"] = 0.7
    assert Record.of(fields).disagreements() == [
        "mAP of \"queries-in-gallery under 'spoiled'\" is 0.700000, but 0.400000 by the mean of its splits"
    ]
