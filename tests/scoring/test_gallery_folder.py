"""A gallery folder: what was written is read, and a folder that does not fit its manifest is told in a sentence."""

import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vreid_bench.scoring.gallery_folder import check_gallery, open_gallery, write_gallery
from vreid_bench.scoring.ranks.by_parts import Block
from vreid_bench.scoring.rounding import round_vectors
from vreid_bench.system.errors import InputError

DIM = 5
EXACT = {"float64": None, "float32": None, "float16": "fp16", "int8": "int8"}


def draw(rows, seed=0):
    random = np.random.default_rng(seed)
    vectors = random.standard_normal((rows, DIM)).astype(np.float32)
    return Block(vectors, random.integers(-1, 9, rows), random.integers(1, 4, rows))


def join(blocks):
    return Block(*(np.concatenate(columns) for columns in zip(*blocks, strict=True)))


def read(folder, rows=7):
    _, shards = open_gallery(folder, "cosine")
    return join([block for shard in shards for block in shard.blocks(rows)])


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 30),
    st.lists(st.integers(0, 30), max_size=4),
    st.integers(1, 12),
    st.sampled_from(sorted(EXACT)),
    st.sampled_from(["parquet", "npz"]),
)
def test_what_was_written_is_read(tmp_path_factory, rows, cuts, per_shard, dtype, labels):
    """However the rows come and however they are cut, in order."""
    folder, whole = tmp_path_factory.mktemp("any") / "gallery", draw(rows)
    bounds = [0, *sorted(min(cut, rows) for cut in cuts), rows]
    blocks = [Block(*(column[first:last] for column in whole)) for first, last in pairwise(bounds)]
    manifest = write_gallery(folder, blocks, dtype, per_shard, labels)
    assert [shard.offset for shard in manifest.shards] == list(range(0, rows, per_shard))
    found = read(folder)
    expected = whole.vectors if EXACT[dtype] is None else round_vectors(whole.vectors, EXACT[dtype])
    np.testing.assert_array_equal(found.vectors, expected)
    np.testing.assert_array_equal(found.pids, whole.pids)
    np.testing.assert_array_equal(found.camids, whole.camids)
    assert not list(check_gallery(folder))
    assert not list(folder.glob(".*"))


@pytest.fixture
def folder(tmp_path):
    write_gallery(tmp_path / "gallery", [draw(20)], rows=8)
    return tmp_path / "gallery"


def test_shards_are_plain_files_of_numpy(folder):
    np.testing.assert_array_equal(np.load(folder / "vectors-00001.npy", mmap_mode="r"), draw(20).vectors[8:16])
    assert json.loads((folder / "manifest.json").read_bytes())["shards"][2]["rows"] == 4


def test_every_changed_byte_is_found(folder):
    """Of each file, some bytes from its first to its last."""
    for path in sorted(folder.iterdir()):
        content = path.read_bytes()
        for place in range(0, len(content), max(1, len(content) // 12)):
            if path.name == "manifest.json" and content[place : place + 1].isspace():
                continue  # JSON means the same with a tab there
            path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
            assert list(check_gallery(folder)), f"{path.name}, byte {place}"
        path.write_bytes(content)
    assert not list(check_gallery(folder))


def test_a_score_reads_no_changed_shard(folder):
    path = folder / "vectors-00001.npy"
    path.write_bytes(path.read_bytes()[:-1] + b"\1")
    with pytest.raises(InputError, match=r"vectors-00001\.npy: has changed since it was written; copy it again"):
        read(folder)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match=r"vectors-00001\.npy: has 287 bytes, expected 288; copy it again"):
        read(folder)
    path.unlink()
    with pytest.raises(InputError, match=r"vectors-00001.npy: cannot be read as .npy \(No such file or directory\)"):
        read(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2}, "version: found 2, expected 1"),
        ({"rows": 21}, "the shards have 20 rows together, and rows says 21"),
        ({"dtype": "object"}, "dtype: found 'object', expected 'float64'"),
        ({"dtype": "int8"}, "vectors-00000.npy: is float32 [8, 5], and manifest.json says int8 [8, 5]"),
        ({"dim": 6}, "vectors-00000.npy: is float32 [8, 5], and manifest.json says float32 [8, 6]"),
        ({"shards": []}, "shards: found list, expected"),
        ({"more": 1}, "more: is not a field of this schema"),
        ({"shards.0.vectors": "../vectors-00000.npy"}, "shards.0.vectors: found '../vectors-00000.npy'"),
        ({"shards.0.labels": "/etc/passwd"}, "shards.0.labels: found '/etc/passwd'"),
        ({"shards.1.offset": 9}, "shard 1 has offset 9, expected 8, where the last one ends"),
        ({"shards.1.vectors": "vectors-00000.npy"}, "two shards name one file"),
        (
            {"shards.2.rows": 5, "rows": 21},
            "00002.npy: is float32 [4, 5], and manifest.json says float32 [5, 5]",
        ),
    ],
)
def test_a_manifest_that_does_not_fit_is_told(folder, change, message):
    """It is a stranger's: it names no file outside of its folder, and claims no rows that are not there."""
    manifest = json.loads((folder / "manifest.json").read_bytes())
    for key, value in change.items():
        *way, last = key.split(".")
        at = manifest
        for step in way:
            at = at[int(step)] if step.isdigit() else at[step]
        at[last] = value
    (folder / "manifest.json").write_text(json.dumps(manifest))
    problems = list(check_gallery(folder))
    assert message in "\n".join(problems)
    with pytest.raises(InputError):
        read(folder)


def test_a_writer_that_was_killed_leaves_no_gallery_and_the_next_begins_again(tmp_path):
    def break_off():
        yield draw(10)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_gallery(tmp_path / "g", break_off(), rows=3)
    assert (tmp_path / "g" / "vectors-00002.npy").exists()
    assert "manifest.json: does not exist, so this is no finished gallery" in next(check_gallery(tmp_path / "g"))
    write_gallery(tmp_path / "g", [draw(4)], rows=3)
    np.testing.assert_array_equal(read(tmp_path / "g").vectors, draw(4).vectors)
    assert not (tmp_path / "g" / "vectors-00002.npy").exists()


def test_nothing_else_is_overwritten(folder, tmp_path):
    with pytest.raises(InputError, match="holds a gallery already; remove it, or write another folder"):
        write_gallery(folder, [draw(4)])
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "labels-of-me.npz").touch()
    with pytest.raises(InputError, match=r"mine: holds 'labels-of-me\.npz', which is no part of a gallery"):
        write_gallery(tmp_path / "mine", [draw(4)])


@pytest.mark.parametrize(
    ("blocks", "dtype", "message"),
    [
        ([], "float32", "there is no row to write"),
        ([draw(2), draw(2)._replace(vectors=np.ones((2, 6)))], "float32", "have 6 numbers, those before 5"),
        (
            [draw(2)._replace(pids=np.ones(3, int))],
            "float32",
            "whole numbers pid and camid for each of 2 rows",
        ),
        ([draw(2)._replace(pids=np.full(2, 2**63, np.uint64))], "float32", "pid holds 9223372036854775808"),
        ([draw(2)._replace(vectors=np.full((2, 5), np.inf))], "int8", "row 0 of the gallery is not finite"),
        ([draw(2)._replace(vectors=np.full((2, 5), 1e300))], "float32", "a number is too large for float32"),
        (
            [draw(2)._replace(vectors=np.full((2, 5), 1e6))],
            "float16",
            "row 0 has the number 1e+06, and 16 bits",
        ),
        ([draw(2)._replace(vectors=np.ones(2))], "float32", "vectors are float64 [2], expected floats [N, E]"),
    ],
)
def test_rows_that_cannot_be_stored_are_refused(tmp_path, blocks, dtype, message):
    with pytest.raises(InputError) as fault:
        write_gallery(tmp_path / "g", blocks, dtype)
    assert message in str(fault.value)
    assert not (tmp_path / "g" / "manifest.json").exists()
