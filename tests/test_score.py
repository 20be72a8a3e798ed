"""Scores against a slow loop written from the rules in words, and against values worked by hand."""

from __future__ import annotations

import io
import zipfile
from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from vreid_bench.data import Split, Tracklet
from vreid_bench.errors import InputError
from vreid_bench.protocol import Convention
from vreid_bench.score import Labels, Scores, npz, per_query, score, summarize


def convention(queries_in_gallery=True, ap="step", unmatched="skip"):
    name = f"{'with' if queries_in_gallery else 'without'}-{ap}-{unmatched}"
    return Convention(name, "1", queries_in_gallery, ap, unmatched, summary="", source="")


EVERY = [convention(*rules) for rules in product((True, False), ("step", "trapezoid"), ("skip", "zero"))]


def labels(pids, camids, query, gallery):
    return Labels(*(np.asarray(column, np.int64) for column in (pids, camids, query, gallery)))


def cut(distances, rows):
    """The distances [Q, N] in tiles of `rows` queries."""
    return [(slice(i, i + rows), distances[i : i + rows]) for i in range(0, len(distances), rows)]


def by_hand(distances, who, rule):
    """(average precision, first rank, inverse penalty) of each query, one gallery item at a time."""
    result = []
    for q, row in enumerate(who.query.tolist()):
        ranking = []
        for place, item in enumerate(who.gallery.tolist()):
            if item in who.query and not rule.queries_in_gallery:
                continue
            same = who.pids[item] == who.pids[row]
            junk = who.pids[item] == -1 or (same and who.camids[item] == who.camids[row])
            if not junk:
                ranking.append((float(distances[q, item]), place, bool(same)))
        hits = [same for _, _, same in sorted(ranking)]
        ranks = [rank for rank, hit in enumerate(hits, 1) if hit]
        if not ranks:
            result.append((0.0, -1, 0.0) if rule.unmatched == "zero" else (np.nan, -1, np.nan))
            continue
        total = 0.0
        for k, r in enumerate(ranks, 1):
            before = 1.0 if r == 1 else (k - 1) / (r - 1)
            total += k / r if rule.average_precision == "step" else (before + k / r) / 2
        result.append((total / len(ranks), ranks[0] - 1, len(ranks) / ranks[-1]))
    return result


@st.composite
def worlds(draw):
    """A few tracklets of few people in few cameras, at distances with many ties."""
    size = draw(st.integers(1, 14))
    column = lambda values: draw(st.lists(st.sampled_from(values), min_size=size, max_size=size))  # noqa: E731
    pids, camids = column((-1, 0, 1, 1, 2, 2, 3)), column(draw(st.sampled_from([(1,), (1, 2), (1, 2, 3)])))
    people = [row for row, pid in enumerate(pids) if pid > 0]
    assume(people)
    query = draw(st.lists(st.sampled_from(people), min_size=1, unique=True))
    gallery = draw(st.lists(st.integers(0, size - 1), unique=True))
    levels = draw(st.sampled_from((1, 3, 100)))
    cells = st.lists(st.integers(-1, levels), min_size=len(query) * size, max_size=len(query) * size)
    distances = np.array(draw(cells), np.float32).reshape(len(query), size)
    return labels(pids, camids, query, gallery), distances


@given(worlds(), st.sampled_from(EVERY), st.integers(1, 5))
def test_agrees_with_the_rules_in_words(world, rule, rows):
    who, distances = world
    wanted = by_hand(distances, who, rule)
    counted = [w for w in wanted if not np.isnan(w[0])]
    if not counted:
        with pytest.raises(InputError, match="none of"):
            score(cut(distances, rows), who, [rule])
        return
    # under all conventions at once, as a run does, with only this one looked at
    others = [c for c in EVERY if c.unmatched == "zero" or c == rule]
    got = score(cut(distances, rows), who, others)[rule.name]
    average, first, penalty = (np.array(column) for column in zip(*wanted, strict=True))
    np.testing.assert_allclose(got.average_precision, average, rtol=1e-12)
    np.testing.assert_array_equal(got.first_rank, first)
    np.testing.assert_allclose(got.inverse_penalty, penalty, rtol=1e-12)
    metrics = got.metrics()
    assert metrics["queries"] == len(counted)
    assert metrics["mAP"] == pytest.approx(np.mean([w[0] for w in counted]))
    assert metrics["mINP"] == pytest.approx(np.mean([w[2] for w in counted]))
    for cutoff in (1, 5, 10, 20):
        assert metrics[f"R{cutoff}"] == pytest.approx(np.mean([0 <= w[1] < cutoff for w in counted]))


@given(worlds())
def test_tiles_of_any_size_in_any_order_score_alike(world):
    who, distances = world
    rules = [c for c in EVERY if c.unmatched == "zero"]
    whole = score(cut(distances, len(distances)), who, rules)
    pieces = score(reversed(cut(distances, 1)), who, rules)
    for name, expected in whole.items():
        for field in ("average_precision", "first_rank", "inverse_penalty"):
            np.testing.assert_array_equal(getattr(pieces[name], field), getattr(expected, field))


# Row 0 is the query; 1, 3 and 4 are its matches, in another camera. Distances put them at ranks 1, 3 and 4.
PEOPLE = labels([7, 7, 8, 7, 7, 0], [1, 2, 2, 2, 2, 2], [0], [0, 1, 2, 3, 4, 5])
NEAR_TO_FAR = np.array([[0, 1, 2, 3, 4, 5]], np.float32)


@pytest.mark.parametrize(
    ("distances", "ap", "wanted"),
    [
        (NEAR_TO_FAR, "step", (1 + 2 / 3 + 3 / 4) / 3),
        (NEAR_TO_FAR, "trapezoid", (1 + (1 / 2 + 2 / 3) / 2 + (2 / 3 + 3 / 4) / 2) / 3),
        # the first match at rank 2: the precision before it is 0/1, not the 1 of a match at the top
        (np.array([[0, 2, 1, 3, 4, 5]], np.float32), "trapezoid", (1 / 4 + (1 / 2 + 2 / 3) / 2 + 17 / 24) / 3),
    ],
)
def test_average_precision_by_hand(distances, ap, wanted):
    scores = score([(slice(0, 1), distances)], PEOPLE, [convention(ap=ap)])
    assert scores[convention(ap=ap).name].average_precision[0] == pytest.approx(wanted, rel=1e-15)


def only(distances, who, rule):
    """Scores of one query under one convention."""
    got = score([(slice(0, 1), np.array([distances], np.float32))], who, [rule])[rule.name]
    return got.average_precision[0], got.first_rank[0], got.inverse_penalty[0]


def test_equal_distances_keep_the_order_of_the_gallery_not_of_the_rows():
    who = labels([1, 1, 2], [1, 2, 2], [0], [2, 1])
    assert only([0, 5, 5], who, convention()) == (0.5, 1, 0.5)
    assert only([0, 5, 5], labels([1, 1, 2], [1, 2, 2], [0], [1, 2]), convention()) == (1.0, 0, 1.0)


def test_many_equal_distances_keep_the_order_of_the_gallery():
    size = 2000  # sorts that are not stable still are for a few items
    pids = np.full(size, 2)
    pids[[0, 700]] = 1
    gallery = np.random.default_rng(0).permutation(np.arange(1, size))
    who = labels(pids, np.arange(size), [0], gallery)
    assert only(np.zeros(size), who, convention())[1] == gallery.tolist().index(700)


def test_junk_takes_no_rank_and_a_distractor_takes_one():
    who = labels([1, -1, 1, 0, 1], [1, 2, 1, 2, 2], [0], [0, 1, 2, 3, 4])
    assert only([0, 1, 2, 3, 4], who, convention()) == (0.5, 1, 0.5)


def test_another_person_in_the_query_s_camera_is_no_junk():
    assert only([0, 1, 2], labels([1, 2, 1], [1, 1, 2], [0], [1, 2]), convention())[1] == 1


def test_a_query_can_be_the_only_match_of_another():
    who = labels([1, 1, 2], [1, 2, 2], [0, 1], [0, 1, 2])
    distances = np.array([[0, 2, 1], [2, 0, 1]], np.float32)
    kept, removed = convention(), convention(queries_in_gallery=False, unmatched="zero")
    got = score(cut(distances, 2), who, [kept, removed])
    assert got[kept.name].metrics()["queries"] == 2
    assert got[kept.name].first_rank.tolist() == [1, 1]
    metrics = got[removed.name].metrics()
    assert (metrics["queries"], metrics["mAP"], metrics["R1"]) == (2, 0, 0)
    with pytest.raises(InputError, match=r"query 0 \(test row 0, pid 1\) has no match"):
        score(cut(distances, 2), who, [convention(queries_in_gallery=False, unmatched="error")])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_distance_that_is_no_number_is_an_error_that_names_the_query(value):
    distances = np.zeros((2, 3), np.float32)
    distances[1, 2] = value
    who = labels([1, 2, 1], [1, 1, 2], [0, 1], [2])
    with pytest.raises(InputError, match=rf"query 1 \(test row 1\): its distance to test row 2 is {value}"):
        score(cut(distances, 1), who, EVERY)


@pytest.mark.parametrize(
    ("tiles", "message"),
    [
        ([(slice(0, 1), np.zeros((1, 3)))], "no distances for query 1 of 2"),
        ([(slice(0, 2), np.zeros((2, 3))), (slice(1, 2), np.zeros((1, 3)))], "query 1 comes twice"),
        ([(slice(0, 2), np.zeros((2, 2)))], r"must be \[R, N\] = \(2, 3\), got \(2, 2\)"),
    ],
)
def test_tiles_that_do_not_fit_are_refused(tiles, message):
    with pytest.raises(ValueError, match=message):
        score(tiles, labels([1, 2, 1], [1, 1, 2], [0, 1], [2]), EVERY)


@pytest.mark.parametrize(
    ("query", "gallery", "message"),
    [
        ([], [0], "it is empty"),
        ([3], [0], "query list: rows must be 0 to 2, got 3"),
        ([0], [-1], "gallery list: rows must be 0 to 2, got -1"),
        ([0], [1, 1], "gallery list: a row is listed twice"),
        ([1], [0], "test row 1 has pid 0; a query must show a person"),
    ],
)
def test_lists_that_cannot_be_scored_are_refused(query, gallery, message):
    with pytest.raises(InputError, match=message):
        labels([1, 0, 2], [1, 1, 2], query, gallery)


def test_labels_of_a_split():
    test = (Tracklet(("a",), 5, 1), Tracklet(("b",), 0, 2))
    who = Labels.of(Split((), test, (0,), (1, 0)))
    columns = [column.tolist() for column in (who.pids, who.camids, who.query, who.gallery)]
    assert columns == [[5, 0], [1, 2], [0], [1, 0]]


def two_splits():
    first = Scores(np.array([1.0, np.nan]), np.array([0, -1]), np.array([1.0, np.nan]))
    second = Scores(np.array([0.5, 0.25]), np.array([1, 3]), np.array([0.5, 0.25]))
    who = labels([1, 2, 1], [1, 1, 2], [0, 1], [2])
    return [(who, {"official": first}), (who, {"official": second})]


def test_summary_averages_splits_and_sums_their_queries():
    summary = summarize(two_splits())["official"]
    assert summary["mAP"] == pytest.approx((1 + 0.375) / 2)
    assert (summary["R1"], summary["R5"], summary["queries"]) == (0.5, 1.0, 3)
    assert [split["queries"] for split in summary["splits"]] == [1, 2]
    low, high = summary["interval"]["mAP"]
    assert 0.25 <= low <= high <= 1


def test_per_query_file_holds_the_same_bytes_for_the_same_arrays():
    arrays = per_query(two_splits())
    content = npz(arrays)
    assert content == npz(dict(reversed(arrays.items())))
    assert {entry.date_time[0] for entry in zipfile.ZipFile(io.BytesIO(content)).infolist()} == {1980}
    read = np.load(io.BytesIO(content), allow_pickle=False)
    assert read["split"].tolist() == [0, 0, 1, 1]
    assert read["pid"].tolist() == [1, 2, 1, 2]
    np.testing.assert_array_equal(read["official.ap"], [1, np.nan, 0.5, 0.25])
    assert read["official.first_rank"].tolist() == [0, -1, 1, 3]
