"""Tables for papers: each form holds the numbers of the records, and strangers' text is text in each."""

import csv
import io
import json
import shutil
import subprocess

import pytest
from golden_records import HEAD, HOSTILE, record, seeds
from places import LEADERBOARD

from vreid_bench.reporting.board import boards
from vreid_bench.reporting.paper_tables import TableShape, name_tier, render_table
from vreid_bench.reporting.record_folder import read_records
from vreid_bench.reporting.text import escape_latex
from vreid_bench.system.errors import InputError

FORMULA = "=1+1"


@pytest.fixture(scope="module")
def mars():
    [board] = boards(r for r in read_records(LEADERBOARD) if r.protocol.name == "mars")
    return board


def hostile():
    changes = {"method__overrides": {"test.x": HOSTILE}, "method__modified": True}
    [board] = boards([*seeds(0.5, 0.6, 0.7), record(seed=7, **changes)])
    return board


def test_csv_has_the_fractions_of_the_records(mars):
    rows = list(csv.DictReader(io.StringIO(render_table(mars, TableShape("csv", metrics=("mAP", "R1", "R5"))))))
    assert len(rows) == len(mars.rows)
    by_name = {(row["method"], row["changes"]): row for row in rows}
    for row in mars.rows:
        line = by_name[row.first.method.name, "; ".join(row.first.variant)]
        assert float(line["mAP"]) == row.mean("queries-in-gallery", "mAP")
        assert (float(line["R1_low"]), float(line["R1_high"])) == row.ends("queries-in-gallery", "R1")
        assert float(line["R5"]) == row.mean("queries-in-gallery", "R5")
    seeds = [int(row["seeds"]) for row in rows]
    assert seeds.index(min(seeds)) > max(place for place, number in enumerate(seeds) if number >= 3)


def test_a_column_of_tiers_is_there_where_they_are_known(mars):
    """People's scores are those of the headline."""
    assert render_table(mars, TableShape()).splitlines()[0].split("|")[-2].strip() == "tier"
    other = render_table(mars, TableShape(convention="official")).splitlines()
    assert [cell.strip() for cell in other[0].split("|")[1:-1]] == ["method", "seeds", "mAP", "R1"]
    assert {line.count("|") for line in other} == {5}


def test_json_is_the_same_table(mars):
    found = json.loads(render_table(mars, TableShape("json", "torchreid")))
    assert found["convention"] == "torchreid"
    assert {row["tier"] for row in found["rows"]} == {""}  # tiers are those of the headline
    [row] = [row for row in found["rows"] if row["method"] == "tacan"]
    [expected] = [row for row in mars.rows if row.first.method.name == "tacan"]
    assert row["scores"]["mAP"]["mean"] == expected.mean("torchreid", "mAP")
    assert row["scores"]["mAP"]["text"] == expected.percent("torchreid", "mAP")


def test_letters_of_tiers_go_on_from_section_to_section(mars):
    rows = list(csv.DictReader(io.StringIO(render_table(mars, TableShape("csv")))))
    tiers = list(dict.fromkeys(row["tier"] for row in rows))
    assert tiers == [name_tier(number) for number in range(len(tiers))]
    assert [name_tier(number) for number in (0, 25, 26, 27, 52)] == ["a", "z", "aa", "ab", "ba"]


def test_markdown_and_latex_have_intervals_where_asked(mars):
    [row] = [row for row in mars.rows if row.first.method.name == "tacan"]
    text = f"{row.percent('queries-in-gallery', 'mAP')} ({row.interval('queries-in-gallery', 'mAP')})"
    assert text in render_table(mars, TableShape("markdown", intervals=True))
    assert text not in render_table(mars, TableShape("markdown"))
    assert escape_latex(text) in render_table(mars, TableShape("latex", intervals=True))


def test_a_convention_that_nobody_was_scored_under(mars):
    with pytest.raises(InputError, match="--convention other: expected one of queries-in-gallery, official, torchreid"):
        render_table(mars, TableShape(convention="other"))


def test_no_character_of_a_stranger_is_a_command_of_latex():
    text = render_table(hostile(), TableShape("latex"))
    [line] = [line for line in text.splitlines() if "script" in line]
    for command in ("textless", "textgreater", "textbar", "textbackslash", "textasciitilde", "textsuperscript"):
        line = line.replace(rf"\{command}{{}}", "").replace(rf"\{command}", "")
    plain = line.removesuffix(r" \\").replace(r"\textquotedbl{}", "")
    for character in "#$%_{}&":
        plain = plain.replace(f"\\{character}", "")
    assert "\\" not in plain
    assert not set("#$%_~^<>|") & set(plain)
    assert "{" not in plain.replace("{a}", "")


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
@pytest.mark.slow
def test_latex_takes_the_table(tmp_path):
    table = render_table(hostile(), TableShape("latex", intervals=True))
    document = "\\documentclass{article}\\usepackage[T1]{fontenc}\\usepackage{booktabs}\\begin{document}\n"
    (tmp_path / "a.tex").write_text(document + table.encode("ascii", "ignore").decode() + "\\end{document}\n")
    subprocess.run(["pdflatex", "-halt-on-error", "a.tex"], cwd=tmp_path, check=True, capture_output=True)


def test_a_cell_of_a_spreadsheet_is_no_formula():
    [board] = boards([record(method__overrides={FORMULA: 1}, method__modified=True)])
    [row] = csv.DictReader(io.StringIO(render_table(board, TableShape("csv"))))
    assert row["changes"] == f"'{FORMULA}=1"


def test_rows_of_one_person_have_no_tier():
    [board] = boards(seeds(0.5, 0.6, 0.7, **{f"{HEAD}R1": 0.5}))
    assert [row["tier"] for row in csv.DictReader(io.StringIO(render_table(board, TableShape("csv"))))] == [""]
