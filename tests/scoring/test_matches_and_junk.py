"""Matches, junk and negatives of every query, against the rules in words."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle import labels, role

from vreid_bench import Compared, Convention, Having
from vreid_bench.scoring.matches_and_junk import GalleryRule, assign_roles, find_matches, find_unknown
from vreid_bench.scoring.ranks.counting import count_from_distances, index_matches
from vreid_bench.scoring.ranks.labels import Labels

PLAIN = Convention("c", "1", True, "step", "zero", "", "")
LIGHT = {"query": (Having("light", ("day",)),), "gallery": (Having("light", ("night", "dusk")),)}
CONVENTIONS = [
    replace(PLAIN, queries_in_gallery=queries, match=match, same_camera=camera, **admission)
    for queries, match, camera, admission in product(
        (True, False, None),
        ((), (Compared("outfit", "same"),), (Compared("outfit", "other"), Compared("light", "same"))),
        ("junk", "match"),
        ({}, LIGHT, {"gallery": LIGHT["gallery"], "least_frames": 4}),
    )
]


def world(seed):
    """Some tracklets of few people in few cameras and outfits, strangers and junk among them, and distances."""
    random = np.random.default_rng(seed)
    pids = random.integers(-1, 4, 30)
    pids[:2] = 1
    query = np.flatnonzero(pids > 0)[::2]
    gallery = random.permutation(30)[: random.integers(5, 31)]
    attributes = {"outfit": random.choice(["a", "b"], 30), "light": random.choice(["day", "dusk", "night"], 30)}
    frames = random.integers(1, 9, 30)
    who = Labels(pids, random.integers(1, 4, 30), query, gallery, attributes=attributes, frames=frames)
    return who, random.integers(0, 20, (len(query), len(gallery))).astype(float)


@given(st.integers(0, 10**6), st.sampled_from(CONVENTIONS), st.integers(1, 9))
def test_every_pair_has_its_role(seed, convention, rows):
    who, _ = world(seed)
    for first in range(0, len(who.query), rows):
        part = slice(first, first + rows)
        expected = np.array([[role(who, row, item, convention) for item in who.gallery] for row in who.query[part]])
        got = assign_roles(who, part, GalleryRule.of(convention))
        np.testing.assert_array_equal(got.match, expected == "match")
        np.testing.assert_array_equal(got.negative, expected == "negative")


@given(st.integers(0, 10**6), st.lists(st.sampled_from(CONVENTIONS), min_size=1, max_size=4))
def test_every_match_has_its_rank_among_matches_and_negatives(seed, conventions):
    """Counted once, for all of these conventions together."""
    who, distances = world(seed)
    who = who.for_conventions(conventions)
    counts = count_from_distances([(slice(None), distances)], who)
    for convention in conventions:
        found = find_matches(counts, GalleryRule.of(convention))
        place = index_matches(who).item[found.entry]
        for q, row in enumerate(who.query):
            roles = [role(who, row, item, convention) for item in who.gallery]
            ranked = [p for p in np.argsort(distances[q], kind="stable") if roles[p] in ("match", "negative")]
            expected = [(rank, p) for rank, p in enumerate(ranked, 1) if roles[p] == "match"]
            mine = slice(found.start[q], found.start[q + 1])
            assert list(zip(found.rank[mine], place[mine], strict=True)) == expected
            assert found.nth[mine].tolist() == list(range(1, len(expected) + 1))
            assert (found.owner[mine] == q).all()
            assert found.asks[q] == ("not asked" not in roles)


def test_what_is_not_known_has_no_matches():
    who = labels([1, 1, 2], [1, 2, 2], [0], [1, 2])
    counts = count_from_distances([(slice(None), np.zeros((1, 2)))], who)
    other = GalleryRule(True, (Compared("outfit", "other"),))
    night = GalleryRule(True, admission=replace(PLAIN, gallery=(Having("light", ("night",)),)).admission)
    long = GalleryRule(True, admission=replace(PLAIN, least_frames=3).admission)
    for rule, unknown in ((other, "outfit"), (night, "light"), (long, "frames")):
        assert find_matches(counts, rule) is None
        assert find_unknown(counts, rule) == (unknown,)
        with pytest.raises(ValueError, match="the rule needs labels that are missing"):
            assign_roles(who, slice(None), rule)
    assert find_matches(counts, GalleryRule(True)).rank.tolist() == [1]
    assert find_unknown(counts, GalleryRule(True, same_camera="match")) == ("camera",)


def test_a_value_that_one_tracklet_lacks_is_not_guessed():
    """Of the distractor nothing is asked for a match, but it must be known whether it is in the gallery."""
    who = replace(labels([1, 1, 0], [1, 2, 2], [0], [1, 2]), attributes={"light": np.array(["day", "day", ""])})
    compared = GalleryRule(None, (Compared("light", "same"),))
    day = replace(PLAIN, gallery=(Having("light", ("day",)),))
    counts = count_from_distances([(slice(None), np.zeros((1, 2)))], who.for_conventions([day]))
    assert find_matches(counts, compared).rank.tolist() == [1]
    assert find_matches(counts, GalleryRule.of(day)) is None
    gaps = replace(who, attributes={"light": np.array(["day", "", ""])})
    counts = count_from_distances([(slice(None), np.zeros((1, 2)))], gaps)
    assert find_matches(counts, compared) is None
