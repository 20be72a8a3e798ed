"""The laws of conventions: rules that nothing can meet are found, and a perfect ranking has the score 1."""

from dataclasses import replace

import numpy as np
import pytest

from vreid_bench import Compared, Convention, Having
from vreid_bench.testing import list_checks

PLAIN = Convention("mine", "1", None, "step", "error", "A rule.", "me")
GATE, YARD = Having("zone", ("gate",)), Having("zone", ("yard", "road"))


def fail(rule):
    outcomes = {each.name: each for each in (check.run() for check in list_checks("convention", rule))}
    assert len(outcomes) == 5
    return {name: each.message for name, each in outcomes.items() if each.state == "failed"}


@pytest.mark.parametrize(
    "rules",
    [
        {},
        {"queries_in_gallery": True, "average_precision": "trapezoid"},
        {"queries_in_gallery": False, "least_frames": 7},
        {"query": (GATE,), "gallery": (YARD,), "match": (Compared("zone", "other"),), "cut": 1},
        {"query": (YARD,), "match": (Compared("zone", "same"), Compared("outfit", "other"))},
        {"same_camera": "match", "unmatched": "zero", "ties": "expected"},
        {"single_match": True},
    ],
)
def test_rules_that_can_be_met_hold_every_law(rules):
    assert fail(replace(PLAIN, **rules)) == {}


@pytest.mark.parametrize(
    ("rules", "laws", "words"),
    [
        (
            {"query": (GATE,), "gallery": (GATE,), "match": (Compared("zone", "other"),)},
            {"match", "scores"},
            "no gallery item can match a query, because its rules match, query and gallery contradict each other",
        ),
        (
            {"query": (GATE,), "gallery": (YARD,), "match": (Compared("zone", "same"),)},
            {"match", "scores"},
            "no gallery item can match a query",
        ),
        (
            {"queries_in_gallery": True, "single_match": True},
            {"scores"},
            "refuses a test in which each query has a match: mine: not computable, query 0 is itself in the gallery",
        ),
        ({"unmatched": "drop"}, {"provided", "read"}, "its unmatched is 'drop', expected 'skip', 'zero' or 'error'"),
    ],
)
def test_rules_that_cannot_be_are_found(rules, laws, words):
    found = fail(replace(PLAIN, **rules))
    assert found.keys() == laws
    assert all(words in message for message in found.values())


def test_a_score_that_is_not_that_of_a_perfect_ranking_is_found(monkeypatch):
    from vreid_bench.testing import conventions

    def halve(counts, rules):
        found = judge(counts, rules)
        return {name: replace(each, average_precision=each.average_precision / 2) for name, each in found.items()}

    judge = conventions.judge
    monkeypatch.setattr(conventions, "judge", halve)
    assert f"has the average precisions {np.full(4, 0.5)}, expected 1" in fail(PLAIN)["scores"]
