"""Which queries a page shows, and their first ranks: against the recorded scores, slow loops and cases by hand."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from edited_run import allow_edits

from vreid_bench.records.per_query import QueryScores
from vreid_bench.registry.registry import Registry
from vreid_bench.reporting.page import retrievals
from vreid_bench.reporting.page.retrievals import choose_queries, rank_vectors, read_rule, retrieve
from vreid_bench.reporting.page.run_data import read_run
from vreid_bench.scoring.matches_and_junk import GalleryRule
from vreid_bench.scoring.ranked_test import RankedTest
from vreid_bench.scoring.ranks.labels import Labels
from vreid_bench.system.errors import InputError
from vreid_bench.system.fingerprint import digest

RULES = {"queries_in_gallery": True}


def made(precision, pids, first=None, rules=RULES):
    """A run of one ranking with these queries, whose rows are 0, 1, ..."""
    size = len(pids)
    queries = SimpleNamespace(pid=np.array(pids), split=np.zeros(size, int), query=np.arange(size))
    scores = QueryScores(np.array(precision, float), np.array(first if first else [0] * size))
    record = SimpleNamespace(conventions={"c": SimpleNamespace(rules=rules)})
    store = SimpleNamespace(features=lambda view: f"{view}.safetensors")
    return SimpleNamespace(
        queries=queries,
        scores=scores,
        record=record,
        headline="c",
        first_ranking=queries.split == 0,
        first_fold=store,
        folder=SimpleNamespace(per_query="per_query.npz"),
    )


def gallery(distances, pids, camids):
    """A ranking of one query, row 0 of person 1 in camera 1, which is in the gallery of all rows, too."""
    labels = Labels(np.array([1, *pids]), np.array([1, *camids]), np.array([0]), np.arange(1 + len(pids)))
    row = np.array([0.0, *distances])
    return RankedTest(labels, lambda numbers: np.stack([row for _ in numbers]), similarity=False)


def shown(distances, pids, camids, first, rules=RULES):
    run = made([0.5], [1], [first], rules)
    [found] = retrieve(run, gallery(distances, pids, camids), [("best", 0)])
    return found


@pytest.mark.slow
def test_the_ranks_are_those_from_which_the_run_was_scored(finished_run, monkeypatch):
    """Every query whole: its average precision is the mean over its matches of their number by their rank."""
    monkeypatch.setattr(retrievals, "TOP", 10**6)
    run = read_run(finished_run, finished_run.parent)
    test = rank_vectors(run)
    everyone = [("best", number) for number in range(len(run.queries.pid))]
    for found in retrieve(run, test, everyone):
        ranks = [item.rank for item in found.items if item.role == "right"]
        assert found.precision == pytest.approx(np.mean([n / rank for n, rank in enumerate(ranks, 1)]))
        assert found.first_rank == ranks[0] == run.scores.first_rank[found.number] + 1
        assert found.matches == len(ranks) == np.sum(run.queries.matches.query == found.number)
        ranked = [item.rank for item in found.items if item.role != "junk"]
        assert ranked == list(range(1, len(ranked) + 1))
        values = [item.value for item in found.items]
        assert values == sorted(values, reverse=test.similarity)


@pytest.mark.slow
def test_features_of_another_test_are_refused(finished_run):
    run = read_run(finished_run, finished_run.parent)
    test = rank_vectors(run)
    turned = RankedTest(test.labels, lambda numbers: -test.measure(numbers), test.similarity)
    with pytest.raises(InputError, match=r"features\.safetensors: ranks a first match at .* repeat the command"):
        retrieve(run, turned, choose_queries(run))
    run.queries.query[0] += 1
    with pytest.raises(InputError, match="lists other queries than"):
        retrieve(run, test, choose_queries(run))


@pytest.mark.slow
def test_a_least_length_is_not_told_by_what_is_stored(finished_run):
    record = json.loads((finished_run / "record.json").read_text())
    head = record["conventions"][record["protocol"]["headline"]]
    head["rules"]["least_frames"] = 3
    head["fingerprint"] = digest(head["rules"])
    (finished_run / "record.json").write_text(json.dumps(record))
    allow_edits(finished_run)
    assert rank_vectors(read_run(finished_run, finished_run.parent)) is None


def test_best_median_and_worst_show_different_people():
    precision, pids = [0.9, 0.1, float("nan"), 0.5, 1.0, 0.2, 0.6, 1.0, 0.4], [1, 2, 3, 4, 5, 2, 7, 5, 6]
    run = made(precision, pids)
    # in order: 1, 5, 8, 3, 6, 0, 4, 7. Of the best, 7 and 4 are one person, as are 1 and 5 of the worst
    assert choose_queries(run) == [
        ("best", 7),
        ("best", 0),
        ("median", 6),
        ("median", 3),
        ("worst", 1),
        ("worst", 8),
    ]
    assert choose_queries(run, 1) == [("best", 7), ("median", 6), ("worst", 1)]


def test_a_test_of_one_query_shows_it_once():
    assert choose_queries(made([0.3], [1])) == [("best", 0)]


def test_roles_and_ranks_by_hand():
    """The query's person in its camera is junk, as is pid -1; the query itself is not listed."""
    found = shown([0.1, 0.2, 0.3, 0.4, 0.5], [1, -1, 2, 1, 0], [1, 2, 2, 2, 2], 1)
    assert [(item.row, item.role, item.rank) for item in found.items] == [
        (1, "junk", None),
        (2, "junk", None),
        (3, "wrong", 1),
        (4, "right", 2),
        (5, "wrong", 3),
    ]
    assert (found.first_rank, found.matches, found.hidden) == (2, 1, 0)


def test_the_first_match_is_shown_however_late_and_most_junk_is_counted_alone():
    people = [1] * 5 + [2] * 20 + [1, 1]
    found = shown(np.linspace(0.1, 0.9, 27), people, [1] * 5 + [2] * 22, 20)
    assert [item.rank for item in found.items] == [None] * 3 + [*range(1, 11), 21]
    assert found.items[-1].role == "right"
    assert found.hidden == 2
    assert found.matches == 2


def test_equal_distances_keep_the_order_of_the_gallery():
    found = shown([0.2, 0.2, 0.2], [2, 1, 3], [2, 2, 2], 1)
    assert [item.row for item in found.items] == [1, 2, 3]


def test_queries_that_a_convention_takes_out_of_the_gallery_are_not_listed():
    labels = Labels(np.array([1, 2, 1]), np.array([1, 2, 2]), np.array([0, 1]), np.arange(3))
    test = RankedTest(labels, lambda numbers: np.array([[0.0, 0.1, 0.2]]), similarity=False)
    for kept, rows in ((True, [1, 2]), (False, [2])):
        run = made([0.5, 0.5], [1, 2], [len(rows) - 1, 0], {"queries_in_gallery": kept})
        [found] = retrieve(run, test, [("best", 0)])
        assert [item.row for item in found.items] == rows


def test_the_rules_in_a_record_decide_roles_as_the_convention_does():
    conventions = Registry.installed().values("conventions")
    assert len(conventions) > 5
    for convention in conventions.values():
        assert read_rule(json.loads(json.dumps(convention.rules))) == GalleryRule.of(convention)


def test_a_rule_of_an_earlier_version_is_refused():
    assert read_rule({"queries_in_gallery": None, "clothes": "any"}) == GalleryRule(None)
    with pytest.raises(InputError, match="the rule 'clothes same' is of an earlier version"):
        read_rule({"queries_in_gallery": None, "clothes": "same"})
