"""`progress.jsonl` of an unfinished gallery folder: the shards that are whole, a line for each, in order."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vreid_bench.records.fields import Entry
from vreid_bench.records.parse import parse
from vreid_bench.scoring.galleries.manifest import Manifest, Positive, ShardEntry, Stored
from vreid_bench.system.files import write_atomic

FILE = "progress.jsonl"


class Head(Entry):
    """The first line."""

    version: Literal[1]
    signature: str  # of the source and the options: what a writer must have to go on
    dim: Positive
    dtype: Stored


@dataclass(frozen=True)
class Progress:
    """The list in a folder, as the writer with a signature has it. A shard is listed when its files are on the disk."""

    folder: Path
    signature: str

    @property
    def path(self) -> Path:
        """The file of the list."""
        return self.folder / FILE

    def read(self) -> Manifest | None:
        """The shards that a writer with the same signature has listed; None if there is none.

        A line that was cut off, by a kill or a full disk, ends the list.
        """
        try:
            first, *lines = self.path.read_bytes().splitlines()
            head = parse(first, Head)
            if head.signature != self.signature:
                return None
            shards = list(_parse_lines(lines))
            return Manifest.of(shards, head.dim, head.dtype)
        except (OSError, ValueError, RecursionError):  # a list without a shard is no manifest, either
            return None

    def begin(self, done: Manifest | None) -> None:
        """Write the list of the shards that are there."""
        self.end()
        if done is not None:
            lines = [self._head(done.dim, done.dtype), *(entry.model_dump_json() for entry in done.shards)]
            write_atomic(self.path, "".join(f"{line}\n" for line in lines).encode())

    def add(self, entry: ShardEntry, dim: int, dtype: Stored) -> None:
        """List a shard."""
        line = f"{entry.model_dump_json()}\n"
        if not entry.offset:
            line = f"{self._head(dim, dtype)}\n{line}"
        with self.path.open("a") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())

    def end(self) -> None:
        """Remove the list."""
        self.path.unlink(missing_ok=True)

    def _head(self, dim: int, dtype: Stored) -> str:
        return Head(version=1, signature=self.signature, dim=dim, dtype=dtype).model_dump_json()


def _parse_lines(lines: Iterable[bytes]) -> Iterator[ShardEntry]:
    """The shards up to the first line that is none."""
    with suppress(ValueError, RecursionError):
        yield from (parse(line, ShardEntry) for line in lines)
