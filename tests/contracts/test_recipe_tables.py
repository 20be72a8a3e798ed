"""Numbers of a paper's tables, read as they are printed."""

import pytest

from vreid_bench.contracts.recipe import Reported, reported_row, reported_table


def test_a_row_is_read_in_percent_by_data_set_and_metric_and_dashes_are_left_out():
    row = reported_row("Table 1, Ours", {"mars": "mAP R1 R5", "prid2011": "R1"}, "61.4 - 87.25 100", "a note")
    assert row == (
        Reported("mars", "mAP", 0.614, "Table 1, Ours", "a note"),
        Reported("mars", "R5", 0.8725, "Table 1, Ours", "a note"),
        Reported("prid2011", "R1", 1.0, "Table 1, Ours", "a note"),
    )


@pytest.mark.parametrize("numbers", ["61.4", "61.4 72.6 87.2"])
def test_a_row_with_more_or_fewer_numbers_than_columns_is_refused(numbers):
    with pytest.raises(ValueError, match="zip"):
        reported_row("Table 1, Ours", {"mars": "mAP R1"}, numbers)


def test_a_table_is_its_rows_in_order():
    columns = {"mars": "mAP R1"}
    table = reported_table("Table 2", columns, {"A": "50 60", "B + re-rank": "- 70"}, "quoted", ["B + re-rank"])
    assert table == (
        *reported_row("Table 2, A", columns, "50 60", "quoted"),
        *reported_row("Table 2, B + re-rank", columns, "- 70", "quoted", reranked=True),
    )
