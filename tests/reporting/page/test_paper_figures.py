"""Which figures of papers a page has, and of which tracklets."""

from types import SimpleNamespace

import numpy as np
import pytest

from vreid_bench.contracts.dataset import Tracklet
from vreid_bench.reporting.page import paper_figures
from vreid_bench.reporting.page.paper_figures import (
    choose_compared,
    choose_mapped,
    choose_pair,
    draw_papers,
    plan_papers,
)
from vreid_bench.reporting.page.retrievals import Item, Retrieval
from vreid_bench.system.errors import InputError

EVERYTHING = [
    "embeddings",
    "clip-weights",
    "frame-attention",
    "part-maps",
    "responses",
    "saliency",
    "pairs",
    "pair-scores",
]


def tracklets(*pids):
    return [Tracklet((f"{row}<b>.jpg",), pid, 1) for row, pid in enumerate(pids)]


def retrieval(kind, row, *roles):
    items = tuple(Item(10 * row + place, role, None, 0.5) for place, role in enumerate(roles))
    return Retrieval(kind, 0, row, 0.5, 1, 1, items, 0)


FOUND = [
    retrieval("best", 1, "right"),
    retrieval("best", 2, "right"),
    retrieval("median", 3, "junk", "wrong", "right"),
    retrieval("worst", 4, "wrong"),
]


def model(offers, *pids):
    test = SimpleNamespace(labels=SimpleNamespace(query=np.arange(50) * 2))
    seen = []

    def inspect(what, rows, *, pictures):
        seen.append((what, tuple(rows), pictures))
        return {}

    people = tracklets(*(pids or [1] * 60))
    return SimpleNamespace(offers=offers, tracklets=people, rank=lambda: test, inspect=inspect, seen=seen)


def test_only_what_is_offered_is_planned():
    assert {each.what for each in plan_papers(model(EVERYTHING), FOUND)} == set(EVERYTHING)
    assert {each.what for each in plan_papers(model(["pairs", "embeddings"]), FOUND)} == {"pairs", "embeddings"}
    assert plan_papers(model([]), FOUND) == []


def test_the_figures_are_of_the_first_query_of_each_kind():
    planned = plan_papers(model(EVERYTHING), FOUND)
    rows = {what: [each.rows for each in planned if each.what == what] for what in EVERYTHING}
    assert rows["clip-weights"] == rows["frame-attention"] == [(1,), (3,), (4,)]
    assert rows["part-maps"] == [(1,), (3,)]
    assert rows["pairs"] == rows["saliency"] == [(3, 32), (3, 31)]
    assert rows["responses"] == [(1,)]
    assert len(rows["pair-scores"][0]) == 20
    assert len({each.title for each in planned}) == len(planned)


def test_a_run_without_retrievals_has_only_figures_of_many_tracklets():
    assert {each.what for each in plan_papers(model(EVERYTHING), [])} == {"embeddings", "pair-scores"}


def test_a_pair_is_a_query_with_its_first_item_of_a_role():
    assert choose_pair(FOUND[2], "right") == (3, 32)
    assert choose_pair(FOUND[3], "right") == ()
    assert choose_pair(None, "right") == ()


def test_the_map_has_the_people_with_the_most_tracklets():
    people = [0, 0, 0, -1, *[9] * 3, *[5] * 2, *range(20, 30), 7, 7]
    chosen = choose_mapped(tracklets(*people))
    assert [people[row] for row in chosen] == [9, 9, 9, 5, 5, 20, 21, 22, 23, 24, 7, 7]


def test_compared_queries_are_spread_over_the_test():
    test = model([]).rank()
    assert choose_compared(test, 3) == (0, 48, 98)
    assert len(choose_compared(test, 100)) == 50


@pytest.mark.parametrize("pictures", [True, False])
def test_without_pictures_nothing_that_shows_people_is_drawn(monkeypatch, pictures):
    monkeypatch.setattr(paper_figures, "draw_inspection", lambda what, arrays: what)
    made = model([*EVERYTHING, "pixels"])
    drawn, left_out = draw_papers(made, FOUND, pictures=pictures)
    assert left_out == []
    kinds = {what for what, _, _ in made.seen}
    assert ({"pixels", "responses"} <= kinds) == pictures
    assert {shown for _, _, shown in made.seen} == {pictures}
    assert len({each.name for each in drawn}) == len(drawn)
    assert any("3<b>.jpg, 32<b>.jpg" in each.description for each in drawn)
    assert any("20 tracklets" in each.description for each in drawn)


def test_a_figure_that_cannot_be_drawn_is_told_and_leaves_the_others(monkeypatch):
    def draw(what, arrays):
        if what == "pairs":
            raise InputError("the clips <b>\n of these tracklets differ")
        return what

    monkeypatch.setattr(paper_figures, "draw_inspection", draw)
    drawn = draw_papers(model(["pairs", "saliency"]), FOUND, pictures=True)
    assert [each.figure for each in drawn.figures] == ["saliency"] * 2
    assert drawn.left_out[0].endswith("first match: the clips <b> of these tracklets differ")
    assert len(drawn.left_out) == 2
