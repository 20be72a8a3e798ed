"""Attributes of tracklets: in what counts as a match, in who takes part, in fingerprints; and synthetic clothes."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from oracle import by_hand
from places import LEADERBOARD

from vreid_bench.contracts.convention import Compared, Convention, Having
from vreid_bench.contracts.dataset import Dataset, Split, Tracklet
from vreid_bench.planning.fold_check import check_attributes
from vreid_bench.planning.folds import Fold
from vreid_bench.scoring import conventions
from vreid_bench.scoring.metrics import judge
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


def convention(clothes, queries_in_gallery=False, unmatched="zero", **rules):
    """One that asks for the same or other clothes, or for any."""
    match = () if clothes == "any" else (Compared("outfit", clothes),)
    name = f"{clothes}-{queries_in_gallery}"
    return Convention(name, "1", queries_in_gallery, "step", unmatched, summary="", source="", match=match, **rules)


def dressed(frame, pid, camid, outfit):
    return Tracklet((frame,), pid, camid, (("outfit", outfit),) if outfit else ())


VALUES = {"outfit": ("a", "b"), "light": ("day", "night")}


def draw_world(random):
    """Some tracklets of few people, cameras and values, which the tracklets do not always tell; ties are frequent."""
    size = int(random.integers(2, 40))
    names = [name for name in VALUES if random.random() < 0.95]
    test = []
    for row in range(size):
        known = tuple((name, str(random.choice(VALUES[name]))) for name in names if random.random() < 0.998)
        frames = tuple(f"{row}/{frame}.jpg" for frame in range(random.integers(1, 6)))
        test.append(Tracklet(frames, int(random.integers(-1, 5)), int(random.integers(1, 4)), known))
    test[0] = test[0]._replace(pid=1)
    people = [row for row, t in enumerate(test) if t.pid > 0]
    query = random.permutation(people)[: max(1, len(people) // 2)].tolist()
    gallery = random.permutation(size)[: random.integers(1, size + 1)].tolist()
    distances = random.integers(0, 12, (len(query), size)).astype(np.float32)
    return Split((), tuple(test), tuple(query), tuple(gallery)), distances


def draw_convention(random, name):
    """Any rules that fit together."""

    def having():
        chosen = [each for each in VALUES if random.random() < 0.25]
        return tuple(Having(each, VALUES[each][: random.integers(1, 3)]) for each in chosen)

    return Convention(
        name,
        "1",
        [True, False, None][random.integers(3)],
        ["step", "trapezoid"][random.integers(2)],
        ["skip", "zero"][random.integers(2)],
        summary="",
        source="",
        match=tuple(Compared(each, ["same", "other"][random.integers(2)]) for each in VALUES if random.random() < 0.3),
        same_camera=["junk", "match"][random.integers(2)],
        query=having(),
        gallery=having(),
        least_frames=int(random.choice([0, 0, 3])),
        cut=int(random.choice([0, 0, 1, 3, 10])),
    )


def is_told(split, rule):
    """Does every tracklet that a rule is about have the values that it reads?"""

    def all_have(attributes, tracklets):
        return all(t.attribute(each.attribute) for each in attributes for t in tracklets)

    people = [t for t in split.test if t.pid > 0]
    asked, ranked = ([split.test[row] for row in rows] for rows in (split.query, split.gallery))
    ranked = [t for t in ranked if t.pid != -1]
    return all_have(rule.match, people) and all_have(rule.query, asked) and all_have(rule.gallery, ranked)


def judge_alone(counts, rule):
    """The scores under one convention; None if it cannot be applied."""
    try:
        return judge(counts, [rule])[rule.name]
    except InputError:
        return None


def test_a_thousand_worlds_under_a_thousand_conventions_agree_with_the_rules_in_words():
    """Three conventions of one world are counted together, as in a run."""
    random = np.random.default_rng(16)
    compared, refused = 0, 0
    for _ in range(1000):
        split, distances = draw_world(random)
        rules = [draw_convention(random, name) for name in "abc"]
        who = Labels.of(split).for_conventions(rules)
        counts = count_from_distances([(slice(None), distances[:, who.gallery])], who)
        for rule in rules:
            expected = by_hand(distances[:, who.gallery], who, rule) if is_told(split, rule) else []
            got = judge_alone(counts, rule)
            if got is None:
                refused += 1
                nobody = all(math.isnan(average) for average, *_ in expected)
                listed = set(split.query) <= set(split.gallery)
                assert nobody or (rule.queries_in_gallery and not listed), rule
                continue
            assert expected, rule
            average, first, penalty, precision = (np.array(column) for column in zip(*expected, strict=True))
            np.testing.assert_allclose(got.average_precision, average, rtol=1e-12)
            np.testing.assert_array_equal(got.first_rank, first)
            np.testing.assert_allclose(got.inverse_penalty, penalty, rtol=1e-12)
            np.testing.assert_allclose(got.r_precision, precision, rtol=1e-12)
            compared += 1
    assert compared > 1000
    assert refused > 300


# the query, its person in the same and in other clothes, and another person in the clothes of that label
TEST = tuple(
    dressed(f"{row}.jpg", *each) for row, each in enumerate([(1, 1, "a"), (1, 2, "a"), (1, 2, "b"), (2, 2, "a")])
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
    split = replace(SPLIT, test=(*TEST[:2], TEST[2]._replace(attributes=(("outfit", "a"),)), TEST[3]))
    tile = [(slice(0, 1), np.array([[0, 3, 2, 1]], np.float32))]
    assert score(tile, Labels.of(split), [convention("other")])["other-False"].first_rank.tolist() == [-1]
    with pytest.raises(InputError, match="has no match in the gallery"):
        score(tile, Labels.of(split), [convention("other", unmatched="error")])


UNDRESSED = replace(SPLIT, test=(*TEST[:3], TEST[3]._replace(attributes=())))


def test_where_one_tracklet_does_not_say_what_is_worn_no_convention_may_ask():
    assert Labels.of(SPLIT).knows("outfit")
    assert not Labels.of(UNDRESSED).knows("outfit")
    assert Labels.of(replace(SPLIT, test=(*TEST, Tracklet(("n",), 0, 1)))).knows("outfit")  # nobody wears nothing
    tile = [(slice(0, 1), np.zeros((1, 4), np.float32))]
    assert score(tile, Labels.of(UNDRESSED), [convention("any")])
    with pytest.raises(InputError, match="it reads outfit, which not every tracklet tells; give each tracklet a value"):
        score(tile, Labels.of(UNDRESSED), [convention("same")])


def test_a_run_that_asks_for_clothes_the_data_does_not_tell_ends_before_training():
    for split, rule, fine in ((SPLIT, "same", True), (UNDRESSED, "any", True), (UNDRESSED, "same", False)):
        fold = Fold(0, (), Dataset("toy", Path("/data/toy"), (split,), "unverified"), split)
        if fine:
            check_attributes([convention(rule)], [fold])
        else:
            with pytest.raises(InputError, match="without outfit, which the convention 'same-False' reads"):
                check_attributes([convention("any"), convention(rule)], [fold])


def test_an_attribute_that_no_tracklet_has_is_told_with_those_that_they_have():
    """One that only some have is to be completed; the near name of an absent one comes first."""
    zones = tuple(t._replace(attributes=(*t.attributes, ("zone", "gate"))) for t in TEST)

    def refuse(test: tuple[Tracklet, ...], attribute: str) -> str:
        split = replace(SPLIT, test=test)
        fold = Fold(0, (), Dataset("toy", Path("/data/toy"), (split,), "unverified"), split)
        with pytest.raises(InputError) as refused:
            check_attributes([replace(convention("same"), match=(Compared(attribute, "same"),))], [fold])
        return str(refused.value).partition(" reads; ")[2]

    other = "choose a protocol without the convention"
    assert refuse(zones, "outfti") == f"did you mean outfit? Known: outfit, zone; {other}"
    assert refuse(tuple(t._replace(attributes=()) for t in TEST), "outfit") == f"known: none; {other}"
    assert refuse(UNDRESSED.test, "outfit") == f"give each of them a value, or {other}"


# fingerprints


def test_clothes_are_in_a_datasets_fingerprint_where_there_are_any():
    def fingerprint(*clothes: str) -> str:
        tracklets = tuple(dressed(f"{i}.jpg", 1, i, worn) for i, worn in enumerate(clothes))
        return Dataset("d", Path(), (Split((), tracklets, (0,), (1,)),), "unverified").fingerprint

    assert fingerprint("a", "b") != fingerprint("a", "a")
    # as it was before tracklets had clothes: records that hold such a fingerprint stay comparable
    assert fingerprint("", "") == "5cd3896ed5f1046ee958ae9ee9c3a657c113ce137f4f04acb3ee8760e9cd96b0"


def test_every_rule_is_in_a_conventions_fingerprint_where_it_is_used():
    plain = convention("any")
    assert "match" not in plain.rules
    changes = {
        "match": (Compared("outfit", "same"),),
        "same_camera": "match",
        "query": (Having("light", ("day",)),),
        "gallery": (Having("light", ("day",)),),
        "least_frames": 3,
        "cut": 20,
    }
    prints = {replace(plain, **{name: value}).fingerprint for name, value in changes.items()} | {plain.fingerprint}
    assert len(prints) == len(changes) + 1


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
