"""Scores against a slow loop written from the rules in words, and against values worked by hand."""

from __future__ import annotations

import io
import zipfile
from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from oracle import by_hand, labels

from vreid_bench.contracts.convention import Convention
from vreid_bench.contracts.dataset import Split, Tracklet
from vreid_bench.records.npz import to_npz
from vreid_bench.scoring.conventions import CONVENTIONS
from vreid_bench.scoring.metrics import NotComputable, Outcome, Scores, collect_per_query, judge, summarize
from vreid_bench.scoring.ranks.counting import Counts, count_from_distances
from vreid_bench.scoring.ranks.labels import Labels
from vreid_bench.system.errors import InputError


def convention(queries_in_gallery=True, ap="step", unmatched="skip"):
    name = f"{ {True: 'with', False: 'without', None: 'listed'}[queries_in_gallery] }-{ap}-{unmatched}"
    return Convention(name, "1", queries_in_gallery, ap, unmatched, summary="", source="")


EVERY = [convention(*rules) for rules in product((True, False, None), ("step", "trapezoid"), ("skip", "zero"))]
FIELDS = ("average_precision", "first_rank", "inverse_penalty", "r_precision")


def score(tiles, who, rules):
    """The scores of one ranking under every rule."""
    return judge(count_from_distances(tiles, who), rules)


def cut(distances, rows):
    """The distances [Q, N] in tiles of `rows` queries."""
    return [(slice(i, i + rows), distances[i : i + rows]) for i in range(0, len(distances), rows)]


@st.composite
def worlds(draw):
    """A few tracklets of few people in few cameras, at distances with many ties."""
    size = draw(st.integers(1, 14))

    def column(values):
        return draw(st.lists(st.sampled_from(values), min_size=size, max_size=size))

    pids, camids = column((-1, 0, 1, 1, 2, 2, 3)), column(draw(st.sampled_from([(1,), (1, 2), (1, 2, 3)])))
    people = [row for row, pid in enumerate(pids) if pid > 0]
    assume(people)
    query = draw(st.lists(st.sampled_from(people), min_size=1, unique=True))
    gallery = draw(st.lists(st.integers(0, size - 1), min_size=1, unique=True))
    if draw(st.booleans()):
        gallery += [row for row in query if row not in gallery]
    levels, cells = draw(st.sampled_from((1, 3, 100))), len(query) * len(gallery)
    values = draw(st.lists(st.integers(-1, levels), min_size=cells, max_size=cells))
    distances = np.array(values, draw(st.sampled_from((np.float32, np.float64)))).reshape(len(query), -1)
    return labels(pids, camids, query, gallery), distances


@pytest.mark.slow
@settings(max_examples=400)
@given(worlds(), st.sampled_from(EVERY), st.integers(1, 5))
def test_agrees_with_the_rules_in_words(world, rule, rows):
    who, distances = world
    expected = by_hand(distances, who, rule)
    counted = [w for w in expected if not np.isnan(w[0])]
    if rule.queries_in_gallery and not set(who.query) <= set(who.gallery):
        with pytest.raises(InputError, match="query tracklets are not in this gallery"):
            score(cut(distances, rows), who, [rule])
        return
    if not counted:
        with pytest.raises(InputError, match="none of"):
            score(cut(distances, rows), who, [rule])
        return
    # under all conventions at once, as a run does, with only this one looked at
    got = score(cut(distances, rows), who, EVERY)[rule.name]
    for name, column in zip(FIELDS, zip(*expected, strict=True), strict=True):
        np.testing.assert_allclose(getattr(got, name), column, rtol=1e-12, err_msg=name)
    metrics, cmc = got.metrics(), got.cmc(50)
    assert metrics["queries"] == len(counted)
    assert metrics["mAP"] == pytest.approx(np.mean([w[0] for w in counted]), abs=1e-12)
    assert metrics["mINP"] == pytest.approx(np.mean([w[2] for w in counted]), abs=1e-12)
    for cutoff in (1, 5, 10, 20):
        share = np.mean([0 <= w[1] < cutoff for w in counted])
        assert metrics[f"R{cutoff}"] == pytest.approx(share, abs=1e-12)
        assert cmc[cutoff - 1] == pytest.approx(share, abs=1e-12)


@pytest.mark.slow
@given(worlds())
def test_tiles_of_any_size_in_any_order_score_alike(world):
    who, distances = world
    rules = [c for c in EVERY if c.unmatched == "zero" and c.queries_in_gallery is not True]
    whole = score(cut(distances, len(distances)), who, rules)
    pieces = score(reversed(cut(distances, 1)), who, rules)
    for name, expected in whole.items():
        for field in FIELDS:
            np.testing.assert_array_equal(getattr(pieces[name], field), getattr(expected, field))


# Row 0 is the query; 1, 3 and 4 are its matches, in another camera. Distances put them at ranks 1, 3 and 4.
LISTED = convention(None)
PEOPLE = labels([7, 7, 8, 7, 7, 0], [1, 2, 2, 2, 2, 2], [0], [0, 1, 2, 3, 4, 5])
NEAR_TO_FAR = np.array([[0, 1, 2, 3, 4, 5]], np.float32)


@pytest.mark.parametrize(
    ("distances", "ap", "expected"),
    [
        (NEAR_TO_FAR, "step", (1 + 2 / 3 + 3 / 4) / 3),
        (NEAR_TO_FAR, "trapezoid", (1 + (1 / 2 + 2 / 3) / 2 + (2 / 3 + 3 / 4) / 2) / 3),
        # the first match at rank 2: the precision before it is 0/1, not the 1 of a match at the top
        (np.array([[0, 2, 1, 3, 4, 5]], np.float32), "trapezoid", (1 / 4 + (1 / 2 + 2 / 3) / 2 + 17 / 24) / 3),
    ],
)
def test_average_precision_by_hand(distances, ap, expected):
    scores = score([(slice(0, 1), distances)], PEOPLE, [convention(ap=ap)])
    assert scores[convention(ap=ap).name].average_precision[0] == pytest.approx(expected, rel=1e-15)


def only(distances, who, rule):
    """Scores of one query under one convention."""
    got = score([(slice(0, 1), np.array([distances], np.float32))], who, [rule])[rule.name]
    return got.average_precision[0], got.first_rank[0], got.inverse_penalty[0]


def test_equal_distances_keep_the_order_of_the_gallery_not_of_the_rows():
    who = labels([1, 1, 2], [1, 2, 2], [0], [2, 1])
    assert only([5, 5], who, LISTED) == (0.5, 1, 0.5)
    assert only([5, 5], labels([1, 1, 2], [1, 2, 2], [0], [1, 2]), LISTED) == (1.0, 0, 1.0)


def test_many_equal_distances_keep_the_order_of_the_gallery():
    size = 2000  # sorts that are not stable still are for a few items
    pids = np.full(size, 2)
    pids[[0, 700]] = 1
    gallery = np.random.default_rng(0).permutation(np.arange(1, size))
    who = labels(pids, np.arange(size), [0], gallery)
    assert only(np.zeros(size - 1), who, LISTED)[1] == gallery.tolist().index(700)


def test_junk_takes_no_rank_and_a_distractor_takes_one():
    who = labels([1, -1, 1, 0, 1], [1, 2, 1, 2, 2], [0], [0, 1, 2, 3, 4])
    assert only([0, 1, 2, 3, 4], who, convention()) == (0.5, 1, 0.5)


def test_another_person_in_the_query_s_camera_is_no_junk():
    assert only([1, 2], labels([1, 2, 1], [1, 1, 2], [0], [1, 2]), LISTED)[1] == 1


def test_a_query_can_be_the_only_match_of_another():
    who = labels([1, 1, 2], [1, 2, 2], [0, 1], [0, 1, 2])
    distances = np.array([[0, 2, 1], [2, 0, 1]], np.float32)
    kept, removed = convention(), convention(queries_in_gallery=False, unmatched="zero")
    got = score(cut(distances, 2), who, [kept, removed])
    assert got[kept.name].metrics()["queries"] == 2
    assert got[kept.name].first_rank.tolist() == [1, 1]
    metrics = got[removed.name].metrics()
    assert (metrics["queries"], metrics["mAP"], metrics["R1"]) == (2, 0, 0)
    with pytest.raises(InputError, match=r"without-step-error: not computable, query 0 has no match"):
        score(cut(distances, 2), who, [convention(queries_in_gallery=False, unmatched="error")])


def test_a_convention_that_cannot_be_applied_gives_its_reason_and_leaves_the_others_alone():
    who = labels([1, 1, 2, 3], [1, 2, 2, 1], [0, 3], [0, 1, 2])
    strict = convention(None, unmatched="error")
    got = score([(slice(0, 2), np.arange(6.0).reshape(2, 3))], who, [LISTED, convention(), strict])
    assert str(got[convention().name]) == (
        "1 of the 2 query tracklets are not in this gallery; list them in the gallery, too, or take a convention that "
        "does not need them there, such as gallery-as-listed"
    )
    assert got[strict.name].reason == "query 1 has no match in the gallery, which this convention forbids"
    assert got[strict.name].remedy
    assert got[LISTED.name].metrics()["queries"] == 1


ONE_EACH = next(rule for rule in CONVENTIONS if rule.name == "one-camera-each")


@pytest.mark.parametrize(
    ("pids", "camids", "query", "gallery", "message"),
    [
        ([1, 2, 1, 2], [1, 1, 2, 2], [0, 1], [2, 3], None),  # one camera queries another
        ([1, 2, 1, 2, 1], [1, 1, 2, 2, 2], [1, 0], [2, 3, 4], "query 1 has 2 matches in the gallery"),
        ([1, 2, 1, 2], [1, 1, 2, 2], [0, 1], [1, 2, 3], "query 1 is itself in the gallery"),
    ],
)
def test_one_camera_each_is_refused_for_another_test_and_says_what_is_met(pids, camids, query, gallery, message):
    """Wang et al. (ECCV 2014): each person once in either camera, so that CMC is the only metric."""
    who = labels(pids, camids, query, gallery)
    distances = np.arange(float(len(query) * len(gallery))).reshape(len(query), len(gallery))
    got = score(cut(distances, 1), who, [LISTED, ONE_EACH])
    assert isinstance(got[LISTED.name], Scores)
    if message is None:
        np.testing.assert_array_equal(got[ONE_EACH.name].average_precision, got[LISTED.name].average_precision)
    else:
        assert got[ONE_EACH.name].reason.startswith(message)
        assert "gallery-as-listed" in got[ONE_EACH.name].remedy


@pytest.mark.parametrize(
    ("query", "gallery", "message"),
    [
        ([], [0], "query list: it is empty"),
        ([0], [], "gallery list: it is empty"),
        ([3], [0], "query list: rows must be 0 to 2, got 3"),
        ([0], [-1], "gallery list: rows must be 0 to 2, got -1"),
        ([0], [1, 1], "gallery list: row 1 is listed twice"),
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
    who = labels([1, 2, 1], [1, 1, 2], [0, 1], [2])
    counts = Counts(np.array([0, 1, 1]), np.array([0]), np.array([[0, 0]]), np.zeros(2, bool))
    first = Scores(np.array([1.0, np.nan]), np.array([0, -1]), np.array([1.0, np.nan]), np.array([1.0, np.nan]))
    second = Scores(np.array([0.5, 0.25]), np.array([1, 3]), np.array([0.5, 0.25]), np.array([0.0, 0.0]))
    refused = NotComputable("the query tracklets are not in this gallery", "list them there")
    return [
        Outcome(who, counts, {"official": first, "other": first}),
        Outcome(who, counts, {"official": second, "other": refused}),
    ]


def test_summary_averages_splits_and_sums_their_queries():
    summary = summarize(two_splits())
    official = summary["official"]
    assert official["mAP"] == pytest.approx((1 + 0.375) / 2)
    assert (official["R1"], official["R5"], official["queries"]) == (0.5, 1.0, 3)
    assert [split["queries"] for split in official["splits"]] == [1, 2]
    low, high = official["interval"]["mAP"]
    assert 0.25 <= low <= high <= 1
    assert summary["other"] == {"not_computable": "the query tracklets are not in this gallery; list them there"}


def test_per_query_file_holds_the_same_bytes_for_the_same_arrays():
    kept = collect_per_query(two_splits())
    content = kept.to_bytes()
    assert content == to_npz(dict(reversed(kept.arrays().items())))
    assert {entry.date_time[0] for entry in zipfile.ZipFile(io.BytesIO(content)).infolist()} == {1980}
    read = np.load(io.BytesIO(content), allow_pickle=False)
    assert read["split"].tolist() == [0, 0, 1, 1]
    assert read["pid"].tolist() == [1, 2, 1, 2]
    np.testing.assert_array_equal(read["official.ap"], [1, np.nan, 0.5, 0.25])
    assert read["official.first_rank"].tolist() == [0, -1, 1, 3]
    assert read["match.query"].tolist() == [0, 2]
    assert not [name for name in read.files if name.startswith("other")]
