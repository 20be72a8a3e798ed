"""A gallery folder: what was written is read, and a folder that does not fit its manifest is told in a sentence."""

import json
from itertools import pairwise

import numpy as np
import pytest
from gallery_parts import Rows
from hypothesis import given, settings
from hypothesis import strategies as st

from vreid_bench.scoring.galleries.folder import check_gallery, open_shards
from vreid_bench.scoring.galleries.labels import ShardLabels, to_label_file
from vreid_bench.scoring.galleries.manifest import read_manifest
from vreid_bench.scoring.galleries.writer import write_gallery
from vreid_bench.scoring.ranks.by_parts import Block
from vreid_bench.scoring.rounding import round_vectors
from vreid_bench.system.errors import InputError
from vreid_bench.system.fingerprint import sha256

DIM = 5
EMPTY = {"sha256": "none.npy", "labels_sha256": "none.npz"}
EXACT = {"float64": None, "float32": None, "float16": "fp16", "int8": "int8"}


def draw(rows, seed=0):
    random = np.random.default_rng(seed)
    vectors = random.standard_normal((rows, DIM)).astype(np.float32)
    return Block(vectors, random.integers(-1, 9, rows), random.integers(1, 4, rows))


def join(blocks):
    return Block(*(np.concatenate(columns) for columns in zip(*blocks, strict=True)))


def read(folder, rows=7):
    shards = open_shards(folder, read_manifest(folder), "cosine")
    return join([block for shard in shards for block in shard.blocks(rows)])


@settings(max_examples=25, deadline=None)
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
    manifest = write_gallery(folder, Rows(blocks), dtype, per_shard, labels)
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
    write_gallery(tmp_path / "gallery", Rows([draw(20)]), rows=8)
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
        ({"shards": []}, "shards: found an empty list, expected"),
        ({"more": 1}, "more: is not a field here"),
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


def test_an_empty_shard_of_another_program_is_read(folder):
    """As one that writes a shard for each camera leaves it."""
    np.save(folder / "none.npy", np.ones((0, DIM), np.float32))
    (folder / "none.npz").write_bytes(to_label_file(ShardLabels(np.zeros(0, int), np.zeros(0, int)), "npz"))
    sums = {name: sha256((folder / file).read_bytes()) for name, file in EMPTY.items()}
    manifest = json.loads((folder / "manifest.json").read_bytes())
    manifest["shards"].insert(1, {"vectors": "none.npy", "labels": "none.npz", "offset": 8, "rows": 0, **sums})
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert not list(check_gallery(folder))
    np.testing.assert_array_equal(read(folder).vectors, draw(20).vectors)
