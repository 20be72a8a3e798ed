"""Equal distances: scores by expectation against the mean over all orders, and notes where ties or chance decide."""

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle import by_hand, labels

import vreid_bench
from vreid_bench import Convention
from vreid_bench.scoring import ties
from vreid_bench.scoring.conventions import CONVENTIONS
from vreid_bench.scoring.distances import MatrixDistances, VectorDistances
from vreid_bench.scoring.matches_and_junk import GalleryRule
from vreid_bench.scoring.metrics import NotComputable, judge
from vreid_bench.scoring.ranks.counting import count_from_distances
from vreid_bench.scoring.ties import chance_level, count_ties, exact_tiles, score_by_expectation

[LISTED] = [each for each in CONVENTIONS if each.name == "gallery-as-listed"]
PLAIN = Convention("c", "1", None, "step", "zero", "", "")
RULES = [
    PLAIN,
    replace(PLAIN, average_precision="trapezoid"),
    replace(PLAIN, cut=2),
    replace(PLAIN, queries_in_gallery=False, cut=3),
    replace(PLAIN, same_camera="match"),
]


def orders_of(row):
    """Every order of the gallery that the distances allow, as distances without ties."""
    for order in permutations(range(len(row))):
        ranked = sorted(range(len(row)), key=lambda item: (row[item], order[item]))
        yield np.argsort(ranked).astype(float)


def mean_over_orders(distances, who, rule):
    """[average precision, inverse penalty, R-precision, hit within 1, 2 and 3] of each query, slowly."""
    result = []
    for query, row in enumerate(distances):
        each = [by_hand(np.tile(order, (len(distances), 1)), who, rule)[query] for order in orders_of(row)]
        hits = [[0 <= first < cutoff for cutoff in (1, 2, 3)] for _, first, _, _ in each]
        result.append([*np.mean([[ap, penalty, r] for ap, _, penalty, r in each], 0), *np.mean(hits, 0)])
    return np.array(result)


@st.composite
def small_worlds(draw):
    size = draw(st.integers(2, 5))

    def column(*values):
        return np.array(draw(st.lists(st.sampled_from(values), min_size=size, max_size=size)))

    pids, camids = column(1, 1, 2, 0, -1), column(1, 2, 3)
    pids[0] = 1
    query = np.flatnonzero(pids > 0)[:2]
    who = labels(pids, camids, query, np.arange(size))
    cells = draw(st.lists(st.integers(0, 2), min_size=len(query) * size, max_size=len(query) * size))
    return who, np.array(cells, float).reshape(len(query), size)


@given(small_worlds(), st.sampled_from(RULES))
def test_the_expectation_is_the_mean_over_all_orders(world, rule):
    who, distances = world
    got = score_by_expectation(MatrixDistances(distances, "float64"), who.for_conventions([rule]), rule)
    expected = mean_over_orders(distances, who, rule)
    if isinstance(got, NotComputable):  # nobody has a match
        assert not expected.any()
        return
    found = np.stack(
        [got.average_precision, got.inverse_penalty, got.r_precision, *(got.hits(k) for k in (1, 2, 3))], 1
    )
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert got.cmc(3) == pytest.approx(expected[:, 3:].mean(0).tolist())


@given(st.integers(0, 10**6), st.sampled_from(RULES))
def test_without_ties_it_is_the_score_of_the_ranking(seed, rule):
    random = np.random.default_rng(seed)
    pids = random.integers(-1, 4, 20)
    pids[0] = 1
    who = labels(pids, random.integers(1, 4, 20), np.flatnonzero(pids > 0)[:5], np.arange(20)).for_conventions([rule])
    distances = random.permuted(np.tile(np.arange(20.0), (len(who.query), 1)), axis=1)
    expected = score_by_expectation(MatrixDistances(distances, "float64"), who, rule)
    if isinstance(expected, NotComputable):
        return
    listed = judge(count_from_distances([(slice(None), distances)], who), [rule])["c"]
    for name in ("average_precision", "inverse_penalty", "r_precision"):
        np.testing.assert_allclose(getattr(expected, name), getattr(listed, name), rtol=1e-12)
    for cutoff in (1, 5, 10):
        np.testing.assert_allclose(expected.hits(cutoff), listed.hits(cutoff), atol=1e-12)


@given(small_worlds())
def test_ties_are_counted_under_each_rule_as_a_loop_does(world):
    who, distances = world
    rules = [PLAIN, replace(PLAIN, queries_in_gallery=False), replace(PLAIN, same_camera="match")]
    found = count_ties(MatrixDistances(distances, "float64"), who.for_conventions(rules), rules)
    for rule in rules:
        tied = matches = 0
        for q, query in enumerate(who.query):
            near, others = [], []
            for place, item in enumerate(who.gallery):
                junk = who.pids[item] == -1 or (rule.queries_in_gallery is False and item in who.query)
                if junk:
                    continue
                if who.pids[item] != who.pids[query]:
                    others.append(distances[q, place])
                elif who.camids[item] != who.camids[query] or (rule.same_camera == "match" and item != query):
                    near.append(distances[q, place])
            tied += sum(distance in others for distance in near)
            matches += len(near)
        assert found[GalleryRule.of(rule)] == (tied, matches)


def test_chance_is_the_mean_over_random_orders():
    random = np.random.default_rng(0)
    pids, camids = random.integers(0, 5, 60), random.integers(1, 4, 60)
    who = labels(pids, camids, np.flatnonzero(pids > 0)[:10], np.arange(60))
    drawn = [
        judge(count_from_distances([(slice(None), random.random((10, 60)))], who), [PLAIN])[
            "c"
        ].average_precision.mean()
        for _ in range(400)
    ]
    assert abs(np.mean(drawn) - chance_level(who, PLAIN)) < 4 * np.std(drawn) / 20


@pytest.mark.parametrize("long", [0, 1 << 12])
def test_equal_vectors_are_exactly_as_far(monkeypatch, long):
    """Of a product of matrices, columns of equal vectors may differ in the last bit."""
    monkeypatch.setattr(ties, "LONG", long)
    random = np.random.default_rng(0)
    query, few = random.standard_normal((40, 67)).astype(np.float32), random.standard_normal((3, 67)).astype(np.float32)
    kind = random.integers(0, 3, 301)
    [(_, tile)] = exact_tiles(VectorDistances(query, few[kind], "cosine"))
    for number in range(3):
        assert len(np.unique(tile[:, kind == number], axis=1).T) == 1


def world(vectors, ties="listed"):
    """12 people under two cameras; the first camera asks the second."""
    pid = np.tile(np.arange(1, 13), 2)
    both = {"pid": pid, "camid": np.repeat([1, 2], 12), "embedding": vectors, "tracklet": [f"t{i}" for i in range(24)]}
    rule = replace(LISTED, ties=ties)
    sides = [{name: np.asarray(array)[rows] for name, array in both.items()} for rows in (slice(12), slice(12, 24))]
    return vreid_bench.score(*sides, conventions=[rule])


def test_collapsed_vectors_are_told_with_what_they_may_mean():
    report = world(np.ones((24, 8), np.float32))
    [tied, chance] = report.notes
    assert "12 of 12 matches are exactly as near as an item that is no match" in tied
    for reading in ("binary or int8", "untrained or diverged", "another layer", "NaN replaced", "the same input"):
        assert reading in tied
    assert "a random order has an mAP of 25.9 under gallery-as-listed" in chance  # (1 + 1/2 + ... + 1/12) / 12
    expected = world(np.ones((24, 8), np.float32), ties="expected")
    assert expected["gallery-as-listed"]["mAP"] == pytest.approx((1 / np.arange(1, 13)).sum() / 12)
    assert expected["gallery-as-listed"]["R1"] == pytest.approx(1 / 12)
    assert expected.notes[0].startswith("ties: under gallery-as-listed, scores are the means over all orders")


def test_permuted_ids_are_told_from_a_score_at_chance():
    person = np.eye(12, dtype=np.float32)
    good = world(np.concatenate([person, person]))
    assert good.notes == ()
    worst = world(np.concatenate([person, -person]))  # below chance
    assert any("number people alike" in note for note in worst.notes)
    mixed = world(np.concatenate([person, np.roll(person, 5, 0)]) + 1e-3 * np.arange(24)[:, None].astype(np.float32))
    assert any("number people alike" in note for note in mixed.notes)


def test_few_ties_are_counted_without_more(cli_json, tmp_path):
    vectors = np.random.default_rng(0).standard_normal((24, 8)).astype(np.float32)
    vectors[13] = vectors[12]  # persons 1 and 2 in the second camera
    report = world(vectors)
    assert [note.partition(";")[0] for note in report.notes if "exactly as near" in note] == [
        "note: 2 of 12 matches are exactly as near as an item that is no match, and the order of the gallery decides "
        "between them"
    ]
    who = report.labels
    sides = VectorDistances(vectors[who.query], vectors[who.gallery], "cosine")
    assert count_ties(sides, who, [PLAIN])[GalleryRule.of(PLAIN)].matches == 12
    assert report.metrics()["ties"] == {"gallery-as-listed": {"tied": 2, "matches": 12}}


def test_the_command_line(cli, cli_json, tmp_path):
    pid, camid = np.tile(np.arange(1, 13), 2), np.repeat([1, 2], 12)
    for name, rows in (("q", slice(12)), ("g", slice(12, 24))):
        arrays = {"pid": pid[rows], "camid": camid[rows], "embedding": np.ones((12, 4), np.float32)}
        np.savez(tmp_path / f"{name}.npz", **arrays, tracklet=[f"{name}{i}" for i in range(12)])
    files = (
        "score",
        "--query",
        tmp_path / "q.npz",
        "--gallery",
        tmp_path / "g.npz",
        "--convention",
        "gallery-as-listed",
    )
    assert cli_json(*files)["conventions"]["gallery-as-listed"]["mAP"] == pytest.approx(
        (1 / np.arange(1, 13)).sum() / 12
    )
    found = cli_json(*files, "--ties", "expected")
    assert found["conventions"]["gallery-as-listed"]["R5"] == pytest.approx(5 / 12)
    assert found["conventions"]["gallery-as-listed"]["ties"] == "expected"
    assert found["notes"][0].startswith("ties: under gallery-as-listed")
    refused = cli(*files, "--ties", "expected", "--at", 10)
    assert (refused.exit_code, "leave out --at" in refused.stderr) == (2, True)
    refused = cli(*files, "--ties", "expected", "--matcher", "mean")
    assert (refused.exit_code, "leave out --matcher" in refused.stderr) == (2, True)
