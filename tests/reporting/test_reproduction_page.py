"""Printed and measured tables as Markdown, CSV and JSON: what stands where, and text from strangers."""

import csv
import html
import io
import json
import re

import pytest
from claim_cases import make_claim, make_record
from printed_cases import HOSTILE, make_column, make_line, make_paper, make_run, make_table

from vreid_bench.reporting.claims import Claims
from vreid_bench.reporting.reproduction import Count, reproduce_paper
from vreid_bench.reporting.reproduction_page import render_csv, render_json, render_list, render_markdown


def reproduce(*rows, records=(), claims=None, paper="A paper", **fields):
    table = make_table(*rows, **fields)
    return reproduce_paper("paper", make_paper(table, paper=paper), [table], claims, records)


def rows_of(page, heading):
    """The cells of the first table below a heading, without its head."""
    _, _, below = page.partition(heading)
    table = re.search(r"(\|.*\n)+", below)[0].splitlines()[2:]
    return [[html.unescape(cell.strip()) for cell in row.strip("|").split("|")] for row in table]


ROWS = (make_line("61.4 -"), make_line("44 -", None, label="Theirs", quoted=True), make_line("1 2", "bad", label="Old"))
COLUMNS = (make_column(), make_column("R5", group="MARS"))
RUNS = [make_run("good", seed, 0.4, (0.3, 0.5)) for seed in range(2)]


def test_a_row_of_markdown_has_printed_and_measured():
    shown = render_markdown(reproduce(*ROWS, records=RUNS, columns=COLUMNS), ["vreid-bench run x"])
    assert rows_of(shown, "## Table 1") == [
        ["Ours", "good, 2 seeds", "61.4 / 40.0 (30.0–50.0)", "- / 0.0"],
        ["Theirs", "quoted", "44", "-"],
        ["Old", "bad", "1 / no row", "2 / no row"],
    ]
    assert "* measured&#58; mars, preset small, synthetic data\n" in shown
    assert shown.endswith("1 row is missing. To make it:\n\n    vreid-bench run x\n")


def test_the_claims_stand_below_the_tables():
    claims = Claims(paper="A paper", claim=(make_claim(),))
    records = [make_record("good", 0, 0.8), make_record("bad", 0, 0.4)]
    [claim] = rows_of(render_markdown(reproduce(records=records, claims=claims), []), "## Claims")
    assert claim[-1] == "holds (1 seed)"
    assert "## Claims" not in render_markdown(reproduce(records=records), [])


def test_csv_has_a_line_for_each_number_with_full_digits():
    paper = [make_run("good", score=1 / 3, preset="paper")]
    lines = list(csv.DictReader(io.StringIO(render_csv(reproduce(*ROWS, records=[*RUNS, *paper], columns=COLUMNS)))))
    assert [(line["row"], line["column"], line["printed"], line["preset"]) for line in lines] == [
        ("Ours", "mAP", "61.4", "paper"),
        ("Ours", "mAP", "61.4", "small"),
        ("Ours", "MARS R5", "-", "paper"),
        ("Ours", "MARS R5", "-", "small"),
        ("Theirs", "mAP", "44", ""),
        ("Theirs", "MARS R5", "-", ""),
        ("Old", "mAP", "1", ""),
        ("Old", "MARS R5", "2", ""),
    ]
    assert float(lines[0]["value"]) == 1 / 3
    numbers = [float(lines[1][name]) for name in ("value", "low", "high", "seeds")]
    assert numbers == pytest.approx([0.4, 0.3, 0.5, 2])
    assert (lines[3]["low"], lines[4]["value"], lines[4]["seeds"]) == ("", "", "")


def test_json_has_everything():
    claims = Claims(paper="A paper", claim=(make_claim(),))
    parsed = json.loads(render_json(reproduce(*ROWS, records=RUNS, claims=claims, columns=COLUMNS), ["x"]))
    assert parsed["missing"] == ["x"]
    assert parsed["claims"]["verdicts"]["no rows"] == 1
    assert [len(table["cells"]) for table in parsed["tables"]] == [6]


def test_the_list_of_tables_in_each_form():
    papers, counts = {"paper": make_paper()}, {"paper": [Count(3, 2, 1)]}
    assert rows_of("## List\n" + render_list(papers, counts, "markdown"), "## List") == [
        ["paper", "1", "good and bad", "3", "2", "1"]
    ]
    assert render_list(papers, counts, "csv").splitlines()[1] == "paper,1,good and bad,3,2,1"
    assert json.loads(render_list(papers, counts, "json"))["tables"] == [
        {"paper": "paper", "table": "1", "shows": "good and bad", "numbers": 3, "with_a_method": 2, "measured": 1}
    ]


def test_text_of_strangers_is_text():
    line = make_line("1", label=f"={HOSTILE}", note=HOSTILE, settings={HOSTILE: HOSTILE})
    shown = reproduce(line, paper=HOSTILE, columns=[make_column(label=HOSTILE, group=HOSTILE)], note=HOSTILE)
    hostile = {HOSTILE: make_paper(paper=HOSTILE)}
    page = render_markdown(shown, []) + render_list(hostile, {HOSTILE: [Count(1, 1, 1)]}, "markdown")
    assert re.search(r"[<>`*_~$\[\]{}\\]", re.sub(r"(?m)^\* ", "", page)) is None
    assert {row.count("|") for row in page.splitlines() if row.startswith("|")} == {4, 7}
    data = render_csv(shown) + render_list(hostile, {HOSTILE: [Count(1, 1, 1)]}, "csv")
    assert data.replace("\n", "").isprintable()
    [first, *_] = csv.DictReader(io.StringIO(data))
    assert first["row"].startswith("'=a|b")
    assert all(text.isprintable() for text in render_markdown(shown, [HOSTILE]).split("\n"))
    assert render_json(shown, []).isascii()
    assert "\x1b" not in render_json(shown, [])
