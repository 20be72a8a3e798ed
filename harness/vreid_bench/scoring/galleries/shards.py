"""Galleries larger than memory: shards on disk, which are read block by block (`score --gallery 'shard-*.npz'`)."""

from __future__ import annotations

import re
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from vreid_bench.ops.metric import Metric
from vreid_bench.records.npz import read_npz
from vreid_bench.scoring.array_files import Array
from vreid_bench.scoring.labelled_features import LabelledFeatures
from vreid_bench.scoring.ranks.by_parts import Block
from vreid_bench.system.errors import InputError

LABELS = ("pid", "camid")
WRITE = "write each shard by numpy.savez with embedding [N, E], pid [N] and camid [N]"
LOCAL_HEADER = struct.Struct("<26xHH")  # of a zip member: the lengths of its name and of its extra field


@dataclass(frozen=True)
class VectorFile:
    """The vectors of a shard [N, E], left on disk. A slice of it is read, and raises InputError for a bad row."""

    path: Path
    offset: int  # of the first number, in bytes
    shape: tuple[int, int]
    dtype: np.dtype[Any]
    cosine: bool  # are vectors of zeros bad, too?

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> Array:
        first, last, _ = rows.indices(len(self))
        width = self.shape[1]
        offset = self.offset + first * width * self.dtype.itemsize
        numbers = np.fromfile(self.path, self.dtype, (last - first) * width, offset=offset)
        if len(numbers) < (last - first) * width:
            raise InputError(f"{self.path}: ends before its {len(self):,} rows do; copy it again")
        block = numbers.reshape(-1, width)
        bad = ~np.isfinite(block).all(1) | (self.cosine & ~block.any(1))
        if bad.any():
            row = first + int(bad.argmax())
            what = "is not finite" if not np.isfinite(block[row - first]).all() else "is zero, which has no direction"
            raise InputError(f"{self.path}: row {row} of embedding {what}; correct it")
        return block


@dataclass(frozen=True)
class Shard:
    """A file of a gallery: vectors that stay on disk, and labels that are read with every pass."""

    vectors: VectorFile

    @classmethod
    def open(cls, path: Path, width: int | None, metric: Metric) -> Shard:
        """Raises InputError for a file that is no shard, or whose labels are not those of its rows.

        width: of the queries; None for any.
        """
        shard = cls(open_vectors(path, width, metric))
        shard.read_labels()
        return shard

    def __len__(self) -> int:
        return len(self.vectors)

    def blocks(self, rows: int, first: int = 0) -> Iterator[Block]:
        """The shard from that row on, at most so many rows at a time."""
        labels = self.read_labels()
        for place in range(first, len(self), rows):
            some = slice(place, place + rows)
            yield Block(self.vectors[some], labels.pid[some], labels.camid[some])

    def list_unused(self) -> list[str]:
        """The names of its arrays that are not read."""
        with zipfile.ZipFile(self.vectors.path) as archive:
            names = [name.removesuffix(".npy") for name in archive.namelist()]
        return [name for name in names if name not in ("embedding", *LABELS)]

    def read_labels(self) -> LabelledFeatures:
        """The labels of all its rows."""
        path = self.vectors.path
        labels = LabelledFeatures.from_arrays(read_npz(path, LABELS), str(path))
        if len(labels) != len(self):
            raise InputError(f"{path}: has {len(labels):,} labels, expected one for each of its {len(self):,} rows")
        return labels


def is_pattern(path: Path) -> bool:
    """Does a path name shards by a pattern, such as `shard-*.npz`?"""
    return re.search(r"[*?\[]", path.name) is not None and not path.exists()


def find_shards(pattern: Path) -> list[Path]:
    """The files of a pattern, in the order of the numbers in their names. Raises InputError if there is none."""
    found = sorted(pattern.parent.glob(pattern.name), key=_natural)
    if not found:
        raise InputError(f"{pattern}: no file has such a name; {WRITE}")
    return found


def open_vectors(path: Path, width: int | None, metric: Metric) -> VectorFile:
    """The vectors of a shard, which stay on disk. Raises InputError for a file that is no shard."""
    try:
        with zipfile.ZipFile(path) as archive, path.open("rb") as file:
            member = archive.getinfo("embedding.npy")
            if member.compress_type != zipfile.ZIP_STORED:
                raise InputError(f"{path}: embedding is compressed, expected numpy.savez and not savez_compressed")
            file.seek(member.header_offset)
            file.seek(sum(LOCAL_HEADER.unpack(file.read(LOCAL_HEADER.size))), 1)
            begin = file.tell()
            shape, fortran, dtype = read_npy_header(file)
            offset = file.tell()
    except KeyError:
        raise InputError(f"{path}: has no array 'embedding'; {WRITE}") from None
    except InputError:
        raise
    except Exception as fault:  # a damaged file makes its reader raise anything
        raise InputError(f"{path}: cannot be read as npz ({fault}); {WRITE}") from fault
    fits = len(shape) == 2 and shape[0] >= 0 and shape[1] > 0 and shape[1] == (width or shape[1])
    if not fits or dtype.kind != "f" or fortran:
        found = f"{dtype} {list(shape)}" + (", column by column" if fortran else "")
        expected = f"floats [N, {width}] row by row, as the queries" if width else "floats [N, E] row by row"
        raise InputError(f"{path}: embedding is {found}, expected {expected}")
    if shape[0] * shape[1] * dtype.itemsize > member.file_size - (offset - begin):
        raise InputError(f"{path}: embedding claims {list(shape)}, which the file does not hold; copy it again")
    return VectorFile(path, offset, (shape[0], shape[1]), dtype, metric == "cosine")


def read_npy_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether it is column by column, and type of the array that begins here. Raises ValueError or OSError."""
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    header: tuple[tuple[int, ...], bool, np.dtype[Any]] = read(file)
    return header


def _natural(path: Path) -> list[tuple[int, str]]:
    """A key that puts shard-2 before shard-10."""
    return [(int(text), "") if text.isdecimal() else (-1, text) for text in re.split(r"(\d+)", path.name)]
