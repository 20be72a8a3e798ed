"""What the page of a run says: scores with intervals beside printed numbers, remarks, and tables of the break-down."""

from types import SimpleNamespace

import pytest
from golden_records import HEAD, number, record, seeds

from vreid_bench.reporting.page.run_facts import _duration as duration
from vreid_bench.reporting.page.run_view import TWIN, view_run
from vreid_bench.reporting.queried_people import bound_people


def view(breakdown=(), count=bound_people, **changes):
    made = record(**changes)
    headline = made.protocol.headline
    return view_run(SimpleNamespace(record=made, headline=headline, breakdown=dict(breakdown), count_people=count))


def test_scores_stand_with_their_intervals_the_headline_first():
    changes = {f"{HEAD}mAP": 0.5, f"{HEAD}interval": {"mAP": [0.45, 0.55], "R1": [0.6, 0.7]}}
    found = view(people=[], **changes)
    assert found.conventions[0].name == "queries-in-gallery"
    assert [text for text, _ in found.conventions[0].cells][:2] == ["50.0", "45.0–55.0"]
    assert dict(found.facts)["mAP"] == "50.0 (45.0–55.0)"
    assert len(found.metrics) == len(found.conventions[0].cells)


def test_few_people_have_no_interval_and_a_note():
    people = [{"queries": [1, 1], "AP": [0.5, 0.5], "R1": [0, 1]}]
    found = view(people=people, **{f"{HEAD}interval": {"mAP": [0.4, 0.6], "R1": [0.4, 0.6]}})
    assert dict(found.facts)["people queried"] == "2"
    assert [text for text, _ in found.conventions[0].cells][1] == "–"
    assert "(" not in dict(found.facts)["mAP"]
    assert any("2 people were queried" in note for note in found.notes)


def test_the_queries_of_the_run_tell_how_many_people_count_under_each_convention():
    found = view(count=lambda record, convention, scores: 9 if convention == "torchreid" else 10)
    intervals = {row.name: [text for text, _ in row.cells][1] for row in found.conventions}
    assert intervals.pop("torchreid") == "–"
    assert "–" not in intervals.values()
    assert [note[:21] for note in found.notes if "queried" in note] == ["9 people were queried"]


def test_printed_numbers_stand_beside_the_measured_ones():
    printed = [number(0.83, where="Table 1"), number(0.9, metric="R5", where="Table 1"), number(0.5, where="Table 2")]
    other = [number(0.1, dataset="prid2011"), number(0.2, condition="a condition that did not run")]
    found = view(method__reported=printed + other, **{f"{HEAD}mAP": 0.5, f"{HEAD}R5": 0.625})
    assert [(row.metric, row.printed, row.measured, row.source) for row in found.printed] == [
        ("mAP", "83.0", "50.0", 1),
        ("mAP", "50.0", "50.0", 2),
        ("R5", "90.0", "62.5", 1),
    ]
    assert [source.rpartition(". ")[2] for source in found.sources] == ["Table 1", "Table 2"]


def test_remarks_are_those_of_a_board_and_a_twin_is_noted():
    found = view(method__overrides={"test.T": 8}, method__modified=True, disclosure__camera_id_at_test=True)
    assert "test.T=8" in found.remarks
    assert "camera id at test" in found.remarks
    assert TWIN in found.notes
    assert TWIN not in view(dataset__source="official", dataset__label="official").notes


def test_every_subject_says_what_is_known():
    [made] = seeds(0.5)
    details = {title: dict(facts) for title, facts in view().details}
    assert details["Method"]["method"] == made.method.name
    assert details["Weights and disclosure"]["weights"].startswith(made.weights.sha256[:8])
    assert details["Budget"]["parameters"] == f"{made.budget.parameters:,}"
    assert set(details) == {
        "Method",
        "Protocol and data",
        "Weights and disclosure",
        "Budget",
        "Time and memory",
        "Where it ran",
    }
    reranked = view(disclosure__reranking="zhong k1=20")
    assert dict(dict(reranked.details)["Weights and disclosure"])["re-ranking"] == "zhong k1=20"


def test_the_breakdown_becomes_tables():
    scores = {"mAP": 0.5, "R1": 0.25, "queries": 1200}
    found = view(
        {
            "hardest": [{"person": "0007\n", "pid": 7, **scores}],
            "frames": [{"from": 4, "to": 7, **scores}, {"from": 1, "to": 1, **scores}],
            "matches": [],
            "attributes": {"outfit": [{"value": "", **scores}]},
            "camera_pairs": {"cameras": ["A", "B"], "mAP": [[None, 0.5], [None, None]]},
        }
    )
    assert found.people.rows == ((("0007", None), ("50.0", 0.5), ("25.0", 0.25), ("1,200", 1200)),)
    assert found.people.sorted
    by_length, by_outfit = found.breakdowns
    assert [row[0] for row in by_length.rows] == [("4–7", 4), ("1", 1)]
    assert by_outfit.title == "by outfit of the query"
    assert by_outfit.rows[0][0][0] == "not known"
    assert found.pairs.rows == ((("A", None), ("", None), ("50.0", 0.5)), (("B", None), ("", None), ("", None)))
    assert view().pairs is None
    assert view({"camera_pairs": {"cameras": ["A"], "mAP": [[None]]}}).pairs is None


@pytest.mark.parametrize(("seconds", "words"), [(0.24, "0.2 s"), (90, "1.5 min"), (5400, "1.5 h")])
def test_durations_are_short(seconds, words):
    assert duration(seconds) == words
