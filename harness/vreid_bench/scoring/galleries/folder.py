"""Reads gallery folders: shards on disk with a manifest, block by block, and checked while they are read."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vreid_bench.ops.metric import Metric
from vreid_bench.scoring.galleries.labels import ShardLabels, read_label_file
from vreid_bench.scoring.galleries.manifest import FILE, Manifest, ShardEntry, read_manifest
from vreid_bench.scoring.galleries.shards import VectorFile, read_npy_header
from vreid_bench.scoring.ranks.by_parts import Block, choose_rows
from vreid_bench.scoring.rounding import from_int8
from vreid_bench.system.errors import InputError
from vreid_bench.system.progress import bar

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

    def check(self) -> None:
        """Read all of it. Raises InputError as `blocks` does."""
        for _ in self.blocks(choose_rows(self.file.shape[1])):
            pass

    def read_labels(self) -> ShardLabels:
        """The labels of all its rows. Raises InputError for a file that changed, or is no file of labels."""
        scaled = self.file.dtype == np.int8
        return read_label_file(self.labels, len(self), self.entry.labels_sha256, scaled)


def open_shards(folder: Path, manifest: Manifest, metric: Metric) -> list[StoredShard]:
    """The shards of a gallery folder, in order. Raises InputError for a file that is missing or not as listed."""
    return [StoredShard.open(folder, manifest, entry, metric) for entry in manifest.shards]


def check_gallery(folder: Path) -> Iterator[str]:
    """What is wrong with a gallery folder, a sentence for each shard at fault. All files are read; a bar shows it."""
    try:
        manifest = read_manifest(folder)
    except InputError as fault:
        yield str(fault)
        return
    with bar(manifest.rows, "gallery", "row") as progress:
        for entry in manifest.shards:
            try:
                StoredShard.open(folder, manifest, entry, "euclidean").check()
            except InputError as fault:
                yield str(fault)
            progress.update(entry.rows)


def _read_header(path: Path, shape: tuple[int, int], dtype: np.dtype[np.generic]) -> int:
    """Where the numbers of a `.npy` begin. Raises InputError if it is not as the manifest says."""
    try:
        with path.open("rb") as file:
            found = read_npy_header(file)
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
