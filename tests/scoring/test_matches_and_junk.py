"""Matches, junk and negatives of every query, against the rules in words."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle import labels, role

from vreid_bench.scoring.matches_and_junk import GalleryRule, assign_roles, find_matches
from vreid_bench.scoring.ranks.counting import count_from_distances, index_matches
from vreid_bench.scoring.ranks.labels import Labels

RULES = [GalleryRule(*rule) for rule in product((True, False, None), ("any", "same", "other"))]


def world(seed):
    """Some tracklets of few people in few cameras and clothes, strangers and junk among them, and distances."""
    random = np.random.default_rng(seed)
    pids = random.integers(-1, 4, 30)
    pids[:2] = 1
    query = np.flatnonzero(pids > 0)[::2]
    gallery = random.permutation(30)[: random.integers(5, 31)]
    who = Labels(pids, random.integers(1, 4, 30), query, gallery, random.integers(0, 2, 30))
    return who, random.integers(0, 20, (len(query), len(gallery))).astype(float)


@given(st.integers(0, 10**6), st.sampled_from(RULES), st.integers(1, 9))
def test_every_pair_has_its_role(seed, rule, rows):
    who, _ = world(seed)
    for first in range(0, len(who.query), rows):
        part = slice(first, first + rows)
        expected = np.array([[role(who, row, item, *rule) for item in who.gallery] for row in who.query[part]])
        got = assign_roles(who, part, rule)
        np.testing.assert_array_equal(got.match, expected == "match")
        np.testing.assert_array_equal(got.negative, expected == "negative")


@given(st.integers(0, 10**6), st.sampled_from(RULES))
def test_every_match_has_its_rank_among_matches_and_negatives(seed, rule):
    who, distances = world(seed)
    found = find_matches(count_from_distances([(slice(None), distances)], who), rule)
    place = index_matches(who).item[found.entry]
    for q, row in enumerate(who.query):
        roles = [role(who, row, item, *rule) for item in who.gallery]
        ranked = [p for p in np.argsort(distances[q], kind="stable") if roles[p] in ("match", "negative")]
        expected = [(rank, p) for rank, p in enumerate(ranked, 1) if roles[p] == "match"]
        mine = slice(found.start[q], found.start[q + 1])
        assert list(zip(found.rank[mine], place[mine], strict=True)) == expected
        assert found.nth[mine].tolist() == list(range(1, len(expected) + 1))
        assert (found.owner[mine] == q).all()


def test_clothes_that_are_not_known_have_no_matches_by_clothes():
    who = labels([1, 1, 2], [1, 2, 2], [0], [1, 2])
    counts = count_from_distances([(slice(None), np.zeros((1, 2)))], who)
    assert find_matches(counts, GalleryRule(True, "same")) is None
    assert find_matches(counts, GalleryRule(True)).rank.tolist() == [1]
    with pytest.raises(ValueError, match="matches in other clothes need labels of clothes"):
        assign_roles(who, slice(None), GalleryRule(True, "other"))
