"""Printed and measured tables in a terminal: what stands where, the width, and text from strangers."""

import re

import pytest
from claim_cases import make_claim, make_record
from printed_cases import HOSTILE, make_column, make_line, make_paper, make_run, make_table

from vreid_bench.reporting.claims import Claims
from vreid_bench.reporting.reproduction import count_numbers, reproduce_paper, reproduce_table
from vreid_bench.reporting.reproduction_text import render_papers, render_reproduction, render_table


def show(table, *records, width=None):
    return render_table(reproduce_table(table, records), width)


def test_printed_and_measured_stand_one_below_the_other():
    columns = [make_column("mAP"), make_column("R5")]
    rows = [
        make_line("61.4 -", label="Ours", settings={"top": 0.2}),
        make_line("44 70", None, label="Theirs [2]", quoted=True),
        make_line("1 2", "bad", label="Old"),
        make_line("3 4", None, label="Lost", unbuilt="nobody knows"),
    ]
    changes = {"method__overrides": {"top": 0.2}, "method__modified": True}
    runs = [make_run("good", seed, 0.4, (0.3, 0.5), **changes) for seed in range(3)]
    shown = show(make_table(*rows, columns=columns, note="odd"), *runs)
    assert [line.rstrip() for line in shown.splitlines()] == [
        "Table 1: good and bad",
        "",
        "                                   mAP        R5",
        "-----------------------  --------  ---------  ------",
        "Ours                     printed   61.4       -",
        "good (top=0.2), 3 seeds  measured  40.0       0.0",
        "                         95 %      30.0–50.0",
        "Theirs [2]               printed   44         70",
        "Old                      printed   1          2",
        "bad                      measured  no row     no row",
        "Lost                     printed   3          4",
        "",
        "measured: mars, preset small, synthetic data",
        "note: odd",
        "not built: Lost: nobody knows",
    ]


def test_lines_of_several_kinds_have_letters():
    table = make_table(make_line("1"))
    shown = show(table, make_run(score=0.1), make_run(score=0.2, preset="paper", dataset__source="official"))
    assert re.search(r"measured a +20\.0\n", shown)
    assert re.search(r"measured b +10\.0\n", shown)
    assert "measured a: mars, preset paper, official data\nmeasured b: mars, preset small, synthetic data" in shown


@pytest.mark.parametrize("width", [60, 80, 100])
def test_a_wide_table_is_shown_in_parts(width):
    columns = [make_column(label=f"column {i}", group="group") for i in range(9)]
    numbers = [f"{i}.5" for i in range(9)]
    shown = show(make_table(make_line(" ".join(numbers)), columns=columns), make_run(), width=width)
    assert max(map(len, shown.splitlines())) <= width
    assert [cell for line in shown.splitlines() if "printed" in line for cell in line.split()[2:]] == numbers
    assert re.findall("column .", shown) == [f"column {i}" for i in range(9)]


def test_units_of_costs():
    cost = {"seconds": 90.0, "cpu_seconds": 9.0, "peak_mb": 1.0, "frames": 900}
    columns = [make_column("training"), make_column("inference")]
    table = make_table(make_line(label="Ours").model_copy(update={"printed": ("1.2 days", "3fps")}), columns=columns)
    shown = show(table, make_run(costs__train=cost, costs__embed=cost))
    assert re.search(r"printed +1\.2 days +3fps", shown)
    assert re.search(r"measured +1\.5 min +10 frames/s", shown)


def reproduce(*rows, records=(), claims=None, paper="A paper"):
    table = make_table(*rows)
    return reproduce_paper("paper", make_paper(table, paper=paper), [table], claims, records)


def test_the_whole_says_how_to_compare_and_what_to_run():
    claims = Claims(paper="A paper", claim=(make_claim(),))
    records = [make_record("good", 0, 0.8), make_record("bad", 0, 0.4)]
    shown = render_reproduction(reproduce(records=records, claims=claims), ["vreid-bench run x"], 80)
    assert "Compare the\norder of rows, never their values." in shown
    assert "Of 1 claim: 0 + 1 with 1 seed holds" in shown
    assert shown.endswith("1 row is missing. To make it:\n\nvreid-bench run x\n")
    official = [make_record("good", 0, 0.8, preset="paper", dataset__source="official")]
    assert "never their values" not in render_reproduction(reproduce(records=official), [], 80)


def test_text_of_strangers_is_text():
    lines = [
        make_line("1", label=HOSTILE, note=HOSTILE, settings={HOSTILE: HOSTILE}),
        make_line("2", None, label=HOSTILE, unbuilt=HOSTILE),
    ]
    table = make_table(*lines, columns=[make_column(label=HOSTILE, group=HOSTILE)], note=HOSTILE)
    table = table.model_copy(update={"caption": HOSTILE})
    paper = make_paper(table, paper=HOSTILE)
    for width in (None, 80):
        shown = render_reproduction(reproduce_paper("p", paper, [table], None, []), [HOSTILE], width)
        shown += render_papers({HOSTILE: paper}, {HOSTILE: [count_numbers(reproduce_table(table, []))]}, width)
        assert all(line.isprintable() for line in shown.split("\n"))
        assert "<script>" in shown
