"""A matrix of similarities given as distances is noticed, and a matrix of distances is not taken for one."""

import json

import numpy as np
import pytest

import vreid_bench
from vreid_bench.scoring.distances import MatrixDistances
from vreid_bench.scoring.label_source import Pair
from vreid_bench.scoring.labelled_features import LabelledFeatures
from vreid_bench.scoring.ranks.counting import count_from_distances
from vreid_bench.scoring.similarity_check import describe_similarity


def sides(seed=0, people=12, apart=False):
    """Query and gallery of people in four cameras each; the queries are in the gallery unless they are kept apart."""
    random = np.random.default_rng(seed)
    pid, camid = np.repeat(np.arange(1, people + 1), 4), np.tile(np.arange(4), people)
    embedding = random.standard_normal((people + 1, 8))[pid] + 0.5 * random.standard_normal((len(pid), 8))
    rows = np.flatnonzero(camid == 0)
    kept = np.flatnonzero(camid > 0) if apart else np.arange(len(pid))
    arrays = {"embedding": embedding, "pid": pid, "camid": camid}
    return tuple({name: array[chosen] for name, array in arrays.items()} for chosen in (rows, kept))


def cosine(query, gallery):
    unit = [side["embedding"] / np.linalg.norm(side["embedding"], axis=1, keepdims=True) for side in (query, gallery)]
    return unit[0] @ unit[1].T


def describe(query, gallery, matrix):
    labels = Pair(*(LabelledFeatures.from_arrays(side, "x") for side in (query, gallery))).labels
    given = MatrixDistances(matrix)
    return describe_similarity(given, count_from_distances(given.tiles(), labels), labels)


@pytest.mark.parametrize("apart", [False, True])
def test_similarities_are_noticed_and_their_distances_are_not(apart):
    query, gallery = sides(apart=apart)
    similar = cosine(query, gallery)
    told = describe(query, gallery, similar)
    assert "of 12 queries are in the farther half" in told
    assert ("12 of 12 queries are the farthest item from themselves" in told) is not apart
    assert told.endswith("give distances, such as 1 - similarity")
    for distance in (1 - similar, -similar, np.sqrt(np.maximum(0, 2 - 2 * similar))):
        assert describe(query, gallery, distance) == ""


def test_weak_similarities_are_noticed_by_values_below_0():
    """Their matches are in the farther half hardly more often than by chance."""
    query, gallery = sides(3, apart=True)
    strange = {**query, "embedding": np.random.default_rng(3).standard_normal(query["embedding"].shape)}
    similar = cosine(strange, gallery)
    assert "and it holds values below 0, down to -0." in describe(query, gallery, similar)
    assert describe(query, gallery, similar + 1) == ""
    assert describe(query, gallery, 1e-3 * similar + 1e3 * (similar > 0)) == ""  # rounding


def test_few_similarities_are_noticed_by_the_queries_themselves():
    query, gallery = sides(people=3)
    assert "3 of 3 queries are the farthest item from themselves" in describe(query, gallery, cosine(query, gallery))


@pytest.mark.parametrize("apart", [False, True])
def test_features_that_know_nothing_are_no_similarities(apart):
    """By chance the matches of half of the queries are far: over many draws hardly a warning."""
    told = 0
    for seed in range(60):
        query, gallery = sides(seed, apart=apart)
        noise = {**query, "embedding": np.random.default_rng(seed).standard_normal(query["embedding"].shape)}
        told += bool(describe(query, gallery, 1 - cosine(noise, gallery)))
    assert told <= 1


def test_a_diagonal_that_was_filled_to_leave_out_the_query_is_no_sign_by_itself():
    query, gallery = sides()
    distance = 1 - cosine(query, gallery)
    distance[np.arange(12), 4 * np.arange(12)] = 1e6
    assert describe(query, gallery, distance) == ""


def test_matches_far_away_are_distances_where_each_query_is_nearest_to_itself():
    """Features of cameras and not of people can put every match behind every other item."""
    query, gallery = sides()
    distance = np.where(query["pid"][:, None] == gallery["pid"], 2.0, 1.0)
    assert "12 of 12 queries" in describe(query, gallery, distance)
    distance[np.arange(12), 4 * np.arange(12)] = 0
    assert describe(query, gallery, distance) == ""


def test_the_command_warns_on_stderr_and_scores(cli, tmp_path):
    query, gallery = sides()
    for name, side in (("q", query), ("g", gallery)):
        np.savez(tmp_path / f"{name}.npz", **side)
    similar = cosine(query, gallery)
    pair = ("--query", tmp_path / "q.npz", "--gallery", tmp_path / "g.npz", "--json")
    for name, matrix, warned in (("similar", similar, True), ("distance", 1 - similar, False)):
        np.save(tmp_path / f"{name}.npy", matrix)
        result = cli("score", "--distance", tmp_path / f"{name}.npy", *pair)
        assert result.exit_code == 0
        assert json.loads(result.stdout)["conventions"]["official"]["queries"] == 12
        assert result.stderr.startswith("warning: ") is warned
        assert len(result.stderr.splitlines()) == warned


def test_python_warns(recwarn):
    query, gallery = sides()
    vreid_bench.score(query, gallery, distance=1 - cosine(query, gallery))
    # another category, such as of a file that the garbage collector closes, is not ours
    assert not [str(w.message) for w in recwarn.list if issubclass(w.category, UserWarning)]
    with pytest.warns(UserWarning, match="as if the matrix held similarities"):
        vreid_bench.score(query, gallery, distance=cosine(query, gallery))
