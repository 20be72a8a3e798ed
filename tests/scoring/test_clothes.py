"""What people wear: in tracklets, in what counts as a match, in fingerprints, and in synthetic people."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracle import by_hand
from places import LEADERBOARD

from vreid_bench.contracts.convention import Convention
from vreid_bench.contracts.dataset import Dataset, Split, Tracklet, knows_clothes
from vreid_bench.planning.folds import Fold, check_clothes
from vreid_bench.scoring import conventions
from vreid_bench.scoring.metrics import NotComputable, judge
from vreid_bench.scoring.ranks.counting import count_from_distances
from vreid_bench.scoring.ranks.labels import Labels
from vreid_bench.system.errors import InputError
from vreid_plugins.datasets.mars import reader as mars
from vreid_plugins.synthetic import TrackletSpec, World, render
from vreid_plugins.synthetic.identity import CHANGE, identity
from vreid_plugins.synthetic.tracklet import _somebody


def score(tiles, labels, rules):
    """Tiles have a column for each test tracklet."""
    return judge(count_from_distances([(rows, array[:, labels.gallery]) for rows, array in tiles], labels), rules)


def convention(clothes, queries_in_gallery=False, unmatched="zero"):
    name = f"{clothes}-{queries_in_gallery}"
    return Convention(name, "1", queries_in_gallery, "step", unmatched, summary="", source="", clothes=clothes)


EVERY = [convention(*rule) for rule in product(("any", "same", "other"), (True, False))]


@st.composite
def worlds(draw):
    """A few tracklets of few people in few cameras and few clothes, at distances with many ties."""
    size = draw(st.integers(2, 14))

    def column(*values):
        return draw(st.lists(st.sampled_from(values), min_size=size, max_size=size))

    pids, camids, worn = column(1, 1, 2, 3), column(1, 2, 3), column("a", "b")
    query = draw(st.lists(st.integers(0, size - 1), min_size=1, unique=True))
    gallery = draw(st.lists(st.integers(0, size - 1), min_size=1, unique=True))
    cells = st.lists(st.integers(0, 5), min_size=len(query) * size, max_size=len(query) * size)
    tracklets = tuple(Tracklet(("a.jpg",), *row) for row in zip(pids, camids, worn, strict=True))
    distances = np.array(draw(cells), np.float32).reshape(len(query), size)
    return Split((), tracklets, tuple(query), tuple(gallery)), distances


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no fault
@given(worlds())
def test_agrees_with_the_rules_in_words(world):
    split, distances = world
    who = Labels.of(split)
    got = score([(slice(0, len(distances)), distances)], who, EVERY)  # all at once, as a run does
    for rule in EVERY:
        if isinstance(got[rule.name], NotComputable):
            assert rule.queries_in_gallery
            assert not set(split.query) <= set(split.gallery)
            continue
        expected = by_hand(distances[:, who.gallery], who, rule)
        average, first, _, _ = (np.array(column) for column in zip(*expected, strict=True))
        np.testing.assert_allclose(got[rule.name].average_precision, average, rtol=1e-12)
        np.testing.assert_array_equal(got[rule.name].first_rank, first)


# the query, its person in the same and in other clothes, and another person in the clothes of that label
TEST = tuple(
    Tracklet((f"{row}.jpg",), *each) for row, each in enumerate([(1, 1, "a"), (1, 2, "a"), (1, 2, "b"), (2, 2, "a")])
)
SPLIT = Split((), TEST, (0,), (1, 2, 3))


def only(clothes, distances=(0, 3, 2, 1)):
    rule = convention(clothes)
    got = score([(slice(0, 1), np.array([distances], np.float32))], Labels.of(SPLIT), [rule])[rule.name]
    return got.average_precision[0], got.first_rank[0]


def test_a_match_in_clothes_that_are_not_asked_for_takes_no_rank():
    assert only("any") == (pytest.approx((1 / 2 + 2 / 3) / 2), 1)
    assert only("same") == (0.5, 1)
    assert only("other") == (0.5, 1)
    assert only("same", (0, 2, 1, 3)) == only("other", (0, 1, 2, 3)) == (1.0, 0)


def test_a_stranger_with_clothes_of_the_same_label_stays_a_stranger():
    assert only("other", (0, 3, 2, 1)) == (0.5, 1)
    assert only("same", (0, 3, 2, 1)) == (0.5, 1)


def test_a_query_whose_person_never_changes_clothes_is_unmatched():
    split = replace(SPLIT, test=(*TEST[:2], TEST[2]._replace(clothes="a"), TEST[3]))
    tile = [(slice(0, 1), np.array([[0, 3, 2, 1]], np.float32))]
    assert score(tile, Labels.of(split), [convention("other")])["other-False"].first_rank.tolist() == [-1]
    with pytest.raises(InputError, match="has no match in the gallery"):
        score(tile, Labels.of(split), [convention("other", unmatched="error")])


UNDRESSED = replace(SPLIT, test=(*TEST[:3], TEST[3]._replace(clothes="")))


def test_where_one_tracklet_does_not_say_what_is_worn_no_convention_may_ask():
    assert knows_clothes(SPLIT)
    assert not knows_clothes(UNDRESSED)
    assert knows_clothes(replace(SPLIT, test=(*TEST, Tracklet((), 0, 1))))  # nobody wears nothing
    tile = [(slice(0, 1), np.zeros((1, 4), np.float32))]
    assert score(tile, Labels.of(UNDRESSED), [convention("any")])
    with pytest.raises(InputError, match="not every tracklet says what is worn"):
        score(tile, Labels.of(UNDRESSED), [convention("same")])


def test_a_run_that_asks_for_clothes_the_data_does_not_tell_ends_before_training():
    for split, rule, fine in ((SPLIT, "same", True), (UNDRESSED, "any", True), (UNDRESSED, "same", False)):
        fold = Fold(0, (), Dataset("toy", Path("/data/toy"), (split,), "unverified"), split)
        if fine:
            check_clothes([convention(rule)], [fold])
        else:
            with pytest.raises(InputError, match=r"toy has test tracklets without a label of clothes.*'same-False'"):
                check_clothes([convention("any"), convention(rule)], [fold])


# fingerprints


def test_clothes_are_in_a_datasets_fingerprint_where_there_are_any():
    def fingerprint(*clothes: str) -> str:
        tracklets = tuple(Tracklet((f"{i}.jpg",), 1, i, worn) for i, worn in enumerate(clothes))
        return Dataset("d", Path(), (Split((), tracklets, (0,), (1,)),), "unverified").fingerprint

    assert fingerprint("a", "b") != fingerprint("a", "a")
    # as it was before tracklets had clothes: records that hold such a fingerprint stay comparable
    assert fingerprint("", "") == "5cd3896ed5f1046ee958ae9ee9c3a657c113ce137f4f04acb3ee8760e9cd96b0"


def test_clothes_are_in_a_conventions_rules_and_fingerprint():
    assert convention("any").rules["clothes"] == "any"
    prints = {replace(convention(clothes), name="c").fingerprint for clothes in ("any", "same", "other")}
    assert len(prints) == 3


@pytest.mark.parametrize("name", ["mars", "mars-dev"])
def test_the_rules_of_mars_have_the_fingerprints_of_the_committed_records(name):
    row = json.loads((LEADERBOARD / f"records/{name}/synthetic/mean-pooling-small-seed0.json").read_text())
    assert mars.vreid_protocols()[name].fingerprint == row["protocol"]["fingerprint"]
    installed = conventions.vreid_conventions()
    assert {c: installed[c].fingerprint for c in conventions.MARS} == {
        c: result["fingerprint"] for c, result in row["conventions"].items()
    }


# synthetic people


def test_who_changes_clothes_stays_the_same_person():
    world = World()
    usual, changed, again = (identity(world, 7 + CHANGE * n) for n in range(3))
    for other in (changed, again):
        assert (other.build, other.gait) == (usual.build, usual.gait)
        assert np.array_equal(other.outfit.skin, usual.outfit.skin)
        assert np.array_equal(other.outfit.hair, usual.outfit.hair)
        assert other.outfit.hairstyle == usual.outfit.hairstyle
    worn = {person.outfit.torso.tobytes() for person in (usual, changed, again, identity(world, 8))}
    assert len(worn) == 4


def test_a_changed_outfit_is_seen():
    plain = World(**{f"p_{kind}": 0.0 for kind in ("object", "pedestrian", "switch", "miss", "drift", "blur")})
    before, after = (render(plain, TrackletSpec(7 + CHANGE * n, 1, 0, 4)).frames for n in (0, 1))
    assert np.abs(before.astype(int) - after).mean() > 3


def test_nobody_walks_past_themselves_in_other_clothes():
    spec = TrackletSpec(3 + CHANGE, 0, 0, 4, crowd=(0, 6))
    assert {_somebody(np.random.default_rng(seed), spec) for seed in range(80)} == {0, 1, 2, 4, 5}
