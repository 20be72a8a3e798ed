"""Every convention that an installed plugin brings, against the rules in words, on a thousand random worlds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from oracle import by_hand

from vreid_bench.contracts.dataset import Split, Tracklet
from vreid_bench.registry.registry import Registry
from vreid_bench.scoring.metrics import judge
from vreid_bench.scoring.ranks.counting import count_from_distances
from vreid_bench.scoring.ranks.labels import Labels
from vreid_bench.system.errors import InputError

CONVENTIONS = Registry.installed().values("conventions")


def values_of(rule):
    """The values to draw of each attribute that a convention reads: those that it names and one that it does not."""
    values = {name: {"one", "another"} for name, _ in rule.match}
    for name, named in (*rule.query, *rule.gallery):
        values.setdefault(name, {"one"}).update(named)
    return {name: sorted(each) for name, each in values.items()}


def draw_world(random, rule):
    """Few tracklets of few people before few cameras, of lengths about the least one; equal distances are frequent."""
    # where few have a role, more are drawn: else hardly any query has a match
    values, size = values_of(rule), int(random.integers(2, 40 if rule.query or rule.gallery else 16))
    test = []
    for row in range(size):
        told = tuple((name, str(random.choice(each))) for name, each in values.items())
        length = max(1, rule.least_frames + int(random.integers(-2, 3)))
        frames = tuple(f"{row}/{frame}.jpg" for frame in range(length))
        test.append(Tracklet(frames, int(random.integers(-1, 4)), int(random.integers(1, 4)), told))
    test[0] = test[0]._replace(pid=1)
    people = [row for row, each in enumerate(test) if each.pid > 0]
    query = random.permutation(people)[: max(1, len(people) // 2)].tolist()
    listed = range(size) if rule.queries_in_gallery else random.permutation(size)[: random.integers(1, size + 1)]
    distances = random.integers(0, 12, (len(query), size)).astype(np.float32)
    return Split((), tuple(test), tuple(query), tuple(map(int, listed))), distances


def draw_two_views(random):
    """Everybody once before the camera of the gallery, and some of them once before that of the queries."""
    people = int(random.integers(1, 9))
    asked = random.permutation(people)[: random.integers(1, people + 1)]
    test = [Tracklet((f"{pid}/2.jpg",), pid + 1, 2) for pid in range(people)]
    test += [Tracklet((f"{pid}/1.jpg",), int(pid) + 1, 1) for pid in asked]
    distances = random.integers(0, 12, (len(asked), len(test))).astype(np.float32)
    return Split((), tuple(test), tuple(range(people, len(test))), tuple(range(people))), distances


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(CONVENTIONS))
def test_a_thousand_worlds_agree_with_the_rules_in_words(name):
    rule, random = CONVENTIONS[name], np.random.default_rng(16)
    scored = 0
    for _ in range(1000):
        split, distances = draw_two_views(random) if rule.single_match else draw_world(random, rule)
        who = Labels.of(split).for_conventions([rule])
        ranked = distances[:, who.gallery]
        expected = by_hand(ranked, who, rule)
        try:
            got = judge(count_from_distances([(slice(None), ranked)], who), [rule])[name]
        except InputError:
            assert rule.unmatched == "error" or all(math.isnan(average) or first < 0 for average, first, *_ in expected)
            continue
        average, first, penalty, precision = (np.array(column) for column in zip(*expected, strict=True))
        np.testing.assert_allclose(got.average_precision, average, rtol=1e-12)
        np.testing.assert_array_equal(got.first_rank, first)
        np.testing.assert_allclose(got.inverse_penalty, penalty, rtol=1e-12)
        np.testing.assert_allclose(got.r_precision, precision, rtol=1e-12)
        scored += 1
    assert scored > 90  # all of a world have a match where a convention refuses a query without one
