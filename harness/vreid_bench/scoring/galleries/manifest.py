"""`manifest.json` of a gallery folder: which files hold which rows, in which numbers, and their checksums."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from vreid_bench.ops.metric import Metric
from vreid_bench.records.fields import Count, Entry, Hash, Name
from vreid_bench.records.parse import parse
from vreid_bench.system.errors import InputError
from vreid_bench.system.files import write_atomic

FILE = "manifest.json"
MOST_BYTES = 1 << 28  # of a manifest: a million shards

Stored = Literal["float64", "float32", "float16", "int8"]
Positive = Annotated[int, Field(ge=1, le=1 << 53)]


class ShardEntry(Entry):
    """One shard: a file of vectors and a file of their labels."""

    vectors: Name  # `.npy` [rows, dim]
    labels: Name  # `.parquet` or `.npz` with pid, camid, and scale where the vectors are int8
    offset: Count  # the row of the gallery that its first row is
    rows: Count
    sha256: Hash  # of the file of vectors
    labels_sha256: Hash


class Manifest(Entry):
    """A gallery in shards."""

    version: Literal[1]
    dim: Positive
    dtype: Stored
    metric: Metric | None = None  # by which the program that made the vectors compared them, if that is known
    rows: Positive
    shards: Annotated[tuple[ShardEntry, ...], Field(min_length=1)]

    @classmethod
    def of(cls, shards: Sequence[ShardEntry], dim: int, dtype: Stored, metric: Metric | None = None) -> Manifest:
        """Raises ValueError for shards that do not follow one another, and for none."""
        rows = sum(shard.rows for shard in shards)
        return cls(version=1, dim=dim, dtype=dtype, metric=metric, rows=rows, shards=tuple(shards))

    @model_validator(mode="after")
    def _check_rows(self) -> Manifest:
        place, names = 0, set()
        for number, shard in enumerate(self.shards):
            if shard.offset != place:
                raise ValueError(f"shard {number} has offset {shard.offset}, expected {place}, where the last one ends")
            place += shard.rows
            names |= {shard.vectors, shard.labels}
        if place != self.rows:
            raise ValueError(f"the shards have {place} rows together, and rows says {self.rows}")
        if len(names) < 2 * len(self.shards):
            raise ValueError("two shards name one file")
        return self

    def first(self, count: int) -> Manifest:
        """That of its first shards alone."""
        return Manifest.of(self.shards[:count], self.dim, self.dtype, self.metric)

    def describe(self) -> str:
        """What the gallery holds, in a line."""
        shards = f"{len(self.shards):,} shard{'s' * (len(self.shards) != 1)}"
        return f"{self.rows:,} rows of {self.dim} numbers ({self.dtype}) in {shards}"


def is_gallery(path: Path) -> bool:
    """Is this the folder of a gallery in shards?"""
    return (path / FILE).is_file()


def read_manifest(folder: Path) -> Manifest:
    """Raises InputError for a folder without a manifest, or with one that is not valid."""
    path = folder / FILE
    again = "write the gallery again with `vreid-bench gallery write`"
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"{path}: has more than {MOST_BYTES:,} bytes; {again}")
        return parse(path.read_bytes(), Manifest)
    except FileNotFoundError as fault:
        raise InputError(f"{path}: does not exist, so this is no finished gallery; {again}") from fault
    except (ValueError, RecursionError) as fault:
        raise InputError(f"{path}: is not valid ({fault}); {again}") from fault


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write it last: a folder with a manifest is finished."""
    write_atomic(folder / FILE, (manifest.model_dump_json(indent=1) + "\n").encode())
