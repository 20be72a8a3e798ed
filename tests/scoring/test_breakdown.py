"""Break-downs against a slow loop that ranks anew for each camera, and by hand."""

import json

import numpy as np
import pytest

from vreid_bench.contracts.convention import Convention
from vreid_bench.scoring.breakdown import (
    HARDEST,
    CameraMatches,
    IdNames,
    Queries,
    break_down,
    break_down_attributes,
    break_down_conventions,
    camera_pairs,
    choose_camera_pairs,
    hardest_people,
)
from vreid_bench.scoring.metrics import Outcome, judge
from vreid_bench.scoring.ranks.counting import count_from_distances
from vreid_bench.scoring.ranks.labels import Labels

# every id has a name from here on, none of which is its number
PEOPLE = {pid: f"p{pid:03d}" for pid in range(30)}
CAMERAS = {1: "gate", 2: "hall", 3: "yard"}
NAMES = IdNames(PEOPLE, CAMERAS)


def step(nth, rank):
    return nth / rank


def world(seed, people=5, cameras=3, queries=12, gallery=60):
    """Rankings of a gallery in which persons, strangers and cameras are drawn at random; nothing is junk but the
    query's person in the query's camera."""
    random = np.random.default_rng(seed)
    pids, camids = random.integers(1, people + 1, queries), random.integers(1, cameras + 1, queries)
    rankings = []
    for pid, camid in zip(pids, camids, strict=True):
        items = np.stack([random.integers(0, people + 1, gallery), random.integers(1, cameras + 1, gallery)], axis=1)
        rankings.append([(p, c) for p, c in items.tolist() if (p, c) != (pid, camid)])
    return pids, camids, rankings


def average_precision(ranking, pid):
    ranks = [rank for rank, (other, _) in enumerate(ranking, 1) if other == pid]
    return np.mean([k / r for k, r in enumerate(ranks, 1)]) if ranks else np.nan


def told(pids, camids, rankings):
    """The same world as the product sees it."""
    found = [
        (query, rank, camera)
        for query, ranking in enumerate(rankings)
        for rank, (pid, camera) in enumerate(ranking, 1)
        if pid == pids[query]
    ]
    random = np.random.default_rng(0)
    columns = [np.array(column) for column in zip(*random.permutation(found).tolist(), strict=True)]
    precision = np.array([average_precision(r, p) for r, p in zip(rankings, pids, strict=True)])
    first = [next((k for k, (q, _) in enumerate(r) if q == p), -1) for r, p in zip(rankings, pids, strict=True)]
    return Queries(pids, camids, np.arange(1, len(pids) + 1), precision, np.array(first)), CameraMatches(*columns)


@pytest.mark.parametrize("seed", range(5))
def test_camera_pairs_are_those_of_ranking_with_other_cameras_as_junk(seed):
    pids, camids, rankings = world(seed)
    got = camera_pairs(*told(pids, camids, rankings), step, CAMERAS)
    assert got["cameras"] == ["gate", "hall", "yard"]
    assert got["camids"] == [1, 2, 3]
    for row, asking in enumerate(CAMERAS):
        for column, showing in enumerate(CAMERAS):
            scores, hits = [], []
            for query in np.flatnonzero(camids == asking):
                kept = [(p, c) for p, c in rankings[query] if p != pids[query] or c == showing]
                score = average_precision(kept, pids[query])
                if not np.isnan(score):
                    scores.append(score)
                    hits.append(kept[0][0] == pids[query])
            assert got["queries"][row][column] == len(scores)
            if scores:
                assert got["mAP"][row][column] == pytest.approx(np.mean(scores))
                assert got["R1"][row][column] == pytest.approx(np.mean(hits))
            else:
                assert got["mAP"][row][column] is got["R1"][row][column] is None


@pytest.mark.parametrize(
    ("cameras", "convention", "kept"),
    [
        ([1, 2], Convention("x", "1", None, "step", "skip", "", ""), True),
        (range(12), Convention("x", "1", None, "step", "skip", "", ""), True),
        (range(13), Convention("x", "1", None, "step", "skip", "", ""), False),
        ([0], Convention("x", "1", None, "step", "skip", "", ""), False),
        ([1, 2], Convention("x", "1", None, "step", "skip", "", "", cut=20), False),
        ([1, 2], Convention("y", "1", None, "step", "skip", "", ""), False),
    ],
)
def test_a_record_takes_the_pairs_of_two_to_twelve_cameras_without_a_cut(cameras, convention, kept):
    pairs = {"cameras": ["name"], "camids": [*cameras], "mAP": "m", "R1": "r", "queries": "q"}
    found = choose_camera_pairs({"x": {"camera_pairs": pairs}}, convention)
    assert found == ({"cameras": [*cameras], "mAP": "m", "queries": "q"} if kept else None)


def test_the_parts_make_up_the_whole():
    queries, matches = told(*world(1))
    found = break_down(queries, matches, step, NAMES)
    whole = np.nanmean(queries.precision)
    for name in ("frames", "matches"):
        total = sum(part["queries"] for part in found[name])
        assert total == (~np.isnan(queries.precision)).sum()
        assert sum(part["mAP"] * part["queries"] for part in found[name]) / total == pytest.approx(whole)
    assert json.loads(json.dumps(found)) == found


def test_ranges_double():
    precision = np.array([1, 0.5, 0.5, 0, 0.25, np.nan])
    queries = Queries(np.arange(6), np.ones(6, int), np.array([1, 2, 3, 4, 70, 90]), precision, np.zeros(6, int))
    found = break_down(queries, CameraMatches(*np.array([[0, 1], [1, 2], [2, 2]])), step, NAMES)
    assert [(p["from"], p["to"], p["queries"], p["mAP"]) for p in found["frames"]] == [
        (1, 1, 1, 1),
        (2, 3, 2, 0.5),
        (4, 7, 1, 0),
        (64, 127, 1, 0.25),
    ]
    assert [(p["from"], p["to"], p["queries"]) for p in found["matches"]] == [(0, 0, 3), (1, 1, 2)]


def test_the_hardest_come_first():
    pids = np.repeat(np.arange(30), 2)
    precision = np.linspace(1, 0, 60)
    precision[[3, 58, 59]] = np.nan  # pid 1 has one query that counts, pid 29 none
    queries = Queries(pids, pids, pids, precision, np.where(precision > 0.5, 0, 4))
    found = hardest_people(queries, PEOPLE)
    assert [person["pid"] for person in found] == list(range(28, 28 - HARDEST, -1))
    assert [person["person"] for person in found[:2]] == ["p028", "p027"]
    mean = pytest.approx(precision[56:58].mean())
    assert found[0] == {"person": "p028", "pid": 28, "mAP": mean, "R1": 0, "queries": 2}
    assert hardest_people(queries, PEOPLE, 40)[-2]["queries"] == 1


@pytest.mark.parametrize("queries_in_gallery", [True, False])
def test_from_counts_to_camera_pairs(queries_in_gallery):
    # 0 asks; in camera 2, 1 is nearest, then a stranger, then 3, which is a query itself; 4 is in camera 3
    named = {"person": np.array(["anna", "anna", "ben", "anna", "anna"])}  # the cameras have numbers alone
    columns = [np.array(c) for c in ([7, 7, 8, 7, 7], [1, 2, 2, 2, 3], [0, 3], [0, 1, 2, 3, 4])]
    labels = Labels(*columns, named=named)
    distances = np.array([[0, 1, 2, 3, 4], [3, 2, 1, 0, 4]], np.float32)
    rule = Convention("x", "1", queries_in_gallery, "step", "zero", summary="", source="")
    counts = count_from_distances([(slice(0, 2), distances)], labels)
    outcome = Outcome(labels, counts, judge(counts, [rule]))
    found = break_down_conventions([outcome, outcome], [[3, 1, 1, 9, 1]] * 2, [rule])["x"]
    pairs = found["camera_pairs"]
    assert pairs["cameras"] == ["1", "2", "3"]
    assert [(person["person"], person["pid"]) for person in found["hardest"]] == [("anna", 7)]
    assert pairs["queries"] == [[0, 2, 2], [2 if queries_in_gallery else 0, 0, 2], [0, 0, 0]]
    assert pairs["mAP"][0] == [None, (1 + 2 / 3) / 2 if queries_in_gallery else 1, 1 / 2]
    assert [(p["from"], p["queries"]) for p in found["frames"]] == [(2, 2), (8, 2)]


def test_scores_by_attribute_are_means_over_the_queries_of_each_value():
    """Numbers come in order of size, then texts; a query without a value is a group of its own."""
    pids, camids = np.array([1, 1, 2, 2, 3, 3]), np.array([1, 2, 1, 2, 1, 2])
    attributes = {"altitude": np.array(["80", "", "15", "", "", ""]), "place": np.array([*"aababb"])}
    who = Labels(pids, camids, np.array([0, 2, 4]), np.array([1, 3, 5]), attributes=attributes)
    counts = count_from_distances([(slice(None), np.array([[0.0, 1, 2], [1, 0, 2], [0, 1, 2]]))], who)
    rule = Convention("c", "1", None, "step", "skip", "", "")
    parts = break_down_attributes([Outcome(who, counts, (judged := judge(counts, [rule])))], [judged["c"]])
    assert [(row["value"], row["mAP"], row["R1"], row["queries"]) for row in parts["altitude"]] == [
        ("15", 1.0, 1.0, 1),
        ("80", 1.0, 1.0, 1),
        ("", pytest.approx(1 / 3), 0.0, 1),
    ]
    assert [(row["value"], row["mAP"], row["queries"]) for row in parts["place"]] == [
        ("a", 1.0, 1),
        ("b", pytest.approx(2 / 3), 2),
    ]
