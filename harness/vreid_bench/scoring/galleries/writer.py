"""Writes gallery folders shard by shard; a killed writer's work is gone on with."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import numpy as np

from vreid_bench.importing.numbering import check_whole
from vreid_bench.ops.metric import Metric
from vreid_bench.scoring.galleries.folder import StoredShard
from vreid_bench.scoring.galleries.labels import LabelFormat, ShardLabels, to_label_file
from vreid_bench.scoring.galleries.manifest import Manifest, ShardEntry, Stored, is_gallery, write_manifest
from vreid_bench.scoring.galleries.progress import FILE as PROGRESS
from vreid_bench.scoring.galleries.progress import Progress
from vreid_bench.scoring.ranks.by_parts import Block
from vreid_bench.scoring.rounding import to_half, to_int8
from vreid_bench.system.errors import InputError
from vreid_bench.system.files import hold_lock, sweep, write_atomic
from vreid_bench.system.fingerprint import digest, sha256
from vreid_bench.system.progress import bar, write_line

SHARD_NUMBERS = 1 << 25  # in the vectors of a shard, unless its rows are given: 128 MiB in float32
LOCK = ".lock"
OURS = re.compile(r"vectors-\d{5,}\.npy|labels-\d{5,}\.(parquet|npz)")  # the shards that `write_gallery` writes


class Source(Protocol):
    """Where the rows of a gallery come from."""

    @property
    def metric(self) -> Metric | None:
        """By which the program that made the vectors compared them; None if that is not known."""
        ...

    def sign(self) -> str:
        """What changes when the rows may have changed."""
        ...

    def count(self) -> int:
        """How many rows there are, for the bar."""
        ...

    def blocks(self, first: int) -> Iterator[Block]:
        """All rows from that one on, in order."""
        ...


def write_gallery(
    folder: Path,
    source: Source,
    dtype: Stored = "float32",
    rows: int | None = None,
    labels: LabelFormat = "parquet",
) -> Manifest:
    """Write the rows of a source, in order, as shards into a folder that has none. One shard is in memory.

    dtype: what the vectors are rounded to; rows: of a shard, by default as many as take 128 MiB in float32. The
    manifest is written last. Without it the folder is unfinished: the next writer keeps the shards that are whole if
    source and options are the same, and begins again otherwise. Raises InputError for a folder that holds anything
    else, for vectors that differ in length, and for numbers that are not finite or do not fit the dtype. A folder that
    was made for a source that is refused at once is removed.
    """
    new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        return _write(folder, source, dtype, rows, labels)
    except InputError:
        if new:
            _remove_without_shards(folder)
        raise


def _write(folder: Path, source: Source, dtype: Stored, rows: int | None, labels: LabelFormat) -> Manifest:
    with hold_lock(folder / LOCK):
        _check_folder(folder)
        progress = Progress(folder, digest([source.sign(), dtype, rows, labels]))
        done = _check_shards(folder, progress.read(), (dtype, labels))
        entries = [] if done is None else list(done.shards)
        progress.begin(done)
        _clear(folder, entries)
        dim, place = (done.dim, done.rows) if done is not None else (None, 0)
        if entries:
            write_line(f"{folder}: has {len(entries):,} shards of the same command; it goes on at row {place:,}")
        with bar(source.count(), "gallery", "row", done=place) as shown:
            for shard in _regroup(source.blocks(place), rows, dim):
                dim = shard.vectors.shape[1]
                entries.append(_write_shard(folder, len(entries), place, shard, (dtype, labels)))
                progress.add(entries[-1], dim, dtype)
                place += len(shard.pids)
                shown.update(len(shard.pids))
        if dim is None:
            raise InputError(f"{folder}: there is no row to write; expected at least one")
        manifest = Manifest.of(entries, dim, dtype, source.metric)
        write_manifest(folder, manifest)
        progress.end()
        (folder / LOCK).unlink(missing_ok=True)
    return manifest


def _remove_without_shards(folder: Path) -> None:
    """Leave no folder of a source that was refused before its first shard was written."""
    files = list(folder.iterdir())
    if {file.name for file in files} <= {LOCK, PROGRESS}:
        for file in files:
            file.unlink()
        folder.rmdir()


def _check_folder(folder: Path) -> None:
    """Raise InputError for a folder that holds anything but what a killed writer left; remove its temporary files."""
    if is_gallery(folder):
        raise InputError(f"{folder}: holds a gallery already; remove it, or write another folder")
    sweep(folder)
    for name in sorted(path.name for path in folder.iterdir()):
        if name not in (LOCK, PROGRESS) and not OURS.fullmatch(name):
            raise InputError(f"{folder}: holds {name!a}, which is no part of a gallery; write a new folder")


def _check_shards(folder: Path, listed: Manifest | None, forms: tuple[Stored, LabelFormat]) -> Manifest | None:
    """The listed shards up to the first that is not whole, or is not where it is written; None if there is none."""
    dtype, form = forms
    if listed is None or listed.dtype != dtype:
        return None
    whole = 0
    with suppress(InputError):
        for entry in listed.shards:
            if (entry.vectors, entry.labels) != _name_files(whole, form):
                break
            StoredShard.open(folder, listed, entry, "euclidean").check()
            whole += 1
    return listed.first(whole) if whole else None


def _clear(folder: Path, kept: Iterable[ShardEntry]) -> None:
    """Remove the other shards of a killed writer."""
    names = {name for entry in kept for name in (entry.vectors, entry.labels)}
    for path in folder.iterdir():
        if OURS.fullmatch(path.name) and path.name not in names:
            path.unlink()


def _name_files(number: int, form: LabelFormat) -> tuple[str, str]:
    """The vectors and the labels of a shard."""
    return f"vectors-{number:05}.npy", f"labels-{number:05}.{form}"


def _write_shard(folder: Path, number: int, offset: int, shard: Block, forms: tuple[Stored, LabelFormat]) -> ShardEntry:
    dtype, form = forms
    names = _name_files(number, form)
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


def _regroup(blocks: Iterable[Block], rows: int | None, dim: int | None) -> Iterator[Block]:
    """The same rows in blocks of so many, and the rest in the last one.

    rows: None for as many as a shard has by default; dim: of the rows before, if there are some.
    """
    held: list[Block] = []
    count = 0
    for block in blocks:
        _check_block(block, dim)
        dim = block.vectors.shape[1]
        rows = rows or max(1, SHARD_NUMBERS // dim)
        block = Block(block.vectors, check_whole(block.pids, "pid"), check_whole(block.camids, "camid"))
        first, size = 0, len(block.pids)
        while first < size:
            last = min(size, first + rows - count)
            held.append(Block(*(column[first:last] for column in block)))
            count += last - first
            first = last
            if count == rows:
                yield Block.join(held)
                held, count = [], 0
    if count:
        yield Block.join(held)


def _check_block(block: Block, dim: int | None) -> None:
    """Raise InputError for rows that are no labelled vectors, or vectors of another length than those before."""
    vectors, size = block.vectors, len(block.vectors)
    if vectors.ndim != 2 or vectors.dtype.kind != "f" or not vectors.shape[1]:
        raise InputError(f"gallery: vectors are {vectors.dtype} {list(vectors.shape)}, expected floats [N, E]")
    if dim is not None and vectors.shape[1] != dim:
        raise InputError(
            f"gallery: vectors have {vectors.shape[1]} numbers, those before {dim}; they must come from one model"
        )
    if any(column.shape != (size,) or column.dtype.kind not in "iu" for column in (block.pids, block.camids)):
        raise InputError(f"gallery: expected whole numbers pid and camid for each of {size} rows")
