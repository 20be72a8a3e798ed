"""The table of camera pairs in a record: what it may hold, and what of it follows from the other scores."""

import json

import numpy as np
import pytest
from claim_cases import HEAD, make_record
from golden_records import change_fields
from hypothesis import given
from hypothesis import strategies as st

from vreid_bench.records.camera_pairs import RowSums, find_pair_disagreements
from vreid_bench.records.record import Record
from vreid_bench.records.scores import CameraPairs, Metrics
from vreid_bench.system.errors import InputError

PAIRS = {"cameras": [1, 4], "mAP": [[None, 0.5], [0.25, None]], "queries": [[0, 16], [8, 0]]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cameras": [1]}, "cameras: found a list of 1, expected a list of at least 2 items"),
        ({"cameras": list(range(13))}, "cameras: found a list of 13, expected a list of at most 12 items"),
        ({"cameras": [4, 1]}, "cameras must be different numbers, ascending"),
        ({"cameras": [-1, 4]}, "greater than or equal to 0"),
        ({"mAP": [[None, 0.5]]}, "mAP must have a row and a column for each of the 2 cameras"),
        ({"queries": [[0, 1], [1]]}, "queries must have a row and a column for each of the 2 cameras"),
        ({"mAP": [[0.5, 0.5], [0.25, None]]}, "mAP must be null where there is no query, and nowhere else"),
        ({"queries": [[0, 0], [8, 0]]}, "mAP must be null where there is no query, and nowhere else"),
    ],
)
def test_a_table_that_cannot_be_is_refused(change, message):
    with pytest.raises(InputError, match=message):
        Record.of(change_fields(camera_pairs=PAIRS | change))


def with_pairs(score, **changes):
    """A record of 12 people with two queries each, whose AP is `score`, and a table of camera pairs."""
    fields = json.loads(make_record(score=score).to_json())
    return Record.of(fields | {"camera_pairs": PAIRS | changes})


def test_where_each_query_has_its_matches_in_one_camera_the_table_has_the_mAP():
    mean = (16 * 0.5 + 8 * 0.25) / 24
    assert with_pairs(mean).disagreements() == []
    [fault] = with_pairs(0.5).disagreements()
    assert fault.startswith("the camera pairs have a mean AP of 0.416667, but it is 0.500000 by the mAP")


def test_a_table_of_too_many_queries_or_too_few():
    [fault] = with_pairs(0.4, queries=[[0, 16], [9, 0]]).disagreements()
    assert fault == "the camera pairs have 25 queries or more, but 24 count"
    [fault] = with_pairs(0.4, queries=[[0, 16], [7, 0]]).disagreements()
    assert fault == "the camera pairs have 23 queries, but 24 count, each with a match in some camera"


def test_a_table_whose_pairs_are_too_good():
    three = {"cameras": [1, 2, 3], "queries": [[0, 24, 24], [0, 0, 0], [0, 0, 0]]}
    table = [[None, 0.9, 0.8], [None] * 3, [None] * 3]
    assert with_pairs(0.75, **three, mAP=table).disagreements() == []
    [fault] = with_pairs(0.69, **three, mAP=table).disagreements()
    assert fault.startswith("the camera pairs lack 7.200000 to a perfect AP")


@st.composite
def worlds(draw):
    """Queries of two cameras, and for each the order in which it finds strangers (0) and matches in cameras 1 to 3."""
    queries = st.lists(st.integers(0, 3), min_size=1, max_size=12)
    return draw(st.lists(st.tuples(st.integers(1, 2), queries), min_size=1, max_size=8))


def average_precision(found):
    ranks = [rank for rank, hit in enumerate(found, 1) if hit]
    return sum(nth / rank for nth, rank in enumerate(ranks, 1)) / len(ranks) if ranks else None


@given(worlds(), st.sampled_from(["skip", "zero"]))
def test_no_true_table_disagrees(world, unmatched):
    """Tables made by a slow loop: the AP of a camera is that of the list without the matches in other cameras."""
    world = [(camera, found) for camera, found in world if unmatched == "zero" or any(found)]
    cells = {(asking, showing): [] for asking in (1, 2, 3) for showing in (1, 2, 3)}
    for asking, found in world:
        for showing in {camera for camera in found if camera}:
            kept = [camera == showing for camera in found if camera in (0, showing)]
            cells[asking, showing].append(average_precision(kept))
    table = [[cells[asking, showing] for showing in (1, 2, 3)] for asking in (1, 2, 3)]
    pairs = CameraPairs(
        cameras=(1, 2, 3),
        mAP=tuple(tuple(float(np.mean(cell)) if cell else None for cell in row) for row in table),
        queries=tuple(tuple(map(len, row)) for row in table),
    )
    scores = [average_precision(found) or 0.0 for _, found in world]
    result = make_result(scores, unmatched)
    assert [*find_pair_disagreements(pairs, result)] == []
    for camera, row, numbers in zip(pairs.cameras, pairs.mAP, pairs.queries, strict=True):
        own = [score for score, (asking, _) in zip(scores, world, strict=True) if asking == camera]
        assert [*RowSums.of(row, numbers).compare(sum(own), len(own), unmatched == "skip", "x")] == []


def make_result(scores, unmatched):
    """The scores of these queries under a convention; only what the check reads is there."""
    mean = float(np.mean(scores)) if scores else 0.0
    result = json.loads(make_record().to_json())["conventions"][HEAD]
    split = result["splits"][0] | {"mAP": mean, "queries": len(scores)}
    plain = Record.of(change_fields()).conventions[HEAD]
    return plain.model_copy(
        update={
            "rules": plain.rules | {"unmatched": unmatched},
            "mAP": mean,
            "queries": len(scores),
            "splits": (Metrics(**split),),
        }
    )
