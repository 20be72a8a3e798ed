"""The page of claims and its text: what stands where, and text from strangers."""

import html
import re

from claim_cases import make_claim, make_record

from vreid_bench.reporting.claims import Claims, Unjudged
from vreid_bench.reporting.claims_page import render_claims, render_claims_text, write_side
from vreid_bench.reporting.judgement import judge_papers

HOSTILE = "a|b `c` <script>alert(1)</script>\n\n# d [e](http://f) \x1b[2J\u202e *i* _j_ ~k~ $l$ {{ m }} <!-- ../ \\|"


def judge(*claims, records=(), paper="A paper", **fields):
    return judge_papers({"paper": Claims(paper=paper, claim=claims, **fields)}, records)


def rows_of(page, heading):
    """The cells of the first table below a heading, without its head."""
    _, _, below = page.partition(heading)
    table = re.search(r"(\|.*\n)+", below)[0].splitlines()[2:]
    return [[html.unescape(cell.strip()) for cell in row.strip("|").split("|")] for row in table]


ROWS = [make_record("good", seed, 0.8) for seed in range(2)] + [make_record("bad", seed, 0.4) for seed in range(2)]


def test_a_row_has_what_is_printed_and_what_is_measured():
    claim = make_claim(printed=(83.0, 81.6))
    page = render_claims(judge(claim, records=ROWS)).decode()
    [row] = rows_of(page, "## A paper")
    assert row[:6] == ["good is better", "Table 1", "mars, small, synthetic", "good", "bad", "mAP"]
    assert row[6:] == ["83.0 / 81.6", "80.0 / 40.0", "+40.0", "+40.0 to +40.0", "2 / 2", "holds"]


def test_the_top_counts_verdicts_and_keeps_single_seeds_apart():
    claims = [make_claim(), make_claim("bad", "good"), make_claim("alone", "bad"), make_claim("gone")]
    judged = judge(*claims, records=[*ROWS, make_record("alone", 0, 0.9)])
    judged += [judged[0]._replace(paper="Another")]
    assert rows_of(render_claims(judged).decode(), "# Claims") == [
        ["A paper", "4", "1 + 1 with 1 seed", "1", "0", "1"],
        ["Another", "4", "1 + 1 with 1 seed", "1", "0", "1"],
        ["all", "8", "2 + 2 with 1 seed", "2", "0", "2"],
    ]


def test_one_seed_stands_beside_the_verdict():
    rows = [make_record("good", 0, 0.8), *ROWS[2:]]
    assert rows_of(render_claims(judge(make_claim(), records=rows)).decode(), "## A")[0][-2:] == [
        "1 / 2",
        "holds (1 seed)",
    ]
    assert "holds (1 seed)" in render_claims_text(judge(make_claim(), records=rows), None)


def test_the_verdict_of_an_earlier_leaderboard_stands_beside_that_of_today():
    claims = [
        make_claim(before={"mars": "cannot be told (1 seed)"}),
        make_claim("bad", "good", before={"elsewhere": "holds"}),
    ]
    page = render_claims(judge(*claims, records=ROWS, before="of other recipes")).decode()
    assert [row[-2:] for row in rows_of(page, "## A paper")] == [
        ["holds", "cannot be told (1 seed)"],
        ["does not hold", ""],
    ]
    assert "\n*Before*: the verdict of other recipes.\n" in page
    assert "efore" not in render_claims(judge(*claims, records=ROWS)).decode().split("## A paper")[1]


def test_the_same_sentence_stands_once():
    says = [row[0] for row in rows_of(render_claims(judge(make_claim(), make_claim("bad", "good"))).decode(), "## A")]
    assert says == ["good is better", ""]


def test_notes_and_what_is_not_judged_stand_below():
    unjudged = (Unjudged(says="It is fast", where="Table 2", why="speed is no score"),)
    page = render_claims(judge(make_claim(note="the table prints the opposite"), unjudged=unjudged)).decode()
    assert "* Table 1: the table prints the opposite\n" in page
    assert "* It is fast (Table 2): speed is no score\n" in page


def test_the_page_is_the_same_for_records_in_any_order():
    assert render_claims(judge(make_claim(), records=ROWS)) == render_claims(judge(make_claim(), records=ROWS[::-1]))


def test_a_side_in_words():
    claim = make_claim({"method": "good", "condition": "dark", "settings": {"b": "x", "a": 0.2}, "reranked": True})
    assert write_side(claim.better, "paper") == 'good (a=0.2, b="x", dark, re-ranked)'
    assert write_side(claim.worse, "paper") == "bad"


def test_hostile_text_is_text():
    side = {"method": "good", "condition": HOSTILE, "settings": {HOSTILE: HOSTILE}}
    claim = make_claim(side, note=HOSTILE).model_copy(update={"says": HOSTILE, "where": HOSTILE})
    unjudged = (Unjudged(says=HOSTILE, where=HOSTILE, why=HOSTILE),)
    judged = judge(claim, paper=HOSTILE, unjudged=unjudged)
    page = render_claims(judged).decode()
    assert page.isascii()
    _, _, own = page.partition("| paper")
    for dangerous in ("<", "`", "](", "\x1b", "{{", "~k", "*i", "_j", "\\"):
        assert dangerous not in own
    assert {len(row) for row in rows_of(page, "\n## ")} == {12}
    assert re.findall(r"^#+ ", own, re.MULTILINE) == ["## "]
    text = render_claims_text(judged, None)
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_why_there_are_no_rows_stands_once_below_the_table_of_the_terminal():
    text = render_claims_text(judge(make_claim("god"), make_claim("god", metric="R1"), records=ROWS), None)
    assert text.endswith("\n\nno rows:\n* nobody ran 'god'; did you mean good?\n")
    assert text.count("nobody ran") == 1
    assert "no rows:" not in render_claims_text(judge(make_claim(), records=ROWS), None)
    assert "nobody ran" not in render_claims(judge(make_claim("god"), records=ROWS)).decode()


def test_lines_of_text_fit_the_terminal():
    text = render_claims_text(judge(make_claim(), make_claim({"method": "good", "condition": "dark " * 40})), 80)
    assert max(map(len, text.splitlines())) <= 80
