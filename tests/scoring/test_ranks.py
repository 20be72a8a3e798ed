"""Counting: every implementation against the loop in words, and each against the other."""

from __future__ import annotations

from functools import reduce

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import by_hand, distances_by_hand, labels

from vreid_bench.contracts.convention import Convention
from vreid_bench.scoring.metrics import judge
from vreid_bench.scoring.ranks import counting as ranks
from vreid_bench.scoring.ranks import reference as ranks_reference
from vreid_bench.scoring.ranks.counting import Counts, count_from_distances, count_from_embeddings, index_matches, merge
from vreid_bench.scoring.ranks.labels import Labels
from vreid_bench.system import native
from vreid_bench.system.errors import InputError

RULES = [
    Convention(f"{gallery}-{ap}", "1", gallery, ap, "zero", "", "")
    for gallery in (True, False)
    for ap in ("step", "trapezoid")
]
WORDS = [  # of any gallery
    Convention(f"{gallery}-{ap}", "1", gallery, ap, "zero", "", "")
    for gallery in (None, False)
    for ap in ("step", "trapezoid")
]


def implementations():
    module = native.load("ranks")
    return ["numpy", *(module.instruction_sets() if module else [])]


@pytest.fixture(params=implementations())
def backend(request, monkeypatch):
    """Each way of counting that this machine has, in turn."""
    choose(request.param, monkeypatch)
    return request.param


def choose(name, monkeypatch):
    """Count in this way."""
    module = ranks_reference
    if name != "numpy":

        class module:
            index_matches = staticmethod(native.load("ranks").index_matches)

            @staticmethod
            def count_distances(*arguments):
                return native.load("ranks").count_distances(*arguments, name)

            @staticmethod
            def count_embeddings(*arguments):
                return native.load("ranks").count_embeddings(*arguments, name)

    monkeypatch.setattr(ranks, "_module", lambda: module)


def world(seed, items=60, people=6, cameras=3):
    """Some tracklets with junk and distractors; every fourth person's is a query, and all are the gallery."""
    random = np.random.default_rng(seed)
    pids, camids = random.integers(-1, people, items), random.integers(1, cameras + 1, items)
    pids[0] = 1
    query = np.flatnonzero(pids > 0)[::4]
    return labels(pids, camids, query, random.permutation(items)), random


def embeddings(who, random, width, dtype, low=-2, high=3):
    """Small whole numbers: many ties, and exact in any order of summation."""
    everyone = random.integers(low, high, (len(who.pids), width)).astype(dtype)
    everyone[~everyone.any(1)] = 1  # a zero vector has no cosine
    return everyone[who.query], everyone[who.gallery]


def assert_scores(counts, distances, who):
    got = judge(counts, RULES)
    for rule in RULES:
        scores = got[rule.name]
        columns = (scores.average_precision, scores.first_rank, scores.inverse_penalty, scores.r_precision)
        for found, expected in zip(columns, zip(*by_hand(distances, who, rule), strict=True), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-12)


def small_world(seed):
    """A few tracklets, of which some are queries and some the gallery: tiny galleries, one camera, nothing to find."""
    random = np.random.default_rng(seed)
    size = int(random.integers(2, 22))
    pids, camids = random.integers(-1, 5, size), random.integers(0, random.integers(1, 4), size)
    pids[random.integers(size)] = 1
    people = np.flatnonzero(pids > 0)
    query = random.permutation(people)[: random.integers(1, len(people) + 1)]
    gallery = random.permutation(size)[: random.integers(1, size + 1)]
    if random.random() < 0.5:
        gallery = np.concatenate([gallery, np.setdiff1d(query, gallery)])
    return labels(pids, camids, query, gallery), random


def words(distances, who):
    """The scores of every query [Q, 4] and the CMC curve [50] under each of WORDS, by the loop."""
    for rule in WORDS:
        scores = np.array(by_hand(distances, who, rule))
        first = scores[:, 1:2]
        yield scores, ((first >= 0) & (first < np.arange(1, 51))).mean(0)


def assert_words(counts, by_words):
    """Every score of every query, and the CMC curve, as the rules in words have it."""
    for found, (scores, curve) in zip(judge(counts, WORDS).values(), by_words, strict=True):
        columns = (found.average_precision, found.first_rank, found.inverse_penalty, found.r_precision)
        np.testing.assert_allclose(np.stack(columns, 1), scores, rtol=0, atol=1e-12)
        np.testing.assert_allclose(found.cmc(50), curve, rtol=0, atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_thousands_of_small_worlds_agree_with_the_loop(monkeypatch, part):
    """From distances and from embeddings of whole numbers, the latter in shards, too, with the same bits.

    Every way of counting is compared with one loop over each world.
    """
    for seed in range(100 * part, 100 * (part + 1)):
        who, random = small_world(seed)
        dtype = (np.float32, np.float64)[seed % 2]
        distances = random.integers(-2, (2, 9, 1000)[seed % 3], (len(who.query), len(who.gallery))).astype(dtype)
        query, gallery = embeddings(who, random, 1 + seed % 5, dtype)
        shards = random.permutation(int(random.integers(2, 5)))
        from_distances = list(words(distances, who))
        from_embeddings = list(words(distances_by_hand(query, gallery, "sqeuclidean"), who))
        for name in implementations():
            choose(name, monkeypatch)
            assert_words(count_from_distances([(slice(None), distances)], who, 1), from_distances)
            whole = count_from_embeddings(query, gallery, who, "euclidean", 1)
            assert_words(whole, from_embeddings)
            pieces = [count_from_embeddings(query, gallery, who, "euclidean", 1, (i, len(shards))) for i in shards]
            np.testing.assert_array_equal(reduce(merge, pieces).before, whole.before)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", range(25))
def test_distances_agree_with_the_loop(backend, seed, dtype):
    who, random = world(seed, items=int(np.random.default_rng(seed).integers(2, 80)), cameras=1 + seed % 4)
    distances = random.integers(-3, 4 + 40 * (seed % 2), (len(who.query), len(who.gallery))).astype(dtype)
    assert_scores(count_from_distances([(slice(None), distances)], who), distances, who)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", range(25))
def test_whole_numbers_agree_with_the_loop_from_embeddings(backend, seed, dtype):
    who, random = world(seed, items=int(np.random.default_rng(seed).integers(2, 80)), cameras=1 + seed % 4)
    query, gallery = embeddings(who, random, 1 + seed % 7, dtype)
    counts = count_from_embeddings(query, gallery, who, "euclidean")
    assert_scores(counts, distances_by_hand(query, gallery, "sqeuclidean"), who)


@pytest.mark.slow
@pytest.mark.parametrize("metric", ["cosine", "euclidean", "sqeuclidean"])
@pytest.mark.parametrize("width", [1, 3, 64, 1500])
def test_numbers_of_any_kind_agree_with_the_loop(backend, metric, width):
    who, random = world(width, items=150)
    everyone = random.standard_normal((len(who.pids), width))
    if width == 1 and metric == "cosine":
        everyone = np.concatenate([everyone, random.standard_normal((len(who.pids), 1))], 1)
    query, gallery = everyone[who.query], everyone[who.gallery]
    assert_scores(count_from_embeddings(query, gallery, who, metric), distances_by_hand(query, gallery, metric), who)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_many_tiles_many_matches_and_long_ties(backend, dtype):
    """More columns than a tile, more matches than share a pass, a gallery in disorder, junk between."""
    who, random = world(5, items=2600, people=4, cameras=2)
    who = labels(who.pids, who.camids, who.query[:8], who.gallery)
    distances = random.integers(0, 50, (8, 2600)).astype(dtype)
    assert_scores(count_from_distances([(slice(None), distances)], who), distances, who)
    query, gallery = embeddings(who, random, 5, dtype)
    assert_scores(count_from_embeddings(query, gallery, who, "sqeuclidean"), _distances(query, gallery), who)


def before_by_hand(distances, who):
    """How many items of each group come before each match, junk left out, by the rule in words: [M, 2]."""
    expected, places = index_matches(who), np.arange(len(who.gallery))
    result = []
    for q, row in enumerate(distances):
        junk = expected.junk[expected.junk_start[q] : expected.junk_start[q + 1]]
        for match in expected.item[expected.start[q] : expected.start[q + 1]]:
            ahead = (row < row[match]) | ((row == row[match]) & (places < match))
            ahead[junk] = False
            result.append([np.count_nonzero(ahead & (expected.group == group)) for group in range(2)])
    return np.array(result).reshape(-1, 2)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1, 63, 64, 65, 1000, 16_384, 40_000])
def test_numbers_at_the_edge_of_their_range_and_galleries_of_many_tiles(backend, size, dtype):
    """Signed zeros, the least and the greatest numbers and their neighbours, all of them often, in any shard."""
    random = np.random.default_rng(size)
    edge = np.finfo(dtype)
    edges = np.array([0.0, -0.0, edge.smallest_subnormal, -edge.smallest_subnormal, edge.tiny, edge.max, edge.min, 1])
    edges = np.concatenate([edges, np.nextafter(edges.astype(dtype), dtype(0)), random.standard_normal(size)])
    pids = random.choice([-1, 0, 1, 2, 3], size, p=[0.05, 0.8, 0.05, 0.05, 0.05])
    pids = np.concatenate([pids, [1, 2, 3, 4]])  # the last is of a person with no match
    camids = random.integers(1, 4, len(pids))
    gallery = random.permutation(len(pids) - int(random.integers(0, 2)) * 4)
    who = labels(pids, camids, np.arange(4) + size, gallery)
    distances = random.choice(edges, (4, len(gallery))).astype(dtype)
    expected = before_by_hand(distances, who)
    whole = count_from_distances([(slice(None), distances)], who, 1)
    np.testing.assert_array_equal(whole.before, expected)
    parts = [count_from_distances([(slice(None), distances)], who, 2, (i, 2)) for i in range(2)]
    np.testing.assert_array_equal(reduce(merge, parts).before, expected)


MANY = 600  # matches of a query: kernels count so many by searching among them, not in batches


@pytest.mark.slow
@given(st.integers(0, 10**6), st.sampled_from([np.float32, np.float64]), st.sampled_from([2, 30, 1000]))
@settings(max_examples=25, deadline=None)
@pytest.mark.parametrize("name", implementations())
def test_hundreds_of_matches_are_placed_as_in_words(name, seed, dtype, values):
    """A person with hundreds of tracklets, and one with few; many ties or none; junk; several tiles; shards."""
    random = np.random.default_rng(seed)
    pids = random.choice([-1, 0, 1, 2], 3 * MANY, p=[0.02, 0.4, 0.56, 0.02])
    camids = random.choice([1, 2], len(pids), p=[0.1, 0.9])
    pids[:3], camids[:3] = [1, 1, 2], [1, 2, 1]
    gallery = random.permutation(np.arange(random.choice([0, 3]), len(pids)))  # with the queries in it, or without
    who = labels(pids, camids, np.arange(3), gallery)
    everyone = random.integers(-values, values + 1, (len(pids), 1)).astype(dtype)
    query, items = everyone[who.query], everyone[who.gallery]
    distances = np.abs(query - items.T)
    shards = int(random.integers(1, 4))
    with pytest.MonkeyPatch.context() as patch:
        choose(name, patch)
        expected = before_by_hand(distances, who)
        for count in (
            lambda shard: count_from_distances([(slice(None), distances)], who, 2, shard),
            lambda shard: count_from_embeddings(query, items, who, "sqeuclidean", 2, shard),
        ):
            parts = [count((shard, shards)) for shard in range(shards)]
            np.testing.assert_array_equal(reduce(merge, parts).before, expected)


def _distances(query, gallery):
    return ((query[:, None].astype(np.float64) - gallery) ** 2).sum(2)


@pytest.mark.slow
@given(st.integers(0, 10**6), st.integers(1, 5), st.integers(1, 3))
@settings(max_examples=25, deadline=None)
def test_counts_of_shards_add_up_in_any_order(seed, shards, threads):
    who, random = world(seed, items=1 + seed % 500)
    query, gallery = embeddings(who, random, 3, np.float32)
    distances = _distances(query, gallery)
    order = random.permutation(shards)
    for count in (
        lambda shard: count_from_embeddings(query, gallery, who, "sqeuclidean", threads, shard),
        lambda shard: count_from_distances([(slice(None), distances)], who, threads, shard),
    ):
        whole = count((0, 1))
        parts = [count((int(i), shards)) for i in order]
        left = parts[0]
        for part in parts[1:]:
            left = merge(left, part)
        right = parts[-1]
        for part in reversed(parts[:-1]):
            right = merge(part, right)
        for merged in (left, right):
            np.testing.assert_array_equal(merged.before, whole.before)
    assert_scores(whole, distances, who)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("metric", ["cosine", "sqeuclidean"])
@pytest.mark.parametrize("instruction_set", implementations()[1:])
def test_equal_rows_tie_to_the_last_bit_wherever_they_stand(instruction_set, dtype, metric):
    """Each match has a double of another person; who comes first is then the gallery's order, not rounding."""
    random = np.random.default_rng(0)
    count, width = 700, 333
    rows = random.standard_normal((count, width)).astype(dtype)
    place = random.permutation(2 * count)
    gallery = np.concatenate([rows, rows])[place]
    pids = np.concatenate([np.arange(1, count + 1), np.full(count, 10_000)])[place]
    query = rows + dtype(0.1) * random.standard_normal(rows.shape).astype(dtype)
    who = labels(
        np.concatenate([pids, np.arange(1, count + 1)]),
        np.concatenate([np.full(2 * count, 2), np.full(count, 1)]),
        2 * count + np.arange(count),
        np.arange(2 * count),
    )
    before, _ = native.load("ranks").count_embeddings(
        query, gallery, metric, index_matches(who), (0, 1), 2, instruction_set
    )
    where = np.argsort(place)
    first = where[:count] < where[count:]
    np.testing.assert_array_equal(before.sum(1), np.where(first, 0, 1))


def test_threads_and_instruction_sets_give_the_same_counts():
    module = native.load("ranks")
    if module is None:
        pytest.skip("the native kernels are not built")
    who, random = world(3, items=900)
    everyone = random.standard_normal((900, 40)).astype(np.float32)
    query, gallery, expected = everyone[who.query], everyone[who.gallery], index_matches(who)
    results = [
        module.count_embeddings(query, gallery, "cosine", expected, (0, 1), threads, instruction_set)[0]
        for threads in (1, 2, 7)
        for instruction_set in module.instruction_sets()
        if instruction_set != "plain"  # which rounds a product before it is added
    ]
    for result in results:
        np.testing.assert_array_equal(result, results[0])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_distance_that_is_no_number_is_an_error_that_names_the_query(backend, value):
    distances = np.zeros((2, 1), np.float32)
    distances[1, 0] = value
    who = labels([1, 2, 1], [1, 1, 2], [0, 1], [2])
    with pytest.raises(InputError, match=rf"query 1 \(test row 1\): its distance to gallery item 0 is {value}"):
        count_from_distances([(slice(i, i + 1), distances[i : i + 1]) for i in range(2)], who)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shard", [(0, 1), (1, 2)])
def test_no_distance_goes_unchecked(backend, dtype, shard):
    """Wherever it stands: a person's, a stranger's, junk for all, of another shard, of a query without a match."""
    pids, camids = np.array([1, 1, -1, 0, 2] * 20 + [1, 3]), np.array([1, 2] * 51)
    who = labels(pids, camids, [0, 101], np.arange(102))
    for q in range(2):
        for place in range(102):
            distances = np.ones((2, 102), dtype)
            distances[q, place] = np.inf
            with pytest.raises(InputError, match=f"query {q} .* gallery item {place} is inf"):
                count_from_distances([(slice(None), distances)], who, 1, shard)


@pytest.mark.parametrize(
    ("role", "row", "value", "metric", "message"),
    [
        ("query", 1, np.nan, "cosine", "query row 1: number 2 of its embedding is nan"),
        ("gallery", 3, -np.inf, "euclidean", "gallery row 3: number 2 of its embedding is -inf"),
        ("gallery", 0, 1e30, "euclidean", "gallery row 0: its embedding is too large"),
        ("gallery", 2, None, "cosine", "gallery row 2: its embedding is zero, which has no direction"),
    ],
)
def test_a_row_that_has_no_distance_is_an_error_that_names_it(backend, role, row, value, metric, message):
    arrays = {"query": np.ones((2, 4), np.float32), "gallery": np.ones((4, 4), np.float32)}
    if value is None:
        arrays[role][row] = 0
    else:
        arrays[role][row, 2] = value
    who = labels([1, 2, 1, 2, 3, 4], [1, 1, 2, 2, 2, 2], [0, 1], [2, 3, 4, 5])
    with pytest.raises(InputError, match=message):
        count_from_embeddings(arrays["query"], arrays["gallery"], who, metric)


def test_a_tracklet_with_a_name_is_called_by_it(backend):
    named = {
        "person": np.array(["p000", "p001", "p000"]),
        "camera": np.array(["cam first", "cam first", "cam second"]),
        "tracklet": np.array(["a/1.jpg", "b/1.jpg", "c/1.jpg"]),
    }
    who = Labels(*(np.array(column) for column in ([1, 2, 1], [1, 1, 2], [0, 1], [2])), named=named)
    with pytest.raises(InputError, match=r"query 1 \(b/1.jpg of person p001 in camera cam first\): its distance"):
        count_from_distances([(slice(0, 2), np.array([[0.0], [np.nan]]))], who)
    with pytest.raises(InputError, match=r"gallery row 0 \(c/1.jpg of person p000 in camera cam second\): its"):
        count_from_embeddings(np.ones((2, 4)), np.zeros((1, 4)), who, "cosine")


def test_a_junk_tracklet_may_hold_anything(backend):
    """An item with pid -1 never takes a rank, so that its embedding is not read."""
    gallery = np.ones((3, 2), np.float32)
    gallery[2] = np.nan
    who = labels([1, 2, -1, 1], [2, 2, 2, 1], [3], [0, 1, 2])
    assert count_from_embeddings(gallery[:1], gallery, who, "euclidean").before.tolist() == [[0, 0]]


@pytest.mark.parametrize(
    ("tiles", "message"),
    [
        ([(slice(0, 1), np.zeros((1, 1)))], "no distances for query 1 of 2"),
        ([(slice(0, 2), np.zeros((2, 1))), (slice(1, 2), np.zeros((1, 1)))], "query 1 is given twice"),
        ([(slice(0, 2), np.zeros((2, 2)))], r"must be \[R, G\] = \(2, 1\), got \(2, 2\)"),
    ],
)
def test_tiles_that_do_not_fit_are_refused(tiles, message):
    with pytest.raises(ValueError, match=message):
        count_from_distances(tiles, labels([1, 2, 1], [1, 1, 2], [0, 1], [2]))


def test_counts_of_different_matches_do_not_merge():
    one = Counts(np.array([0, 1]), np.array([0]), np.array([[1, 0]]), np.ones(1, bool))
    other = Counts(np.array([0, 1]), np.array([1]), np.array([[1, 0]]), np.ones(1, bool))
    assert merge(one, one).before.tolist() == [[2, 0]]
    with pytest.raises(ValueError, match="different matches"):
        merge(one, other)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("groups", 1, "match_index.group: there is no such group"),
        ("group", np.zeros(3, np.int8), "match_index.group: must have a group for each gallery item"),
        ("group", np.array([0, 1]), "match_index.group: must be int8"),
        ("item", np.array([2]), "match index: a place that is in no group"),
        ("item", np.array([-1]), "match index: a place that is in no group"),
        ("junk", np.array([9]), "match index: a place that is in no group"),
        ("start", np.array([0, 2]), "match_index.start: must rise"),
        ("junk_start", np.array([0]), "match_index.junk_start: must rise"),
    ],
)
def test_native_code_refuses_indices_that_leave_their_array(field, value, message):
    module = native.load("ranks")
    if module is None:
        pytest.skip("the native kernels are not built")
    expected = index_matches(labels([1, 1, 2], [1, 2, 2], [2], [1, 2]))._replace(
        start=np.array([0, 1]), item=np.array([0])
    )
    assert module.count_distances(np.zeros((1, 2)), expected, (0, 1), 1)[1] == -1
    with pytest.raises(ValueError, match=message):
        module.count_distances(np.zeros((1, 2)), expected._replace(**{field: value}), (0, 1), 1)


def test_native_code_refuses_matches_in_disorder():
    module = native.load("ranks")
    if module is None:
        pytest.skip("the native kernels are not built")
    expected = index_matches(labels([1, 1, 1], [1, 2, 2], [0], [1, 2]))
    assert module.count_distances(np.zeros((1, 2)), expected, (0, 1), 1)[1] == -1
    with pytest.raises(ValueError, match=r"match_index\.item: the places of a query must rise"):
        module.count_distances(np.zeros((1, 2)), expected._replace(item=expected.item[::-1].copy()), (0, 1), 1)
