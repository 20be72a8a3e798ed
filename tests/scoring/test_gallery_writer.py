"""Writing a gallery folder: what is refused, and what a writer that was killed leaves to the next one."""

import shutil

import numpy as np
import pytest
from gallery_parts import Rows
from hypothesis import given, settings
from hypothesis import strategies as st

from vreid_bench.scoring.galleries.folder import check_gallery
from vreid_bench.scoring.galleries.manifest import read_manifest
from vreid_bench.scoring.galleries.sources import Files
from vreid_bench.scoring.galleries.writer import _regroup, write_gallery
from vreid_bench.scoring.ranks.by_parts import Block
from vreid_bench.system.errors import InputError


def draw(rows, seed=0, dim=5):
    random = np.random.default_rng(seed)
    vectors = random.standard_normal((rows, dim)).astype(np.float32)
    return Block(vectors, random.integers(-1, 9, rows), random.integers(1, 4, rows))


class Interrupted(Rows):
    """Rows after which the writer is interrupted."""

    def blocks(self, first):
        yield from super().blocks(first)
        raise KeyboardInterrupt


class Seen(Rows):
    """Rows that remember from where they were read."""

    firsts = []  # noqa: RUF012

    def blocks(self, first):
        self.firsts.append(first)
        return super().blocks(first)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def whole(tmp_path):
    """What a writer leaves that is not interrupted: 20 rows in shards of 3."""
    write_gallery(tmp_path / "whole", Rows([draw(20)]), "int8", rows=3)
    return contents(tmp_path / "whole")


@pytest.fixture
def begun(tmp_path):
    """A folder of a writer that was killed after 10 of the rows, and so after three shards."""
    half = Block(*(column[:10] for column in draw(20)))
    with pytest.raises(KeyboardInterrupt):
        write_gallery(tmp_path / "g", Interrupted([half]), "int8", rows=3)
    assert "manifest.json: does not exist, so this is no finished gallery" in next(check_gallery(tmp_path / "g"))
    return tmp_path / "g"


def write(folder, *more, source=Seen, **options):
    """Write all rows as the killed writer would have; returns the row with which it begins."""
    Seen.firsts.clear()
    write_gallery(folder, source([draw(20)], *more), **{"dtype": "int8", "rows": 3} | options)
    return Seen.firsts[0]


def test_a_killed_writer_is_gone_on_with_to_the_same_bytes(begun, whole, capsys):
    before = {path: path.stat().st_mtime_ns for path in begun.glob("*-0000[012].*")}
    assert write(begun) == 9
    assert contents(begun) == whole
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert "g: has 3 shards of the same command; it goes on at row 9" in capsys.readouterr().err


def test_a_writer_that_was_killed_before_the_manifest_reads_nothing_again(tmp_path, whole):
    with pytest.raises(KeyboardInterrupt):
        write_gallery(tmp_path / "g", Interrupted([draw(18)]), "int8", rows=3)
    Seen.firsts.clear()
    assert write_gallery(tmp_path / "g", Seen([draw(18)]), "int8", rows=3).rows == 18
    assert Seen.firsts == [18]


@pytest.mark.parametrize(
    ("damage", "first"),
    [
        (lambda folder: (folder / "vectors-00001.npy").unlink(), 3),
        (lambda folder: (folder / "labels-00002.parquet").write_bytes(b""), 6),
        (lambda folder: change_byte(folder / "vectors-00000.npy", -1), 0),
        (lambda folder: cut(folder / "progress.jsonl", 5), 6),
        (lambda folder: change_byte(folder / "progress.jsonl", 0), 0),
        (lambda folder: (folder / "progress.jsonl").unlink(), 0),
        (lambda folder: swap_lines(folder / "progress.jsonl"), 0),
        (lambda folder: rename_shard(folder, "vectors-00001.npy", "vectors-00003.npy"), 3),
        (lambda folder: shutil.copy(folder / "vectors-00000.npy", folder / "vectors-00003.npy"), 9),
    ],
)
def test_shards_that_are_not_whole_are_written_again(begun, whole, damage, first):
    damage(begun)
    assert write(begun) == first
    assert contents(begun) == whole


@pytest.mark.parametrize(
    ("more", "options"),
    [(("other",), {}), ((), {"rows": 4}), ((), {"dtype": "float32"}), ((), {"labels": "npz"})],
)
def test_other_rows_or_options_begin_again(begun, tmp_path, more, options):
    assert write(begun, *more, **options) == 0
    write_gallery(tmp_path / "fresh", Rows([draw(20)]), **{"dtype": "int8", "rows": 3} | options)
    assert contents(begun) == contents(tmp_path / "fresh")


def change_byte(path, place):
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def cut(path, size):
    path.write_bytes(path.read_bytes()[:-size])


def rename_shard(folder, name, other):
    """A whole shard, under the name that a later one will have."""
    (folder / name).rename(folder / other)
    path = folder / "progress.jsonl"
    path.write_text(path.read_text().replace(name, other))


def swap_lines(path):
    head, one, other, last = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(head + other + one + last)


def test_files_that_may_have_changed_have_another_signature(tmp_path):
    arrays = dict(zip(("embedding", "pid", "camid"), draw(9), strict=True))
    for name in ("part-2.npz", "part-10.npz"):
        np.savez(tmp_path / name, **arrays)
    files = Files.find([tmp_path / "part-*.npz"])
    assert [path.name for path in files.paths] == ["part-2.npz", "part-10.npz"]
    assert files.sign() == Files.find([tmp_path / "part-2.npz", tmp_path / "part-10.npz"]).sign()
    before = files.sign()
    assert Files(files.paths[::-1]).sign() != before
    arrays["pid"][0] += 1
    np.savez(tmp_path / "part-10.npz", **arrays)
    assert files.sign() != before
    for first in (0, 5, 9, 11, 18):
        found = [block for block in files.blocks(first) if len(block.pids)]
        assert sum(len(block.pids) for block in found) == 18 - first
        assert not found or found[0].vectors[0].tolist() == draw(9).vectors[first % 9].tolist()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 9), max_size=6), st.integers(1, 12))
def test_blocks_are_regrouped_in_order(sizes, rows):
    blocks = [draw(size, seed) for seed, size in enumerate(sizes)]
    found = list(_regroup(blocks, rows, None))
    assert all(len(block.pids) == rows for block in found[:-1])
    assert not found or 0 < len(found[-1].pids) <= rows
    for column in range(3):
        expected = [row.tolist() for block in blocks for row in block[column]]
        assert [row.tolist() for block in found for row in block[column]] == expected


def test_nothing_else_is_overwritten(tmp_path):
    folder = tmp_path / "gallery"
    write_gallery(folder, Rows([draw(20)]))
    with pytest.raises(InputError, match="holds a gallery already; remove it, or write another folder"):
        write_gallery(folder, Rows([draw(4)]))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "labels-of-me.npz").touch()
    with pytest.raises(InputError, match=r"mine: holds 'labels-of-me\.npz', which is no part of a gallery"):
        write_gallery(tmp_path / "mine", Rows([draw(4)]))


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
        write_gallery(tmp_path / "g", Rows(blocks), dtype, 2)
    assert message in str(fault.value)
    assert not (tmp_path / "g" / "manifest.json").exists()
    # a folder is left only where shards were written before, with which another try goes on
    assert (tmp_path / "g").exists() == bool([*tmp_path.glob("g/vectors-*")])


@pytest.mark.parametrize("metric", [None, "euclidean"])
def test_the_manifest_names_the_metric_of_the_source(tmp_path, metric):
    write_gallery(tmp_path / "g", Rows([draw(4)], metric=metric))
    assert read_manifest(tmp_path / "g").metric == metric
