"""Re-ranking against the published algorithms over whole matrices, and the native kernels against their reference."""

import tracemalloc
from contextlib import suppress
from pathlib import Path

import numpy as np
import published
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vreid_bench import score
from vreid_bench.contracts.parts import Reranker
from vreid_bench.records.record import Record
from vreid_bench.registry.registry import Registry
from vreid_bench.scoring.rerank import neighbours
from vreid_bench.scoring.rerank import reference as rerank_reference
from vreid_bench.scoring.rerank.items import FromFeatures
from vreid_bench.system.errors import InputError
from vreid_plugins.rerankers.k_reciprocal import FastReidEvaluator, Zhong
from vreid_plugins.rerankers.query_expansion import QueryExpansion

MATRICES = ("query_query", "query_gallery", "gallery_gallery")


@pytest.fixture(params=["native", "numpy"], autouse=True)
def kernels(request, monkeypatch):
    """Every test twice: with the native kernels, where they are built, and with their reference."""
    monkeypatch.setenv("VREID_NATIVE", "1" if request.param == "native" else "0")
    if request.param == "native" and neighbours.load_kernels() is rerank_reference:
        pytest.skip("the native kernels are not built")
    return neighbours.load_kernels()


def corners(distance, queries):
    return distance[:queries, :queries], distance[:queries, queries:], distance[queries:, queries:]


def squared(features):
    return ((features[:, None] - features[None]) ** 2).sum(-1)


def crowd(size, width=8, seed=0, people=6):
    """Features [N, E] of a few people."""
    random = np.random.default_rng(seed)
    person = random.normal(size=(people, width))[random.integers(people, size=size)]
    return (person + 0.4 * random.normal(size=(size, width))).astype(np.float32)


@st.composite
def cases(draw):
    """Integer distances of a few items, with many ties, and parameters that can exceed them."""
    queries, gallery = draw(st.integers(1, 6)), draw(st.integers(1, 12))
    size = queries + gallery
    seed, levels = draw(st.integers(0, 2**32 - 1)), draw(st.sampled_from((1, 3, 100)))
    upper = np.triu(np.random.default_rng(seed).integers(0, levels + 1, (size, size)), 1)
    options = {"k1": draw(st.integers(1, 20)), "k2": draw(st.integers(1, 8)), "share": draw(st.sampled_from((0, 0.3)))}
    return (upper + upper.T + (1 - np.eye(size))).astype(np.float32), queries, options


@pytest.mark.slow
@settings(deadline=None, max_examples=150)
@given(cases())
def test_zhong_is_the_published_algorithm(case):
    distance, queries, options = case
    expected = published.zhong(distance, queries, **options)
    got = Zhong(**options).rerank(*corners(distance, queries), "euclidean")
    np.testing.assert_allclose(got, expected, atol=1e-6)


@settings(deadline=None, max_examples=150)
@given(cases(), st.sampled_from(("euclidean", "sqeuclidean", "cosine")))
def test_fast_reid_evaluator_is_the_rule_of_its_source(case, metric):
    distance, queries, options = case
    square = {"euclidean": distance**2, "sqeuclidean": distance, "cosine": 2 * distance}[metric]
    expected = published.fast_reid_evaluator(distance, square, queries, **options)
    got = FastReidEvaluator(**options).rerank(*corners(distance, queries), metric)
    np.testing.assert_allclose(got, expected, atol=1e-6)


@pytest.mark.parametrize("rule", [Zhong(5, 3), FastReidEvaluator(5, 3)])
@pytest.mark.parametrize("metric", ["euclidean", "sqeuclidean", "cosine"])
def test_features_and_their_distances_give_the_same(rule, metric):
    features = crowd(90).astype(np.float64)
    if metric == "cosine":
        unit = features / np.linalg.norm(features, axis=1, keepdims=True)
        distance = 1 - unit @ unit.T
    else:
        distance = squared(features) ** (0.5 if metric == "euclidean" else 1)
    expected = rule.rerank(*corners(distance.astype(np.float32), 20), metric)
    got = rule.from_features(features[:20], features[20:], metric)
    np.testing.assert_allclose(got, expected, atol=2e-6)


def test_tiles_of_any_size_give_the_same_bits_where_products_are_exact():
    features = np.random.default_rng(0).integers(-3, 4, (200, 16)).astype(np.float32)  # many ties
    whole = Zhong(7, 3).from_features(features[:70], features[70:], "sqeuclidean")
    least = 4 * 64 * 64 + 200 * (8 * 160 + 8)
    tiles = Zhong(7, 3).from_features(features[:70], features[70:], "sqeuclidean", memory=least)
    np.testing.assert_array_equal(tiles, whole)
    np.testing.assert_array_equal(whole, Zhong(7, 3).rerank(*corners(squared(features), 70), "sqeuclidean"))


@pytest.mark.parametrize("threads", [1, 4])
def test_any_number_of_threads_gives_the_same_bits(threads):
    features = crowd(300, seed=3)
    args = features[:100], features[100:], "cosine"
    np.testing.assert_array_equal(
        Zhong().from_features(*args, threads=threads), Zhong().from_features(*args, threads=2)
    )


def test_items_that_coincide_are_ranked_by_index():
    same = np.zeros((12, 12), np.float32)
    got = Zhong(3, 2).rerank(*corners(same, 4), "euclidean")
    np.testing.assert_allclose(got, published.jaccard(sets_of_equals(12, 4, 2), 4)[:, 4:] * np.float32(0.7), atol=1e-6)


def sets_of_equals(size, count, k2):
    """Items whose distances all tie: the first `count` are everyone's neighbours, and reciprocal among themselves."""
    sets = np.zeros((size, size), np.float32)
    sets[:count, :count] = 1 / count
    # nobody else is among the neighbours of their neighbours: such a set is empty, and so is its mean with another's
    mean = sets[:k2].mean(0)
    return np.tile(mean, (size, 1))


def test_share_one_keeps_the_order_of_the_original():
    features = crowd(60)
    args = features[:10], features[10:], "euclidean"
    original = np.sqrt(squared(features)[:10, 10:])
    got = Zhong(share=1.0).from_features(*args)
    np.testing.assert_array_equal(np.argsort(got, axis=1), np.argsort(original, axis=1))


def test_re_ranking_brings_a_neighbour_s_neighbour_nearer():
    line = np.arange(6, dtype=np.float32)[:, None] * [[1.0, 0]]  # a chain: each item next to the last
    far = np.array([[4.5, 1.6]], np.float32)  # as near to the query as the chain's end, but in nobody's chain
    got = Zhong(2, 2, 0.0).from_features(line[:1], np.concatenate([line[1:], far]).astype(np.float32), "euclidean")
    assert got[0, 1] < got[0, 5]
    assert got[0].max() == got[0, 5] == 1


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (((2, 2), (3, 4), (4, 4)), r"query-gallery distances must be \[2, 4\], got \[3, 4\]"),
        (((2, 3), (2, 4), (4, 4)), r"query-query distances must be \[2, 2\], got \[2, 3\]"),
        (((0, 0), (0, 4), (4, 4)), "0 queries and 4 gallery items; expected one or more"),
    ],
)
def test_distances_that_do_not_fit_are_refused(shapes, message):
    with pytest.raises(InputError, match=message):
        Zhong().rerank(*(np.zeros(shape) for shape in shapes), "euclidean")


@pytest.mark.parametrize("name", MATRICES)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_distance_that_is_no_number_is_refused(name, value):
    matrices = dict(zip(MATRICES, corners(np.ones((90, 90), np.float32), 70), strict=True))
    matrices[name] = matrices[name].copy()
    matrices[name][-1, -1] = value
    with pytest.raises(InputError, match="not finite"):
        Zhong().rerank(*matrices.values(), "euclidean")


def test_features_that_are_no_numbers_or_do_not_fit_are_refused():
    good, bad = np.ones((3, 4)), np.ones((3, 4))
    bad[1, 1] = np.nan
    with pytest.raises(InputError, match="item 4"):
        Zhong().from_features(good, bad, "cosine")
    with pytest.raises(InputError, match=r"got \[3, 4\] and \[3, 3\]"):
        Zhong().from_features(good, good[:, :3], "cosine")


def test_a_limit_too_low_says_what_is_needed():
    features = crowd(50)
    with pytest.raises(InputError, match=r"1000 bytes are too few for 50 items; allow \d+ or more") as told:
        Zhong().from_features(features[:10], features[10:], "cosine", memory=1000)
    needed = int(str(told.value).split("allow ")[1].split()[0])
    Zhong().from_features(features[:10], features[10:], "cosine", memory=needed)
    with pytest.raises(InputError, match="too few"):
        Zhong().from_features(features[:10], features[10:], "cosine", memory=needed - 1)


@pytest.mark.slow
def test_features_are_re_ranked_without_a_matrix_of_all_pairs():
    features = crowd(1300, people=65)
    limit = 9 << 19
    tracemalloc.start()
    Zhong().from_features(features[:100], features[100:], "cosine", memory=limit)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < limit + 4 * 100 * 1200 + (1 << 19) < 4 * 1300**2  # a matrix of all pairs


@pytest.mark.parametrize("options", [{"k1": 0}, {"k2": 0}, {"share": 1.5}])
def test_parameters_without_meaning_are_refused(options):
    with pytest.raises(InputError, match=next(iter(options))):
        Zhong(**options)


def expanded_by_hand(unit, candidates, k, alpha):
    result = []
    for i, vector in enumerate(unit):
        others = [c for c in candidates if c != i]
        near = sorted(others, key=lambda c: (-(vector @ unit[c]), c))[:k]
        mean = vector + sum(max(0, vector @ unit[c]) ** alpha * unit[c] for c in near)
        result.append(mean / np.linalg.norm(mean))
    return np.array(result)


@pytest.mark.parametrize("alpha", [0.0, 3.0])
@pytest.mark.parametrize("gallery", [False, True])
def test_query_expansion_by_hand(alpha, gallery):
    features = crowd(30).astype(np.float64)
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    for _ in range(2):
        moved = expanded_by_hand(unit, range(30) if gallery else range(8, 30), 3, alpha)
        unit = moved if gallery else np.concatenate([moved[:8], unit[8:]])
    got = QueryExpansion(3, alpha, gallery, times=2).from_features(features[:8], features[8:], "cosine")
    np.testing.assert_allclose(got, 1 - unit[:8] @ unit[8:].T, atol=1e-5)


def test_query_expansion_needs_features_and_the_cosine():
    with pytest.raises(InputError, match="there are only distances here"):
        QueryExpansion().rerank(*corners(np.ones((4, 4)), 2), "cosine")
    with pytest.raises(InputError, match="must be cosine, not euclidean"):
        QueryExpansion().from_features(np.ones((2, 2)), np.ones((2, 2)), "euclidean")
    with pytest.raises(InputError, match="k and times must be at least 1"):
        QueryExpansion(k=0)


def test_every_re_ranker_keeps_the_contract():
    entries = list(Registry.installed().entries("rerankers"))
    assert {"zhong", "fast-reid-evaluator", "average-query-expansion"} <= {entry.name for entry in entries}
    features = crowd(40)
    for entry in entries:
        built = entry.value()
        assert isinstance(built, Reranker)
        got = built.from_features(features[:10], features[10:], "cosine", memory=10**7, threads=1)
        assert got.shape == (10, 30)
        assert got.dtype == np.float32
        assert np.isfinite(got).all()


def test_a_tile_covers_each_pair_once():
    features = crowd(50)
    seen = np.zeros((50, 50), int)
    for rows, columns, tile in FromFeatures(features[:17], features[17:], "euclidean").tiles(8):
        assert tile.shape == (rows.stop - rows.start, columns.stop - columns.start)
        seen[rows, columns] += 1
        if rows != columns:
            seen[columns, rows] += 1
    assert (seen == 1).all()


@pytest.mark.parametrize("shape", [(3, 200), (70, 1), (33, 129)])
def test_a_kernel_is_its_reference(kernels, shape):
    random = np.random.default_rng(0)
    tile = random.integers(0, 9, shape).astype(np.float32)
    for name, size in (("scan_rows", shape[0]), ("scan_columns", shape[1])):
        mine, expected = neighbours.Lists.empty(size + 2, 5), neighbours.Lists.empty(size + 2, 5)
        corner = (1, 40) if name == "scan_rows" else (40, 1)
        for _ in range(2):  # the second tile meets full lists, and its items are in them already
            getattr(kernels, name)(tile, *corner, *mine, 2)
            getattr(rerank_reference, name)(tile, *corner, *expected, 1)
        for one, other in zip(mine, expected, strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_native_kernel_refuses_what_does_not_fit(kernels):
    if kernels is rerank_reference:
        pytest.skip("NumPy checks the arguments of the reference")
    lists = neighbours.Lists.empty(3, 2)
    with pytest.raises(ValueError, match="outside"):
        kernels.scan_rows(np.zeros((4, 4), np.float32), 0, 0, *lists, 1)
    with pytest.raises(ValueError, match="not an item"):
        kernels.reciprocal(np.full((2, 2), 7, np.int32), 2, 2, 1)
    with pytest.raises(TypeError):
        kernels.scan_rows(np.zeros((2, 4)), 0, 0, *lists, 1)  # float64: a copy would be filled in vain


@pytest.fixture
def files(tmp_path):
    """Query and gallery as `vreid-bench score` reads them, and their features."""
    features, pids = crowd(120, people=12, seed=4), np.random.default_rng(4).integers(1, 13, 120)
    camids = np.arange(120) % 3
    for name, part in (("q", slice(0, 30)), ("g", slice(30, None))):
        np.savez(tmp_path / f"{name}.npz", embedding=features[part], pid=pids[part], camid=camids[part])
    return features, pids, camids


def test_the_score_command_re_ranks(files, tmp_path, cli, cli_json):
    features, pids, camids = files
    both = "--query", tmp_path / "q.npz", "--gallery", tmp_path / "g.npz"
    got = cli_json("score", *both, "--rerank", "zhong:k1=5,share=0.5", "--memory", "3M")
    options = {"k1": 5, "k2": 6, "share": 0.5}
    assert got["reranking"] == {"name": "zhong", "options": options, "backend": neighbours.backend()}
    distance = Zhong(k1=5, share=0.5).from_features(features[:30], features[30:], "cosine")
    sides = ({"pid": pids[part], "camid": camids[part]} for part in (slice(0, 30), slice(30, None)))
    expected = score(*sides, distance=distance)["gallery-as-listed"]
    assert got["conventions"]["gallery-as-listed"]["mAP"] == pytest.approx(expected["mAP"])
    assert cli_json("score", *both)["reranking"] is None
    np.save(tmp_path / "d.npy", distance)
    for options, message in (
        (("--rerank", "zhon"), "did you mean zhong"),
        (("--rerank", "zhong:k=5"), "has no option 'k'"),
        (("--rerank", "zhong:k1"), "expected NAME:OPTION=VALUE"),
        (("--rerank", "zhong", "--memory", "1K"), "too few"),
        (("--rerank", "zhong", "--memory", "much"), "is not a size"),
        (("--rerank", "zhong", "--memory", "9" * 5000), "is not a size"),
        (("--rerank", f"zhong:k1={'9' * 5000}"), "takes a whole number"),
        (("--rerank", "zhong", "--matcher", "mean"), "give one of the two"),
        (("--rerank", "zhong", "--far", "0.1"), "--far needs distances"),
        (("--rerank", "zhong", "--distance", tmp_path / "d.npy"), "add --query-distance FILE"),
        (("--query-distance", tmp_path / "d.npy"), "are for --rerank with --distance"),
    ):
        result = cli("score", *both, *options)
        assert result.exit_code == 2
        assert message in result.output


def squares(features, folder):
    """Files of the distances that re-ranking needs, and the options that name them."""
    names = ("query-distance", "distance", "gallery-distance")
    for name, part in zip(names, corners(np.sqrt(squared(features)), 30), strict=True):
        np.save(folder / f"{name}.npy", part)
    return {f"--{name}": folder / f"{name}.npy" for name in names}


def arguments(options):
    return [word for option in options.items() for word in option]


@pytest.mark.parametrize("rule", ["zhong", "fast-reid-evaluator"])
def test_the_score_command_re_ranks_given_distances(files, tmp_path, cli_json, rule):
    both = "--query", tmp_path / "q.npz", "--gallery", tmp_path / "g.npz", "--metric", "euclidean", "--rerank", rule
    given = cli_json("score", *both, *arguments(squares(files[0], tmp_path)))
    computed, plain = cli_json("score", *both), cli_json("score", *both[:-2])
    assert given["reranking"] == computed["reranking"]
    scores = [report["conventions"]["gallery-as-listed"]["mAP"] for report in (given, computed, plain)]
    assert scores[0] == pytest.approx(scores[1], abs=1e-9)
    assert scores[0] != scores[2]


def asymmetric(path):
    matrix = np.load(path)
    matrix[2, 5] += 1
    np.save(path, matrix)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"--gallery-distance": None}, "add --query-distance FILE"),
        (
            {"--metric": None},
            "expected --metric with the metric of the distances, one of cosine, euclidean, sqeuclidean",
        ),
        ({"--metric": "manhattan"}, "got manhattan"),
        ({"--matcher": "mean"}, "leave out --metric and --matcher"),
        ({"--query-distance": "distance"}, "expected [30, 30], the distances of 30 items, got [30, 90]"),
        ({"--distance": "query-distance"}, "distances: expected [Q, G] = (30, 90)"),
        ({"--rerank": "average-query-expansion"}, "there are only distances here"),
        ({"spoil": asymmetric}, "query-distance.npy: it is not symmetric ("),
        ({"spoil": lambda path: np.save(path, np.full((30, 30), np.nan))}, "a distance is not finite"),
    ],
)
def test_distances_that_cannot_be_re_ranked_are_refused(files, tmp_path, cli, changes, message):
    options = {"--query": tmp_path / "q.npz", "--gallery": tmp_path / "g.npz", "--metric": "euclidean"}
    options |= {"--rerank": "zhong", **squares(files[0], tmp_path)}
    changes = dict(changes)
    if spoil := changes.pop("spoil", None):
        spoil(options["--query-distance"])
    for name, value in changes.items():
        options[name] = tmp_path / f"{value}.npy" if name.endswith("distance") and value else value
    result = cli("score", *arguments({name: value for name, value in options.items() if value is not None}))
    assert (result.exit_code, message in result.stderr) == (2, True), result.output
    assert result.stderr.count("\n") == 1


def test_a_run_that_re_ranks_is_a_row_of_its_own(cli_json, tiny_mars, tmp_path, cli):
    short = ("--quiet", "--data", tiny_mars, "--runs", tmp_path)
    plain = cli_json("run", "--plugin", "mean-pooling", "--set", "stages.0.steps=3", "--preset", "small", *short)
    again = cli_json("run", "--from", plain["run"], "--rerank", "zhong:k1=4,k2=2", *short)
    assert again["run"] != plain["run"]
    assert again["conventions"] != plain["conventions"]
    assert again["breakdown"]["official"]["hardest"]
    read = [Record.from_file(Path(report["run"]) / "record.json") for report in (plain, again)]
    assert [record.reranked_by for record in read] == [None, neighbours.backend()]
    board = tmp_path / "board"
    cli("leaderboard", "--dir", board, "add", plain["run"], again["run"])
    page = (board / "mars-synthetic.md").read_text()
    assert "zhong k1=4 k2=2 share=0.3" in page
    assert "do not compare them with rows without" in page


@pytest.mark.parametrize("reranker", [Zhong(), FastReidEvaluator()])
@pytest.mark.parametrize("shift", [-2.0, -0.5])
def test_distances_below_zero_are_refused(reranker, shift):
    whole = squared(crowd(12)) / 50
    matrices = [part + shift for part in corners(whole, 4)]
    with pytest.raises(InputError, match=r"query-query distances go down to -\S+, expected none below 0"):
        reranker.rerank(*matrices, "sqeuclidean")


def test_rounding_below_zero_is_no_similarity():
    matrices = corners(squared(crowd(12)).astype(np.float32), 4)
    rounded = [part - 1e-6 * (part == 0) for part in matrices]
    expected, found = (Zhong(k1=3, k2=2).rerank(*each, "sqeuclidean") for each in (matrices, rounded))
    np.testing.assert_allclose(found, expected, rtol=1e-4)


@pytest.mark.parametrize("reranker", [Zhong(k1=3, k2=2), FastReidEvaluator(k1=3, k2=2)])
def test_nothing_overflows_without_a_sentence(reranker, recwarn):
    features = crowd(12)
    for scale in (1e9, 1e19, 1e25, 1e37):
        query, gallery = np.split(features * np.float32(scale), [4])
        cosine = reranker.from_features(query, gallery, "cosine")
        np.testing.assert_allclose(cosine, reranker.from_features(features[:4], features[4:], "cosine"), rtol=1e-4)
        for metric in ("euclidean", "sqeuclidean"):
            with suppress(InputError):
                assert np.isfinite(reranker.from_features(query, gallery, metric)).all()
        with suppress(InputError):
            given = corners(np.sqrt(squared(features)) * scale, 4)
            assert np.isfinite(reranker.rerank(*given, "euclidean")).all()
    assert not recwarn.list


def test_what_cannot_be_squared_is_refused():
    features = crowd(12)
    for metric, scale, words in (
        ("euclidean", 1e19, "the features of item . are too large to be squared in float32"),
        ("sqeuclidean", 1e10, "distances go up to .*, and float32 does not hold their squares"),
    ):
        with pytest.raises(InputError, match=words):
            Zhong().from_features(features[:4] * np.float32(scale), features[4:] * np.float32(scale), metric)
    with pytest.raises(InputError, match="float32 does not hold their squares"):
        Zhong().rerank(*corners(squared(features) * 1e20, 4), "euclidean")


def test_the_score_command_does_not_re_rank_similarities(files, tmp_path, cli):
    options = {"--query": tmp_path / "q.npz", "--gallery": tmp_path / "g.npz", "--metric": "cosine"}
    options |= {"--rerank": "zhong", **squares(files[0], tmp_path)}
    told = cli("score", *arguments(options), "--similarity")
    assert (told.exit_code, "give 1 - similarity" in told.stderr) == (2, True), told.output
    for name in ("query-distance", "distance", "gallery-distance"):
        np.save(tmp_path / f"{name}.npy", np.load(tmp_path / f"{name}.npy") - 30)  # order kept, as of dot products
    told = cli("score", *arguments(options), "--no-similarity")
    assert (told.exit_code, "expected none below 0" in told.stderr) == (2, True), told.output
    told = cli("score", *arguments({**options, "--dtype": "float64"}))
    assert (told.exit_code, "a re-ranker compute in float32" in told.stderr) == (2, True), told.output
