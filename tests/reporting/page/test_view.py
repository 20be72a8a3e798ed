"""What a page shows of a board: which rows are ranked together, and the ranks that they can have."""

import pytest
from golden_records import HEAD, HOSTILE, record

from vreid_bench.reporting.board import boards
from vreid_bench.reporting.page.view import view_board
from vreid_bench.reporting.row_scores import group_people
from vreid_bench.scoring.rank_intervals import rank_groups

PEOPLE = 8  # each with one query


def trained(name, *scores, paper="A: B, 2020"):
    """The records of a method: for each seed, the share of the eight people whose query has its match first."""
    made = []
    for seed, right in enumerate(scores):
        hits = [1] * right + [0] * (PEOPLE - right)
        people = [{"queries": [1] * PEOPLE, "AP": hits, "R1": hits}]
        changes = {f"{HEAD}{metric}": right / PEOPLE for metric in ("mAP", "R1")}
        changes |= {f"{HEAD}queries": PEOPLE, "people": people, "method__name": name, "method__paper": paper}
        changes["weights__sha256"] = f"{seed:x}{len(name):x}".rjust(64, "0")
        made.append(record(seed=seed, **changes))
    return made


def view(*groups):
    [board] = boards([each for group in groups for each in group])
    return view_board(board)


def test_rows_of_fewer_than_three_seeds_are_ranked_among_themselves():
    found = view(trained("one", 8), trained("three", 2, 3, 4), trained("two", 6, 6), trained("four", 5, 5, 5, 5))
    names = [(section.title, [(row.rank, row.name) for row in section.rows]) for section in found.sections]
    assert names == [
        ("3 seeds or more", [(1, "four"), (2, "three")]),
        ("1 or 2 seeds", [(1, "one"), (2, "two")]),
    ]


def test_a_board_of_single_seeds_has_one_section():
    assert [section.title for section in view(trained("one", 8), trained("two", 6)).sections] == ["1 or 2 seeds"]


def test_the_ranks_that_a_row_can_have_are_those_of_the_rows_of_its_table():
    groups = trained("one", 8), trained("two", 6), trained("three", 7, 7, 1)
    found = view(*groups)
    ranked, single = found.sections
    assert [row.interval[:2] for row in ranked.rows] == [(1, 1)]
    expected = rank_groups([group_people(row.row, "", "mAP") for row in single.rows])
    assert tuple(row.interval for row in single.rows) == expected.intervals
    assert [row.tier for row in single.rows] == list(expected.tiers)


def test_without_the_scores_of_people_no_interval_of_a_rank_is_shown():
    one, two = trained("one", 8), trained("two", 6)
    found = view(one, [record(**{f"{HEAD}mAP": 0.5, "method__name": "two", "people": []})], two[:0])
    assert [(row.interval, row.tier) for row in found.rows] == [(None, None)] * 2
    assert found.sections[0].tiers is None


def test_each_paper_ranks_its_own_rows():
    rows = trained("a", 8), trained("b", 7, paper="C: D, 2021"), trained("c", 6)
    found = view(*rows)
    assert [(paper, [(r.rank, r.name) for s in sections for r in s.rows]) for paper, sections in found.by_paper] == [
        ("A: B, 2020", [(1, "a"), (2, "c")]),
        ("C: D, 2021", [(1, "b")]),
    ]
    assert len({row.key for _, sections in found.by_paper for s in sections for row in s.rows}) == 3
    assert view(*rows[::2]).by_paper == ()


def test_a_cell_is_the_mean_with_every_seed():
    [row] = view(trained("three", 2, 4, 6)).rows
    cell = row.scores["queries-in-gallery"]["mAP"]
    assert cell.mean == pytest.approx(50)
    assert cell.seeds == (25, 50, 75)
    assert cell.text == "50.0 ± 25.0"


def test_text_from_strangers_is_one_line_and_a_label_is_short():
    [row] = view([record(method__paper=HOSTILE, method__overrides={"test.T": "x" * 99}, method__modified=True)]).rows
    assert "\n" not in row.paper
    assert "\x1b" not in row.paper
    assert len(row.label) == 44
    assert row.label.endswith("…")
