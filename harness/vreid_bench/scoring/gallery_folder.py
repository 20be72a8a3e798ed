"""A gallery folder: shards on disk with a manifest, which are read block by block and checked while they are read."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vreid_bench.importing.numbering import check_whole
from vreid_bench.ops.metric import Metric
from vreid_bench.scoring.gallery_labels import LabelFormat, ShardLabels, read_label_file, to_label_file
from vreid_bench.scoring.gallery_manifest import (
    FILE,
    Manifest,
    ShardEntry,
    Stored,
    is_gallery,
    read_manifest,
    write_manifest,
)
from vreid_bench.scoring.gallery_shards import VectorFile
from vreid_bench.scoring.ranks.by_parts import ROWS, Block
from vreid_bench.scoring.rounding import from_int8, to_half, to_int8
from vreid_bench.system.errors import InputError
from vreid_bench.system.files import hold_lock, sweep, write_atomic
from vreid_bench.system.fingerprint import sha256

SHARD_NUMBERS = 1 << 25  # in the vectors of a shard, unless its rows are given: 128 MiB in float32
LOCK = ".lock"
OURS = re.compile(r"vectors-\d{5,}\.npy|labels-\d{5,}\.(parquet|npz)")  # the files that `write_gallery` writes
AGAIN = "copy it again, or write the gallery again"


@dataclass(frozen=True)
class StoredShard:
    """A shard of a gallery folder. Its files are held against their checksums each time they are read to the end."""

    file: VectorFile
    labels: Path
    entry: ShardEntry

    @classmethod
    def open(cls, folder: Path, manifest: Manifest, entry: ShardEntry, metric: Metric) -> StoredShard:
        """Raises InputError for a file of vectors that is not as the manifest says."""
        path, dtype = folder / entry.vectors, np.dtype(manifest.dtype)
        offset = _read_header(path, (entry.rows, manifest.dim), dtype)
        file = VectorFile(path, offset, (entry.rows, manifest.dim), dtype, metric == "cosine")
        return cls(file, folder / entry.labels, entry)

    def __len__(self) -> int:
        return self.entry.rows

    def blocks(self, rows: int) -> Iterator[Block]:
        """The shard, at most so many rows at a time. Raises InputError for a bad row, and for files that changed."""
        labels = self.read_labels()
        with self.file.path.open("rb") as file:
            checksum = hashlib.sha256(file.read(self.file.offset))
        for first in range(0, len(self), rows):
            some = slice(first, first + rows)
            vectors = self.file[some]
            checksum.update(np.ascontiguousarray(vectors).data)
            if labels.scale is not None:
                vectors = from_int8(vectors, labels.scale[some])
            yield Block(vectors, labels.pids[some], labels.camids[some])
        if checksum.hexdigest() != self.entry.sha256:
            raise InputError(f"{self.file.path}: has changed since it was written; {AGAIN}")

    def read_labels(self) -> ShardLabels:
        """The labels of all its rows. Raises InputError for a file that changed, or is no file of labels."""
        scaled = self.file.dtype == np.int8
        return read_label_file(self.labels, len(self), self.entry.labels_sha256, scaled)


def open_gallery(folder: Path, metric: Metric) -> tuple[Manifest, list[StoredShard]]:
    """The shards of a gallery folder, in order. Raises InputError for a folder that is none, or lacks a file."""
    manifest = read_manifest(folder)
    return manifest, [StoredShard.open(folder, manifest, entry, metric) for entry in manifest.shards]


def check_gallery(folder: Path) -> Iterator[str]:
    """What is wrong with a gallery folder, a sentence for each shard at fault. All files are read."""
    try:
        manifest = read_manifest(folder)
    except InputError as fault:
        yield str(fault)
        return
    for entry in manifest.shards:
        try:
            shard = StoredShard.open(folder, manifest, entry, "euclidean")
            for _ in shard.blocks(ROWS):
                pass
        except InputError as fault:
            yield str(fault)


def write_gallery(
    folder: Path,
    blocks: Iterable[Block],
    dtype: Stored = "float32",
    rows: int | None = None,
    labels: LabelFormat = "parquet",
) -> Manifest:
    """Write the blocks of a gallery, in order, as shards into a folder that has none. One shard is in memory.

    dtype: what the vectors are rounded to; rows: of a shard, by default as many as take 128 MiB in float32. The
    manifest is written last: without it the folder is unfinished, and writing begins again. Raises InputError for a
    folder that holds anything else, for vectors that differ in length, and for numbers that are not finite or do not
    fit the dtype.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with hold_lock(folder / LOCK):
        _clear(folder)
        entries: list[ShardEntry] = []
        dim, place = 0, 0
        for shard in _regroup(blocks, rows):
            dim = shard.vectors.shape[1]
            entries.append(_write_shard(folder, len(entries), place, shard, (dtype, labels)))
            place += len(shard.pids)
        if not entries:
            raise InputError(f"{folder}: there is no row to write; expected at least one")
        manifest = Manifest(version=1, dim=dim, dtype=dtype, rows=place, shards=tuple(entries))
        write_manifest(folder, manifest)
        (folder / LOCK).unlink(missing_ok=True)
    return manifest


def _write_shard(folder: Path, number: int, offset: int, shard: Block, forms: tuple[Stored, LabelFormat]) -> ShardEntry:
    dtype, form = forms
    names = f"vectors-{number:05}.npy", f"labels-{number:05}.{form}"
    scale, numbers = None, shard.vectors
    if not np.isfinite(numbers).all():
        row = offset + int((~np.isfinite(numbers).all(1)).argmax())
        raise InputError(f"{folder}: row {row} of the gallery is not finite; correct what it was computed from")
    if dtype == "int8":
        numbers, scale = to_int8(numbers)
    elif dtype == "float16":
        numbers = to_half(numbers, f"{folder}: rows from {offset} on")
    else:
        with np.errstate(over="ignore"):
            numbers = numbers.astype(dtype, copy=False)
        if not np.isfinite(numbers).all():
            raise InputError(f"{folder}: a number is too large for {dtype}; use --dtype float64")
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(numbers), allow_pickle=False)
    content = buffer.getvalue(), to_label_file(ShardLabels(shard.pids, shard.camids, scale), form)
    for name, written in zip(names, content, strict=True):
        write_atomic(folder / name, written)
    sums = [sha256(written) for written in content]
    return ShardEntry(
        vectors=names[0],
        labels=names[1],
        offset=offset,
        rows=len(shard.pids),
        sha256=sums[0],
        labels_sha256=sums[1],
    )


def _regroup(blocks: Iterable[Block], rows: int | None) -> Iterator[Block]:
    """The same rows in blocks of so many, and the rest in the last one."""
    held: list[Block] = []
    count = 0
    for block in blocks:
        _check_block(block, held[0] if held else None)
        rows = rows or max(1, SHARD_NUMBERS // block.vectors.shape[1])
        held.append(Block(block.vectors, check_whole(block.pids, "pid"), check_whole(block.camids, "camid")))
        count += len(block.pids)
        while count >= rows:
            joined = _join(held)
            yield Block(*(column[:rows] for column in joined))
            held, count = [Block(*(column[rows:] for column in joined))], count - rows
    if count:
        yield _join(held)


def _join(blocks: list[Block]) -> Block:
    return Block(*(np.concatenate(columns) for columns in zip(*blocks, strict=True)))


def _check_block(block: Block, first: Block | None) -> None:
    vectors, size = block.vectors, len(block.vectors)
    if vectors.ndim != 2 or vectors.dtype.kind != "f" or not vectors.shape[1]:
        raise InputError(f"gallery: vectors are {vectors.dtype} {list(vectors.shape)}, expected floats [N, E]")
    if first is not None and vectors.shape[1] != first.vectors.shape[1]:
        raise InputError(
            f"gallery: vectors have {vectors.shape[1]} numbers, those before {first.vectors.shape[1]}; "
            "they must come from one model"
        )
    if any(column.shape != (size,) or column.dtype.kind not in "iu" for column in (block.pids, block.camids)):
        raise InputError(f"gallery: expected whole numbers pid and camid for each of {size} rows")


def _clear(folder: Path) -> None:
    """Remove what a killed writer left. Raises InputError for a folder that holds anything else."""
    if is_gallery(folder):
        raise InputError(f"{folder}: holds a gallery already; remove it, or write another folder")
    sweep(folder)
    left = [path for path in folder.iterdir() if path.name != LOCK]
    ours = [path for path in left if OURS.fullmatch(path.name)]
    if other := sorted(set(left) - set(ours)):
        raise InputError(f"{folder}: holds {other[0].name!a}, which is no part of a gallery; write a new folder")
    for path in ours:
        path.unlink()


def _read_header(path: Path, shape: tuple[int, int], dtype: np.dtype[np.generic]) -> int:
    """Where the numbers of a `.npy` begin. Raises InputError if it is not as the manifest says."""
    try:
        with path.open("rb") as file:
            version = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            found = read(file)
            offset, size = file.tell(), file.seek(0, io.SEEK_END)
    except Exception as fault:  # a damaged file makes its reader raise anything
        reason = fault.strerror if isinstance(fault, OSError) else str(fault).partition("\n")[0]
        raise InputError(f"{path}: cannot be read as .npy ({reason}); {AGAIN}") from fault
    if found != (shape, False, dtype):
        raise InputError(f"{path}: is {found[2]} {list(found[0])}, and {FILE} says {dtype} {list(shape)}; {AGAIN}")
    expected = offset + shape[0] * shape[1] * dtype.itemsize
    if size != expected:
        raise InputError(f"{path}: has {size:,} bytes, expected {expected:,}; {AGAIN}")
    return offset


def describe(manifest: Manifest) -> str:
    """What a gallery holds, in a line."""
    return f"{manifest.rows:,} rows of {manifest.dim} numbers ({manifest.dtype}) in {len(manifest.shards):,} shards"
