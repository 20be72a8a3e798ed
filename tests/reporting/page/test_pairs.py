"""The camera pairs of a page: means over seeds, and only of rows whose records all have them."""

import pytest
from claim_cases import make_record

from vreid_bench.reporting.board import boards
from vreid_bench.reporting.page.pairs import view_pairs
from vreid_bench.reporting.page.view import view_board


def pairs(there, back, cameras=(1, 2), queries=12):
    return {
        "cameras": list(cameras),
        "mAP": [[None, there], [back, None]],
        "queries": [[0, queries], [24 - queries, 0]],
    }


def shown(*records):
    [board] = boards(records)
    return view_pairs(view_board(board))


def test_a_cell_is_the_mean_over_seeds_and_its_colour_a_share_of_the_board():
    found = shown(
        make_record("a", 0, 0.3, camera_pairs=pairs(0.4, 0.2)),
        make_record("a", 1, 0.4, camera_pairs=pairs(0.6, 0.2)),
        make_record("b", 0, 0.2, camera_pairs=pairs(0.1, 0.3)),
    )
    assert (found.cameras, found.low, found.high) == ((1, 2), pytest.approx(10), pytest.approx(50))
    assert [table.label for table in found.tables] == ["a", "b"]
    (empty, there), (back, _) = found.tables[0].cells
    assert (empty.text, empty.share, empty.queries) == ("", 0, 0)
    assert (there.text, there.share, there.queries) == ("50.0", pytest.approx(1), 12)
    assert (back.text, back.share) == ("20.0", pytest.approx(0.25))


@pytest.mark.parametrize("other", [None, pairs(0.4, 0.2, cameras=(1, 3)), pairs(0.4, 0.2, queries=10)])
def test_a_row_whose_records_do_not_all_have_the_same_table_is_left_out(other):
    records = [make_record("a", 0, camera_pairs=pairs(0.4, 0.2)), make_record("a", 1, camera_pairs=other)]
    assert shown(*records) is None
    found = shown(*records, make_record("b", 0, camera_pairs=pairs(0.4, 0.2)))
    assert [table.label for table in found.tables] == ["b"]


def test_equal_scores_have_no_colour():
    found = shown(make_record(camera_pairs=pairs(0.5, 0.5)))
    assert {cell.share for row in found.tables[0].cells for cell in row} == {0}
