"""The modes of clothes of CCVID and VCCR, against the sets of rows in which their public code is written."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from vreid_bench import Compared, Convention, Split, Tracklet
from vreid_bench.scoring.metrics import judge
from vreid_bench.scoring.ranks.counting import count_from_distances
from vreid_bench.scoring.ranks.labels import Labels
from vreid_bench.system.errors import InputError
from vreid_plugins.datasets.ccvid import reader as ccvid
from vreid_plugins.datasets.vccr import reader as vccr

CONVENTIONS = {**ccvid.vreid_conventions(), **vccr.vreid_conventions()}
CLOTHES = {"general": "any", "same-clothes": "same", "clothes-changing": "other"}
LEAST = {"": 0, "-from-8-frames": 8}
MODES = {f"{name}{end}": (clothes, least) for name, clothes in CLOTHES.items() for end, least in LEAST.items()}


def score_sets(distances, split, clothes, least, cut=0):
    """Average precision of each query, None if it has no match, NaN if it is not asked; short tracklets are dropped
    first, then rows are good or junk by sets, and equal distances keep the order of the gallery."""
    found = []
    kept = [row for row in split.gallery if len(split.test[row].frames) >= least]
    for place, asked in enumerate(split.query):
        query = split.test[asked]
        if len(query.frames) < least:
            found.append(float("nan"))
            continue
        person = {row for row in kept if split.test[row].pid == query.pid}
        camera = {row for row in kept if split.test[row].camid == query.camid}
        worn = {row for row in kept if split.test[row].attribute("outfit") == query.attribute("outfit")}
        good, junk = person - camera, person & camera
        if clothes == "same":
            good, junk = good & worn, junk | (person - worn)
        elif clothes == "other":
            good, junk = good - worn, junk | (person & worn)
        if not good:
            found.append(None)
            continue
        order = sorted((distances[place, column], column) for column, row in enumerate(split.gallery) if row in kept)
        ranking = [row for row in (split.gallery[column] for _, column in order) if row not in junk]
        ranks = sorted(1 + ranking.index(row) for row in good)
        deepest = cut or len(ranking)
        precision = [nth / rank for nth, rank in enumerate(ranks, start=1) if rank <= deepest]
        found.append(sum(precision) / min(len(good), deepest))
    return found


def draw_world(random):
    """Few people in few outfits before few cameras, in tracklets of 6 to 12 frames; equal distances are frequent."""
    size = int(random.integers(3, 24))
    test = tuple(
        Tracklet(
            tuple(f"{row}/{frame}.jpg" for frame in range(random.integers(6, 13))),
            int(random.integers(1, 4)),
            int(random.integers(1, 4)),
            (("outfit", str(random.choice(["1", "2", "10"]))),),
        )
        for row in range(size)
    )
    queries = int(random.integers(1, size))
    distances = random.integers(0, 9, (queries, size - queries)).astype(np.float32)
    return Split((), test, tuple(range(queries)), tuple(range(queries, size))), distances


def judge_one(distances, split, rule):
    """The average precision of each query; None if no query has one."""
    who = Labels.of(split).for_conventions([rule])
    counts = count_from_distances([(slice(None), distances)], who)
    try:
        return judge(counts, [rule])[rule.name].average_precision
    except InputError:
        return None


@pytest.mark.slow
@pytest.mark.parametrize("name", MODES)
def test_a_thousand_worlds_agree_with_the_sets(name):
    """Also where a ranking is cut, as in other boards: no rule of these modes stands in the way."""
    random = np.random.default_rng(27)
    compared = unmatched = 0
    for _ in range(1000):
        split, distances = draw_world(random)
        cut = int(random.choice([0, 0, 1, 3]))
        expected = score_sets(distances, split, *MODES[name], cut)
        got = judge_one(distances, split, replace(CONVENTIONS[name], cut=cut))
        if got is None:
            assert not any(isinstance(each, float) and each == each for each in expected)
            unmatched += 1
            continue
        # an unmatched query does not count, like one that is too short
        values = np.array([np.nan if each is None else each for each in expected])
        np.testing.assert_allclose(got, values, rtol=1e-12)
        compared += 1
    assert compared > 500
    assert unmatched > 10


def test_every_mode_is_a_row_of_the_one_mechanism():
    """Nothing but fields of a convention tells them apart, and the reader of neither data set scores anything."""
    assert set(CONVENTIONS) == set(MODES)
    prose = {"name", "summary", "source"}
    usual = {each.name: each.default for each in fields(Convention)}
    usual |= {"version": "1", "queries_in_gallery": False, "average_precision": "step", "unmatched": "skip"}
    for name, (clothes, least) in MODES.items():
        match = () if clothes == "any" else (Compared("outfit", clothes),)
        expected = usual | {"match": match, "least_frames": least}
        rule = CONVENTIONS[name]
        assert {key: getattr(rule, key) for key in expected.keys() - prose} == {
            key: value for key, value in expected.items() if key not in prose
        }


@pytest.mark.parametrize("name", MODES)
def test_clothes_that_are_not_told_are_never_guessed(name):
    test = tuple(
        Tracklet(tuple(f"{row}/{n}.jpg" for n in range(9)), 1, camera, (("outfit", "1"),) if row < 2 else ())
        for row, camera in enumerate((1, 2, 3))
    )
    split, distances = Split((), test, (0,), (1, 2)), np.zeros((1, 2), np.float32)
    got = judge_one(distances, split, CONVENTIONS[name])
    assert (got is None) == bool(CONVENTIONS[name].match)
