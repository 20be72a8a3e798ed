"""A gallery in shards on disk: the scores of one file, and a sentence for shards that do not fit."""

from itertools import pairwise

import numpy as np
import pytest

from vreid_bench.scoring.galleries.shards import VectorFile, find_shards, open_vectors
from vreid_bench.system.errors import InputError

WIDTH = 8


def draw(seed=0, items=300):
    """Queries, some of them gallery items, and a gallery with ties, junk and distractors."""
    random = np.random.default_rng(seed)
    pid, camid = random.integers(-1, 12, items), random.integers(1, 5, items)
    vectors = random.integers(-2, 3, (items, WIDTH)).astype(np.float32)
    vectors[~vectors.any(1)] = 1
    gallery = {"embedding": vectors, "pid": pid, "camid": camid}
    asked = np.flatnonzero(pid > 0)[::7]
    return {name: array[asked].copy() for name, array in gallery.items()}, gallery


@pytest.fixture
def written(tmp_path):
    """Write queries and a gallery cut at some rows; returns the options of the shards, and those of one file."""

    def write(query, gallery, cuts, **kinds):
        np.savez(tmp_path / "q.npz", **query)
        np.savez(tmp_path / "whole.npz", **gallery)
        bounds = [0, *cuts, len(gallery["pid"])]
        for number, (first, last) in enumerate(pairwise(bounds), start=1):
            rows = {name: array[first:last].astype(kinds.get(name, array.dtype)) for name, array in gallery.items()}
            np.savez(tmp_path / f"shard-{number}.npz", **rows)
        asked = ("score", "--query", tmp_path / "q.npz", "--gallery")
        return (*asked, tmp_path / "shard-*.npz"), (*asked, tmp_path / "whole.npz")

    return write


@pytest.mark.parametrize("cuts", [(), (1,), (40, 41, 299), tuple(range(20, 300, 20))])
@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_shards_score_as_one_file(written, cli_json, cuts, metric):
    """Also more than nine shards, whose order is by number. The queries are gallery items, as in MARS."""
    shards, whole = written(*draw(), cuts)
    expected = cli_json(*whole, "--metric", metric, "--at", 5)
    found = cli_json(*shards, "--metric", metric, "--at", 5)
    assert found["conventions"] == expected["conventions"]
    assert len(found["conventions"]) == 3


def test_queries_that_are_in_no_shard(written, cli_json):
    query, gallery = draw(1)
    query["embedding"] = query["embedding"] + np.float32(0.25)
    shards, whole = written(query, gallery, (100, 200), embedding=np.float16)
    expected = cli_json(*whole, "--convention", "gallery-as-listed", "--convention", "torchreid")["conventions"]
    found = cli_json(*shards, "--convention", "gallery-as-listed", "--convention", "torchreid")["conventions"]
    assert found == expected  # whole numbers are exact in 16 bits
    assert list(cli_json(*shards)["conventions"]) == ["gallery-as-listed"]


def refuse(cli, command, *more):
    result = cli(*command, *more)
    assert result.exit_code == 2, result.output
    return result.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"embedding": None}, "shard-2.npz: has no array 'embedding'; write each shard by numpy.savez"),
        ({"camid": None}, "shard-2.npz: has no array 'camid'"),
        ({"embedding": np.ones((5, WIDTH + 1))}, f"is float64 [5, {WIDTH + 1}], expected floats [N, {WIDTH}]"),
        ({"embedding": np.ones((5, WIDTH), int)}, f"is int64 [5, {WIDTH}], expected floats"),
        ({"embedding": np.asfortranarray(np.ones((5, WIDTH)))}, "column by column, expected floats"),
        ({"embedding": np.zeros((5, WIDTH))}, "shard-2.npz: row 0 of embedding is zero, which has no direction"),
        ({"embedding": np.full((5, WIDTH), np.nan)}, "shard-2.npz: row 0 of embedding is not finite"),
        (
            {"pid": np.ones(4, int), "camid": np.ones(4, int)},
            "shard-2.npz: has 4 labels, expected one for each of its 5",
        ),
    ],
)
def test_a_shard_that_does_not_fit_is_named(written, cli, tmp_path, change, message):
    query, gallery = draw()
    shards, _ = written(query, gallery, (100,))
    good = {"embedding": np.ones((5, WIDTH), np.float32), "pid": np.ones(5, int), "camid": np.ones(5, int)}
    np.savez(tmp_path / "shard-2.npz", **{name: array for name, array in (good | change).items() if array is not None})
    assert message in refuse(cli, shards)


def test_a_shard_that_is_compressed_damaged_or_cut_short_is_named(written, cli, tmp_path):
    query, gallery = draw()
    shards, _ = written(query, gallery, (100,))
    path = tmp_path / "shard-2.npz"
    np.savez_compressed(path, **gallery)
    assert "shard-2.npz: embedding is compressed, expected numpy.savez" in refuse(cli, shards)
    path.write_bytes(b"no archive")
    assert "shard-2.npz: cannot be read as npz" in refuse(cli, shards)
    short = VectorFile(tmp_path / "q.npz", 0, (10**6, WIDTH), np.dtype(np.float32), True)
    with pytest.raises(InputError, match="ends before its 1,000,000 rows do"):
        short[10**6 - 5 :]


@pytest.mark.parametrize(
    "more",
    [("--far", 0.1), ("--matcher", "mean"), ("--by", "place"), ("--ties", "expected")],
)
def test_what_needs_all_distances_is_refused(written, cli, more):
    shards, _ = written(*draw(), (100,))
    assert f"{more[0]}" in refuse(cli, shards, *more)
    assert "is not computed of a gallery in shards" in refuse(cli, shards, *more)


def test_a_pattern_without_files_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none-\*\.npz: no file has such a name; write each shard"):
        find_shards(tmp_path / "none-*.npz")


def test_vectors_are_those_that_numpy_reads(tmp_path):
    vectors = np.random.default_rng(0).standard_normal((50, WIDTH))
    np.savez(tmp_path / "a-long-name-of-a-shard.npz", embedding=vectors, pid=np.ones(50, int), camid=np.ones(50, int))
    found = open_vectors(tmp_path / "a-long-name-of-a-shard.npz", WIDTH, "cosine")
    np.testing.assert_array_equal(found[10:20], vectors[10:20])
    assert len(found) == 50
