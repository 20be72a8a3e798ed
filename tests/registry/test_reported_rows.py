"""A row of a paper's table that does not fit its columns is one sentence; one that fits is that of the contract."""

import pytest

from vreid_bench import InputError, reported_row, reported_table
from vreid_bench.contracts import recipe

COLUMNS = {"mars": "mAP R1", "prid2011": "R1"}


def test_rows_that_fit_are_those_of_the_contract():
    row = ("Table 1, Ours", COLUMNS, "61.4 - 87.25", "a note", True)
    assert reported_row(*row) == recipe.reported_row(*row)
    table = ("Table 2", COLUMNS, {"A": "50 60 -", "B": "- 70 1e1"}, "quoted", ["B"])
    assert reported_table(*table) == recipe.reported_table(*table)


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ("61.4", "Table 2, ours: has 1 number, expected 3, one for each of mars mAP, mars R1, prid2011 R1; write - "),
        ("61.4 72.6 87.2 90", "Table 2, ours: has 4 numbers, expected 3"),
        ("61.4 72,6 87.2", "Table 2, ours: mars R1 is '72,6', expected a percentage such as 80.1, or - for none"),
        ("61.4 72.6 nan", "Table 2, ours: prid2011 R1 is 'nan', expected a percentage"),
    ],
)
def test_a_row_that_does_not_fit_is_one_sentence(numbers, message):
    for write in (
        lambda: reported_row("Table 2, ours", COLUMNS, numbers),
        lambda: reported_table("Table 2", COLUMNS, {"theirs": "1 2 3", "ours": numbers}),
    ):
        with pytest.raises(InputError) as told:
            write()
        assert str(told.value).startswith(message)


PLUGIN = """
from vreid_bench import hookimpl, reported_row


def build(preset):
    return ROW or reported_row("Table 2, ours", {"mars": "mAP R1"}, "80.1")


@hookimpl
def vreid_methods():
    return {"mine": build}
"""


@pytest.mark.parametrize(("row", "line"), [("None", ""), ('reported_row("T", {"mars": "mAP"}, "1 2")', "line 4")])
def test_the_plugin_and_its_line_are_named(cli, tmp_path, row, line):
    file = tmp_path / "mine.py"
    file.write_text(PLUGIN.replace("\n\n\ndef", f"\n\nROW = {row}\n\n\ndef", 1))
    result = cli("check", file)
    assert ": has " in result.output
    assert ", expected " in result.output
    assert str(file) in result.output
    assert line in result.output
    assert "zip" not in result.output
